"""A long text in windows, with its code apart; nothing of it is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reviews.decisions.difference import difference
from reviews.decisions.layout import SAME_SHOWN, folded, laid_out
from reviews.decisions.marking import Mark, marked

TEXTS = st.lists(st.sampled_from(["words ", "\n", "```\n", "```py\n", "x" * 9, "  "])).map("".join)


@given(
    text=TEXTS,
    window=st.integers(5, 40),
    marks=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9))),
)
def test_the_windows_are_the_whole_text(
    text: str, window: int, marks: list[tuple[int, int]]
) -> None:
    pieces = marked(text, [Mark(at, min(len(text), at + long), "found") for at, long in marks])
    windows = laid_out(pieces, window)
    flat = [piece for one in windows for block in one.blocks for piece in block.pieces]
    assert "".join(one.text for one in flat) == text
    assert all(one.end - one.start <= window for one in windows)
    assert [one.start for one in windows][1:] == [one.end for one in windows][:-1]
    found = "".join(one.text for one in flat if one.label)
    assert found == "".join(one.text for one in pieces if one.label)


def test_code_stands_apart_with_its_findings() -> None:
    text = "Look:\n```python\nkey = 'abc'\n```\nDone."
    at = text.index("abc")
    (window,) = laid_out(marked(text, [Mark(at, at + 3, "secret")]))
    assert [one.is_code for one in window.blocks] == [False, True, False]
    assert window.findings == 1
    assert [one.label for one in window.blocks[1].pieces] == ["", "secret", ""]


def test_long_stretches_that_did_not_change_are_folded() -> None:
    text = "a b " * 2000
    found = folded(difference(text + "old", text + "new").stretches)
    assert len(found[0].before) < 3 * SAME_SHOWN and "characters as before" in found[0].before
    assert (found[1].before, found[1].after) == ("old", "new")
