"""The ledger's lines as FOCUS 1.2 rows, one per day, team, use case, model and source."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from django.db.models import Count, F, Sum

from governance.access.models import Organisation
from governance.audit.tables import csv_lines
from governance.model_cards.models import Commitment, Deployment
from telemetry.chargeback.list_prices import COUNTS, ListPrices, usage_of
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import StatementState, next_month
from telemetry.documents.focus_columns import NAMES
from telemetry.ledger.models import LedgerEntry, LedgerEntryQuerySet
from telemetry.ledger.rules import EntryKind

CATEGORIES = {
    EntryKind.USAGE: ("Usage", "Usage-Based"),
    # No purchase: that would be a cost that covers charges to come, and count as nothing itself.
    EntryKind.ALLOCATION: ("Usage", "Recurring"),
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
_WHERE = ("period", "day", "kind", "source", "currency", "team_id", "deployment_id", *_OF)
# Digits of a unit price, which is a quotient: its product with the quantity is the cost again.
_QUOTIENT = Context(prec=34, rounding=ROUND_HALF_EVEN)


def focus_csv(entries: LedgerEntryQuerySet) -> Iterator[str]:
    """The file, line by line; text that a spreadsheet would run is made harmless."""
    rows = focus_rows(entries)
    return csv_lines(NAMES, ([row[name] for name in NAMES] for row in rows))


def focus_rows(entries: LedgerEntryQuerySet) -> Iterator[dict[str, Any]]:
    """Usage is added up by day; every other entry is a row with its own words."""
    organisation = Organisation.objects.first()
    number, name = (organisation.pk, organisation.name) if organisation else (1, "Placet")
    account = (f"organisation-{number}", name)  # a number alone would be read as one
    closed = Statement.objects.filter(state=StatementState.CLOSED)
    seals = {
        (team, period): sha
        for team, period, sha in closed.values_list("team_id", "period", "sha256")
    }
    agreed = _Agreed()
    for line in _lines(entries):
        seal = seals.get((line["team_id"], line["period"]))
        yield _row(line, account, seal) | agreed.columns(line)


def _lines(entries: LedgerEntryQuerySet) -> Iterable[Mapping[str, Any]]:
    usage = entries.filter(kind=EntryKind.USAGE).order_by().annotate(**_OF).values(*_WHERE)
    summed = usage.annotate(
        entries=Count("pk"),
        calls_=Sum("calls"),
        input_=Sum("tokens_input"),
        output_=Sum("tokens_output"),
        amount_=Sum("amount"),
        **{f"sum_{name}": Sum(name) for name in COUNTS},
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
    amount, publisher = f"{line['amount_']:f}", line["provider"] or account[1]
    quantity, unit = _quantity(kind, line)
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
        "EffectiveCost": amount,
        "InvoiceIssuerName": account[1],
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ProviderName": account[1],
        "PublisherName": publisher,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": line["name"] or kind.capitalize(),
        "ChargeFrequency": frequency,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "InvoiceId": f"{line['team_code']}-{period:%Y-%m}",
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
        "x_Seal": seal,
        "x_TokensInput": str(line["input_"]),
        "x_TokensOutput": str(line["output_"]),
        "x_UseCase": line["use_case_title"],
    }


class _Agreed:
    """Prices and promises, read once for a file: what a row would cost at list, and under what."""

    def __init__(self) -> None:
        self._prices = ListPrices(Deployment.objects.all())
        self._promises: dict[int, list[Commitment]] = defaultdict(list)
        for one in Commitment.objects.select_related("deployment").order_by("starts_on", "pk"):
            self._promises[one.deployment_id].append(one)

    def columns(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """The prices of a row and the commitment that it is used up by."""
        amount, listed = line["amount_"], self._listed(line)
        quantity, _ = _quantity(line["kind"], line)
        promise = self._promise(line)
        is_priced = line["kind"] in (EntryKind.USAGE, EntryKind.ALLOCATION)
        return {
            "ListCost": f"{listed:f}",
            "ContractedCost": f"{amount:f}",
            "ListUnitPrice": _unit_price(listed, quantity),
            "ContractedUnitPrice": _unit_price(amount, quantity),
            **self._sku(line),
            "PricingCategory": ("Committed" if promise else "Standard") if is_priced else None,
            "CommitmentDiscountId": f"commitment-{promise.pk}" if promise else None,
            "CommitmentDiscountName": str(promise) if promise else None,
            "CommitmentDiscountCategory": "Spend" if promise else None,
            "CommitmentDiscountType": "Committed spend" if promise else None,
            "CommitmentDiscountStatus": "Used" if promise else None,
            "CommitmentDiscountQuantity": f"{amount:f}" if promise else None,
            "CommitmentDiscountUnit": line["currency"] if promise else None,
        }

    def _sku(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """What is sold: tokens of a deployment under its prices of the day, or shared cost."""
        names = dict.fromkeys(("SkuId", "SkuMeter", "SkuPriceId", "SkuPriceDetails"))
        if line["kind"] == EntryKind.ALLOCATION:
            sku = {"SkuId": "shared-cost", "SkuMeter": "Months", "SkuPriceId": "shared-cost-month"}
            return names | sku
        if line["kind"] != EntryKind.USAGE:
            return names
        sku_id = f"{line['slug'] or 'no-model'}-tokens"
        where, day = line["deployment_id"], line["day"]
        since = self._prices.since(where, day) if where else None
        price_id = f"{sku_id}-{since or 'unknown'}"
        return names | {"SkuId": sku_id, "SkuMeter": "Tokens", "SkuPriceId": price_id}

    def _listed(self, line: Mapping[str, Any]) -> Decimal:
        """The booked amount, unless a tier or a discount made it another than the list's."""
        amount: Decimal = line["amount_"]
        if line["kind"] != EntryKind.USAGE:
            return amount
        where, day = line["deployment_id"], line["day"]
        if not self._prices.agreed(where, day):
            return amount
        found = self._prices.cost(where, day, line["calls_"], usage_of(dict(line)))
        return amount if found is None else found

    def _promise(self, line: Mapping[str, Any]) -> Commitment | None:
        if line["kind"] != EntryKind.USAGE or line["source"] != "live":
            return None
        running = self._promises[line["deployment_id"]] if line["deployment_id"] else []
        return next((one for one in running if one.starts_on <= line["day"] <= one.ends_on), None)


def _unit_price(cost: Decimal, quantity: str | None) -> str | None:
    """None where there is no quantity; of nothing the price is nothing."""
    if quantity is None:
        return None
    if not Decimal(quantity):
        return "0.0"
    return f"{_QUOTIENT.divide(cost, Decimal(quantity)):f}"


def _quantity(kind: str, line: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if kind == EntryKind.USAGE:
        return f"{line['input_'] + line['output_']}.0", "Tokens"  # a decimal, and read as one
    if kind == EntryKind.ALLOCATION:
        return ("-1.0" if line["amount_"] < Decimal(0) else "1.0"), "Months"
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
