"""Holds and statements: every arrow, every arrow that is not there; months; safe CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.tables import csv_lines, harmless
from governance.kernel.errors import WrongState
from governance.kernel.transitions import TransitionTable
from telemetry.chargeback.rules import (
    HOLD_STATES,
    STATEMENT_STATES,
    crossed,
    month_of,
    next_month,
    previous_month,
    share,
)

TABLES = [HOLD_STATES, STATEMENT_STATES]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_arrow_and_no_other(table: TransitionTable) -> None:
    edges = {(edge.source, edge.action): edge.target for edge in table.edges}
    for state in table.states:
        for action in {action for _, action in edges}:
            if (state, action) in edges:
                assert table.target(state, action) == edges[(state, action)]
            else:
                with pytest.raises(WrongState):
                    table.target(state, action)


def test_a_captured_hold_is_final() -> None:
    assert HOLD_STATES.final_states == ["captured"]


@given(st.dates(date(2, 1, 1), date(9000, 1, 1)))
def test_months_follow_each_other(day: date) -> None:
    month = month_of(day)
    assert previous_month(next_month(month)) == month
    assert previous_month(month) < month <= day < next_month(month)


def test_thresholds_and_shares() -> None:
    assert crossed([95, 80], Decimal("0.8"), Decimal(1)) == [80]
    assert crossed([80, 95], Decimal("0.7999"), Decimal(1)) == []
    assert crossed([80], Decimal(0), Decimal(0)) == [80]
    assert (share(Decimal("0.999"), Decimal(1)), share(Decimal(1), Decimal(0))) == (99, 100)


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Legal", "a=b", "", "-1.50", 5, Decimal(-5), None])
def test_what_is_no_formula_stays(value: object) -> None:
    assert harmless(value) == value


@given(st.lists(st.lists(st.text(st.characters(codec="ascii")), min_size=2, max_size=2)))
def test_no_cell_of_a_download_runs(rows: list[list[str]]) -> None:
    text = "".join(csv_lines(("a", "b"), rows))
    cells = [cell for row in list(csv.reader(io.StringIO(text, newline="")))[1:] for cell in row]
    starts_a_formula = re.compile(r" *[=+@-]")
    is_number = re.compile(r"[+-]?\d+(\.\d+)?")
    assert not [
        cell for cell in cells if starts_a_formula.match(cell) and not is_number.fullmatch(cell)
    ]
