"""Calls that go together: exact, each for itself where one is refused, nothing without a commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from governance.access.models import ApiKey
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.sql import WRITABLE_AGAIN
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.models import Bucket, Circuit, Flight
from prompts.gateway.reply import GovernedReply
from prompts.gateway.restoring_models import RestorableValues
from prompts.gateway.stages import admit_together, settle_together
from prompts.gateway.together import MOST_KEPT, Together
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.rules import period_start
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.chargeback import limit_to, make_budget
from tests.factories.organisation import Provider, World, provider, world

PLENTY = 10_000


class Held:
    """Work that waits until it is let go, and keeps the sets that it was given."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.began = threading.Event()
        self.go = threading.Event()

    def __call__(self, jobs: Sequence[int]) -> list[int]:
        self.sets.append(list(jobs))
        self.began.set()
        self.go.wait(30)
        return [one * 10 for one in jobs]


def in_queue(together: Together[int, int], name: str) -> int:
    return len(together._queues[name])


def all_of(together: Together[int, int], work: Held, numbers: Sequence[int]) -> list[int]:
    """The first works while all the others queue up behind it."""
    with ThreadPoolExecutor(len(numbers)) as threads:
        first = threads.submit(together.do, "one", numbers[0])
        assert work.began.wait(30)
        rest = [threads.submit(together.do, "one", number) for number in numbers[1:]]
        while in_queue(together, "one") < len(rest):
            pass
        work.go.set()
        return [one.result(30) for one in [first, *rest]]


def test_whoever_comes_first_works_at_once_and_the_others_together() -> None:
    work = Held()
    together: Together[int, int] = Together(work)
    assert all_of(together, work, range(1, 6)) == [10, 20, 30, 40, 50]
    assert work.sets[0] == [1]
    assert sorted(work.sets[1]) == [2, 3, 4, 5]
    assert together._queues == {}


def test_a_set_is_no_larger_than_it_may_be() -> None:
    work = Held()
    together: Together[int, int] = Together(work, most=2)
    assert all_of(together, work, range(6)) == [0, 10, 20, 30, 40, 50]
    assert [len(one) for one in work.sets] == [1, 2, 2, 1]


def test_other_names_do_not_wait() -> None:
    work = Held()
    together: Together[int, int] = Together(work)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(together.do, "one", 1)
        assert work.began.wait(30)
        other = threads.submit(together.do, "other", 2)
        while len(work.sets) < 2:
            pass
        work.go.set()
        assert (first.result(30), other.result(30)) == (10, 20)


def test_what_befalls_the_set_is_told_to_all_of_it_and_to_no_later_one() -> None:
    fails = True

    def work(jobs: Sequence[int]) -> list[int]:
        if fails:
            raise OperationalError("away")
        return list(jobs)

    together: Together[int, int] = Together(work)
    with pytest.raises(OperationalError):
        together.do("one", 1)
    fails = False
    assert together.do("one", 2) == 2


def test_each_of_a_set_raises_what_befell_it_without_the_frames_of_the_others() -> None:
    go = threading.Event()
    sets: list[int] = []

    def work(jobs: Sequence[int]) -> list[int]:
        sets.append(len(jobs))
        go.wait(30)
        raise OperationalError("away")

    together: Together[int, int] = Together(work)

    def frames(number: int) -> int:
        with pytest.raises(OperationalError) as raised:
            together.do("one", number)
        return len(raised.traceback)

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(frames, 0)
        while not sets:
            pass
        rest = [threads.submit(frames, number) for number in range(1, 9)]
        while in_queue(together, "one") < len(rest):
            pass
        go.set()
        assert max(one.result(30) for one in rest) <= first.result(30) + 3
    assert sets == [1, 8]


def test_a_set_without_all_its_results_is_an_error() -> None:
    together: Together[int, int] = Together(lambda jobs: [])
    with pytest.raises(RuntimeError, match="0 results came of 1 jobs"):
        together.do("one", 1)


@pytest.fixture(autouse=True)
def is_on(settings: Any) -> None:
    settings.PLACET_TOGETHER = True


