"""The row of the score that counts: kept by the database, ranked in SQL as plain Python ranks."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from governance.access.models import Team, User
from governance.registry.models import DecidingScore, Score, UseCase
from governance.registry.portfolio import Portfolio
from governance.registry.scoring_content import STARTING
from tests.factories.ledger import NOW, make_person, make_team, make_use_case
from tests.factories.ranking import Scored, outcomes, ranks
from tests.factories.registry import score
from tests.factories.scoring import agree, all_points, hand_in, make_round

IN_FORCE = {one.key: one.weight for one in STARTING.dimensions}
OTHERS = IN_FORCE | {"value": Decimal("0.07"), "reach": Decimal("33.3"), "data": Decimal("1.01")}
WITHOUT = IN_FORCE | {"quality": Decimal(0), "change": Decimal(0)}


def decides(use_case: UseCase) -> Score | None:
    found = DecidingScore.objects.filter(use_case=use_case).select_related("score").first()
    return found.score if found else None


def test_the_newest_counts_and_an_earlier_one_when_it_goes(use_case: UseCase, owner: User) -> None:
    assert decides(use_case) is None
    first, second = score(use_case, owner, 1), score(use_case, owner, 5)
    assert decides(use_case) == second
    Score.objects.filter(pk=first.pk).update(at=NOW + timedelta(days=1))
    assert decides(use_case) == first
    Score.objects.filter(pk=first.pk).delete()
    assert decides(use_case) == second
    Score.objects.all().delete()
    assert decides(use_case) is None


def test_the_tier_beside_it_is_the_use_cases(use_case: UseCase, owner: User) -> None:
    score(use_case, owner)
    for tier in ("high", "minimal", ""):
        UseCase.objects.filter(pk=use_case.pk).update(tier=tier)
        assert DecidingScore.objects.get(use_case=use_case).tier == tier


def test_nothing_of_a_round_is_there_before_its_consensus(use_case: UseCase, owner: User) -> None:
    safety = make_person("safety")
    own = score(use_case, owner, 2)
    found = make_round(use_case, owner, owner, safety)
    for person in (safety, owner):
        hand_in(found, person, 5)
        assert decides(use_case) == own
    made = agree(found, owner, 4)
    assert decides(use_case) == made
    score(use_case, owner, 1)
    assert decides(use_case) == made


def scored_at_random(team: Team, owner: User, count: int) -> list[Score]:
    """Some were made by another version, on fewer dimensions."""
    chance = random.Random(7)  # noqa: S311  # figures for a test, the same each time
    use_cases = UseCase.objects.bulk_create(
        UseCase(
            title=f"U {n}",
            slug=f"u-{n}",
            team=team,
            owner=owner,
            tier=chance.choice(["", "high", "minimal"]),
            created_at=NOW,
        )
        for n in range(count)
    )
    return Score.objects.bulk_create(_score(one, owner, chance) for one in use_cases)


def _score(use_case: UseCase, owner: User, chance: random.Random) -> Score:
    points = {key: chance.randint(1, 5) for key in STARTING.keys}
    impact, effort = STARTING.totals(points)
    sides = STARTING.split(points)
    if chance.random() < 0.2:
        sides["impact"].pop("quality")
    return Score(
        use_case=use_case,
        assessor=owner,
        impact_total=impact,
        effort_total=effort,
        threshold=chance.choice([Decimal(3), Decimal("3.5")]),
        at=NOW,
        **sides,
    )


def portfolio(user: User, weights: Mapping[str, Decimal] | None, **given: str) -> Portfolio:
    return Portfolio(user, given, 1, STARTING, weights, NOW)


def as_scored(made: list[Score]) -> list[Scored]:
    return [
        Scored(one.pk, "", one.points, one.impact_total, one.effort_total, one.threshold)
        for one in made
    ]


def test_the_database_ranks_as_plain_python_does(team: Team, owner: User) -> None:
    made = scored_at_random(team, owner, 40)
    found = {one.score_id: one for one in portfolio(owner, None).rows("rank")}
    assert {pk: one.rank for pk, one in found.items()} == ranks(as_scored(made))
    assert {pk: one.quadrant for pk, one in found.items()} == {one.pk: one.quadrant for one in made}


@pytest.mark.parametrize("weights", [IN_FORCE, OTHERS, WITHOUT])
def test_other_weights_give_what_plain_python_gives(
    team: Team, owner: User, weights: dict[str, Decimal]
) -> None:
    made = scored_at_random(team, owner, 40)
    asked = portfolio(owner, weights)
    rows = [asked.row(one) for one in asked.rows("then")]
    expected = outcomes(as_scored(made), STARTING, weights)
    assert {one.score.pk: one.outcome for one in rows if one.outcome} == expected
    summary = asked.summary()
    assert (summary.count, summary.incomparable) == (40, 40 - len(expected))
    assert summary.incomparable > 0 or weights is WITHOUT
    # Those that cannot be compared come last, by the rank they have.
    assert [one.outcome is None for one in rows] == sorted(one.outcome is None for one in rows)


@pytest.mark.parametrize("weights", [None, OTHERS])
def test_bubbles_hold_every_row_at_its_half_point(
    team: Team, owner: User, weights: dict[str, Decimal] | None
) -> None:
    scored_at_random(team, owner, 40)
    asked = portfolio(owner, weights)
    expected: dict[tuple[str, int, int], int] = {}
    for one in asked.rows("rank"):
        bubble = asked.row(one).as_bubble()
        halves = [round(bubble[side] * 2 + Decimal("1e-9")) for side in ("impact", "effort")]
        spot = (bubble["tier"], halves[0], halves[1])
        expected[spot] = expected.get(spot, 0) + 1
    assert asked.summary().cells == expected


def test_grouped_bubbles_add_up_the_costs(team: Team, owner: User) -> None:
    from tests.factories.ledger import make_settled

    for title in ("One", "Two"):
        made = make_use_case(team, owner=owner, title=title, tier="high")
        score(made, owner, 3, 2)
        make_settled(made, amount="9", now=NOW)
    for weights in (None, OTHERS):
        asked = portfolio(owner, weights)
        (bubble,) = asked.grouped(asked.summary())
        assert (bubble["title"], bubble["cost"]) == ("2 use cases", Decimal(18))
        assert (bubble["impact"], bubble["effort"]) == (Decimal(3), Decimal(2))


@pytest.mark.parametrize("weights", [None, OTHERS])
def test_a_stranger_counts_and_ranks_nothing(
    team: Team, owner: User, weights: dict[str, Decimal] | None
) -> None:
    from tests.factories.ledger import make_settled

    score(make_settled(make_use_case(team, owner=owner), now=NOW).use_case, owner)
    asked = portfolio(make_person("owner", make_team()), weights)
    summary = asked.summary()
    assert (summary.count, summary.cells, asked.grouped(summary)) == (0, {}, [])
    assert not list(asked.rows("rank"))


def test_no_filter_of_another_team_widens_it(team: Team, owner: User) -> None:
    score(make_use_case(team, owner=owner), owner)
    stranger = make_person("owner", make_team())
    assert portfolio(stranger, None, team=team.slug).summary().count == 0
    assert portfolio(owner, None, team=team.slug).summary().count == 1


def test_all_answer_the_same_question_by_the_same_points(use_case: UseCase, owner: User) -> None:
    made = score(use_case, owner, 4, 2)
    found: Any = DecidingScore.objects.get(use_case=use_case)
    assert found.points == made.points == all_points(4) | dict.fromkeys(made.effort, 2)
    assert (found.impact, found.effort) == (made.impact_total, made.effort_total)
