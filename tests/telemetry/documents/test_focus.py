"""The file, column by column, against what FOCUS 1.2 says of each: rules listed by hand here."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from governance.kernel.authority import Actor
from telemetry.allocation import services as allocation
from telemetry.chargeback import statements
from telemetry.documents.focus import entries_of, focus_csv
from telemetry.documents.focus_columns import COLUMNS, MANDATORY, NAMES, Level
from telemetry.ledger.models import LedgerEntry
from tests.factories.allocation import make_rule
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
IN_OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)
Row = dict[str, str]

# The specification's list of mandatory columns, version 1.2.
SPECIFIED = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
]
NEVER_NULL = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ChargeFrequency",
]
DECIMALS = [
    "BilledCost",
    "ContractedCost",
    "EffectiveCost",
    "ListCost",
    "PricingQuantity",
    "ConsumedQuantity",
]
TIMES = ["BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"]
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
}


def when(condition: bool, holds: bool) -> bool:
    return holds or not condition


# Name, and whether a row keeps it.
CONDITIONAL: dict[str, Callable[[Row], bool]] = {
    "a tax has no pricing quantity": lambda row: when(
        row["ChargeCategory"] == "Tax", row["PricingQuantity"] == ""
    ),
    "usage and purchases that are no correction have a pricing quantity": lambda row: when(
        row["ChargeCategory"] in {"Usage", "Purchase"} and row["ChargeClass"] != "Correction",
        row["PricingQuantity"] != "",
    ),
    "a pricing unit stands with a quantity and only then": lambda row: (
        (row["PricingUnit"] != "") == (row["PricingQuantity"] != "")
    ),
    "what is no usage has no consumed quantity": lambda row: when(
        row["ChargeCategory"] != "Usage", row["ConsumedQuantity"] == ""
    ),
    "usage that is no correction has a consumed quantity": lambda row: when(
        row["ChargeCategory"] == "Usage" and row["ChargeClass"] != "Correction",
        row["ConsumedQuantity"] != "",
    ),
    "a consumed unit stands with a quantity and only then": lambda row: (
        (row["ConsumedUnit"] != "") == (row["ConsumedQuantity"] != "")
    ),
    "a purchase is not usage-based": lambda row: when(
        row["ChargeCategory"] == "Purchase", row["ChargeFrequency"] != "Usage-Based"
    ),
    "a resource has its type, and no other row has one": lambda row: (
        (row["ResourceId"] != "") == (row["ResourceType"] != "")
    ),
    "no resource name without a resource": lambda row: when(
        row["ResourceId"] == "", row["ResourceName"] == ""
    ),
    "a region has its name": lambda row: (row["RegionId"] != "") == (row["RegionName"] != ""),
    "a sub account has its name": lambda row: (
        (row["SubAccountId"] != "") == (row["SubAccountName"] != "")
    ),
    "a period ends after it starts": lambda row: (
        row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        and row["BillingPeriodStart"] < row["BillingPeriodEnd"]
    ),
    "tags are one object of texts": lambda row: all(
        isinstance(value, str) for value in json.loads(row["Tags"]).values()
    ),
}


@pytest.fixture
def month() -> list[Row]:
    """October closed with usage and shared cost; November with late usage, a correction of
    October, a credit, an adjustment of its own, and a reversed allocation."""
    finance = Actor.person(make_person("finance"))
    use_case = make_use_case(make_team("legal"), title="=HYPERLINK(1)")
    for starts_on in (OCTOBER, NOVEMBER):
        make_budget(use_case.team, starts_on=starts_on)
    make_paid_call(use_case, amount="0.5", now=IN_OCTOBER)
    rule = make_rule()
    allocation.book(actor=finance, rule_id=rule.pk, period=OCTOBER, now=NOW)
    allocation.reverse(actor=finance, rule_id=rule.pk, period=OCTOBER, reason="Wrong pool", now=NOW)
    allocation.book(actor=finance, rule_id=rule.pk, period=OCTOBER, now=NOW)
    begun = statements.begin_closing(actor=finance, team=use_case.team, period=OCTOBER, now=NOW)
    statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    make_paid_call(use_case, amount="0.25", now=IN_OCTOBER)
    make_paid_call(use_case, amount="0.125", now=NOW)
    first = LedgerEntry.objects.filter(kind="usage").earliest("pk")
    for kind, amount, corrects in (
        ("adjustment", "-0.1", first),
        ("credit", "-0.2", None),
        ("adjustment", "0.05", None),
    ):
        LedgerEntry.objects.create(
            kind=kind,
            team=use_case.team,
            period=NOVEMBER,
            day=NOW.date(),
            amount=Decimal(amount),
            currency="USD",
            source="live",
            corrects=corrects,
            description="@mistake",
            created_at=NOW,
        )
    lines = [
        *focus_csv(entries_of(None, OCTOBER)),
        *list(focus_csv(entries_of(None, NOVEMBER)))[1:],
    ]
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_the_mandatory_columns_are_those_of_the_specification() -> None:
    assert list(MANDATORY) == SPECIFIED
    assert len(set(NAMES)) == len(NAMES)
    for column in COLUMNS:
        assert column.name.startswith("x_") == (column.level == Level.OWN)
        assert column.name.startswith("x_") or re.fullmatch(r"([A-Z][a-z]+)+", column.name)
    assert {column.name for column in COLUMNS if not column.nullable} >= set(NEVER_NULL)


def test_every_column_is_there_and_what_must_not_be_null_is_not(month: list[Row]) -> None:
    assert tuple(month[0]) == NAMES
    for row in month:
        assert [name for name in NEVER_NULL if row[name] == ""] == []
        assert [name for name, value in row.items() if value in {"NULL", "None", "N/A"}] == []


def test_types_and_allowed_values(month: list[Row]) -> None:
    for row in month:
        for name in DECIMALS:
            assert row[name] == "" or re.fullmatch(r"-?\d+(\.\d+)?", row[name]), (name, row[name])
        for name in TIMES:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[name])
        for name, allowed in ALLOWED.items():
            assert row[name] in allowed
        assert re.fullmatch(r"[A-Z]{3}", row["BillingCurrency"])


@pytest.mark.parametrize("rule", sorted(CONDITIONAL))
def test_conditional_rules(month: list[Row], rule: str) -> None:
    assert [row for row in month if not CONDITIONAL[rule](row)] == []


def test_rows_are_the_ledger(month: list[Row]) -> None:
    booked = sum(LedgerEntry.objects.values_list("amount", flat=True))
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(Decimal(row[name]) for row in month) == booked
    assert sum(int(row["x_Entries"]) for row in month) == LedgerEntry.objects.count()
    kinds = {(row["ChargeCategory"], row["ChargeClass"], row["ChargeFrequency"]) for row in month}
    assert kinds == {
        ("Usage", "", "Usage-Based"),
        ("Purchase", "", "Recurring"),
        ("Credit", "", "One-Time"),
        ("Adjustment", "", "One-Time"),
        ("Adjustment", "Correction", "One-Time"),
    }
    october = [row for row in month if row["BillingPeriodStart"].startswith("2026-10")]
    assert {len(row["InvoiceId"]) for row in october} == {64}
    late = [row for row in month if row["ChargePeriodStart"] < row["BillingPeriodStart"]]
    assert [row["BilledCost"] for row in late] == ["0.250000000"]


def test_texts_are_harmless(month: list[Row]) -> None:
    assert {row["x_UseCase"] for row in month} == {"", "'=HYPERLINK(1)"}
    assert "'@mistake" in {row["ChargeDescription"] for row in month}
