"""The ledger's lines as FOCUS 1.2 rows, one per day, team, use case, model and source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Sum

from governance.access.models import Organisation
from governance.audit.tables import csv_lines
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import StatementState, next_month
from telemetry.documents.focus_columns import NAMES
from telemetry.ledger.models import LedgerEntry, LedgerEntryQuerySet
from telemetry.ledger.rules import EntryKind

CATEGORIES = {
    EntryKind.USAGE: ("Usage", "Usage-Based"),
    EntryKind.ALLOCATION: ("Purchase", "Recurring"),
    EntryKind.CREDIT: ("Credit", "One-Time"),
}
OTHERS = ("Adjustment", "One-Time")
_OF = {
    "team_name": F("team__name"),
    "team_code": F("team__code"),
    "use_case_slug": F("use_case__slug"),
    "use_case_title": F("use_case__title"),
    "slug": F("deployment__slug"),
    "name": F("deployment__name"),
    "region": F("deployment__region"),
    "provider": F("deployment__card__provider"),
}
_WHERE = ("period", "day", "kind", "source", "currency", "team_id", *_OF)


def focus_csv(entries: LedgerEntryQuerySet) -> Iterator[str]:
    """The file, line by line; text that a spreadsheet would run is made harmless."""
    rows = focus_rows(entries)
    return csv_lines(NAMES, ([row[name] for name in NAMES] for row in rows))


def focus_rows(entries: LedgerEntryQuerySet) -> Iterator[dict[str, Any]]:
    """Usage is added up by day; every other entry is a row with its own words."""
    organisation = Organisation.objects.first()
    account = (str(organisation.pk), organisation.name) if organisation else ("1", "Placet")
    closed = Statement.objects.filter(state=StatementState.CLOSED)
    seals = {
        (team, period): sha
        for team, period, sha in closed.values_list("team_id", "period", "sha256")
    }
    for line in _lines(entries):
        yield _row(line, account, seals.get((line["team_id"], line["period"])))


def _lines(entries: LedgerEntryQuerySet) -> Iterable[Mapping[str, Any]]:
    usage = entries.filter(kind=EntryKind.USAGE).order_by().annotate(**_OF).values(*_WHERE)
    summed = usage.annotate(
        entries=Count("pk"),
        calls_=Sum("calls"),
        input_=Sum("tokens_input"),
        output_=Sum("tokens_output"),
        amount_=Sum("amount"),
    ).order_by("period", "day", "team_code", "use_case_slug", "slug", "source")
    yield from summed.iterator(chunk_size=2000)
    others = entries.exclude(kind=EntryKind.USAGE).annotate(
        **_OF, corrected_period=F("corrects__period")
    )
    for line in (
        others.order_by("period", "day", "pk")
        .values(
            *_WHERE,
            "description",
            "corrected_period",
            "calls",
            "tokens_input",
            "tokens_output",
            "amount",
        )
        .iterator(chunk_size=2000)
    ):
        yield line | {
            "entries": 1,
            "calls_": line["calls"],
            "input_": line["tokens_input"],
            "output_": line["tokens_output"],
            "amount_": line["amount"],
        }


def _row(line: Mapping[str, Any], account: tuple[str, str], seal: str | None) -> dict[str, Any]:
    kind, day, period = line["kind"], line["day"], line["period"]
    category, frequency = CATEGORIES.get(kind, OTHERS)
    corrected = line.get("corrected_period")
    amount, provider = f"{line['amount_']:f}", line["provider"] or account[1]
    quantity, unit = _quantity(kind, line)
    is_usage = kind == EntryKind.USAGE
    tags = {"entry_kind": kind, "source": line["source"]}
    if line["use_case_slug"]:
        tags["use_case"] = line["use_case_slug"]
    return {
        "BilledCost": amount,
        "BillingAccountId": account[0],
        "BillingAccountName": account[1],
        "BillingCurrency": line["currency"],
        "BillingPeriodEnd": _at(next_month(period)),
        "BillingPeriodStart": _at(period),
        "ChargeCategory": category,
        "ChargeClass": "Correction" if corrected is not None and corrected < period else None,
        "ChargeDescription": line.get("description") or _description(line),
        "ChargePeriodEnd": _at(day + timedelta(days=1)),
        "ChargePeriodStart": _at(day),
        "ContractedCost": amount,
        "EffectiveCost": amount,
        "InvoiceIssuerName": account[1],
        "ListCost": amount,
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": line["name"] or kind.capitalize(),
        "ChargeFrequency": frequency,
        "ConsumedQuantity": quantity if is_usage else None,
        "ConsumedUnit": unit if is_usage else None,
        "InvoiceId": seal,
        "RegionId": line["region"] or None,
        "RegionName": line["region"] or None,
        "ResourceId": line["slug"],
        "ResourceName": line["name"],
        "ResourceType": "Model deployment" if line["slug"] else None,
        "ServiceSubcategory": "Generative AI",
        "SubAccountId": line["team_code"],
        "SubAccountName": line["team_name"],
        "Tags": json.dumps(tags, ensure_ascii=False, sort_keys=True),
        "x_Calls": str(line["calls_"]),
        "x_Entries": str(line["entries"]),
        "x_TokensInput": str(line["input_"]),
        "x_TokensOutput": str(line["output_"]),
        "x_UseCase": line["use_case_title"],
    }


def _quantity(kind: str, line: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if kind == EntryKind.USAGE:
        return str(line["input_"] + line["output_"]), "Tokens"
    if kind == EntryKind.ALLOCATION:
        return ("-1" if line["amount_"] < Decimal(0) else "1"), "Months"
    return None, None


def _description(line: Mapping[str, Any]) -> str:
    what = line["name"] or "no model"
    history = ", replayed history" if line["source"] == "replayed" else ""
    return f"{line['kind'].capitalize()} of {what} for {line['use_case_title'] or 'no use case'}{history}"


def _at(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def entries_of(team_ids: Iterable[int] | None, period: date) -> LedgerEntryQuerySet:
    """The month's entries of these teams; None for all."""
    entries = LedgerEntry.objects.filter(period=period)
    return entries if team_ids is None else entries.filter(team_id__in=team_ids)
