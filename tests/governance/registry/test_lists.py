"""The register and the portfolio map."""

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
from governance.registry.models import UseCase
from tests.factories.ledger import make_person, make_settled, make_team, make_use_case
from tests.factories.registry import queries, score
from tests.factories.stages import at_stage


def text(answer: Any) -> str:
    return b"".join(answer).decode()


def titles(answer: Any) -> list[str]:
    return re.findall(r'<tr><td><a href="/use-cases/[^"]*">([^<]*)</a>', text(answer))


@pytest.fixture
def portfolio(team: Team, owner: User) -> dict[str, UseCase]:
    """One use case per quadrant, named by it."""
    points = {"quick": (5, 1), "major": (5, 5), "fill": (1, 1), "drop": (1, 5)}
    made = {}
    for name, (impact, effort) in points.items():
        made[name] = make_use_case(team, owner=owner, title=name, tier="high")
        score(made[name], owner, impact, effort)
    return made


def test_the_list_is_searched_by_title_and_filtered(
    signed_in: Client, portfolio: dict[str, UseCase], team: Team
) -> None:
    UseCase.objects.filter(title="major").update(tier="limited")
    at_stage(portfolio["major"], "pilot")
    assert titles(signed_in.get("/use-cases/?q=AJO")) == ["major"]
    assert titles(signed_in.get("/use-cases/?stage=pilot")) == ["major"]
    assert titles(signed_in.get("/use-cases/?tier=limited")) == ["major"]
    assert len(titles(signed_in.get(f"/use-cases/?team={team.slug}"))) == 4
    assert "No use case here is like that" in text(signed_in.get("/use-cases/?q=nothing"))
    assert signed_in.get("/use-cases/?q=%00").status_code == 400


def test_an_empty_register_says_what_it_is_for(signed_in: Client) -> None:
    assert "Register the first" in text(signed_in.get("/use-cases/"))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("priority", ["quick", "major", "fill", "drop"]),
        ("-priority", ["drop", "fill", "major", "quick"]),
        ("title", ["drop", "fill", "major", "quick"]),
        ("-title", ["quick", "major", "fill", "drop"]),
        ("tier", ["major", "drop", "fill", "quick"]),
        ("stage", ["drop", "fill", "quick", "major"]),
        ("nonsense", ["drop", "fill", "major", "quick"]),
    ],
)
def test_the_list_is_sorted_by_its_heads(
    signed_in: Client, portfolio: dict[str, UseCase], sort: str, expected: list[str]
) -> None:
    UseCase.objects.filter(title="major").update(tier="unacceptable")
    at_stage(portfolio["major"], "pilot")
    assert titles(signed_in.get(f"/use-cases/?sort={sort}")) == expected


def test_sort_links_turn_round_and_keep_the_filters(
    signed_in: Client, portfolio: dict[str, UseCase]
) -> None:
    shown = text(signed_in.get("/use-cases/?tier=high&sort=priority&page=1"))
    assert 'aria-sort="ascending"' in shown
    assert "?tier=high&amp;sort=-priority" in shown
    assert "?tier=high&amp;sort=owner" in shown


def test_the_pages_keep_filter_and_sort(signed_in: Client, team: Team, owner: User) -> None:
    for _ in range(51):
        make_use_case(team, owner=owner, tier="high")
    shown = text(signed_in.get("/use-cases/?tier=high&sort=-title&page=1"))
    assert "tier=high&amp;sort=-title&amp;page=2" in shown
    assert len(titles(signed_in.get("/use-cases/?tier=high&sort=-title&page=2"))) == 1


def test_the_file_holds_the_filtered_list_and_no_formula(
    signed_in: Client, portfolio: dict[str, UseCase]
) -> None:
    UseCase.objects.filter(title="quick").update(title="=1+1")
    at_stage(portfolio["quick"], "pilot")
    answer = signed_in.get("/use-cases/?stage=pilot&format=csv")
    rows = list(csv.DictReader(io.StringIO(text(answer))))
    assert [row["title"] for row in rows] == ["'=1+1"]
    assert rows[0]["quadrant"] == "quick win"
    assert rows[0]["currency"] == "USD"


def test_amounts_carry_the_organisations_currency(
    signed_in: Client, portfolio: dict[str, UseCase], settings: Any
) -> None:
    settings.PLACET_CURRENCY = "EUR"
    for url in ("/use-cases/", "/use-cases/map/"):
        shown = text(signed_in.get(url))
        assert "0.00 EUR" in shown
        assert "USD" not in shown


def test_the_map_has_quick_wins_first_and_sizes_by_cost(
    signed_in: Client, portfolio: dict[str, UseCase], settings: Any
) -> None:
    UseCase.objects.filter(title="drop").update(tier="")
    make_settled(portfolio["major"], amount="9", now=timezone.now())
    page = text(signed_in.get("/use-cases/map/"))
    assert titles(signed_in.get("/use-cases/map/")) == ["quick", "major", "fill", "drop"]
    block = re.search(r'<script id="portfolio"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert block is not None
    traces = {one["name"]: one for one in json.loads(block.group(1))["data"]}
    assert set(traces) == {"high risk", "not assessed"}
    high = traces["high risk"]
    sizes = dict(zip(high["text"], high["marker"]["size"]))
    assert sizes["major<br>high risk"] > sizes["quick<br>high risk"]
    assert "9.00 USD this month" in high["hovertext"]
    assert "1 of 4 scored use cases are quick wins" in block.group(1)


def test_the_map_downloads_in_the_same_order(
    signed_in: Client, portfolio: dict[str, UseCase]
) -> None:
    rows = list(csv.DictReader(io.StringIO(text(signed_in.get("/use-cases/map/?format=csv")))))
    assert [row["title"] for row in rows] == ["quick", "major", "fill", "drop"]
    assert rows[0]["impact"] == "5.00"


def test_an_empty_map_says_what_to_do(signed_in: Client, use_case: UseCase) -> None:
    assert "Nothing is scored yet" in text(signed_in.get("/use-cases/map/"))


def test_others_teams_are_on_neither(client: Client, portfolio: dict[str, UseCase]) -> None:
    client.force_login(make_person("owner", make_team()))
    for url in ("/use-cases/", "/use-cases/map/"):
        assert titles(client.get(url)) == []


@pytest.mark.parametrize("url", ["/use-cases/", "/use-cases/?sort=-priority", "/use-cases/map/"])
def test_the_lists_need_as_many_queries_for_three_as_for_one(
    signed_in: Client, team: Team, owner: User, url: str
) -> None:
    score(make_use_case(team, owner=owner), owner)
    signed_in.get(url)
    one = queries(lambda: signed_in.get(url))
    for _ in range(2):
        score(make_use_case(team, owner=owner), owner)
    assert queries(lambda: signed_in.get(url)) == one
