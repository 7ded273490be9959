"""Each rule by which calls are booked has its test; those that had none are here."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from telemetry.chargeback.models import Budget
from telemetry.chargeback.verification import verify
from telemetry.ledger.booking_rules import BOOKING_RULES
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.ledger import make_person
from tests.factories.organisation import GOOD, Raw, provider, world

TESTS = Path(__file__).resolve().parents[1]
PROVED_BY = {
    "answered": "prompts/test_governed_call.py::test_an_answer_is_held_booked_and_says_nothing",
    "kinds": "prompts/test_priced_calls.py::test_each_kind_is_booked_at_its_price_and_counted_everywhere",
    "retried": "prompts/test_booking_rules.py::test_a_refused_attempt_costs_nothing_and_the_next_is_booked",
    "repaired": "prompts/test_governed_call.py::test_one_repair_is_tried_and_booked",
    "judged": "prompts/test_second_opinion.py::test_a_pass_leaves_and_its_cost_stands_in_the_ledger",
    "unusable": "prompts/test_booking_rules.py::test_what_nobody_can_read_is_booked_upward",
    "stream cut": "prompts/test_streams.py::test_a_provider_that_breaks_off_is_booked_and_said",
    "cache hit": "prompts/test_cache.py::test_a_hit_costs_nothing_and_says_so",
    "failed": "prompts/test_governed_call.py::test_a_provider_that_is_down_costs_nothing",
    "cancelled": "prompts/test_async_calls.py::test_a_call_is_cancelled_while_it_waits_and_never_runs",
    "blocked after answer": "prompts/test_booking_rules.py::test_an_answer_that_is_blocked_was_paid_for",
    "degraded": "prompts/test_steady_calls.py",
    "lost": "telemetry/chargeback/test_budgets.py",
}


def test_each_rule_has_its_test() -> None:
    assert set(PROVED_BY) == set(BOOKING_RULES)
    for place in PROVED_BY.values():
        path, _, name = place.partition("::")
        tree = ast.parse((TESTS / path).read_text())
        names = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
        assert not name or name in names, place


@pytest.mark.django_db
def test_the_help_page_says_them() -> None:
    client = Client()
    client.force_login(make_person("finance"))
    page = client.get("/help/").content.decode()
    assert all(f'<th scope="row">{name}</th>' in page for name in BOOKING_RULES)


def ask(here: Any) -> Any:
    return pipeline.run(
        GovernedRequest("licence-review", here.key, variables={"licence_text": "MIT License"})
    )


@pytest.mark.django_db
def test_a_refused_attempt_costs_nothing_and_the_next_is_booked(settings: Any) -> None:
    here = world()
    with provider(500, GOOD) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        ask(here)
    assert len(scripted.asked) == 2
    entry = LedgerEntry.objects.get()
    assert (entry.attempt, entry.calls, entry.amount) == (2, 1, Decimal("0.000032"))
    assert not Budget.objects.exclude(reserved=0).exists() and verify() == []


@pytest.mark.django_db
def test_what_nobody_can_read_is_booked_upward(settings: Any) -> None:
    here = world()
    with provider(Raw(b"x" * 900)) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        ask(here)
    entries = list(LedgerEntry.objects.all())
    assert len(entries) == len(scripted.asked)
    assert all(0 < one.tokens_output <= 451 and one.amount > 0 for one in entries)
    assert verify() == []


@pytest.mark.django_db
def test_an_answer_that_is_blocked_was_paid_for(settings: Any) -> None:
    here = world()
    key = "AKIA" + "Q3EGRTY7UVWX5ZAB"
    leaky = GOOD.replace("Keep the notice.", f"Use {key} now.")
    with provider(leaky) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        ask(here)
    assert Call.objects.get().state == "blocked"
    assert LedgerEntry.objects.get().amount == Decimal("0.000032")
    assert verify() == []
