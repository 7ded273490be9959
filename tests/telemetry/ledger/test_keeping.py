"""How long texts are kept, what keeps them longer, and what ends them early."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from governance.audit.models import AuditEvent
from governance.audit.notes import verify_note
from governance.audit.services import sequence, signer
from governance.audit.verification import problems
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from reviews.decisions.models import Correction
from reviews.queues.models import ReviewItem
from telemetry.chargeback.verification import verify
from telemetry.ledger import erasing, legal_holds, retention, tasks
from telemetry.ledger.keeping_evidence import bodies_in_words
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure, LegalHold, Payload
from telemetry.ledger.registries import body_stores
from telemetry.ledger.rules import end_user_hash
from tests.factories.keeping import (
    carried_out,
    compliance,
    corrected,
    hashed,
    make_erasure,
    make_hold,
    said_by,
)
from tests.factories.ledger import (
    NOW,
    make_call,
    make_deployment,
    make_person,
    make_settled,
    make_use_case,
)
from tests.factories.reviews import make_item, make_queue

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=31)


def is_kept(call: Call) -> bool:
    return Payload.objects.get(pk=call.pk).destroyed_at is None


def test_a_round_empties_every_store_and_keeps_hashes_and_calls() -> None:
    queue = make_queue()
    correction = corrected(queue)
    item = make_item(queue)
    done = retention.destroy_due(now=LATER)
    assert done["payloads"] == 2 and done["corrections"] == 1
    # Its text went in this round, so the item follows at once or with the next.
    assert done["review items"] + retention.destroy_due(now=LATER)["review items"] == 1
    correction.refresh_from_db()
    item.refresh_from_db()
    assert correction.texts() is None
    assert item.state == "decided" and item.call.response_hash
    assert Call.objects.get(pk=item.call_id).state == "expired"
    assert correction.decision.item.call.decided_hash
    assert sum(retention.destroy_due(now=LATER).values()) == 0


def test_a_round_is_bounded() -> None:
    for _ in range(3):
        make_settled()
    assert [retention.destroy_due(now=LATER, batch=2)["payloads"] for _ in range(3)] == [2, 1, 0]


def test_each_scope_of_a_hold_keeps_its_calls_and_no_others() -> None:
    use_case = make_use_case()
    call, other = said_by("ada", use_case=use_case), said_by("bob")
    scopes: list[dict[str, Any]] = [
        {"use_case": use_case},
        {"team": call.team, "use_case": use_case},
        {"call": call},
        {"end_user": "ada"},
        {"starts_at": NOW - timedelta(days=1), "ends_at": NOW + timedelta(days=1), "call": call},
    ]
    for scope in scopes:
        hold = make_hold(**scope)
        kept = Call.objects.filter(is_held_back()).values_list("pk", flat=True)
        assert list(kept) == [call.pk] == list(hold.calls().values_list("pk", flat=True)), scope
        lifting = Actor.person(compliance())
        legal_holds.lift_hold(actor=lifting, hold_id=hold.pk, reason="Over.", now=NOW)
        assert not Call.objects.filter(is_held_back()).exists()
    assert other.end_user_hash != call.end_user_hash


def test_what_is_held_back_stays_until_the_hold_is_lifted() -> None:
    queue = make_queue()
    correction = corrected(queue, "ada")
    free = said_by("bob")
    hold = make_hold(end_user="ada")
    for _ in range(2):
        retention.destroy_due(now=LATER)
    correction.refresh_from_db()
    assert correction.texts() == ("the answer", "the better answer")
    assert is_kept(correction.decision.item.call) and not is_kept(free)
    actor = Actor.person(compliance())
    legal_holds.lift_hold(actor=actor, hold_id=hold.pk, reason="The case is closed.", now=LATER)
    retention.destroy_due(now=LATER)
    correction.refresh_from_db()
    assert correction.texts() is None and not is_kept(correction.decision.item.call)
    actions = ["legal_hold.placed", "legal_hold.lifted"]
    assert AuditEvent.objects.filter(action__in=actions).count() == 2


def test_a_hold_says_before_what_it_keeps_back() -> None:
    queue = make_queue()
    corrected(queue, "ada")
    said_by("ada")
    said_by("bob")
    found = legal_holds.count_scope(actor=Actor.person(compliance()), end_user="ada")
    assert found.calls == 2
    assert found.texts["Bodies of calls"] == 2 and found.texts["Corrections"] == 1


def test_who_may_not_and_what_may_not() -> None:
    nobody, actor = Actor.person(make_person("finance")), Actor.person(compliance())
    facts: dict[str, Any] = {"name": "n", "reason": "r", "now": NOW}
    with pytest.raises(NotAllowed):
        legal_holds.place_hold(actor=nobody, end_user="ada", **facts)
    with pytest.raises(Invalid, match="say what it covers"):
        legal_holds.place_hold(actor=actor, **facts)
    with pytest.raises(Invalid):
        legal_holds.place_hold(actor=actor, starts_at=NOW, ends_at=NOW, **facts)
    with pytest.raises(Invalid):
        legal_holds.place_hold(actor=actor, end_user="ada", **(facts | {"reason": " "}))
    hold = make_hold(end_user="ada")
    with pytest.raises(NotAllowed):
        legal_holds.lift_hold(actor=nobody, hold_id=hold.pk, reason="r", now=NOW)
    legal_holds.lift_hold(actor=actor, hold_id=hold.pk, reason="r", now=NOW)
    with pytest.raises(WrongState):
        legal_holds.lift_hold(actor=actor, hold_id=hold.pk, reason="r", now=NOW)
    with pytest.raises(NotAllowed):
        erasing.request_erasure(actor=nobody, reason="r", end_user="ada", now=NOW)


def test_the_database_itself_keeps_what_is_held_back() -> None:
    call = said_by("ada")
    hold = make_hold(end_user="ada")
    for change in ({"destroyed_at": NOW}, {"response_sealed": None}):
        with pytest.raises(DatabaseError, match="legal hold"), transaction.atomic():
            Payload.objects.filter(pk=call.pk).update(**change)
    for change in ({"end_user_hash": hashed("bob")}, {"name": "Other"}):
        with pytest.raises(DatabaseError, match="keeps its scope"), transaction.atomic():
            LegalHold.objects.filter(pk=hold.pk).update(**change)
    with pytest.raises(DatabaseError, match="keeps its scope"), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).delete()


def test_an_erasure_empties_a_persons_texts_and_only_those() -> None:
    queue = make_queue()
    correction = corrected(queue, "ada")
    waits = make_item(queue, end_user_hash=hashed("ada"))
    calls = [said_by("ada") for _ in range(3)]
    other = said_by("bob")
    erasure = make_erasure(end_user="ada")
    assert erasure.calls_total == 5 and erasure.counted["Bodies of calls"] == 5
    carried_out(erasure, limit=2)
    assert erasure.state == "finished" and erasure.calls_done == 5
    assert erasure.erased["Bodies of calls"] == 5 and erasure.erased["Corrections"] == 1
    assert erasure.erased["Review items that wait"] == 1
    assert not any(is_kept(one) for one in calls) and is_kept(other)
    correction.refresh_from_db()
    assert correction.texts() is None
    assert ReviewItem.objects.get(pk=waits.pk).state == "decided"
    for call in calls:
        call.refresh_from_db()
        assert call.response_hash and call.digest
    assert "ada" not in str(Erasure.objects.values().get())


def test_every_proof_still_holds_after_an_erasure() -> None:
    call = said_by("ada")
    tasks.seal()
    sequence(now=NOW)
    before = verify()  # these calls were made without budgets, which it says
    erasure = carried_out(make_erasure(end_user="ada"))
    sequence(now=NOW)
    assert list(problems()) == []
    assert verify() == before
    call_command("verify_audit", stdout=StringIO())
    call = Call.objects.select_related("payload__erasure").get(pk=call.pk)
    assert bodies_in_words(call) == f"redacted, covered by event {erasure.event}"
    event = AuditEvent.objects.get(pk=erasure.event)
    assert event.after is not None and event.after["erased"]["Bodies of calls"] == 1


def test_a_certificate_is_signed_and_says_what_went() -> None:
    said_by("ada")
    erasure = make_erasure(end_user="ada")
    actor = Actor.person(compliance())
    with pytest.raises(WrongState):
        erasing.certificate(actor=actor, erasure=erasure, now=NOW)
    carried_out(erasure)
    sequence(now=NOW)
    note = erasing.certificate(actor=actor, erasure=erasure, now=NOW)
    assert verify_note(note, signer().public_bytes)
    assert not verify_note(note.replace(hashed("ada"), hashed("eve")), signer().public_bytes)
    assert str(erasure.event) in note and '"Bodies of calls": 1' in note


def test_what_is_under_a_legal_hold_is_refused_by_its_name() -> None:
    kept, free = said_by("ada"), said_by("ada")
    make_hold(call=kept, name="Case 9")
    before = erasing.count_erasure(actor=Actor.person(compliance()), end_user="ada", now=NOW)
    assert [(one.name, one.calls) for one in before.refused] == [("Case 9", 1)]
    erasure = carried_out(make_erasure(end_user="ada"))
    assert is_kept(kept) and not is_kept(free)
    assert erasure.refused == [{"hold": "Case 9", "calls": 1}]
    with pytest.raises(WrongState, match="Case 9"):
        make_erasure(call=kept)
    with pytest.raises(Invalid, match="No call"):
        make_erasure(end_user="nobody")
    with pytest.raises(Invalid):
        make_erasure(end_user="ada", call=kept)


def test_a_running_call_is_erased_once_it_is_settled() -> None:
    running = make_call(end_user_hash=hashed("ada"))
    said_by("ada")
    erasure = carried_out(make_erasure(end_user="ada"))
    assert erasure.state == "running"
    call = legal_call = Call.objects.get(pk=running.pk)
    settled_now(call)
    carried_out(erasure)
    assert erasure.state == "finished" and not is_kept(legal_call)
    assert erasure.erased["Bodies of calls"] == 2


def settled_now(call: Call) -> None:
    from telemetry.ledger import services
    from tests.factories.ledger import body

    services.start_call(call=call, now=NOW, deployment=make_deployment())
    services.settle_call(call=call, outcome="deliver", now=NOW, response=body("late"))


def test_the_same_form_is_one_hold_and_one_erasure() -> None:
    said_by("ada")
    token = uuid4()
    assert make_hold(use_case=make_use_case(), form_token=token) == make_hold(
        use_case=make_use_case(), form_token=token
    )
    assert make_erasure(end_user="ada", form_token=token) == make_erasure(
        end_user="ada", form_token=token
    )


def test_housekeeping_finds_an_erasure_that_nobody_works_on() -> None:
    said_by("ada")
    erasure = make_erasure(end_user="ada")
    assert erasing.unfinished(NOW + timedelta(minutes=3)) == [erasure.pk]
    tasks.erase(str(erasure.pk))
    assert erasing.unfinished(NOW + timedelta(days=1)) == []
    tasks.erase(str(erasure.pk))
    assert AuditEvent.objects.filter(action="erasure.finished").count() == 1


def test_every_store_of_bodies_is_registered() -> None:
    assert {"payloads", "corrections", "review items", "batch lines"} <= set(body_stores)


class Scopes(TestCase):
    """Whatever a hold says: the query, the model and the database's own guard agree."""

    @given(
        by_user=st.booleans(),
        by_team=st.booleans(),
        from_day=st.one_of(st.none(), st.integers(-2, 2)),
        until_day=st.one_of(st.none(), st.integers(-2, 2)),
        user=st.sampled_from(["ada", "bob"]),
    )
    def test_three_say_the_same(
        self, by_user: bool, by_team: bool, from_day: Any, until_day: Any, user: str
    ) -> None:
        call = make_call(end_user_hash=hashed(user))
        Payload.objects.create(call=call, keep_until=NOW)
        hold = LegalHold(
            name="n",
            reason="r",
            end_user_hash=hashed("ada") if by_user else "",
            team=call.team if by_team else None,
            starts_at=day(from_day),
            ends_at=day(until_day),
            placed_by=make_person(),
            placed_at=NOW,
        )
        if not (by_user or by_team or from_day is not None or until_day is not None):
            return
        hold.save()
        is_asked = Call.objects.filter(is_held_back(), pk=call.pk).exists()
        assert hold.calls().filter(pk=call.pk).exists() == is_asked
        try:
            with transaction.atomic():
                Payload.objects.filter(pk=call.pk).update(destroyed_at=NOW)
            refused = False
        except DatabaseError:
            refused = True
        assert refused == is_asked


def day(number: int | None) -> datetime | None:
    return None if number is None else NOW + timedelta(days=number)


def test_an_identifier_is_hashed_as_the_gateway_hashes_it() -> None:
    assert end_user_hash("ada") == hashed("ada") and end_user_hash("") == ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(sha256('ada'::bytea), 'hex')")
        assert cursor.fetchone()[0] == hashed("ada")
    assert not Correction.objects.exists()
