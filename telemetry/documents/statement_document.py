"""A statement with everything its documents show, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from governance.access.models import Organisation, Team
from telemetry.allocation.models import AllocationPart
from telemetry.chargeback.list_prices import PricedLine, priced_lines
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import StatementState
from telemetry.chargeback.selectors import LinkedMonth, linked_months
from telemetry.chargeback.statements import statement_lines
from telemetry.ledger.models import ZERO

NAMES = ("use_case_title", "deployment_name", "kind", "source")
COUNTS = ("entries", "calls", "tokens_input", "tokens_output")
HEAD = ("Use case", "Model", "Kind", "Source")
COUNT_HEAD = ("Entries", "Calls", "Input tokens", "Output tokens")
PRICED_HEAD = ("At list prices", "Booked", "Less by")


@dataclass(frozen=True)
class StatementDocument:
    """Lines and total are the sealed ones where the month is closed."""

    team: Team
    period: date
    state: str
    currency: str
    lines: list[dict[str, Any]]
    total: Decimal
    statement: Statement | None
    parts: list[AllocationPart]
    priced: list[PricedLine]
    links: list[LinkedMonth]
    organisation: str

    @property
    def is_closed(self) -> bool:
        return self.state == StatementState.CLOSED

    @property
    def name(self) -> str:
        """The file's, without its ending."""
        return f"statement-{self.team.slug}-{self.period:%Y-%m}"

    @property
    def has_replayed(self) -> bool:
        return any(line["source"] == "replayed" for line in self.lines)

    def facts(self, now: datetime) -> list[tuple[str, str]]:
        """What stands above or beside the lines, in words."""
        facts = [
            ("Organisation", self.organisation),
            ("Team", self.team.name),
            ("Cost centre", self.team.code),
            ("Month", f"{self.period:%B %Y}"),
            ("State", self.state),
            ("Currency", self.currency),
            ("Total", f"{self.total:.9f}"),
        ]
        if self.is_closed and self.statement and self.statement.closed_at:
            closed = self.statement.closed_at.astimezone(UTC)
            facts += [
                (
                    "Closed",
                    f"{closed:%Y-%m-%d %H:%M} UTC by {self.statement.closed_by or 'Placet'}",
                ),
                ("Ledger entries", str(self.statement.entry_count)),
                ("SHA-256", self.statement.sha256),
            ]
        facts.append(("Written", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"))
        if self.has_replayed:
            facts.append(("Replayed history", REPLAYED))
        return facts

    def rows(self) -> Iterator[list[Any]]:
        """Names, counts, the amount, and the amount as an exact text."""
        for line in self.lines:
            amount = Decimal(line["amount"])
            names = [line[name] for name in NAMES]
            yield [*names, *(line[name] for name in COUNTS), amount, f"{amount:.9f}"]


REPLAYED = (
    "Lines marked replayed come from a real public trace (Azure LLM inference trace 2023, "
    "CC-BY 4.0). The team and the prices are not; those calls were not made here."
)


def read_document(team: Team, period: date) -> StatementDocument:
    kept = Statement.objects.select_related("closed_by").filter(team=team, period=period).first()
    is_closed = kept is not None and kept.state == StatementState.CLOSED
    lines = kept.lines if kept and is_closed else statement_lines(team.pk, period)
    parts = AllocationPart.objects.filter(team=team, run__period=period)
    organisation = Organisation.objects.first()
    return StatementDocument(
        team=team,
        period=period,
        state=kept.state if kept else StatementState.OPEN,
        currency=kept.currency if kept else settings.PLACET_CURRENCY,
        lines=lines,
        total=sum((Decimal(line["amount"]) for line in lines), ZERO),
        statement=kept,
        parts=list(parts.select_related("run__version__rule").order_by("pk")),
        priced=priced_lines(team, period),
        links=linked_months(team.pk, period),
        organisation=organisation.name if organisation else "Placet",
    )
