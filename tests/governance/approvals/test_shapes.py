"""What a policy may ask, and who is placed where: every branch, and matching by brute force."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.approvals.rules import (
    Slot,
    cannot_be_filled,
    in_want,
    slot_to_fill,
    step_reached,
)
from governance.approvals.shapes import (
    MOST_SIGN_OFFS,
    Problems,
    SignOff,
    in_words,
    read_sign_offs,
    read_veto,
    roles_of,
    shape_of,
)

BOARD, SAFETY, LAW = "sign_board", "sign_safety", "sign_compliance"


def line(permission: str = BOARD, **facts: Any) -> dict[str, Any]:
    return {"permission": permission, "count": 1} | facts


def read(*lines: Any) -> tuple[SignOff, ...]:
    problems: Problems = {}
    found = read_sign_offs(list(lines), problems)
    assert problems == {}
    return found


def refused(given: Any) -> Problems:
    problems: Problems = {}
    read_sign_offs(given, problems)
    return problems


@pytest.mark.parametrize(
    "stored",
    [
        {"permission": BOARD, "count": 2},
        {"permission": BOARD, "count": 1, "any_of": [SAFETY]},
        {"permission": BOARD, "share": 50},
    ],
)
def test_what_is_read_is_written_the_same(stored: dict[str, Any]) -> None:
    (found,) = read(stored)
    assert found.as_json() == stored
    assert shape_of(stored) == found


def test_a_later_step_is_written_and_the_lines_are_in_order() -> None:
    late, early = line(SAFETY, step=2), line(LAW, any_of=[BOARD, LAW])
    assert [one.as_json() for one in read(late, early)] == [
        {"permission": BOARD, "count": 1, "any_of": [LAW]},
        {"permission": SAFETY, "count": 1, "step": 2},
    ]


def test_zeros_are_left_out_and_empty_facts_mean_the_first_step() -> None:
    found = read(line(count=0), line(LAW, step=None, share=None, any_of=None))
    assert found == (SignOff((LAW,), 1),)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ("board", "sign_offs", "Somebody must sign"),
        ([7], "sign_offs", "Each once"),
        ([line("people_manage")], "sign_offs", "Each once"),
        ([line(any_of=["people_manage"])], "sign_offs", "Each once"),
        ([line(any_of=7)], "sign_offs", "Each once"),
        ([{"count": 1}], "sign_offs", "Each once"),
        ([line(), line()], "sign_offs", "Each once"),
        ([line(any_of=[SAFETY]), line(SAFETY, any_of=[BOARD])], "sign_offs", "Each once"),
        ([line(count=0)], "sign_offs", "Somebody must sign"),
        ([line(count=6)], BOARD, "from 0 to 5"),
        ([line(count=-1)], BOARD, "from 0 to 5"),
        ([line(count=True)], BOARD, "from 0 to 5"),
        ([line(count="1")], BOARD, "from 0 to 5"),
        ([{"permission": BOARD}], BOARD, "from 0 to 5"),
        ([line(count=6, any_of=[SAFETY])], "sign_offs", "from 0 to 5"),
        ([line(step=7)], BOARD, "from 1 to 6"),
        ([line(step="2")], BOARD, "from 1 to 6"),
        ([line(share=50)], BOARD, "instead of a count"),
        ([line(count=None, share=101)], BOARD, "from 1 to 100"),
        ([line(count=None, share=0)], BOARD, "from 1 to 100"),
        ([line(step=2)], "sign_offs", "without a gap"),
        ([line(), line(SAFETY, step=3)], "sign_offs", "without a gap"),
    ],
)
def test_what_does_not_fit_is_said_where(given: Any, field: str, words: str) -> None:
    assert words in refused(given)[field][0]


def test_there_is_an_end_to_it() -> None:
    steps = range(1, 6)
    many = [line(role, step=step) for step in steps for role in (BOARD, SAFETY, LAW)]
    assert len(many) > MOST_SIGN_OFFS
    assert "At most 12" in refused(many)["sign_offs"][0]


@pytest.mark.parametrize(
    ("given", "expected", "problem"),
    [
        (None, (), False),
        ([SAFETY, BOARD, SAFETY], (BOARD, SAFETY), False),
        ((SAFETY,), (SAFETY,), False),
        (["people_manage"], (), True),
        (SAFETY, (SAFETY,), False),
        ({"a": 1}, (), True),
    ],
)
def test_who_may_veto(given: Any, expected: tuple[str, ...], problem: bool) -> None:
    problems: Problems = {}
    assert read_veto(given, problems) == expected
    assert ("veto" in problems) is problem


@pytest.mark.parametrize(
    ("share", "holders", "slots"), [(50, 4, 2), (50, 5, 3), (1, 3, 1), (100, 3, 3), (50, 0, 1)]
)
def test_a_share_is_rounded_up_and_never_nobody(share: int, holders: int, slots: int) -> None:
    assert SignOff((BOARD,), share=share).needed(holders) == slots


def test_a_count_does_not_look_at_the_holders() -> None:
    assert SignOff((BOARD,), 2).needed(9) == 2


def test_each_shape_has_its_words() -> None:
    lines = read(
        line(LAW),
        line(count=None, share=50, step=2),
        line(SAFETY, count=None, share=100, any_of=[LAW], step=2),
        line(SAFETY, count=None, share=30, step=3),
    )
    assert in_words(lines, [SAFETY]) == (
        "1 × Compliance, then half of all who sign as Board member, "
        "all who sign as Compliance or Safety officer, "
        "then 30 % of all who sign as Safety officer; Safety officer may stop it"
    )
    assert in_words([SignOff((BOARD, SAFETY), 2)]) == "2 × Board member or Safety officer"


def test_the_content_that_is_decided_on_names_every_line() -> None:
    shown = dict(one.as_field() for one in read(line(), line(any_of=[LAW], step=2)))
    assert shown == {BOARD: 1, "step 2: sign_board or sign_compliance": 1}
    share = SignOff((BOARD,), share=50)
    assert share.as_field() == (BOARD, "50 % of all who may") and not share.is_plain


def test_every_role_that_signs_is_named_once() -> None:
    assert roles_of([line(), line(SAFETY, any_of=[BOARD])]) == (BOARD, SAFETY)


people = st.frozensets(st.integers(1, 5), max_size=4)
some_slots = st.lists(st.tuples(people, st.integers(1, 3)), min_size=1, max_size=4).map(
    lambda rows: [Slot(n, who, step=step) for n, (who, step) in enumerate(rows)]
)


def most_filled(slots: list[Slot], out: frozenset[int] = frozenset()) -> int:
    """How many slots distinct people can fill, by trying everything."""
    crowd = [*sorted({one for slot in slots for one in slot.eligible} - out), *[0] * len(slots)]
    tries = set(permutations(crowd, len(slots)))
    return max(
        sum(who in slot.eligible for who, slot in zip(one, slots, strict=True)) for one in tries
    )


@given(some_slots, people)
def test_as_few_slots_as_possible_stay_empty(slots: list[Slot], out: frozenset[int]) -> None:
    assert len(cannot_be_filled(slots, out)) == len(slots) - most_filled(slots, out)


@given(some_slots, people)
def test_the_wanting_slots_are_too_many_and_one_more_for_any_helps(
    slots: list[Slot], out: frozenset[int]
) -> None:
    missing, wanting = len(cannot_be_filled(slots, out)), in_want(slots, out)
    assert bool(wanting) == bool(missing)
    among = [slot for slot in slots if slot.identifier in wanting]
    crowd = frozenset(one for slot in among for one in slot.eligible) - out
    assert len(among) - len(crowd) == missing
    for helped in wanting:
        more = [
            Slot(s.identifier, s.eligible | {9}) if s.identifier == helped else s for s in slots
        ]
        assert len(cannot_be_filled(more, out)) == missing - 1


@given(some_slots, st.permutations(range(1, 6)))
def test_whoever_comes_first_leaves_the_others_their_slots(
    slots: list[Slot], order: list[int]
) -> None:
    """If all can be filled, they are, in order of the steps, by whoever comes."""
    if cannot_be_filled(slots, frozenset()):
        return
    spoken: frozenset[int] = frozenset()
    while (now := step_reached(slots)) is not None:
        chosen = next(
            (who, slot)
            for who in order
            if (slot := slot_to_fill(slots, who, spoken)) is not None
            and not cannot_be_filled([s for s in slots if s.identifier != slot], spoken | {who})
        )
        slots = [
            Slot(s.identifier, s.eligible, chosen[0], s.step) if s.identifier == chosen[1] else s
            for s in slots
        ]
        assert next(s.step for s in slots if s.identifier == chosen[1]) == now
        spoken |= {chosen[0]}
    assert len({slot.filled_by for slot in slots}) == len(slots)


def test_a_later_step_waits_for_the_one_before() -> None:
    slots = [Slot(1, frozenset({1}), step=1), Slot(2, frozenset({2}), step=2)]
    assert (slot_to_fill(slots, 2), slot_to_fill(slots, 1)) == (None, 1)
    assert slot_to_fill([Slot(1, frozenset({1}), 1), slots[1]], 2) == 2
    assert step_reached([Slot(1, frozenset({1}), 1)]) is None
