"""The web process, its database and its provider, each failing while calls run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.factories.organisation import Provider, Streamed
from tests.faults.ground import CHAT, LONGEST_SECONDS, Place, kill, sweep, until

pytestmark = pytest.mark.faults
SAID = {"model": CHAT, "messages": [{"role": "user", "content": "The printer is broken."}]}


def ask(client: httpx.Client, **more: Any) -> httpx.Response:
    return client.post("/v1/chat/completions", json=SAID | more)


class Slow(Streamed):
    """Says enough to leave in pieces, and then nothing until it is let go on."""

    may_go_on = threading.Event()

    def lines(self) -> Iterator[bytes]:
        *pieces, last = super().lines()
        yield from pieces[:3]
        self.may_go_on.wait(LONGEST_SECONDS)
        yield last


def test_a_web_process_killed_in_the_middle_of_a_stream(place: Place, model: Provider) -> None:
    from telemetry.chargeback.models import Budget, Hold
    from telemetry.ledger.models import Call, LedgerEntry

    Slow.may_go_on.clear()
    model.answers[:] = [Slow(["The licence asks for its notice to be kept. " * 4] * 3)]
    streamed = SAID | {"stream": True}
    with (
        place.web() as (process, client),
        pytest.raises(httpx.TransportError),
        client.stream("POST", "/v1/chat/completions", json=streamed) as reply,
    ):
        pieces = reply.iter_lines()
        assert "licence" in next(one for one in pieces if "content" in one)
        noted = Call.objects.filter(stage_trail__contains=[{"outcome": "under way"}])
        until(noted.exists, "what came was noted")
        kill(process)
        list(pieces)
    Slow.may_go_on.set()
    sweep()
    call, entry = Call.objects.get(), LedgerEntry.objects.get()
    assert (call.state, call.refusal_code) == ("failed", "lost")
    assert entry.tokens_output > 0 and entry.amount == call.cost > 0
    assert {one.state for one in Hold.objects.all()} == {"captured"}
    assert not Budget.objects.exclude(reserved=0).exists()


def test_the_places_of_a_killed_process_are_free_in_seconds(place: Place, model: Provider) -> None:
    """Its calls could have lasted for minutes more, and there is one place."""
    from governance.model_cards.models import Deployment
    from prompts.gateway.models import Flight

    Deployment.objects.update(concurrency_limit=1)
    usual = model.answers[:]
    Slow.may_go_on.clear()
    model.answers[:] = [Slow(["The licence asks for its notice to be kept. " * 4] * 3)]
    with (
        place.web() as (process, client),
        pytest.raises(httpx.TransportError),
        client.stream("POST", "/v1/chat/completions", json=SAID | {"stream": True}) as reply,
    ):
        pieces = reply.iter_lines()
        assert "licence" in next(one for one in pieces if "content" in one)
        assert Flight.objects.get().runner_id is not None
        kill(process)
        list(pieces)
    Slow.may_go_on.set()
    model.answers[:] = usual
    with place.web() as (_, client):
        # Without a place it is told the text that was approved for that.
        until(lambda: ask(client).headers["x-call-state"] == "delivered", "the place was free")
    sweep()


def test_a_database_that_restarts_under_load(place: Place, model: Provider) -> None:
    """Nothing is delivered without its entry, and the same process serves again by itself."""
    from telemetry.ledger.models import Call, LedgerEntry

    replies: list[httpx.Response] = []
    is_over = threading.Event()

    def keep_asking(client: httpx.Client) -> None:
        while not is_over.is_set():
            replies.append(ask(client))

    def delivered(since: int = 0) -> int:
        return sum(one.status_code == 200 for one in replies[since:])

    with place.web() as (process, client), ThreadPoolExecutor(6) as askers:
        asking = [askers.submit(keep_asking, client) for _ in range(6)]
        try:
            until(lambda: delivered() >= 20, "twenty calls before the restart")
            place.ground.restart()
            since = len(replies)
            until(lambda: delivered(since) >= 20, "twenty calls after the restart")
        finally:
            is_over.set()
        for one in asking:
            one.result()
        assert process.poll() is None
    statuses = Counter(one.status_code for one in replies)
    assert set(statuses) == {200, 503}, statuses
    assert all("retry-after" in one.headers for one in replies if one.status_code == 503)
    booked = {str(one) for one in LedgerEntry.objects.values_list("call_id", flat=True)}
    assert {one.headers["x-call-id"] for one in replies if one.status_code == 200} <= booked
    sweep()
    assert set(Call.objects.values_list("state", flat=True)) <= {"delivered", "failed"}


GARBAGE = {"content": ["not", "a", "text"], "tool_calls": 7}
CASES: list[tuple[str, list[Any], str, int, int]] = [
    # what it does, answers, the call's state, how often it is asked, entries
    ("429 then well", [429, "Well."], "delivered", 2, 1),
    ("500 then well", [500, "Well."], "delivered", 2, 1),
    ("500 for ever", [500], "degraded", 2, 0),
    ("rejected", [400], "degraded", 1, 0),
    # An answer that had begun is paid for, though nobody can use it.
    ("garbage", [GARBAGE], "degraded", 1, 1),
    ("ten megabytes", ["x" * 10_000_000], "degraded", 1, 1),
]


def test_each_fault_of_a_provider_ends_as_what_it_is(place: Place, model: Provider) -> None:
    """What no model answers is answered by the approved text, and says so."""
    from prompts.gateway.models import AttemptEnd, Circuit
    from telemetry.chargeback.models import Budget
    from telemetry.ledger.models import LedgerEntry

    with place.web() as (_, client):
        for what, answers, state, times, entries in CASES:
            model.answers[:] = answers
            # Each case for itself: so many faults together would open the circuit.
            AttemptEnd.objects.all().delete()
            Circuit.objects.all().delete()
            asked, booked = len(model.asked), LedgerEntry.objects.count()
            reply = ask(client)
            assert (reply.status_code, reply.headers["x-call-state"]) == (200, state), what
            assert len(model.asked) - asked == times, what
            assert LedgerEntry.objects.count() - booked == entries, what
            assert not Budget.objects.exclude(reserved=0).exists(), what


def test_half_a_stream_is_booked_and_said_to_be_half(place: Place, model: Provider) -> None:
    from telemetry.ledger.models import Call, LedgerEntry

    model.answers[:] = [Streamed(["The licence asks for its notice. " * 9] * 2, breaks_off=True)]
    with place.web() as (_, client):
        reply = ask(client, stream=True)
    assert reply.status_code == 200 and "licence asks" in reply.text
    assert '"code": "provider_error"' in reply.text and reply.text.endswith("data: [DONE]\n\n")
    assert Call.objects.get().state == "failed"
    assert LedgerEntry.objects.get().amount > 0


def test_a_provider_that_does_not_answer_in_time(place: Place, model: Provider) -> None:
    """It may bill what it never said, so it is not asked again."""
    from governance.model_cards.models import Deployment
    from telemetry.ledger.models import Call

    Deployment.objects.update(timeout_seconds=1)
    over = threading.Event()
    model.answers[:] = [lambda: over.wait(LONGEST_SECONDS) and "Late."]
    with place.web() as (_, client):
        reply = ask(client)
        over.set()
    assert (reply.status_code, reply.headers["x-call-state"]) == (200, "degraded")
    call = Call.objects.get()
    assert len(model.asked) == 1 and call.state == "degraded"
    assert call.stage_trail[-1]["note"].endswith("provider timeout")


@pytest.mark.parametrize("together", ["1", "0"])
def test_two_hundred_at_once_against_a_budget_that_fits_a_hundred(
    place: Place, model: Provider, together: str
) -> None:
    """Every hundredth and no more is let in, and no moment sees the limit passed."""
    from django.db import connection
    from django.db.models import F

    from telemetry.chargeback.models import Budget, Hold
    from tests.factories.chargeback import limit_to

    with place.web(PLACET_GATEWAY_THREADS="150", PLACET_TOGETHER=together) as (_, client):
        assert ask(client).status_code == 200
        budget = Budget.objects.get(team__slug="legal", use_case=None)
        ceiling = Hold.objects.filter(budget=budget).get().amount
        limit_to(budget, str(budget.captured + 100 * ceiling + ceiling / 2))
        may_answer, over = threading.Event(), threading.Event()
        passed: list[Decimal] = []

        def watch() -> None:
            while not over.wait(0.005):
                used = F("captured") + F("reserved") - F("limit")
                found = Budget.objects.filter(pk=budget.pk).values_list(used, flat=True).get()
                passed.append(found)
            connection.close()

        def answer() -> str:
            may_answer.wait(LONGEST_SECONDS)
            return "Keep the notice."

        model.answers[:] = [answer]
        watching = threading.Thread(target=watch)
        watching.start()
        try:
            with ThreadPoolExecutor(200) as callers:
                replies = [callers.submit(ask, client) for _ in range(200)]
                try:
                    until(
                        lambda: sum(one.done() for one in replies) == 100,
                        "a hundred are refused while a hundred wait for the model",
                    )
                finally:
                    may_answer.set()
                statuses = Counter(one.result().status_code for one in replies)
        finally:
            over.set()
            watching.join()
    assert statuses == {200: 100, 402: 100}
    assert passed and max(passed) <= 0
    assert len(model.asked) == 101
    budget.refresh_from_db()
    assert budget.reserved == 0
