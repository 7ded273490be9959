"""Admit, start, settle, decide, open."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, Unavailable, WrongState
from telemetry.ledger import bodies, retention, selectors, services
from telemetry.ledger.models import Call, LedgerEntry, Payload
from tests.factories.ledger import (
    NOW,
    bill,
    body,
    make_call,
    make_deployment,
    make_person,
    make_settled,
    make_use_case,
)

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


def test_a_settled_call_has_one_line_per_billed_attempt() -> None:
    deployment = make_deployment()
    call = services.start_call(call=make_call(), now=NOW, deployment=deployment)
    billed = [bill(deployment, "0.5", 1), bill(deployment, "0.25", 2)]
    call = services.settle_call(call=call, outcome="deliver", now=NOW, billed=billed)
    assert (call.state, call.cost, call.attempts) == ("delivered", Decimal("0.75"), 2)
    assert (call.tokens_input, call.tokens_output) == (200, 20)
    assert sorted(call.entries.values_list("attempt", "calls")) == [(1, 1), (2, 0)]


def test_settling_twice_books_once_and_keeps_the_first_end() -> None:
    deployment = make_deployment()
    call = services.start_call(call=make_call(), now=NOW)
    first = services.settle_call(
        call=call, outcome="fail", now=NOW, billed=[bill(deployment)], refusal_code="x"
    )
    again = services.settle_call(
        call=call, outcome="deliver", now=NOW, billed=[bill(deployment)], response=body("late")
    )
    assert (again.state, again.cost, again.digest) == ("failed", first.cost, first.digest)
    assert services.visible_answer(again) is None
    assert LedgerEntry.objects.count() == 1


def test_a_bill_that_comes_after_the_end_is_booked_all_the_same() -> None:
    deployment = make_deployment()
    call = services.start_call(call=make_call(), now=NOW)
    services.settle_call(call=call, outcome="fail", now=NOW, refusal_code="call_lost")
    later = NOW + timedelta(minutes=9)
    call = services.settle_call(
        call=call, outcome="deliver", now=later, billed=[bill(deployment, "0.5")]
    )
    assert (call.state, call.cost) == ("failed", Decimal("0.5"))


def test_another_currency_is_refused_and_nothing_is_settled() -> None:
    call = services.start_call(call=make_call(), now=NOW)
    wrong = services.BilledAttempt(1, make_deployment(), 1, 1, Decimal(1), currency="GBP")
    with pytest.raises(Invalid):
        services.settle_call(call=call, outcome="deliver", now=NOW, billed=[wrong])
    call.refresh_from_db()
    assert call.state == "running"


def test_a_running_call_is_taken_over_only_when_its_lease_ran_out() -> None:
    call = services.start_call(call=make_call(), now=NOW, lease=timedelta(minutes=1))
    with pytest.raises(WrongState):
        services.start_call(call=call, now=NOW + timedelta(seconds=59))
    later = NOW + timedelta(seconds=61)
    assert selectors.lost_calls(later) == [call]
    assert services.start_call(call=call, now=later).state == "running"
    assert selectors.lost_calls(later) == []


@pytest.mark.parametrize("outcome", ["hold", "block", "fail"])
def test_what_was_not_delivered_is_not_visible(outcome: str) -> None:
    call = make_settled(outcome=outcome)
    assert services.visible_answer(call) is None
    assert selectors.call_representation(call)["output"] is None


def test_a_delivered_answer_is_visible() -> None:
    call = make_settled(text="forty-two")
    assert services.visible_answer(call) == "forty-two"


@pytest.mark.parametrize(
    ("verdict", "text", "answer"),
    [("released", None, "model"), ("corrected", "human", "human"), ("rejected", None, None)],
)
def test_a_decision_frees_the_answer_or_does_not(
    verdict: str, text: str | None, answer: str | None
) -> None:
    call = make_settled(outcome="hold", text="model")
    assert services.held_text(call) == "model"
    assert services.held_input(call) == "the question"
    call = services.decide_call(
        call=call, verdict=verdict, decided_text=text, actor=SYSTEM, now=NOW
    )
    assert services.visible_answer(call) == answer
    assert AuditEvent.objects.filter(action=f"call.{verdict}").count() == 1


def test_a_decision_is_taken_once() -> None:
    call = make_settled(outcome="hold")
    services.decide_call(call=call, verdict="rejected", actor=SYSTEM, now=NOW)
    with pytest.raises(WrongState):
        services.decide_call(call=call, verdict="released", actor=SYSTEM, now=NOW)


@pytest.mark.parametrize(("verdict", "text"), [("corrected", None), ("released", "x"), ("y", None)])
def test_a_verdict_must_fit_its_text(verdict: str, text: str | None) -> None:
    call = make_settled(outcome="hold")
    with pytest.raises(Invalid):
        services.decide_call(call=call, verdict=verdict, decided_text=text, actor=SYSTEM, now=NOW)


def test_bodies_are_sealed_and_bound_to_their_row() -> None:
    one, two = make_settled(text="secret one"), make_settled(text="secret two")
    sealed = Payload.objects.get(pk=one.pk).response_sealed
    assert b"secret" not in bytes(sealed)
    Payload.objects.filter(pk=two.pk).update(response_sealed=sealed)
    with pytest.raises(Unavailable):
        services.visible_answer(Call.objects.get(pk=two.pk))


def test_opening_bodies_needs_the_permission_on_the_team_and_is_audited() -> None:
    call = make_settled(text="forty-two")
    stranger = make_person("prompt_engineer", make_use_case().team)
    with pytest.raises(NotAllowed):
        bodies.open_payload(actor=Actor.person(stranger), call=call, now=NOW)
    colleague = make_person("prompt_engineer", call.team)
    opened = bodies.open_payload(actor=Actor.person(colleague), call=call, now=NOW)
    assert (opened.request, opened.response) == ("the question", "forty-two")
    assert AuditEvent.objects.filter(action="call.bodies_opened").count() == 1


def test_a_held_answer_stays_closed_even_to_those_who_read_bodies() -> None:
    call = make_settled(outcome="hold", text="forty-two")
    steward = Actor.person(make_person("data_steward"))
    opened = bodies.open_payload(actor=steward, call=call, now=NOW)
    assert opened.response is None
    assert opened.withheld


def test_retention_empties_the_bodies_keeps_the_hashes_and_expires_what_is_held() -> None:
    held, delivered = make_settled(outcome="hold"), make_settled()
    later = NOW + timedelta(days=31)
    assert retention.destroy_payloads(now=later) == 2
    assert retention.destroy_payloads(now=later) == 0
    held.refresh_from_db()
    assert (held.state, bool(held.response_hash)) == ("expired", True)
    assert services.visible_answer(Call.objects.get(pk=delivered.pk)) is None


def test_an_idempotency_key_finds_its_call() -> None:
    person = make_person()
    call = make_call(requester=person, idempotency_key="k")
    assert selectors.call_by_idempotency(key="k", requester=person) == call
    assert selectors.call_by_idempotency(key="k", requester=make_person()) is None
    assert selectors.call_by_idempotency(key="", requester=person) is None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_ledgerentry SET amount = 0",
        "DELETE FROM ledger_ledgerentry",
        "SET LOCAL session_replication_role = replica; DELETE FROM ledger_ledgerentry",
    ],
)
def test_the_database_refuses_to_change_a_money_line(sql: str) -> None:
    make_settled()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_refuses_to_truncate_money_lines() -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_ledgerentry CASCADE")
