"""A set that an earlier edition installed: what this one brings, and what stays as it was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Actor
from governance.policy.models import RuleSet, RuleSetVersion
from governance.policy.newer_rules import newer_rules
from governance.policy.rule_content import Rule, RuleSetContent, RuleTest
from governance.policy.rule_forms import TEXTS
from governance.policy.rule_sets import begin_rule_set, install_starting_rule_sets
from governance.policy.starting_rules import STARTING_SETS
from tests.factories.approvals import Board, make_board

[LATEST] = [one for one in STARTING_SETS if one.slug == "injection"]
PAGE = "/policy/rules/injection/"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def rule(key: str, pattern: str = "x") -> Rule:
    return Rule(key, key.title(), pattern)


def content(*rules: Rule, spares: tuple[str, ...] = ()) -> RuleSetContent:
    tests = [RuleTest(f"{one.key} finds {one.pattern}", one.key) for one in rules]
    return RuleSetContent(rules, (*tests, *(RuleTest(one) for one in spares)))


INSTALLED = content(rule("kept"), rule("old"), rule("ours"), rule("out"), spares=("Dear Sir.", "Y"))
NEW = content(
    rule("kept"), rule("old", "y"), rule("ours", "y"), rule("out", "y"), rule("more"), spares=("Z",)
)


def test_what_nobody_touched_is_renewed_and_what_somebody_made_stays() -> None:
    live = content(
        rule("kept"), rule("old"), rule("ours", "z"), rule("own"), spares=("Dear Sir.", "Y", "W")
    )
    found = newer_rules(INSTALLED, live, NEW)
    assert found is not None
    assert [one.key for one in found.added] == ["more"]
    assert [(one.key, one.pattern) for one in found.reworded] == [("old", "y")]
    patterns = {one.key: one.pattern for one in found.content.rules}
    assert patterns == {"kept": "x", "old": "y", "ours": "z", "own": "x", "more": "x"}
    texts = {one.text for one in found.content.tests}
    # Of a reworded rule the newer tests; of those that must find nothing, those still asked.
    assert {"old finds y", "more finds x", "ours finds z", "own finds x", "Z", "W"} <= texts
    assert texts.isdisjoint({"old finds x", "out finds y", "ours finds y", "Dear Sir.", "Y"})


def test_nothing_is_newer_where_all_is_there_or_was_taken_out() -> None:
    assert newer_rules(NEW, NEW, NEW) is None
    assert newer_rules(NEW, content(rule("own")), NEW) is None


@pytest.fixture
def board() -> Board:
    return make_board()


def client_of(board: Board, role: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=board.people[role].pk))
    return client


def installed_earlier() -> RuleSet:
    """Two rules fewer, and the first in other words."""
    first, *rest = LATEST.content.rules[:-2]
    keys = {"", *(one.key for one in (first, *rest))}
    tests = tuple(one for one in LATEST.content.tests if one.rule in keys)
    older = RuleSetContent((replace(first, pattern="ignore it"), *rest), tests)
    made = RuleSet.objects.create(
        slug=LATEST.slug, title=LATEST.title, screen=LATEST.screen, purpose="P", made_at=LONG_AGO
    )
    RuleSetVersion.objects.create(rule_set=made, version=1, made_at=LONG_AGO, **older.as_proposal())
    return made


def typed(context: Any) -> dict[str, Any]:
    """The form as a browser sends it untouched, with a reason."""
    rows = {
        f"{row['name']}-{name}": row[name] for row in context["rows"] for name in (*TEXTS, "reads")
    }
    return rows | {"tests": context["typed_tests"], "reason": "This edition's rules."}


@pytest.mark.django_db
def test_the_page_fills_them_in_and_a_proposal_of_them_is_whole(board: Board) -> None:
    made = installed_earlier()
    client = client_of(board, "safety")
    page = client.get(PAGE)
    assert "2 more, and 1 in other words" in page.content.decode()
    assert page.context["typed_tests"].count("\n") < len(LATEST.content.tests) - 1
    filled = client.get(PAGE + "?newer=1")
    assert "not proposed yet" in filled.content.decode()
    assert filled.content.decode().count(", newer</span>") == 3
    assert ", newer</span>" not in page.content.decode()
    answer = client.post(PAGE + "?newer=1", typed(filled.context))
    assert answer.status_code == 302, answer.content.decode()
    proposal = ChangeRequest.objects.get().proposal
    latest = LATEST.content.as_proposal()
    assert proposal["rules"] == latest["rules"]
    by_text = {(one["text"], one["rule"]) for one in proposal["tests"]}
    assert by_text == {(one["text"], one["rule"]) for one in latest["tests"]}
    # What is proposed is offered no more, and nothing of it holds yet.
    assert "brings newer rules" not in client.get(PAGE).content.decode()
    assert made.versions.get().version == 1


@pytest.mark.django_db
def test_it_is_offered_to_who_proposes_and_where_something_is_newer(board: Board) -> None:
    installed_earlier()
    assert "brings newer rules" not in client_of(board, "owner").get(PAGE).content.decode()
    install_starting_rule_sets(actor=Actor.system("tests"), now=timezone.now())
    begin_rule_set(
        actor=Actor.person(User.objects.get(pk=board.people["safety"].pk)),
        **{"slug": "words", "title": "W", "screen": "block_list", "purpose": "P"},
        now=timezone.now(),
    )
    listed = client_of(board, "safety").get("/policy/rules/").content.decode()
    assert listed.count("Newer rules can be proposed") == 1 and f"{PAGE}#newer" in listed
    assert "Newer rules" not in client_of(board, "owner").get("/policy/rules/").content.decode()