@pytest.fixture
def here() -> World:
    made = world()
    UseCase.objects.update(oversight="none", tier="minimal")
    ApiKey.objects.update(requests_per_minute=PLENTY, tokens_per_minute=None)
    Deployment.objects.update(concurrency_limit=PLENTY)
    day = made.now.date()
    make_budget(None, "40", starts_on=period_start("year", day), period="year")
    make_budget(made.use_case.team, "40", starts_on=period_start("quarter", day), period="quarter")
    # The first call of a deployment makes its circuit, and goes the long way for it.
    Circuit.objects.bulk_create([Circuit(deployment=one) for one in Deployment.objects.all()])
    return made


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def call(here: World, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {
        "model": "licence-review",
        "presented_key": here.key,
        "variables": {"licence_text": "MIT License"},
    }
    return pipeline.run(GovernedRequest(**(facts | more)))


def at_once(count: int, threads: int, work: Callable[[], GovernedReply]) -> list[GovernedReply]:
    def closing() -> GovernedReply:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return [one.result(120) for one in [pool.submit(closing) for _ in range(count)]]


def statements(work: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def see(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(see):
        work()
    return seen


@pytest.mark.django_db
def test_an_ordinary_call_is_two_statements(here: World, model: Provider) -> None:
    call(here)  # reads what governs it
    seen = statements(lambda: call(here))
    assert [one.split("(")[0].strip() for one in seen] == [
        "SELECT gateway_admit",
        "SELECT gateway_settle",
    ]


@pytest.mark.django_db
def test_a_call_with_an_idempotency_key_asks_once_more_and_goes_with_the_others(
    here: World, model: Provider
) -> None:
    call(here)
    once = {"idempotency_key": "once", "body_hash": "a" * 64}
    seen = statements(lambda: call(here, **once))
    assert len(seen) == 3
    assert seen[1].startswith("SELECT gateway_admit") and "idempotency_key" in seen[0]
    again = call(here, **once)
    assert again.call is not None and again.call.idempotency_key == "once"
    assert Call.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "restores"), [("Nobody is named.", 0), ("Ask <EMAIL_ADDRESS_1>.", 1)]
)
def test_only_an_answer_that_says_what_is_restored_is_settled_alone(
    here: World, model: Provider, said: str, restores: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WRITABLE_AGAIN)
    PromptVersion.objects.update(output_contract={"type": "text"})
    call(here)
    model.answers = [said]
    seen = statements(lambda: call(here, variables={"licence_text": "From anna@example.com"}))
    assert any(one.startswith("SELECT gateway_settle") for one in seen) is not bool(restores)
    assert RestorableValues.objects.count() == restores


@pytest.mark.django_db(transaction=True)
def test_the_same_request_many_times_at_once_is_one_call(here: World, model: Provider) -> None:
    call(here)
    once = {"idempotency_key": "once", "body_hash": "a" * 64}
    replies = at_once(12, 12, lambda: call(here, **once))
    answered = {one.call.pk for one in replies if one.call is not None and one.answer}
    assert len(answered) == 1
    assert {one.refusal.code for one in replies if one.refusal} <= {"still_running"}
    assert Call.objects.count() == 2 and LedgerEntry.objects.count() == 2
    assert verify() == []


@pytest.mark.django_db
def test_it_is_booked_as_one_that_goes_the_long_way(
    here: World, model: Provider, settings: Any
) -> None:
    together = call(here).call
    settings.PLACET_TOGETHER = False
    alone = call(here).call
    assert together is not None
    assert alone is not None
    for name in ("state", "outcome", "cost", "tokens_input", "tokens_output", "attempts"):
        assert getattr(together, name) == getattr(alone, name), name
    kept, long = (Call.objects.get(pk=one.pk) for one in (together, alone))
    own = {"id", "admitted_at", "started_at", "finished_at", "digest"}
    own |= {"stage_trail", "latency_ms"}
    for field in Call._meta.concrete_fields:
        if field.name not in own:
            assert getattr(kept, field.attname) == getattr(long, field.attname), field.name
    assert [one["stage"] for one in kept.stage_trail] == [one["stage"] for one in long.stage_trail]
    lines = LedgerEntry.objects.order_by("pk").values_list("amount", "attempt", "day", "period")
    assert len(set(lines)) == 1
    assert {(one.state, one.captured_amount) for one in Hold.objects.all()} == {
        ("captured", together.cost)
    }
    assert not Flight.objects.exists()
    assert verify() == []


@pytest.mark.django_db
def test_what_the_limits_left_is_told_as_before(here: World, model: Provider) -> None:
    ApiKey.objects.update(requests_per_minute=3, tokens_per_minute=None)
    rates = [call(here).rates["x-ratelimit-remaining-requests"] for _ in range(3)]
    assert rates == ["2", "1", "0"]
    refused = call(here)
    assert refused.refusal is not None
    assert refused.refusal.code == "rate_limit_exceeded"
    left = Bucket.objects.get(subject="key").requests_left
    assert left is not None and left < 1


@pytest.mark.django_db
def test_a_call_that_another_settled_meanwhile_is_left_as_it_is(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper was faster; what the model said is booked, and goes to nobody."""
    ordinary = settle_together.asked_once

    def late(statement: str, facts: Any) -> Any:
        Call.objects.update(state="failed", outcome="fail")
        return ordinary(statement, facts)

    monkeypatch.setattr(settle_together, "asked_once", late)
    reply = call(here)
    assert (reply.state, reply.answer) == ("failed", None)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_those_who_wait_few_keep_a_connection_that_who_works_may_need() -> None:
    work = Held()
    together: Together[int, int] = Together(work)
    own: list[Any] = []

    def waiting(number: int) -> int:
        try:
            connection.ensure_connection()
            own.append(connections["default"])
            return together.do("one", number)
        finally:
            connections.close_all()

    def kept() -> int:
        return sum(one.connection is not None for one in own)

    with ThreadPoolExecutor(13) as threads:
        first = threads.submit(together.do, "one", 0)
        assert work.began.wait(30)
        rest = [threads.submit(waiting, number) for number in range(1, 13)]
        until = time.monotonic() + 30
        while not (len(own) == 12 and kept() == MOST_KEPT) and time.monotonic() < until:
            pass
        while_waiting = kept()
        work.go.set()
        assert [one.result(30) for one in [first, *rest]] == [10 * one for one in range(13)]
    assert while_waiting == MOST_KEPT


@pytest.mark.django_db(transaction=True)
def test_without_a_commit_nothing_is_delivered(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(statement: str, facts: Any) -> Any:
        raise OperationalError("the connection was lost")

    monkeypatch.setattr(settle_together, "asked_once", lost)
    with pytest.raises(OperationalError):
        call(here)
    assert [one.state for one in Call.objects.all()] == ["running"]
    monkeypatch.setattr(admit_together, "asked_once", lost)
    asked = len(model.asked)
    with pytest.raises(OperationalError):
        call(here)
    assert len(model.asked) == asked


@pytest.mark.django_db(transaction=True)
def test_one_refused_call_touches_no_other(here: World, model: Provider) -> None:
    """Two that cannot be let in, and eighteen that can, all at the same time."""
    numbers = iter(range(20))
    lock = threading.Lock()

    def one() -> GovernedReply:
        with lock:
            number = next(numbers)
        parameters = {"max_tokens": 10_000_000} if number in (3, 11) else {}
        return call(here, parameters=parameters, messages=[])

    replies = at_once(20, 20, one)
    states = sorted(one.state for one in replies)
    assert states.count("delivered") >= 18
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_exactly_what_fits_is_spent_by_200_calls_at_once(here: World, model: Provider) -> None:
    first = call(here)
    assert first.call is not None
    most = Hold.objects.filter(call=first.call).latest("pk").amount
    cost = first.call.cost
    # Room for a hundred more, to the last coin: a hold may be larger than what is billed for it.
    for budget in Budget.objects.all():
        limit_to(budget, str(budget.captured + 99 * cost + most))
    replies = at_once(200, 32, lambda: call(here))
    delivered = [one for one in replies if one.state == "delivered"]
    assert {one.refusal.code for one in replies if one.refusal} == {"budget_exceeded"}
    for budget in Budget.objects.exclude(captured=0):
        assert budget.reserved == 0
        assert budget.captured + budget.reserved <= budget.limit
        assert budget.captured == sum((one.cost for one in replies), Decimal(0)) + cost
    assert 1 <= len(delivered) <= 100
    assert LedgerEntry.objects.count() == len(delivered) + 1
    assert verify() == []
