"""A month's usage as lines of CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings

from governance.audit.tables import csv_lines
from telemetry.chargeback.dashboard import Row

USAGE_COLUMNS = (
    *("day", "team", "use_case", "deployment", "source"),
    *("calls", "tokens_input", "tokens_output", "cost", "currency"),
)


def usage_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The head, and a line for each day, team, use case and model."""
    cells = (
        [
            *(row.day, row.team_name, row.use_case_title, row.deployment_name, row.source),
            *(row.calls, row.tokens_input, row.tokens_output, row.cost),
            settings.PLACET_CURRENCY,
        ]
        for row in rows
    )
    return csv_lines(USAGE_COLUMNS, cells)
