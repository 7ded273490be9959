"""Who called gets what stands after a lead decided otherwise, and what stood before, by hash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.kernel.canonical import text_digest
from prompts.gateway.fetching import set_result_policy
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.overturning import overturn
from telemetry.ledger.models import Call
from tests.factories.organisation import GOOD, Provider, World, provider, world
from tests.prompts.test_repeated_calls import answered, read

pytestmark = pytest.mark.django_db(transaction=True)
BETTER = json.dumps(json.loads(GOOD) | {"spdx": "Zlib"})


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def otherwise(here: World, verdict: str, text: str | None = None) -> ReviewDecision:
    here.people.users["review_lead"].forget_reaches()
    return overturn(
        actor=here.people.actor("review_lead"),
        decision_id=ReviewDecision.objects.latest("pk").pk,
        verdict=verdict,
        corrected_text=text,
        rationale="Read again.",
        now=timezone.now(),
    )


def test_the_corrected_text_is_given_and_what_stood_before_by_its_hash(
    here: World, model: Provider
) -> None:
    address = answered(here)
    _, first = read(here, address)
    assert first["overturned"] is None and first["output"] == GOOD
    made = otherwise(here, "correct", BETTER)
    _, now = read(here, address)
    assert now["output"] == BETTER
    # What became of the call is a fact that nothing undoes.
    assert now["state"] == "released"
    assert now["overturned"] == {
        "verdict": "correct",
        "at": made.at.isoformat(),
        "output_sha256": text_digest(BETTER),
        "before": [
            {
                "verdict": "approve",
                "at": ReviewDecision.objects.earliest("pk").at.isoformat(),
                "output_sha256": text_digest(GOOD),
            }
        ],
    }
    person = Client()
    person.force_login(here.people.users["compliance"])
    seen = person.get(address).json()
    assert "output" not in seen and seen["overturned"]["verdict"] == "correct"


def test_a_rejection_afterwards_gives_nothing_and_an_approval_after_that_gives_it_again(
    here: World, model: Provider
) -> None:
    address = answered(here)
    otherwise(here, "correct", BETTER)
    otherwise(here, "reject")
    _, now = read(here, address)
    assert now["output"] is None and now["overturned"]["output_sha256"] is None
    assert [one["verdict"] for one in now["overturned"]["before"]] == ["correct", "approve"]
    otherwise(here, "approve")
    assert read(here, address)[1]["output"] == GOOD


def test_what_is_destroyed_is_not_given_and_the_calls_own_hash_stays(
    here: World, model: Provider
) -> None:
    address = answered(here)
    otherwise(here, "correct", BETTER)
    Correction.objects.update(
        model_text_sealed=None, human_text_sealed=None, destroyed_at=timezone.now()
    )
    _, now = read(here, address)
    assert now["output"] is None
    assert now["overturned"]["before"][0]["output_sha256"] == Call.objects.get().response_hash


def test_under_once_the_new_answer_is_given_once_more(here: World, model: Provider) -> None:
    set_result_policy(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        fetches="once",
        now=timezone.now(),
    )
    address = answered(here)
    assert read(here, address)[0] == 200
    assert read(here, address)[0] == 410
    otherwise(here, "correct", BETTER)
    assert read(here, address)[1]["output"] == BETTER
    assert read(here, address)[0] == 410
