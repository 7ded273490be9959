"""A person's erasure takes what reviewers wrote beside the answers; verdicts and hashes stay."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from reviews.decisions.models import ReviewDecision
from reviews.quality.models import Opinion
from reviews.queues import services as queues
from reviews.queues.models import Skip
from telemetry.ledger.erasing import certificate
from tests.factories.keeping import (
    carried_out,
    compliance,
    corrected,
    hashed,
    make_erasure,
    make_hold,
)
from tests.factories.ledger import NOW
from tests.factories.quality import judge, make_answer, make_double, make_known
from tests.factories.reviews import make_item, make_member, make_queue

pytestmark = pytest.mark.django_db
REASONS, SLOTS = "Reasons of reviewers", "Reasons in double reviews and calibrations"


def test_a_decision_keeps_its_verdict_and_the_hash_of_its_reason() -> None:
    queue = make_queue()
    decision, other = corrected(queue, "ada").decision, corrected(queue, "bob").decision
    erasure = make_erasure(end_user="ada")
    assert erasure.counted[REASONS] == 1
    carried_out(erasure)
    assert erasure.erased[REASONS] == 1
    decision.refresh_from_db()
    assert (decision.verdict, decision.rationale) == ("correct", "")
    assert decision.rationale_sha256 == text_digest("Wrong.")
    other.refresh_from_db()
    assert (other.rationale, other.rationale_sha256) == ("Wrong.", "")
    note = certificate(actor=Actor.person(compliance()), erasure=erasure, now=NOW)
    assert f'"{REASONS}": 1' in note


def test_a_legal_hold_keeps_the_reason() -> None:
    decision = corrected(make_queue(), "ada").decision
    make_hold(call=decision.item.call)
    free = corrected(make_queue("other"), "ada").decision
    carried_out(make_erasure(end_user="ada"))
    decision.refresh_from_db()
    free.refresh_from_db()
    assert (decision.rationale, free.rationale) == ("Wrong.", "")


def test_the_audit_log_has_the_hash_and_never_the_words() -> None:
    queue = make_queue()
    item = make_item(queue)
    reviewer = Actor.person(make_member(queue))
    queues.claim_item(actor=reviewer, item_id=item.pk, now=NOW)
    queues.skip(actor=reviewer, item_id=item.pk, reason="Ada is my neighbour", now=NOW)
    corrected(queue, "ada")
    events = {one.action: one for one in AuditEvent.objects.all()}
    assert events["review.decided"].after["rationale_sha256"] == text_digest("Wrong.")
    skipped = events["review.skipped"].after
    assert skipped["reason_sha256"] == text_digest("Ada is my neighbour")
    said = str([(one.reason, one.after, one.before) for one in events.values()])
    assert "Wrong." not in said and "neighbour" not in said


def test_why_an_item_was_skipped_goes_too() -> None:
    queue = make_queue()
    item = make_item(queue, end_user_hash=hashed("ada"))
    reviewer = Actor.person(make_member(queue))
    queues.claim_item(actor=reviewer, item_id=item.pk, now=NOW)
    queues.skip(actor=reviewer, item_id=item.pk, reason="Ada is my neighbour", now=NOW)
    erasure = carried_out(make_erasure(end_user="ada"))
    assert (Skip.objects.get().reason, erasure.erased[REASONS]) == ("", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"rationale": "other"},
        {"rationale": ""},
        {"rationale": "", "rationale_sha256": text_digest("other")},
        {"rationale": "", "rationale_sha256": text_digest("Wrong."), "verdict": "reject"},
        {"rationale_sha256": text_digest("Wrong.")},
    ],
)
def test_the_database_lets_go_of_the_words_alone(change: dict[str, Any]) -> None:
    decision = corrected(make_queue(), "ada").decision
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        ReviewDecision.objects.filter(pk=decision.pk).update(**change)
    carried_out(make_erasure(end_user="ada"))
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        ReviewDecision.objects.filter(pk=decision.pk).update(rationale="Wrong.")


def test_slots_and_calibrations_let_go_of_their_words_too() -> None:
    queue = make_double()
    item = make_item(queue, end_user_hash=hashed("ada"))
    judge(make_member(queue), item, "reject", now=NOW, rationale="Ada again")
    known = make_queue("known")
    make_known(known, NOW)
    answer = make_answer(known, make_member(known), NOW, "reject")
    source = answer.exercise.calibration.source.call
    type(source).objects.filter(pk=source.pk).update(end_user_hash=hashed("ada"))
    erasure = carried_out(make_erasure(end_user="ada"))
    opinion = Opinion.objects.get()
    assert (opinion.rationale, opinion.verdict) == ("", "reject")
    assert opinion.rationale_sha256 == text_digest("Ada again")
    answer.refresh_from_db()
    assert (answer.rationale, answer.rationale_sha256) == ("", text_digest("Because."))
    assert erasure.erased[SLOTS] == 2
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        Opinion.objects.update(rationale="Back again")
