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
from governance.model_cards.models import Commitment, Deployment, Price
from telemetry.allocation import services as allocation
from telemetry.chargeback import statements
from telemetry.documents.focus import entries_of, focus_csv
from telemetry.documents.focus_columns import COLUMNS, MANDATORY, NAMES, Level
from telemetry.ledger.models import LedgerEntry
from tests.factories.allocation import make_rule
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import (
    NOW,
    make_deployment,
    make_person,
    make_team,
    make_use_case,
)
from tests.factories.stages import decided

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
    "ListUnitPrice",
    "ContractedUnitPrice",
    "CommitmentDiscountQuantity",
]
TIMES = ["BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"]
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
}

COMMITTED = [
    f"CommitmentDiscount{name}" for name in ("Id", "Name", "Category", "Type", "Status")
] + [
    "CommitmentDiscountQuantity",
    "CommitmentDiscountUnit",
]


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
    "a payment is taken by who issues the invoice": lambda row: when(
        row["ProviderName"] != row["InvoiceIssuerName"], Decimal(row["BilledCost"]) == 0
    ),
    "what is bought ahead costs nothing of itself": lambda row: when(
        row["ChargeCategory"] == "Purchase", Decimal(row["EffectiveCost"]) == 0
    ),
    "usage and purchases that are no correction have unit prices": lambda row: when(
        row["ChargeCategory"] in {"Usage", "Purchase"} and row["ChargeClass"] != "Correction",
        row["ListUnitPrice"] != "" and row["ContractedUnitPrice"] != "",
    ),
    "usage and purchases that are no correction are of something that has a price": lambda row: (
        when(
            row["ChargeCategory"] in {"Usage", "Purchase"} and row["ChargeClass"] != "Correction",
            row["SkuPriceId"].startswith(row["SkuId"]) and row["SkuId"] != "",
        )
    ),
    "a meter stands with what it counts": lambda row: (
        (row["SkuMeter"] != "") == (row["SkuId"] != "")
    ),
    "what a commitment discount is of, how much and whether used": lambda row: (
        len({row[name] == "" for name in COMMITTED}) == 1
    ),
    "a pricing category stands with usage and purchases": lambda row: (
        (row["PricingCategory"] != "") == (row["ChargeCategory"] in {"Usage", "Purchase"})
        or row["ChargeClass"] == "Correction"
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


def agreed() -> Deployment:
    """Half off 2.50 and 10.00 a million since November, and a promise for that month."""
    deployment = make_deployment("2.50", "10.00")
    Price.objects.create(
        deployment=deployment,
        kind="discount",
        amount=Decimal(50),
        currency="USD",
        starts_on=NOVEMBER,
    )
    Commitment.objects.create(
        deployment=deployment,
        starts_on=NOVEMBER,
        ends_on=date(2026, 11, 30),
        amount=Decimal(10),
        currency="USD",
        source="Contract",
        change=decided("prices", deployment.pk, make_person(), proposal={}, now=NOW),
        created_at=NOW,
    )
    return deployment


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
    make_paid_call(use_case, agreed(), amount="0.000175", now=NOW)
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
    for name in ("BilledCost", "EffectiveCost", "ContractedCost"):
        assert sum(Decimal(row[name]) for row in month) == booked
    assert sum(int(row["x_Entries"]) for row in month) == LedgerEntry.objects.count()
    kinds = {(row["ChargeCategory"], row["ChargeClass"], row["ChargeFrequency"]) for row in month}
    assert kinds == {
        ("Usage", "", "Usage-Based"),
        ("Usage", "", "Recurring"),
        ("Credit", "", "One-Time"),
        ("Adjustment", "", "One-Time"),
        ("Adjustment", "Correction", "One-Time"),
    }
    october = [row for row in month if row["BillingPeriodStart"].startswith("2026-10")]
    assert {len(row["x_Seal"]) for row in october} == {64}
    assert {row["InvoiceId"] for row in october} == {"LEGAL-2026-10"}
    late = [row for row in month if row["ChargePeriodStart"] < row["BillingPeriodStart"]]
    assert [row["BilledCost"] for row in late] == ["0.250000000"]


def test_list_and_contracted_prices_and_the_promise_that_is_used_up(month: list[Row]) -> None:
    for row in month:
        for cost, price in (
            ("ListCost", "ListUnitPrice"),
            ("ContractedCost", "ContractedUnitPrice"),
        ):
            if row["PricingQuantity"] and row["ChargeClass"] == "":
                product = Decimal(row[price]) * Decimal(row["PricingQuantity"])
                assert product.quantize(Decimal("1e-15")) == Decimal(row[cost])
    [row] = [row for row in month if row["CommitmentDiscountId"]]
    # 100 in at 2.50 and 10 out at 10.00 by the million; half of it was booked.
    assert (row["ListCost"], row["ContractedCost"]) == ("0.000350000", "0.000175000")
    assert (row["PricingCategory"], row["CommitmentDiscountStatus"]) == ("Committed", "Used")
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (
        "0.000175000",
        "USD",
    )
    for row in month:
        if not row["CommitmentDiscountId"]:
            assert row["ListCost"] == row["BilledCost"]


def test_texts_are_harmless(month: list[Row]) -> None:
    assert {row["x_UseCase"] for row in month} == {"", "'=HYPERLINK(1)"}
    assert "'@mistake" in {row["ChargeDescription"] for row in month}
