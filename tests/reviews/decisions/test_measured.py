"""What reviewers changed, as drift and the prompt's page see it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.utils import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.authority import Actor
from prompts.corrections.figures import Thumbs
from reviews.decisions.difference import difference
from reviews.decisions.figures import corrected_in, distances_in
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.queues.models import Queue
from telemetry.drift import checks
from telemetry.drift.detectors import CORRECTIONS, EDITS, Limits, compare_failures, compare_lengths
from telemetry.drift.detectors import Tally as Counted
from telemetry.drift.models import DriftCheck
from telemetry.drift.rules import Span
from tests.factories.drift import make_monitor
from tests.factories.ledger import NOW, make_person
from tests.factories.quality import judge
from tests.factories.reviews import make_item, make_member, make_queue, signed_in


@given(st.text(), st.text())
def test_what_changed_is_a_share_of_what_was_compared(before: str, after: str) -> None:
    found = difference(before, after)
    assert 0 <= found.characters_changed <= found.characters_compared
    assert found.characters_compared >= max(len(before), len(after))
    assert (found.characters_changed == 0) == (before == after)


def test_with_too_few_it_says_of_what() -> None:
    few = compare_failures(Counted(1, 19), Counted(5, 400), Limits(20, 0.1), CORRECTIONS)
    assert few.verdict == "insufficient_data"
    assert "19 of the 20 decisions it needs, 1 is missing" in few.sentence
    edits = compare_lengths({5: 3}, {50: 400}, Limits(20, 0.2), EDITS)
    assert edits.verdict == "insufficient_data" and "3 of the 20 corrections" in edits.sentence


def test_more_is_corrected_than_before() -> None:
    found = compare_failures(Counted(40, 400), Counted(160, 400), Limits(100, 0.1), CORRECTIONS)
    assert found.verdict == "drift"
    assert found.sentence.startswith("The share of corrected answers has drifted: 10.0% (40 of 400")
    moved = compare_lengths({5: 100}, {60: 100}, Limits(20, 0.2), EDITS)
    assert moved.verdict == "drift" and "from 5 to 60 % of the answer" in moved.sentence


def decided(queue: Queue, verdict: str, at: datetime, text: str = "the answer.") -> ReviewDecision:
    more = {"corrected_text": text} if verdict == "correct" else {}
    made = judge(make_member(queue), make_item(queue, now=at), verdict, now=at, **more)
    assert isinstance(made, ReviewDecision)
    return made


@pytest.mark.django_db
def test_a_monitor_measures_what_people_decided_and_its_page_says_so() -> None:
    queue = make_queue()
    then, late = NOW - timedelta(days=10), NOW - timedelta(days=1)
    decided(queue, "correct", then)
    approved = decided(queue, "approve", late)
    decided(queue, "correct", late, "another text altogether")
    use_case = approved.item.call.use_case
    span = Span(NOW - timedelta(days=7), NOW)
    assert corrected_in(use_case.pk, span) == Counted(1, 2)
    assert sum(distances_in(use_case.pk, span).values()) == 1
    lead = Actor.person(make_member(queue, "review_lead"))
    overturn(
        actor=lead,
        decision_id=approved.pk,
        verdict="correct",
        rationale="Wrong.",
        corrected_text="the answer!",
        now=late,
    )
    assert corrected_in(use_case.pk, span) == Counted(2, 2)
    for measure, counts in (("corrected_share", (1, 2)), ("edit_distance", (1, 2))):
        monitor = make_monitor(use_case, measure)
        check = checks.run_check(actor=Actor.system("test"), monitor_id=monitor.pk, now=NOW)
        assert (check.state, check.reference_count, check.current_count) == (
            "insufficient_data",
            *counts,
        )
        page = signed_in(make_person("safety")).get(f"/drift/{monitor.pk}/").content.decode()
        assert check.sentence.split(":")[0] in page
        assert ("Decisions" if measure == "corrected_share" else "Corrections") in page
    assert not DriftCheck.objects.filter(state="failed").exists()


@pytest.mark.django_db
def test_the_size_of_a_correction_stays() -> None:
    made = Correction.objects.get(decision=decided(make_queue(), "correct", NOW, "the answer."))
    assert (made.characters_changed, made.characters_compared) == (1, 11)
    with pytest.raises(IntegrityError, match="written once"):
        Correction.objects.update(characters_compared=1)


def test_too_few_thumbs_are_said_to_be_too_few() -> None:
    assert Thumbs().says() == "nobody said anything"
    assert Thumbs(1, 1).says() == "too few to tell: 1 of 2 up"
    assert Thumbs(15, 5).says() == "75% of 20 up"
