"""The difference of two texts: exact in what it shows, bounded in what it costs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.decisions.difference import MOST_PAIRS, difference

WORDS = ["licence", "copyleft", "notice", "MIT", "GPL", "the", "a", "of", "keep", "state"]
TEXTS = st.text(alphabet="ab \n.", max_size=60)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("", "", 0),
        ("", "new", 3),
        ("gone", "", 4),
        ("same", "same", 0),
        ('{"spdx": "MIT", "copyleft": false}', '{"spdx": "ISC", "copyleft": false}', 3),
        ("The colour is red.", "The color is red.", 1),
        ("One. Two. Three.", "One. Three.", 5),
        ("a\nb\nc\n", "a\nX\nc\n", 1),
        ("keep this, drop that", "keep this, drop those", 3),
    ],
)
def test_worked_examples(before: str, after: str, changed: int) -> None:
    assert difference(before, after).characters_changed == changed


@given(TEXTS, TEXTS)
def test_the_stretches_are_both_texts_and_nothing_else(before: str, after: str) -> None:
    found = difference(before, after)
    assert "".join(one.before for one in found.stretches) == before
    assert "".join(one.after for one in found.stretches) == after
    assert (found.characters_changed == 0) == (before == after)
    assert found.characters_changed <= len(before) + len(after)
    kinds = [one.is_same for one in found.stretches]
    assert all(a != b for a, b in zip(kinds, kinds[1:], strict=False))


def prose(characters: int, seed: int, line: int = 12) -> str:
    draw = random.Random(seed)  # noqa: S311  # test data
    words: list[str] = []
    length = 0
    while length < characters:
        word = draw.choice(WORDS) + str(draw.randrange(200))
        words.append(word + (".\n" if len(words) % line == line - 1 else ""))
        length += len(words[-1]) + 1
    return " ".join(words)[:characters]


def test_a_long_text_with_few_changes_is_exact() -> None:
    before = prose(100_000, 1)
    lines = before.split("\n")
    for number in range(0, len(lines), 100):
        lines[number] = "Q" + lines[number]
    after = "\n".join(lines)
    found = difference(before, after)
    assert found.characters_changed == len(range(0, len(lines), 100))
    assert found.pairs < 5 * len(lines)


def test_one_line_of_100_kb_is_compared_by_phrase() -> None:
    before = prose(100_000, 2).replace("\n", "")
    after = before.replace("MIT7 ", "MIT8 ")
    times = before.count("MIT7 ")
    assert times > 3
    assert difference(before, after).characters_changed == times


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (prose(100_000, 3), prose(100_000, 4)),
        (prose(100_000, 3).replace("\n", ""), prose(100_000, 4).replace("\n", "")),
        ("x\ny\n" * 25_000, "y\nx\n" * 25_000),
        ("a " * 50_000, "b a " * 25_000),
        ("ab" * 50_000, "ba" * 50_000),
        (".,;" * 33_000, ";,." * 33_000),
    ],
)
def test_the_work_is_bounded_whatever_the_texts(before: str, after: str) -> None:
    found = difference(before, after)
    assert found.pairs <= MOST_PAIRS
    assert "".join(one.after for one in found.stretches) == after
    assert 0 < found.characters_changed <= max(len(before), len(after)) * 2
