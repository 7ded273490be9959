"""The door: exact under concurrency, all or nothing, and healed after a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.model_cards.models import Deployment
from prompts.gateway import gate
from prompts.gateway.circuits import follow
from prompts.gateway.gate import End, Entry, Limits, Pass
from prompts.gateway.models import AttemptEnd, Bucket, Circuit, CircuitMove, Flight, Runner
from prompts.gateway.runner_sql import LOCK
from prompts.gateway.runners import beat, forget_runners, own_id
from telemetry.alerts.models import Alert
from tests.factories.ledger import make_deployment
from tests.factories.registry import queries

KEY = Limits("key", 1, 5, None)


def enter(
    buckets: list[Limits], deployments: list[Deployment], tokens: int = 10, lease: int = 60
) -> Entry:
    return gate.enter(uuid4(), buckets, deployments, tokens, lease)


def never_refill(*subjects: Limits) -> None:
    """Full buckets of the day after tomorrow: no time passes for them in this test."""
    for one in subjects:
        at = timezone.now() + timedelta(days=2)
        Bucket.objects.create(subject=one.subject, subject_id=one.id, refilled_at=at)


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    barrier = threading.Barrier(times)

    def run(_: int) -> Any:
        connection.ensure_connection()
        barrier.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.django_db(transaction=True)
def test_exactly_what_fits_passes_whoever_comes() -> None:
    never_refill(KEY)
    deployment = make_deployment()
    entries = at_once(lambda: enter([KEY], [deployment]), 12)
    assert sum(one.chosen == deployment.pk for one in entries) == 5
    short = [one.short_of for one in entries if one.short_of]
    assert [(one.subject, one.kind) for one in short] == [("key", "requests")] * 7
    assert all(one.wait > 0 for one in short)


@pytest.mark.django_db(transaction=True)
def test_no_more_are_in_flight_than_places_and_one_tries_an_open_circuit() -> None:
    first, second = make_deployment(), make_deployment()
    Deployment.objects.update(concurrency_limit=3)
    first.refresh_from_db()
    second.refresh_from_db()
    past = timezone.now() - timedelta(seconds=1)
    Circuit.objects.create(deployment=first, state="open", open_until=past, times_opened=1)
    # In both orders at once: nobody waits for somebody who waits for them.
    entries = at_once(lambda: (enter([], [first, second]), enter([], [second, first])), 6)
    chosen = [one.chosen for pair in entries for one in pair]
    assert (chosen.count(first.pk), chosen.count(second.pk), chosen.count(None)) == (1, 3, 8)
    assert sum(one.is_probe for pair in entries for one in pair) == 1
    assert Circuit.objects.get(pk=first.pk).state == "half_open"
    assert [one.action for one in CircuitMove.objects.all()] == ["probe"]


@pytest.mark.django_db
def test_all_or_nothing_is_taken() -> None:
    use_case = Limits("use_case", 7, None, 100)
    never_refill(KEY, use_case)
    deployment = make_deployment()
    assert enter([KEY, use_case], [deployment], tokens=90).chosen
    refused = enter([KEY, use_case], [deployment], tokens=90)
    assert refused.short_of is not None
    assert (refused.short_of.subject, refused.short_of.kind) == ("use_case", "tokens")
    Circuit.objects.update(state="held_open")
    assert enter([KEY, use_case], [deployment], tokens=5).chosen is None
    left = dict(Bucket.objects.values_list("subject", "requests_left"))
    assert left["key"] == 4
    assert Bucket.objects.get(subject="use_case").tokens_left == 10
    assert Flight.objects.count() == 1


@pytest.mark.django_db
def test_a_wait_is_as_long_as_the_refill_takes() -> None:
    slow = Limits("key", 2, 6, None)
    never_refill(slow)
    Bucket.objects.update(requests_left=0.0)
    short = enter([slow], []).short_of
    assert short is not None and short.wait == pytest.approx(10)


@pytest.mark.django_db
def test_what_was_not_used_comes_back_and_what_was_used_beyond_is_owed() -> None:
    limits = Limits("key", 3, None, 1000)
    never_refill(limits)
    for used, left in ((100, 900.0), (700, 200.0)):
        call = uuid4()
        entry = gate.enter(call, [limits], [], 150, 60)
        assert entry.header_facts()["x-ratelimit-limit-tokens"] == "1000"
        gate.leave(call, Pass(buckets=[limits], tokens=150), used, {})
        assert Bucket.objects.get().tokens_left == left


@pytest.mark.django_db
def test_a_place_of_a_killed_process_is_free_once_its_lease_ran_out() -> None:
    deployment = make_deployment()
    deployment.concurrency_limit = 1
    assert enter([], [deployment]).chosen
    busy = enter([], [deployment])
    assert [one.why for one in busy.skipped] == ["busy"]
    Flight.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert enter([], [deployment]).chosen == deployment.pk
    assert Flight.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seen_ago", "is_free"), [(2, False), (30, True), (None, True)], ids=["alive", "missed", "gone"]
)
def test_the_place_of_a_process_that_is_missed_is_given_to_who_finds_none(
    seen_ago: int | None, is_free: bool
) -> None:
    deployment = make_deployment()
    Deployment.objects.update(concurrency_limit=2)
    deployment.refresh_from_db()
    runner, now = uuid4(), timezone.now()
    if seen_ago is not None:
        Runner.objects.create(id=runner, seen_at=now - timedelta(seconds=seen_ago))
    later = now + timedelta(minutes=2)
    Flight.objects.create(call_id=uuid4(), deployment=deployment, until=later, runner_id=runner)
    assert enter([], [deployment]).chosen == deployment.pk
    assert Flight.objects.count() == 2, "nobody needed the place"
    assert (enter([], [deployment]).chosen == deployment.pk) is is_free
    assert Flight.objects.filter(runner_id=runner).exists() is not is_free
    # Of the others nobody says that their process lives: their time alone frees them.
    assert enter([], [deployment]).chosen is None


@pytest.mark.django_db
def test_a_process_that_held_a_lock_and_holds_it_no_more_is_gone_at_once() -> None:
    deployment = make_deployment()
    Deployment.objects.update(concurrency_limit=2)
    deployment.refresh_from_db()
    lives, gone = uuid4(), uuid4()
    later = timezone.now() + timedelta(minutes=2)
    for runner in (lives, gone):
        beat(runner, holds_lock=True)
        Flight.objects.create(call_id=uuid4(), deployment=deployment, until=later, runner_id=runner)
    where = connection.get_connection_params() | {"autocommit": True}
    with psycopg.connect(**where) as own:
        [is_its] = own.execute(LOCK, [lives]).fetchone() or [False]
        assert is_its
        assert enter([], [deployment]).chosen == deployment.pk
        assert [one.runner_id for one in Flight.objects.exclude(runner_id=None)] == [lives]
        assert enter([], [deployment]).chosen is None, "looking takes nobody's lock away"


@pytest.mark.django_db
def test_a_process_that_runs_calls_says_so_and_is_forgotten_when_it_is_long_gone() -> None:
    assert own_id() is None, "a test beats for nobody"
    first, second = uuid4(), uuid4()
    beat(first)
    beat(second)
    Runner.objects.filter(pk=first).update(seen_at=timezone.now() - timedelta(hours=2))
    forget_runners(timezone.now())
    beat(second)
    assert [one.pk for one in Runner.objects.all()] == [second]


@pytest.mark.django_db
def test_a_deployments_own_limit_sends_calls_to_the_next() -> None:
    first, second = make_deployment(), make_deployment()
    first.tokens_per_minute = 25
    assert [enter([], [first, second]).chosen for _ in range(3)] == [
        first.pk,
        first.pk,
        second.pk,
    ]


def held_by(deployment: Deployment, *failures: str, is_probe: bool = False) -> Pass:
    held = Pass()
    held.note(deployment, Entry(deployment.pk, is_probe))
    held.ends = [End(deployment.pk, failure, 5) for failure in failures]
    return held


def report(deployment: Deployment, *failures: str, is_probe: bool = False) -> str:
    held = held_by(deployment, *failures, is_probe=is_probe)
    at, standings = gate.leave(uuid4(), held, 0, {})
    follow(standings, held, at)
    return Circuit.objects.get(pk=deployment.pk).state


@pytest.mark.django_db
def test_a_circuit_opens_is_tried_opens_longer_and_closes() -> None:
    deployment = make_deployment()
    assert [report(deployment, "timeout") for _ in range(5)] == ["closed"] * 4 + ["open"]
    skipped = enter([], [deployment]).skipped
    assert [one.why for one in skipped] == ["open"] and 0 < skipped[0].wait <= 15
    assert Alert.objects.get().state == "open"
    Circuit.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert enter([], [deployment]).is_probe
    assert enter([], [deployment]).skipped[0].why == "half_open"
    assert report(deployment, "garbled", is_probe=True) == "open"
    circuit = Circuit.objects.get()
    assert circuit.times_opened == 2
    Circuit.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert enter([], [deployment]).is_probe
    # One that began before it opened has no say.
    assert report(deployment, "") == "half_open"
    assert report(deployment, "", is_probe=True) == "closed"
    assert Circuit.objects.get().times_opened == 0
    assert Alert.objects.get().state == "resolved"
    moves = [one.action for one in CircuitMove.objects.order_by("pk")]
    assert moves == ["trip", "probe", "fail", "probe", "succeed"]
    assert AttemptEnd.objects.count() == 8


@pytest.mark.django_db
def test_one_who_tries_and_never_asks_leaves_the_trying_to_the_next() -> None:
    deployment = make_deployment()
    past = timezone.now() - timedelta(seconds=1)
    Circuit.objects.create(deployment=deployment, state="open", open_until=past)
    assert enter([], [deployment]).is_probe
    assert report(deployment, is_probe=True) == "half_open"
    assert enter([], [deployment]).is_probe


@pytest.mark.django_db
def test_failures_of_a_window_long_past_are_forgotten() -> None:
    deployment = make_deployment()
    for _ in range(4):
        report(deployment, "timeout")
    Circuit.objects.update(window_number=0)
    assert report(deployment, "timeout") == "closed"
    assert (Circuit.objects.get().calls, Circuit.objects.get().calls_before) == (1, 0)


@pytest.mark.django_db
def test_it_is_one_statement_in_and_one_out_whatever_the_call_has() -> None:
    two = [make_deployment(), make_deployment()]
    for one in two:
        one.requests_per_minute = 10
    asked = [KEY, Limits("use_case", 1, 5, 1000)]
    call = uuid4()
    assert queries(lambda: gate.enter(call, asked, two, 10, 60)) == 1
    held = held_by(two[0], "timeout", "")
    held.buckets = asked
    assert queries(lambda: gate.leave(call, held, 5, {two[0].pk: 5})) == 1


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.integers(1, 8),
    st.integers(50, 400),
    st.lists(st.tuples(st.integers(1, 120), st.integers(0, 200)), max_size=12),
)
def test_what_passes_never_exceeds_the_limits(
    requests: int, tokens: int, calls: list[tuple[int, int]]
) -> None:
    Bucket.objects.all().delete()
    limits = Limits("key", 9, requests, tokens)
    never_refill(limits)
    passed, balance = 0, tokens
    for estimate, used in calls:
        call = uuid4()
        entry = gate.enter(call, [limits], [], estimate, 60)
        fits = passed < requests and estimate <= balance
        assert (entry.short_of is None) == fits
        if fits:
            passed += 1
            gate.leave(call, Pass(buckets=[limits], tokens=estimate), used, {})
            balance = min(tokens, balance - used)
