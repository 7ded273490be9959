"""The portfolio: ranks, filters, file, other weights that nobody saves, ten thousand rows."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.registry.models import Score, ScoringModel, UseCase
from governance.registry.scoring_content import STARTING
from tests.factories.ledger import NOW, make_person, make_settled, make_team, make_use_case
from tests.factories.registry import queries, score
from tests.factories.scoring import replace_model
from tests.factories.stages import at_stage

PAGE = "/use-cases/map/"
# Reach is everything: whoever has the most of it comes first.
REACH = "w-value=0&w-reach=1&w-quality=0&w-strategy=0"


def text(answer: Any) -> str:
    return b"".join(answer).decode()


def titles(answer: Any) -> list[str]:
    return re.findall(r'<tr><td><a href="/use-cases/[^"]*">([^<]*)</a>', text(answer))


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(answer))))


def scored(team: Team, owner: User, title: str, **impact: int) -> UseCase:
    made = make_use_case(team, owner=owner, title=title, tier="high", stage="pilot")
    found = score(made, owner, 3, 2)
    points = found.impact | impact
    # As it would have been made: the totals follow from the points.
    total, _ = STARTING.totals(points | found.effort)
    Score.objects.filter(pk=found.pk).update(impact=points, impact_total=total)
    return made


@pytest.fixture
def two(team: Team, owner: User) -> tuple[UseCase, UseCase]:
    """The first is worth more, the second reaches more people."""
    return scored(team, owner, "Worth", value=5), scored(team, owner, "Reach", reach=5)


def test_ranks_stand_beside_the_numbers(signed_in: Client, two: Any) -> None:
    found = rows(signed_in.get(f"{PAGE}?format=csv"))
    assert [(one["title"], one["rank"], one["impact"]) for one in found] == [
        ("Worth", "1", "3.80"),
        ("Reach", "2", "3.60"),
    ]
    assert found[0]["scored by"] == "one assessor"
    assert "what-if rank" not in found[0]


def test_other_weights_move_ranks_and_save_nothing(signed_in: Client, two: Any) -> None:
    before = list(Score.objects.order_by("pk").values())
    events, models = AuditEvent.objects.count(), ScoringModel.objects.count()
    shown = signed_in.get(f"{PAGE}?{REACH}")
    assert titles(shown) == ["Reach", "Worth"]
    assert "1 place up" in text(shown) and "1 place down" in text(shown)
    assert "saved nowhere" in text(shown) and 'value="0"' in text(shown)
    found = rows(signed_in.get(f"{PAGE}?{REACH}&format=csv"))
    assert (found[0]["title"], found[0]["what-if rank"], found[0]["what-if impact"]) == (
        "Reach",
        "1",
        "5.00",
    )
    assert (found[0]["rank"], found[0]["movement"]) == ("2", "1 place up")
    assert list(Score.objects.order_by("pk").values()) == before
    assert (AuditEvent.objects.count(), ScoringModel.objects.count()) == (events, models)


def test_the_map_moves_with_the_weights(signed_in: Client, two: Any) -> None:
    def impacts(url: str) -> dict[str, float]:
        page = text(signed_in.get(url))
        block = re.search(r'<script id="portfolio"[^>]*>(.*?)</script>', page, re.DOTALL)
        assert block is not None
        trace = json.loads(block.group(1))["data"][0]
        return dict(zip((one.split("<")[0] for one in trace["text"]), trace["y"]))

    assert impacts(PAGE) == {"Worth": 3.8, "Reach": 3.6}
    assert impacts(f"{PAGE}?{REACH}") == {"Worth": 3.0, "Reach": 5.0}


def test_the_weights_in_force_are_no_question(signed_in: Client, two: Any) -> None:
    shown = text(signed_in.get(f"{PAGE}?w-value=4&w-reach=3.00&w-quality=&team="))
    assert "saved nowhere" not in shown


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("w-value=heavy", "A number from 0 to 100"),
        ("w-value=-1", "A number from 0 to 100"),
        ("w-value=1e-99999", "at most 6 decimals"),
        ("w-value=0&w-reach=0&w-quality=0&w-strategy=0", "must be above 0"),
    ],
)
def test_weights_that_are_none_stay_typed(
    signed_in: Client, two: Any, sent: str, said: str
) -> None:
    answer = signed_in.get(f"{PAGE}?{sent}")
    assert answer.status_code == 422
    assert said in text(answer)
    assert f'value="{sent.split("&")[0].split("=")[1]}"' in text(answer)
    assert len(titles(answer)) == 2


def test_filters_stand_in_the_address(signed_in: Client, two: Any, team: Team) -> None:
    worth, _ = two
    UseCase.objects.filter(pk=worth.pk).update(tier="limited")
    at_stage(worth, "approved")
    assert titles(signed_in.get(f"{PAGE}?tier=limited")) == ["Worth"]
    assert titles(signed_in.get(f"{PAGE}?stage=pilot")) == ["Reach"]
    assert len(titles(signed_in.get(f"{PAGE}?team={team.slug}"))) == 2
    assert "No scored use case here is like that" in text(signed_in.get(f"{PAGE}?team=none"))
    assert signed_in.get(f"{PAGE}?tier=%00").status_code == 400
    shown = text(signed_in.get(f"{PAGE}?tier=limited&{REACH}"))
    assert "tier=limited&amp;w-value=0" in shown
    assert [one["title"] for one in rows(signed_in.get(f"{PAGE}?tier=limited&format=csv"))] == [
        "Worth"
    ]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("rank", "Worth"),
        ("-rank", "Reach"),
        ("title", "Reach"),
        ("-impact", "Worth"),
        ("impact", "Reach"),
        ("-cost", "Reach"),
        ("tier", "Reach"),
        ("stage", "Worth"),
        ("nonsense", "Worth"),
    ],
)
def test_the_table_is_sorted_by_its_heads(
    signed_in: Client, two: Any, sort: str, first: str
) -> None:
    worth, reach = two
    UseCase.objects.filter(pk=worth.pk).update(tier="limited")
    at_stage(worth, "approved")
    make_settled(reach, amount="9", now=timezone.now())
    assert titles(signed_in.get(f"{PAGE}?sort={sort}"))[0] == first


def test_the_file_holds_no_formula(signed_in: Client, two: Any) -> None:
    UseCase.objects.filter(title="Worth").update(title="=1+1")
    assert rows(signed_in.get(f"{PAGE}?format=csv"))[0]["title"] == "'=1+1"


def test_scores_of_other_dimensions_are_not_compared(
    signed_in: Client, two: Any, owner: User
) -> None:
    replace_model()
    shown = text(signed_in.get(f"{PAGE}?w-trust=9"))
    assert "2 of 2 were scored on other dimensions" in shown and "not comparable" in shown
    found = rows(signed_in.get(f"{PAGE}?w-trust=9&format=csv"))
    assert {(one["movement"], one["scoring model"]) for one in found} == {("not comparable", "1")}


def test_a_stranger_sees_none(client: Client, two: Any) -> None:
    client.force_login(make_person("owner", make_team()))
    assert titles(client.get(PAGE)) == []
    assert rows(client.get(f"{PAGE}?format=csv")) == []


@pytest.mark.parametrize("url", [PAGE, f"{PAGE}?{REACH}", f"{PAGE}?format=csv"])
def test_the_portfolio_needs_as_many_queries_for_three_as_for_one(
    signed_in: Client, team: Team, owner: User, url: str
) -> None:
    scored(team, owner, "One")
    signed_in.get(url)
    one = queries(lambda: signed_in.get(url))
    for title in ("Two", "Three"):
        scored(team, owner, title)
    assert queries(lambda: signed_in.get(url)) == one


def test_many_are_paged_and_counted_on_the_map(signed_in: Client, team: Team, owner: User) -> None:
    many = UseCase.objects.bulk_create(
        UseCase(title=f"U {n}", slug=f"u-{n}", team=team, owner=owner, created_at=NOW)
        for n in range(200)
    )
    Score.objects.bulk_create(
        Score(
            use_case=one,
            assessor=owner,
            impact={},
            effort={},
            impact_total=4,
            effort_total=1 + n % 2,
            at=NOW,
        )
        for n, one in enumerate(many)
    )
    answer = signed_in.get(PAGE)
    assert len(titles(answer)) == 50
    assert "200 are too many to tell apart" in text(answer)
    assert "100 use cases\\u003Cbr\\u003Enot assessed" in text(answer)
    assert "200 of 200 scored use cases are quick wins" in text(answer)
    assert len(titles(signed_in.get(f"{PAGE}?page=4"))) == 50
    assert len(rows(signed_in.get(f"{PAGE}?format=csv"))) == 200
