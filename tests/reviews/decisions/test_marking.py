"""Marks cut a text into pieces and lose nothing of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.terms import Oversight, RiskTier
from reviews.decisions.marking import Mark, Piece, marked
from reviews.decisions.rules import oversight_in_words, readable


def test_of_marks_that_overlap_the_first_and_longest_stands() -> None:
    marks = [Mark(2, 4, "short"), Mark(2, 6, "long"), Mark(5, 8, "late"), Mark(3, 3, "empty")]
    assert marked("0123456789", marks) == [Piece("01"), Piece("2345", "long"), Piece("6789")]


@given(
    st.text(max_size=30),
    st.lists(st.builds(Mark, st.integers(0, 30), st.integers(0, 30), st.just("x"))),
)
def test_the_pieces_are_the_text(text: str, marks: list[Mark]) -> None:
    assert "".join(piece.text for piece in marked(text, marks)) == text


@pytest.mark.parametrize("declared", list(Oversight))
@pytest.mark.parametrize("tier", list(RiskTier))
def test_every_policy_has_its_words(declared: Oversight, tier: RiskTier) -> None:
    words = oversight_in_words(declared, tier, Decimal("10.00"))
    assert words.endswith(".") and "{" not in words
    own = declared == Oversight.ALL or (
        tier == RiskTier.MINIMAL or (tier == RiskTier.LIMITED and declared == Oversight.ON_FINDING)
    )
    assert words.startswith("The use case declares") == own


def test_deep_json_is_left_as_it_is() -> None:
    deep = "[" * 100_000
    assert readable(deep) == deep
    assert readable('{"b":1}') == '{\n  "b": 1\n}'
