"""Agreement equals the published worked examples, and has the properties that it must have."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reviews.quality.agreement import (
    FEWEST,
    cohen_kappa,
    kappa_error,
    krippendorff_alpha,
    share,
)


def pairs_of(table: list[list[int]]) -> list[tuple[int, int]]:
    return [
        (row, column)
        for row, counts in enumerate(table)
        for column, times in enumerate(counts)
        for _ in range(times)
    ]


def test_kappa_of_cohen_1960() -> None:
    """Table 1, two judges on three categories as proportions of 200."""
    figure = cohen_kappa(pairs_of([[88, 14, 18], [10, 40, 10], [2, 6, 12]]))
    assert figure.value == pytest.approx(0.492, abs=0.0005)


def test_kappa_and_its_error_of_fleiss() -> None:
    """Fleiss, Statistical Methods for Rates and Proportions, table 13.1: 0.676, error 0.087."""
    figure = cohen_kappa(pairs_of([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert figure.value == pytest.approx(0.676, abs=0.0005)
    assert kappa_error(figure) == pytest.approx(0.087, abs=0.001)


def test_kappa_of_two_by_two() -> None:
    """Fifty grant applications, each read by two: 20 both yes, 15 both no, 5 and 10 apart."""
    figure = cohen_kappa(pairs_of([[20, 5], [10, 15]]))
    assert figure.value == pytest.approx(0.40)


def rated(*observers: str) -> list[list[str]]:
    """Units from one line per observer; a dot is missing."""
    return [[one for one in unit if one != "."] for unit in zip(*observers, strict=True)]


@pytest.mark.parametrize(
    ("units", "alpha"),
    [
        (rated("0100000010", "1110010000"), 0.095),
        (rated("aabbdcccedda", "babbbcccedd" + "d"), 0.692),
        (rated("123321412...", "1233224125.3", ".333234225" + "1.", "12332441251."), 0.743),
    ],
    ids=["A, binary, two observers", "B, nominal, two observers", "C, nominal, four observers"],
)
def test_alpha_of_krippendorff_2011(units: list[list[str]], alpha: float) -> None:
    figure = krippendorff_alpha(units, needed=2)
    assert figure.value is not None
    assert round(figure.value, 3) == alpha
    assert figure.low is not None and figure.high is not None
    assert figure.low <= figure.value <= figure.high


answers = st.sampled_from("abcd")
some_pairs = st.lists(st.tuples(answers, answers), min_size=2, max_size=60)
some_units = st.lists(st.lists(answers, min_size=1, max_size=4), min_size=2, max_size=40)


@settings(max_examples=50, deadline=None)
@given(st.lists(answers, min_size=2, max_size=60))
def test_perfect_agreement_is_one(said: list[str]) -> None:
    assume(len(set(said)) > 1)
    assert cohen_kappa([(one, one) for one in said], 2).value == pytest.approx(1)
    assert krippendorff_alpha([[one] * 3 for one in said], 2).value == pytest.approx(1)


@settings(max_examples=50, deadline=None)
@given(some_pairs)
def test_it_does_not_matter_who_is_first(pairs: list[tuple[str, str]]) -> None:
    one, other = cohen_kappa(pairs, 2), cohen_kappa([(b, a) for a, b in pairs], 2)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert [other.value, other.low, other.high] == pytest.approx([one.value, one.low, one.high])
    alpha = krippendorff_alpha([list(pair) for pair in pairs], 2)
    assert alpha == krippendorff_alpha([list(reversed(pair)) for pair in pairs], 2)


@settings(max_examples=50, deadline=None)
@given(some_units, st.permutations("abcd"))
def test_names_of_labels_do_not_matter(units: list[list[str]], names: list[str]) -> None:
    renamed = dict(zip("abcd", names, strict=True))
    first = krippendorff_alpha(units, 2).value
    second = krippendorff_alpha([[renamed[one] for one in unit] for unit in units], 2).value
    assert first == pytest.approx(second) if first is not None else second is None
    pairs = [(unit[0], unit[-1]) for unit in units]
    kappa = cohen_kappa(pairs, 2).value
    again = cohen_kappa([(renamed[a], renamed[b]) for a, b in pairs], 2).value
    assert kappa == pytest.approx(again) if kappa is not None else again is None


@settings(max_examples=50, deadline=None)
@given(some_units, st.randoms())
def test_the_interval_is_the_same_every_time(units: list[list[str]], chance: random.Random) -> None:
    shuffled = units.copy()
    chance.shuffle(shuffled)
    assert krippendorff_alpha(shuffled, 2) == krippendorff_alpha(units, 2)


@settings(max_examples=50, deadline=None)
@given(some_units)
def test_a_figure_lies_in_its_interval_and_below_one(units: list[list[str]]) -> None:
    figure = krippendorff_alpha(units, 2)
    assume(figure.value is not None)
    assert figure.low <= figure.value <= figure.high  # type: ignore[operator]  # measured
    assert figure.high <= 1 + 1e-12  # type: ignore[operator]  # measured


def test_two_people_by_alpha_come_near_kappa_on_many_items() -> None:
    pairs = pairs_of([[400, 100], [200, 300]])
    alpha = krippendorff_alpha([list(pair) for pair in pairs]).value
    assert alpha == pytest.approx(cohen_kappa(pairs).value, abs=0.02)


def test_too_few_says_so() -> None:
    figure = cohen_kappa([("a", "b"), ("a", "a")] * 6)
    assert figure.value is None
    assert figure.text == f"too few: 12 of {FEWEST}"
    assert krippendorff_alpha([["a", "b"]] * 29 + [["a"]] * 50).text == "too few: 29 of 30"
    assert share(3, 4).percent == "too few: 4 of 30"


def test_nothing_but_one_answer_gives_no_figure() -> None:
    assert "everybody said the same" in cohen_kappa([("a", "a")] * 40).text
    assert "everybody said the same" in krippendorff_alpha([["a", "a"]] * 40).text


def test_wilson_of_newcombe_1998() -> None:
    """Newcombe 1998, method 3: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    figure = share(81, 263)
    assert (round(figure.low or 0, 4), round(figure.high or 0, 4)) == (0.2553, 0.3662)
    figure = share(0, 20, needed=20)
    assert (figure.low, round(figure.high or 0, 4)) == (0, 0.1611)
