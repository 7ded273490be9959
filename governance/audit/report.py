"""The pages of a pack that people read: the report and the read-me."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string

from governance.audit.models import AuditPack, Checkpoint
from governance.audit.registries import EvidenceSection

MOST_VALUES = 50
OTHERS = "others"


class Tally:
    """Counts and sums of a section while its rows pass by; what it keeps does not grow with them."""

    def __init__(self, section: EvidenceSection) -> None:
        self.section, self.rows = section, 0
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in section.counted_by}
        self._sums: Counter[tuple[str, ...]] = Counter()

    def add(self, row: dict[str, Any]) -> None:
        """A JSON-plain row; amounts are decimal strings."""
        self.rows += 1
        for column, counter in self._counts.items():
            value = _word(row.get(column))
            known = value in counter or len(counter) < MOST_VALUES
            counter[value if known else OTHERS] += 1
        if self.section.summed and row.get(self.section.summed) is not None:
            key = tuple(_word(row.get(column)) for column in self.section.summed_by)
            self._sums[key] += Decimal(str(row[self.section.summed]))  # type: ignore[assignment]  # sums of money

    @property
    def files(self) -> list[tuple[str, str]]:
        """What each of its files is, and where in the pack."""
        name = self.section.name
        tables = [("CSV", f"tables/{name}.csv"), ("XLSX", f"tables/{name}.xlsx")]
        return [("exact lines", f"data/{name}.jsonl"), *(tables if self.section.has_tables else [])]

    @property
    def counts(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Per counted column its values, the most frequent first."""
        return [(column, counter.most_common()) for column, counter in self._counts.items()]

    @property
    def sums(self) -> list[tuple[tuple[str, ...], str]]:
        """(what, amount) in alphabetical order."""
        return [(key, format(amount, "f")) for key, amount in sorted(self._sums.items())]


def _word(value: Any) -> str:
    return "none" if value in (None, "") else str(value)


def report(
    pack: AuditPack,
    tallies: Iterable[Tally],
    checkpoint: Checkpoint,
    *,
    waiting: int,
    key: str,
    now: datetime,
) -> str:
    """`report.html`: self-contained, without a script, made for printing."""
    context = {
        "pack": pack,
        "tallies": tallies,
        "checkpoint": checkpoint,
        "root": base64.b64encode(bytes(checkpoint.root)).decode(),
        "waiting": waiting,
        "key": key,
        "now": now,
    }
    return render_to_string("governance/audit/report.html", context)


def readme(pack: AuditPack, tallies: Iterable[Tally]) -> str:
    listed = "\n".join(f"  {one.rows:>10,}  {one.section.title}" for one in tallies)
    return (
        f"Placet audit pack\n\nPeriod   {pack.starts_at.isoformat()} until "
        f"{pack.ends_at.isoformat()}\nScope    {pack.team_label or 'the whole organisation'}\n\n"
        f"{listed}\n\n"
        "report.html  what is in here, to be read and printed\n"
        "data/        exact records, one JSON object a line\n"
        "tables/      the same for spreadsheets (CSV, XLSX)\n"
        "proofs/      each event's place in the signed log (RFC 6962)\n\n"
        "Check it without Placet:  python3 verify.py --key KEY\n"
        "The key is on Placet's audit page; get it by another way than this pack.\n"
    )
