"""Batches: what is taken, how they run, what stops them, and what a dead worker loses: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access import keys
from governance.access.models import ApiKey
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Invalid, NotAllowed, TooLarge
from governance.registry.models import UseCase
from prompts.batches import lines, results, running, services, tasks
from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import MOST_BYTES
from prompts.gateway import pipeline
from prompts.gateway.refusals import IdempotencyKeyReused
from prompts.gateway.shapes import TAKEN_BACK
from prompts.gateway.tasks import sweep as sweep_calls
from reviews.decisions import services as decisions
from reviews.decisions.models import ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.chargeback.models import Budget
from telemetry.ledger.erasing import request_erasure, run_step
from telemetry.ledger.legal_holds import lift_hold, place_hold
from telemetry.ledger.models import Call, Erasure, LedgerEntry
from tests.factories.chargeback import limit_to
from tests.factories.organisation import GOOD, Provider, World, provider, world
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db
COST = Decimal("0.000032")  # of one call of the scripted provider
PLENTY = Decimal(10)


@pytest.fixture
def here() -> World:
    made = world()
    ApiKey.objects.update(requests_per_minute=10_000)
    return made


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def file_of(count: int) -> bytes:
    rows = (
        {"custom_id": f"row-{n}", "variables": {"licence_text": f"Licence {n}"}}
        for n in range(count)
    )
    return b"\n".join(json.dumps(one).encode() for one in rows)


def upload(here: World, content: bytes, **more: Any) -> Batch:
    facts: dict[str, Any] = {
        "actor": here.people.actor("owner"),
        "use_case": here.use_case,
        "chunks": [content],
        "name": "Licences",
        "calls_per_minute": 10_000,
        "budget": PLENTY,
        "now": timezone.now(),
    }
    here.people.users["owner"].forget_reaches()
    return services.create_batch(**(facts | more))[0]


def by_key(here: World) -> dict[str, Any]:
    key = ApiKey.objects.get()
    return {"actor": key.as_actor(), "api_key": key}


def run_out(batch: Batch, clock: Any = timezone.now) -> Batch:
    """Steps for as long as one is due."""
    while (again := running.run_step(batch_id=batch.pk, clock=clock)) is not None:
        if again > clock():
            break
    batch.refresh_from_db()
    return batch


def rows_of(found: Iterator[bytes]) -> list[dict[str, Any]]:
    return [json.loads(one) for one in found]


def approve_one(here: World) -> None:
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    here.people.users["reviewer"].forget_reaches()
    item = queues.claim_next(actor=reviewer, queue=Queue.objects.get(), now=now)
    assert item is not None
    decisions.decide(actor=reviewer, item_id=item.pk, verdict="approve", now=now)


def test_bad_lines_say_why_and_the_others_run(here: World, model: Provider) -> None:
    openai = {
        "custom_id": "b",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "licence-review", "messages": [], "variables": {"licence_text": "X"}},
    }
    content = b"\n".join(
        [
            b'\xef\xbb\xbf{"custom_id": "a", "variables": {"licence_text": "MIT"}}',
            b"",
            json.dumps(openai).encode(),
            b"{not json",
            b'{"custom_id": "a", "variables": {}}',
            b'{"custom_id": "c"}',
            b'{"custom_id": "d", "body": {"model": "another"}}',
            b'{"custom_id": "e", "body": {"temperature": 1, "tools": []}}',
            b'{"custom_id": "f", "variables": {"unknown": 1}}',
            b'{"custom_id": "g", "url": "/v1/embeddings", "body": {}}',
            b'{"custom_id": "h", "body": {"stream": true}}',
        ]
    )
    batch = run_out(upload(here, content))
    assert batch.state == "finished"
    assert batch.tally() == {
        "waiting": 0,
        "done": 2,
        "failed": 2,
        "invalid": 6,
        "total": 10,
        "over": 10,
    }
    errors = {row["error"]["line"]: row["error"] for row in rows_of(results.error_lines(batch))}
    assert errors[4]["message"] == "The line is not valid JSON."
    assert "earlier line" in errors[5]["message"]
    assert "only one of them" in errors[6]["message"]
    assert "another use case" in errors[7]["message"]
    assert errors[9]["code"] == "invalid_variables"
    assert len(model.asked) == 2


def test_a_file_without_a_request_is_not_kept(here: World) -> None:
    for content in (b"", b"\n\n", b"{]\n{]"):
        with pytest.raises(Invalid):
            upload(here, content)
    assert not Batch.objects.exists()


def test_files_that_are_too_large_are_not_kept(here: World) -> None:
    with pytest.raises(TooLarge):
        upload(here, b"{}\n" * (lines.MOST_LINES + 1))
    chunk = b" " * 1_000_000
    with pytest.raises(TooLarge):
        list(lines.read_lines((chunk for _ in range(MOST_BYTES // len(chunk) + 1)), "m"))
    [long] = lines.read_lines([b'{"variables": {"a": "' + b"x" * 1_000_001 + b'"}}'], "m")
    assert "bytes" in long.fault


def test_results_are_in_openais_shape_and_held_lines_come_later(
    here: World, model: Provider
) -> None:
    batch = run_out(upload(here, file_of(2)))
    first, second = rows_of(results.result_lines(batch))
    assert (first["custom_id"], first["error"]) == ("row-0", None)
    assert first["response"]["status_code"] == 200
    body = first["response"]["body"]
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] is None
    assert body["review"]["id"]
    approve_one(here)
    first, second = rows_of(results.result_lines(batch))
    assert first["response"]["body"]["choices"][0]["message"]["content"] == GOOD
    assert second["response"]["body"]["choices"][0]["message"]["content"] is None


def test_results_fetched_after_an_overturn_have_what_stands_and_say_so(
    here: World, model: Provider
) -> None:
    batch = run_out(upload(here, file_of(3)))
    for _ in range(3):
        approve_one(here)
    better = json.dumps(json.loads(GOOD) | {"spdx": "Zlib"})
    here.people.users["review_lead"].forget_reaches()
    first, second, _ = ReviewDecision.objects.order_by("pk")
    for decision, verdict, text in ((first, "correct", better), (second, "reject", None)):
        overturn(
            actor=here.people.actor("review_lead"),
            decision_id=decision.pk,
            verdict=verdict,
            corrected_text=text,
            rationale="Read again.",
            now=timezone.now(),
        )
    found = {
        row["response"]["request_id"]: row["response"]["body"]
        for row in rows_of(results.result_lines(batch))
    }
    calls = [str(one.item.call_id) for one in ReviewDecision.objects.order_by("pk")[:3]]
    messages = [found[one]["choices"][0]["message"] for one in calls]
    assert [one["content"] for one in messages] == [better, None, GOOD]
    assert messages[1]["refusal"] == TAKEN_BACK
    said = [found[one].get("overturned") for one in calls]
    assert [one and one["verdict"] for one in said] == ["correct", "reject", None]
    assert said[0]["url"] == f"/api/v1/calls/{calls[0]}/"
    with CaptureQueriesContext(connection) as asked:
        list(results.result_lines(batch))
    assert sum("decisions_reviewdecision" in one["sql"] for one in asked) == 1


def test_the_budget_stops_it_before_the_call_that_could_pass_it(
    here: World, model: Provider
) -> None:
    probe = run_out(upload(here, file_of(1)))
    assert probe.spent() == COST
    ceiling = most_one_call_costs(here)
    # Room for three calls: after two, what is left is still the most that a third can cost.
    batch = run_out(upload(here, file_of(9), budget=2 * COST + ceiling))
    assert (batch.state, batch.spent()) == ("paused", 3 * COST)
    assert batch.tally()["waiting"] == 6
    assert "is left" in batch.because
    assert len(model.asked) == 4
    # A hair less is room for two.
    less = 2 * COST + ceiling - Decimal("0.000000001")
    batch = run_out(upload(here, file_of(9), budget=less))
    assert (batch.spent(), batch.tally()["done"]) == (2 * COST, 2)
    owner = here.people.actor("owner")
    with pytest.raises(Invalid):
        services.resume(actor=owner, batch_id=batch.pk, budget=COST, now=timezone.now())
    services.resume(actor=owner, batch_id=batch.pk, budget=PLENTY, now=timezone.now())
    batch = run_out(batch)
    assert (batch.state, batch.spent()) == ("finished", 9 * COST)
    assert LedgerEntry.objects.count() == 1 + 3 + 9


def most_one_call_costs(here: World) -> Decimal:
    """By asking with nothing left."""
    from prompts.gateway.context import GovernedRequest

    reply = pipeline.run(
        GovernedRequest(
            model="licence-review",
            presented_key=here.key,
            variables={"licence_text": "Licence 0"},
            most_cost=Decimal(0),
        )
    )
    assert reply.refusal is not None
    assert reply.refusal.code == "cost_limit_reached"
    return Decimal(reply.refusal.message.split("up to ")[1].split(",")[0])


class Dies(BaseException):
    """As a worker that is killed: nothing catches it."""


@pytest.mark.parametrize("person", [True, False])
def test_a_worker_that_dies_between_call_and_line_loses_nothing(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch, person: bool
) -> None:
    batch = upload(here, file_of(5), **({} if person else by_key(here)))
    noted, real = [], running._note

    def note(*args: Any) -> Any:
        noted.append(args)
        if len(noted) == 3:
            raise Dies
        return real(*args)

    monkeypatch.setattr(running, "_note", note)
    with pytest.raises(Dies):
        running.run_step(batch_id=batch.pk, clock=timezone.now)
    assert (Call.objects.count(), batch.tally()["done"]) == (3, 2)
    # Its lease lives: nobody else begins. When it has run out, the next goes on.
    assert running.run_step(batch_id=batch.pk, clock=timezone.now) is None
    assert running.due(timezone.now()) == []
    Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert running.due(timezone.now()) == [batch.pk]
    batch = run_out(batch)
    assert (batch.state, batch.tally()["done"]) == ("finished", 5)
    assert len(model.asked) == LedgerEntry.objects.count() == Call.objects.count() == 5
    assert batch.spent() == 5 * COST == sum(one.cost for one in Call.objects.all())


def test_a_worker_that_dies_in_a_call_leaves_it_to_the_sweeper_and_tries_again(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, real = upload(here, file_of(2)), pipeline.answer

    def die(_: Any) -> None:
        raise Dies

    monkeypatch.setattr(pipeline, "answer", die)
    with pytest.raises(Dies):
        running.run_step(batch_id=batch.pk, clock=timezone.now)
    monkeypatch.setattr(pipeline, "answer", real)
    past = timezone.now() - timedelta(seconds=1)
    Batch.objects.update(lease_until=past)
    running.run_step(batch_id=batch.pk, clock=timezone.now)
    # The second line ran; the first waits for its open call to be settled.
    assert [one.state for one in batch.lines.all()] == ["waiting", "done"]
    Call.objects.filter(state="running").update(lease_until=past)
    sweep_calls()
    for _ in range(2):
        BatchLine.objects.filter(state="waiting").update(not_before=None)
        Batch.objects.update(next_step_at=past)
        run_out(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.tally()["done"]) == ("finished", 2)
    assert batch.lines.get(number=1).tries == 1


def test_two_workers_at_once_run_each_line_once(here: World, model: Provider) -> None:
    batch = upload(here, file_of(3))
    assert running._claim(batch.pk, timezone.now()) is not None
    assert running._claim(batch.pk, timezone.now()) is None


def test_the_pace_is_kept(here: World, model: Provider) -> None:
    batch = upload(here, file_of(5), calls_per_minute=2)
    start = timezone.now() + timedelta(seconds=1)
    again = running.run_step(batch_id=batch.pk, clock=lambda: start)
    assert batch.tally()["done"] == 2
    again = running.run_step(batch_id=batch.pk, clock=lambda: start + timedelta(seconds=30))
    assert (again, batch.tally()["done"]) == (start + timedelta(minutes=1), 2)
    # Before that time nobody asks again; then the next two run.
    early = start + timedelta(seconds=59)
    assert running.run_step(batch_id=batch.pk, clock=lambda: early) is None
    running.run_step(batch_id=batch.pk, clock=lambda: start + timedelta(seconds=61))
    assert batch.tally()["done"] == 4


def test_a_thousand_lines(here: World, settings: Any) -> None:
    for budget in Budget.objects.all():
        limit_to(budget, "1000")
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        batch = run_out(upload(here, file_of(1000), **by_key(here)))
    assert (batch.state, batch.tally()["done"]) == ("finished", 1000)
    assert len(model.asked) == 1000
    assert batch.spent() == 1000 * COST
    assert len(rows_of(results.result_lines(batch))) == 1000


def test_pause_resume_and_cancel(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, owner, now = upload(here, file_of(5)), here.people.actor("owner"), timezone.now()
    real, seen = running._note, []

    def note(*args: Any) -> Any:
        seen.append(args)
        if len(seen) == 2:
            services.pause(actor=owner, batch_id=batch.pk, now=now)
        return real(*args)

    monkeypatch.setattr(running, "_note", note)
    run_out(batch)
    assert (batch.state, batch.tally()["done"]) == ("paused", 2)
    services.resume(actor=owner, batch_id=batch.pk, now=now)
    monkeypatch.setattr(running, "LINES_PER_STEP", 1)
    running.run_step(batch_id=batch.pk, clock=timezone.now)
    services.cancel(actor=owner, batch_id=batch.pk, now=now)
    run_out(batch)
    assert batch.state == "cancelled"
    tally = batch.tally()
    assert (tally["done"], tally["failed"]) == (3, 2)
    assert {row["error"]["code"] for row in rows_of(results.error_lines(batch))} == {"cancelled"}


def test_a_switch_pauses_it_and_a_key_that_ended_fails_it(here: World, model: Provider) -> None:
    here.use_case.__class__.objects.update(suspended_at=timezone.now())
    batch = run_out(upload(here, file_of(3), **by_key(here)))
    assert (batch.state, batch.tally()["waiting"]) == ("paused", 3)
    assert "suspended" in batch.because
    here.use_case.__class__.objects.update(suspended_at=None)
    owner, now = here.people.actor("owner"), timezone.now()
    services.resume(actor=owner, batch_id=batch.pk, now=now)
    keys.revoke_api_key(actor=owner, key_id=ApiKey.objects.get().pk, reason="Lost.", now=now)
    batch = run_out(batch)
    assert (batch.state, batch.tally()["failed"]) == ("failed", 3)
    assert model.asked == []


def test_what_a_provider_fails_is_tried_again_later(here: World, settings: Any) -> None:
    with provider(500, 500, GOOD) as model:
        settings.PLACET_MODEL_URL = model.url
        batch = run_out(upload(here, file_of(1)))
        line = batch.lines.get()
        assert (batch.state, line.state, line.tries) == ("running", "waiting", 1)
        assert line.not_before is not None
        batch = run_out(batch, lambda: timezone.now() + timedelta(minutes=5))
    assert (batch.state, batch.lines.get().state) == ("finished", "done")


def test_the_rate_of_the_key_is_waited_for(here: World, model: Provider) -> None:
    ApiKey.objects.update(requests_per_minute=2)
    batch = run_out(upload(here, file_of(3), **by_key(here)))
    assert (batch.state, batch.tally()["done"], batch.tally()["failed"]) == ("running", 2, 0)
    assert batch.next_step_at is not None
    assert batch.next_step_at > timezone.now()


def test_inputs_are_sealed_and_destroyed_with_their_retention(here: World) -> None:
    batch = upload(here, file_of(2))
    line = batch.lines.all()[0]
    assert b"Licence" not in bytes(line.body_sealed or b"")
    assert "Licence 0" in (line.body() or "")
    assert services.destroy_inputs(now=batch.keep_until - timedelta(seconds=1)) == 0
    assert services.destroy_inputs(now=batch.keep_until) == 1
    assert not BatchLine.objects.exclude(body_sealed=None).exists()
    assert batch.tally()["failed"] == 2


def row_of(user: str, custom_id: str) -> bytes:
    body = {"variables": {"licence_text": f"Licence of {user}"}, "user": user}
    return json.dumps({"custom_id": custom_id, "body": body}).encode()


def erased(here: World, end_user: str) -> Erasure:
    compliance = here.people.actor("compliance")
    erasure = request_erasure(
        actor=compliance, end_user=end_user, reason="They asked.", now=timezone.now()
    )
    while run_step(erasure_id=erasure.pk, now=timezone.now()):
        pass
    erasure.refresh_from_db()
    return erasure


def test_an_erasure_ends_lines_of_a_person_that_have_not_run(here: World, model: Provider) -> None:
    batch = upload(here, row_of("ada", "ada-1") + b"\n" + row_of("bob", "bob-1"))
    erasure = erased(here, "ada")
    assert (erasure.calls_total, erasure.counted["Lines of batches"]) == (0, 1)
    assert (erasure.state, erasure.erased["Lines of batches"]) == ("finished", 1)
    ada, bob = batch.lines.all()
    assert (ada.state, ada.fault_code, ada.custom_id, ada.body()) == ("failed", "erased", "", None)
    assert ada.custom_id_sha256 == text_digest("ada-1")
    assert (bob.state, bob.custom_id) == ("waiting", "bob-1")
    run_out(batch)
    assert len(model.asked) == 1 and "ada" not in str(model.asked)


def test_an_erasure_takes_the_names_of_lines_that_ran(here: World, model: Provider) -> None:
    batch = run_out(upload(here, row_of("ada", "ada-1") + b"\n" + row_of("bob", "bob-1")))
    erasure = erased(here, "ada")
    assert erasure.erased["Lines of batches"] == 1
    ada, bob = batch.lines.all()
    assert (ada.custom_id, ada.custom_id_sha256) == ("", text_digest("ada-1"))
    assert (bob.custom_id, bob.custom_id_sha256) == ("bob-1", "")
    assert [one["custom_id"] for one in rows_of(results.result_lines(batch))] == [None, "bob-1"]


def test_a_line_that_was_erased_since_it_was_read_is_not_run(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = upload(here, row_of("bob", "bob-1") + b"\n" + row_of("ada", "ada-1"))
    real = pipeline.answer

    def answer(context: Any) -> None:
        erased(here, "ada")
        monkeypatch.setattr(pipeline, "answer", real)
        real(context)

    monkeypatch.setattr(pipeline, "answer", answer)
    run_out(batch)
    assert len(model.asked) == 1 and "ada" not in str(model.asked)


def test_a_legal_hold_keeps_a_line_that_has_not_run(here: World) -> None:
    compliance, now = here.people.actor("compliance"), timezone.now()
    batch = upload(here, row_of("ada", "ada-1"))
    hold = place_hold(actor=compliance, name="Case", reason="r", end_user="ada", now=now)
    with pytest.raises(Invalid):
        erased(here, "ada")
    assert batch.lines.get().body() is not None
    lift_hold(actor=compliance, hold_id=hold.pk, reason="Over.", now=timezone.now())
    assert erased(here, "ada").erased["Lines of batches"] == 1


def test_who_may_upload(here: World) -> None:
    with pytest.raises(NotAllowed):
        upload(here, file_of(1), actor=here.people.actor("finance"))
    ApiKey.objects.update(scopes=["calls:read"])
    with pytest.raises(NotAllowed):
        upload(here, file_of(1), **by_key(here))
    with pytest.raises(NotAllowed):
        upload(here, file_of(1), actor=Actor.system("tests"))


def sent(content: bytes, **more: str) -> dict[str, Any]:
    facts = {"model": "licence-review", "name": "L", "calls_per_minute": "600", "budget": "1"}
    return facts | more | {"file": SimpleUploadedFile("in.jsonl", content)}


def test_the_api_for_a_key_from_upload_to_results(here: World, model: Provider) -> None:
    client = Client(headers={"authorization": f"Bearer {here.key}", "idempotency-key": "u"})
    made = client.post("/api/v1/batches/", sent(file_of(3)))
    assert made.status_code == 201, made.content
    assert made.json()["lines"]["waiting"] == 3
    again = client.post("/api/v1/batches/", sent(file_of(3)))
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    other = client.post("/api/v1/batches/", sent(file_of(4)))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    run_out(Batch.objects.get())
    path = made.headers["location"]
    found = client.get(path).json()
    assert (found["state"], found["lines"]["done"], found["spent"]) == (
        "finished",
        3,
        "0.000096000",
    )
    content = b"".join(client.get(f"{path}results/").streaming_content)  # type: ignore[attr-defined]
    assert len(content.splitlines()) == 3
    assert AuditEvent.objects.filter(action="batch.downloaded").count() == 1
    assert client.post(f"{path}cancel/").status_code == 409
    assert client.get("/api/v1/batches/").json()["results"][0]["id"] == found["id"]
    wrong = client.post("/api/v1/batches/", sent(file_of(1), model="other"))
    assert wrong.status_code == 400


def test_results_have_values_again_for_the_key_alone(here: World, settings: Any) -> None:
    UseCase.objects.update(oversight="none", tier="minimal", sensitivity="internal")
    here.use_case.refresh_from_db()
    said = GOOD.replace("Keep the notice.", "Write to <EMAIL_ADDRESS_1>.")
    row = {"variables": {"licence_text": "MIT. Mail: jane@example.com"}}
    with provider(said) as model:
        settings.PLACET_MODEL_URL = model.url
        batch = run_out(upload(here, json.dumps(row).encode(), **by_key(here)))
    assert b"jane@" not in b"".join(results.result_lines(batch))
    client = Client(headers={"authorization": f"Bearer {here.key}"})
    reply: Any = client.get(f"/api/v1/batches/{batch.pk}/results/")
    assert b"Write to jane@example.com." in b"".join(reply.streaming_content)


def test_uploads_of_a_person_too_are_idempotent(here: World) -> None:
    first = upload(here, file_of(2), idempotency_key="k")
    assert upload(here, file_of(2), idempotency_key="k").pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        upload(here, file_of(3), idempotency_key="k")


@pytest.mark.django_db(transaction=True)
def test_the_same_upload_twice_at_once_is_one_batch(here: World) -> None:
    def one(_: int) -> Any:
        made = upload(here, file_of(50), idempotency_key="k").pk
        connections.close_all()
        return made

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(one, range(4)))
    assert len(found) == Batch.objects.count() == 1


def signed_in(here: World, role: str) -> Client:
    here.people.users[role].forget_reaches()
    client = Client()
    client.force_login(here.people.users[role])
    return client


def test_the_pages_upload_show_progress_and_stop_asking(here: World, model: Provider) -> None:
    client = signed_in(here, "owner")
    token = client.get("/batches/new/").context["form"]["form_token"].value()
    form = sent(file_of(2) + b"\n{]", use_case="licence-review", form_token=str(token), model="")
    bad = client.post("/batches/new/", form | {"budget": "0"})
    assert bad.status_code == 422
    assert "more than 0" in bad.content.decode()
    form["file"] = SimpleUploadedFile("in.jsonl", file_of(2) + b"\n{]")
    made = client.post("/batches/new/", form)
    assert made.status_code == 302
    path = made.headers["location"]
    assert "hx-trigger" in client.get(path).content.decode()
    run_out(Batch.objects.get())
    page = client.get(path).content.decode()
    assert "hx-trigger" not in page
    assert "The line is not valid JSON." in page
    fragment = client.get(path, headers={"hx-request": "true"}).content.decode()
    assert fragment.lstrip().startswith("<section")
    assert client.get(f"{path}results/").status_code == 200
    # Of the team, but neither the uploader nor one who may open bodies.
    Batch.objects.update(requester=here.people.users["prompt_engineer"])
    assert client.get(f"{path}results/").status_code == 403
    assert client.get(f"{path}errors/").status_code == 200


def test_resuming_with_too_little_says_so_beside_the_field(here: World, model: Provider) -> None:
    batch = run_out(upload(here, file_of(3), budget=Decimal("0.000000001")))
    assert batch.state == "paused"
    client = signed_in(here, "owner")
    reply = client.post(f"/batches/{batch.pk}/resume/", {"budget": "-1"})
    assert reply.status_code == 422
    assert "was spent" in reply.content.decode()


def test_the_sweeper_hints_at_what_is_due(here: World, model: Provider) -> None:
    upload(here, file_of(1))
    assert len(running.due(timezone.now())) == 1
    tasks.run(str(Batch.objects.get().pk))
    assert running.due(timezone.now()) == []
    assert Batch.objects.get().state == "finished"


def test_lists_ask_the_same_however_long_they_are(here: World) -> None:
    def asked(rows: int) -> list[int]:
        for number in range(rows):
            name = f"B{rows}-{number}"
            batch = upload(here, file_of(rows) + b"\n{]" * rows, name=name)
        pages = ["/batches/", f"/batches/{batch.pk}/"]
        return [queries(lambda page=page: client.get(page)) for page in pages]

    client = signed_in(here, "owner")
    client.get("/batches/")
    assert asked(1) == asked(3)
