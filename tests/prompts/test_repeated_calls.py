"""The same request twice: one call, one bill, one answer; and answers that are given once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from governance.access.models import Team
from governance.audit.models import AuditEvent
from governance.kernel.canonical import uuid7
from governance.kernel.errors import NotAllowed
from prompts.gateway import pipeline, repeating, tasks
from prompts.gateway.context import GovernedRequest
from prompts.gateway.fetching import set_result_policy
from prompts.gateway.models import ResultFetch
from prompts.gateway.reply import GovernedReply
from reviews.decisions import services as decisions
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.chargeback.models import Budget
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.organisation import GOOD, Provider, World, provider, world

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"model": "licence-review", "variables": {"licence_text": "MIT License"}}
LONGEST_SECONDS = 60


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def ask(
    here: World, path: str = "/v1/chat/completions", body: Any = BODY, **headers: str
) -> tuple[int, Any]:
    client = Client(headers={"authorization": f"Bearer {here.key}"} | headers)
    reply = client.post(path, body, content_type="application/json")
    connections.close_all()
    return reply.status_code, reply.json()


def approve(here: World) -> None:
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    here.people.users["reviewer"].forget_reaches()
    item = queues.claim_next(actor=reviewer, queue=Queue.objects.get(), now=now)
    assert item is not None
    decisions.decide(actor=reviewer, item_id=item.pk, verdict="approve", now=now)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/calls/"])
def test_duplicates_at_the_same_time_wait_for_the_one_answer(
    here: World, settings: Any, path: str
) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        may_answer.wait(LONGEST_SECONDS)
        return GOOD

    headers = {"idempotency-key": "one"}
    with provider(slow) as model, ThreadPoolExecutor(4) as pool:
        settings.PLACET_MODEL_URL = model.url
        replies = [pool.submit(ask, here, path, **headers) for _ in range(4)]
        assert asked.wait(LONGEST_SECONDS)
        may_answer.set()
        found = [one.result(LONGEST_SECONDS) for one in replies]
    assert len({one[1]["id"] for one in found}) == 1
    assert len({status for status, _ in found}) == 1
    assert len(model.asked) == LedgerEntry.objects.count() == Call.objects.count() == 1


def test_who_goes_alone_and_a_set_with_the_same_key_do_not_wait_in_a_circle(
    here: World, model: Provider, settings: Any
) -> None:
    """A set has locked the budgets and writes its row; who goes alone comes in between."""
    settings.PLACET_TOGETHER = False
    request = GovernedRequest(
        "licence-review",
        here.key,
        variables=BODY["variables"],
        idempotency_key="one",
        body_hash="a" * 64,
    )

    def alone() -> GovernedReply:
        try:
            return pipeline.run(request)
        finally:
            connections.close_all()

    ask(here)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Budget.objects.select_for_update().order_by("pk"))
            comes = pool.submit(alone)
            while not waits_for_a_lock():
                pass
            written = Call.objects.get()
            written.pk, written.idempotency_key = uuid7(), "one"
            written.idempotency_hash = request.body_hash
            written.save(force_insert=True)
        reply = comes.result(LONGEST_SECONDS)
    assert reply.call == written and reply.refusal is None
    assert Call.objects.count() == 2


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction it is read once otherwise.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_who_waits_too_long_is_told_to_ask_again(
    here: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "LONGEST_WAIT_SECONDS", 0.1)
    asked, may_answer = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        may_answer.wait(LONGEST_SECONDS)
        return GOOD

    with provider(slow) as model, ThreadPoolExecutor(1) as pool:
        settings.PLACET_MODEL_URL = model.url
        first = pool.submit(ask, here, **{"idempotency-key": "one"})
        assert asked.wait(LONGEST_SECONDS)
        status, body = ask(here, **{"idempotency-key": "one"})
        assert (status, body["error"]["code"]) == (409, "still_running")
        may_answer.set()
        assert first.result(LONGEST_SECONDS)[0] == 200
    assert Call.objects.count() == len(model.asked) == 1


def test_those_who_wait_leave_room_for_those_who_are_answered(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(here, **{"idempotency-key": "one"})
    Call.objects.update(state="running", outcome="")
    monkeypatch.setattr(repeating, "_seats", threading.BoundedSemaphore(1))
    repeating._seats.acquire()
    status, body = ask(here, **{"idempotency-key": "one"})
    assert (status, body["error"]["code"]) == (409, "still_running")


def test_a_held_calls_key_gives_what_was_decided(here: World, model: Provider) -> None:
    headers = {"idempotency-key": "one"}
    _, held = ask(here, **headers)
    assert held["choices"][0]["message"]["content"] is None
    _, still = ask(here, **headers)
    assert (still["id"], still["review"]["id"]) == (held["id"], held["review"]["id"])
    approve(here)
    _, decided = ask(here, **headers)
    assert decided["choices"][0]["message"]["content"] == GOOD
    status, body = ask(here, body=BODY | {"user": "x"}, **headers)
    assert (status, body["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(model.asked) == 1


def answered(here: World) -> str:
    """The address of an accepted call that a worker ran and a person released."""
    headers = {"authorization": f"Bearer {here.key}", "prefer": "respond-async"}
    reply = Client(headers=headers | {"idempotency-key": "a"}).post(
        "/api/v1/calls/", BODY, content_type="application/json"
    )
    tasks.run_call(reply.json()["id"])
    approve(here)
    return str(reply.headers["location"])


def read(here: World, address: str) -> tuple[int, Any]:
    reply = Client(headers={"authorization": f"Bearer {here.key}"}).get(address)
    return reply.status_code, reply.json()


def owner_says(here: World, fetches: str) -> None:
    owner = here.people.actor("owner")
    set_result_policy(actor=owner, use_case=here.use_case, fetches=fetches, now=timezone.now())


def test_an_answer_is_given_as_often_as_it_is_asked_for(here: World, model: Provider) -> None:
    address = answered(here)
    assert [read(here, address)[1]["output"] for _ in range(3)] == [GOOD] * 3
    assert ResultFetch.objects.get().count == 3


def test_who_begins_anew_was_not_given_it_before(
    here: World, model: Provider, settings: Any
) -> None:
    """What governs it changed since it was seen: the call is gone through twice, and given once."""
    settings.PLACET_TOGETHER = True
    owner_says(here, "once")
    answered(here)
    ask(here, **{"idempotency-key": "another"})
    Team.objects.update(name=F("name"))
    status, given = ask(here, "/api/v1/calls/", **{"idempotency-key": "a"})
    assert (status, given.get("output")) == (200, GOOD), given


def test_under_once_an_answer_is_given_once(here: World, model: Provider) -> None:
    owner_says(here, "once")
    address = answered(here)
    assert read(here, address)[1]["output"] == GOOD
    status, gone = read(here, address)
    assert (status, gone["code"]) == (410, "result_gone")
    assert GOOD not in str(gone)
    # Nor does the same request again give it.
    status, gone = ask(
        here, "/api/v1/calls/", **{"idempotency-key": "a", "prefer": "respond-async"}
    )
    assert (status, gone["code"]) == (410, "result_gone")
    fetch = ResultFetch.objects.get()
    assert (fetch.count, fetch.refused) == (1, 2)
    actions = AuditEvent.objects.filter(action__startswith="call.result_").order_by("pk")
    assert [one.action for one in actions] == [
        "call.result_fetched",
        "call.result_refused",
        "call.result_refused",
    ]


def test_two_who_fetch_at_once_get_one_answer(here: World, model: Provider) -> None:
    owner_says(here, "once")
    address = answered(here)
    together = threading.Barrier(2)

    def fetch() -> int:
        together.wait(LONGEST_SECONDS)
        status = read(here, address)[0]
        connections.close_all()
        return status

    with ThreadPoolExecutor(2) as pool:
        statuses = [one.result(LONGEST_SECONDS) for one in [pool.submit(fetch) for _ in range(2)]]
    assert sorted(statuses) == [200, 410]


def test_who_may_say_how_often_and_how(here: World) -> None:
    with pytest.raises(NotAllowed):
        set_result_policy(
            actor=here.people.actor("reviewer"),
            use_case=here.use_case,
            fetches="once",
            now=timezone.now(),
        )
    client = Client()
    client.force_login(here.people.users["owner"])
    path = "/use-cases/licence-review/results/"
    assert client.post(path, {"fetches": "never"}).status_code == 422
    assert client.post(path, {"fetches": "once"}).status_code == 302
    page = client.get("/use-cases/licence-review/").content.decode()
    assert "Results of asynchronous calls" in page
    said = client.get("/api/v1/use-cases/licence-review/result-policy/").json()
    assert said == {"result_fetches": "once"}


def test_progress_says_the_stage_and_promises_no_place(here: World, model: Provider) -> None:
    headers = {"authorization": f"Bearer {here.key}", "prefer": "respond-async"}
    reply = Client(headers=headers).post("/api/v1/calls/", BODY, content_type="application/json")
    begun = reply.json()["progress"]
    assert (begun["reached"], begun["waits_for"], begun["is_over"]) == (
        "limits",
        "a worker",
        False,
    )
    pipeline.carry_on(Call.objects.get().pk)
    held = read(here, reply.headers["location"])[1]["progress"]
    assert (held["reached"], held["waits_for"]) == ("dispose", "a person's decision")
    assert [one["stage"] for one in held["stages"]][:2] == ["authenticate", "admit"]
    approve(here)
    done = read(here, reply.headers["location"])[1]["progress"]
    assert (done["waits_for"], done["is_over"]) == (None, True)


def test_a_double_click_on_try_is_one_call(here: World, model: Provider) -> None:
    owner = here.people.users["owner"]
    owner.forget_reaches()
    client = Client()
    client.force_login(owner)
    page = client.get("/try/")
    sent = {
        "release": str(page.context["chosen"].pk),
        "form_token": str(page.context["form_token"]),
        "variable-licence_text": "MIT License",
    }
    assert client.post("/try/", sent).status_code == 200
    assert client.post("/try/", sent).status_code == 200
    assert Call.objects.count() == 1
    client.post("/try/", sent | {"variable-licence_text": "BSD License"})
    assert Call.objects.count() == 2
