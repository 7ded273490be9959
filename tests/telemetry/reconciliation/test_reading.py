"""Files of many shapes are read exactly, or refused with every line that is wrong. No database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid, TooLarge
from telemetry.reconciliation.reading import (
    MOST_BYTES,
    Layout,
    guessed,
    read_number,
    read_rows,
    read_usage,
)
from telemetry.reconciliation.rules import is_within, share_of

OPENAI = b"""start_time,end_time,start_time_iso,end_time_iso,model,input_tokens,output_tokens
1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,gpt-4o,1200,34
1793577600,1793664000,2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,gpt-4o,5,0
"""
GERMAN = "Datum;Modell;Betrag\r\n01.11.2026;größe;1.234,56 €\r\n".encode("cp1252")


def test_openai_usage_is_known_by_its_columns() -> None:
    head, _ = read_rows(OPENAI)
    lines = read_usage(OPENAI, Layout(guessed(head)))
    assert [(one.day, one.model, one.tokens_input, one.tokens_output) for one in lines] == [
        (date(2026, 11, 1), "gpt-4o", 1200, 34),
        (date(2026, 11, 2), "gpt-4o", 5, 0),
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_encodings_separators_and_decimal_commas(encoding: str) -> None:
    content = GERMAN.decode("cp1252").encode(encoding)
    head, _ = read_rows(content)
    (line,) = read_usage(content, Layout(guessed(head), decimal_comma=True))
    assert (line.day, line.model, line.amount) == (date(2026, 11, 1), "größe", Decimal("1234.56"))


def test_cost_lines_of_one_model_count_as_it() -> None:
    content = b'start_time,line_item,amount_value\n1793491200,"gpt-4o, input",0.5\n'
    head, _ = read_rows(content)
    assert read_usage(content, Layout(guessed(head)))[0].model == "gpt-4o"


def test_every_wrong_line_is_named() -> None:
    content = b"date,model,amount\n2026-11-01,a,1\n2026-13-01,a,1\nx,a,1\n2026-11-01,,1\n2026-11-01,a,ten\n1,2\n"
    with pytest.raises(Invalid) as refused:
        read_usage(content, Layout({"day": "date", "model": "model", "amount": "amount"}))
    assert [fault.split(":")[0] for fault in refused.value.fields["file"]] == [
        f"Line {number}" for number in (3, 4, 5, 6, 7)
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", Invalid),
        (b"date,model,amount\n", Invalid),
        (b"\x89PNG\0\0\0", Invalid),
        (b'date,model\n"2026,a', Invalid),
        (b"x" * (MOST_BYTES + 1), TooLarge),
    ],
)
def test_what_is_no_file_of_usage_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_rows(content)


def test_columns_that_are_missing_are_named() -> None:
    content = b"a,b\n1,2\n"
    for columns in ({}, {"day": "a", "model": "b"}, {"day": "a", "model": "z", "amount": "b"}):
        with pytest.raises(Invalid):
            read_usage(content, Layout(columns))


@given(st.decimals("-99999999", "99999999", places=6))
def test_numbers_are_exact_in_both_ways_of_writing(value: Decimal) -> None:
    written = f"{value:,.6f}"
    assert read_number(written, comma=False) == value
    turned = written.translate(str.maketrans(",.", ".,"))
    assert read_number(f"{turned} €", comma=True) == value


@given(st.decimals(0, 1000, places=4), st.decimals(0, 1000, places=4))
def test_tolerances(ours: Decimal, theirs: Decimal) -> None:
    assert is_within(ours, ours, Decimal(0), Decimal(0))
    assert is_within(ours, theirs, abs(ours - theirs), Decimal(0))
    assert is_within(ours, theirs, Decimal(0), Decimal(0)) == (ours == theirs)
    if ours:
        assert share_of(ours, ours) == 0
    else:
        assert share_of(ours, theirs) is None
