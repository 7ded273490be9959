"""The governed call against a scripted provider: let in, held, decided, booked, refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openai
import pytest
from django.test import Client
from django.utils import timezone
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from governance.approvals import services as approvals
from governance.approvals.models import Approval
from governance.registry import services as registry
from governance.registry.models import UseCase
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from reviews.decisions import services as decisions
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.chargeback.models import Budget
from telemetry.ledger.models import Call, LedgerEntry
from telemetry.ledger.services import visible_answer
from tests.factories.chargeback import limit_to
from tests.factories.organisation import GOOD, Provider, World, provider, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def call(here: World, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {
        "model": "licence-review",
        "presented_key": here.key,
        "variables": {"licence_text": "MIT License. Mail: jane@example.com"},
    }
    return pipeline.run(GovernedRequest(**(facts | more)))


def refused(here: World, **more: Any) -> str:
    reply = call(here, **more)
    assert reply.refusal is not None
    return reply.refusal.code


def test_an_answer_is_held_booked_and_says_nothing(here: World, model: Provider) -> None:
    reply = call(here)
    assert (reply.state, reply.answer) == ("held", None)
    assert reply.call is not None
    assert visible_answer(reply.call) is None
    entry = LedgerEntry.objects.get(call=reply.call)
    assert entry.amount == reply.call.cost == Decimal("0.000032")
    assert not Budget.objects.exclude(reserved=0).exists()


def test_the_page_shows_every_attempt_with_its_time_and_what_governed_it(
    here: World, settings: Any, client: Client
) -> None:
    with provider(500, GOOD) as model:
        settings.PLACET_MODEL_URL = model.url
        reply = call(here)
    assert reply.call is not None
    (invoked,) = [one for one in reply.call.stage_trail if one["stage"] == "invoke"]
    assert [one["outcome"] for one in invoked["attempts"]] == ["unavailable", "answered"]
    assert all(one["took_ms"] >= 0 for one in invoked["attempts"])
    client.force_login(here.people.users["board"])
    shown = client.get(f"/calls/{reply.call.pk}/").content.decode()
    assert "unavailable" in shown
    assert f"/releases/{reply.call.release_id}/" in shown
    assert f"?key={reply.call.api_key.prefix if reply.call.api_key else ''}" in shown


def test_personal_data_never_reaches_the_model(here: World, model: Provider) -> None:
    reply = call(here)
    assert "jane@example.com" not in str(model.asked)
    assert "<EMAIL_ADDRESS_1>" in str(model.asked)
    assert reply.call is not None and reply.call.redactions == {"EMAIL_ADDRESS": 1}


def decide(here: World, verdict: str, **more: Any) -> Call:
    queue = Queue.objects.get()
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    here.people.users["reviewer"].forget_reaches()
    item = queues.claim_next(actor=reviewer, queue=queue, now=now)
    assert item is not None
    decisions.decide(actor=reviewer, item_id=item.pk, verdict=verdict, now=now, **more)
    return Call.objects.get(pk=item.call_id)


def test_approval_releases_the_very_answer(here: World, model: Provider) -> None:
    call(here)
    assert visible_answer(decide(here, "approve")) == GOOD


def test_a_correction_leaves_instead_and_keeps_the_contract(here: World, model: Provider) -> None:
    from governance.kernel.errors import Invalid

    call(here)
    with pytest.raises(Invalid):
        decide(here, "correct", corrected_text="not JSON")
    fixed = GOOD.replace("MIT", "ISC")
    assert visible_answer(decide(here, "correct", corrected_text=fixed)) == fixed


def test_a_rejected_answer_never_leaves(here: World, model: Provider) -> None:
    call(here)
    assert visible_answer(decide(here, "reject", rationale="Wrong.")) is None


def test_the_kill_switch_holds_from_the_next_call_on(here: World, model: Provider) -> None:
    call(here)
    safety, now = here.people.actor("safety"), timezone.now()
    registry.suspend_use_case(actor=safety, use_case_id=here.use_case.pk, reason="x", now=now)
    assert refused(here) == "use_case_suspended"
    assert len(model.asked) == 1


@pytest.mark.parametrize("kind", ["prompt_release", "use_case_stage"])
def test_a_suspended_approval_stops_calls(here: World, model: Provider, kind: str) -> None:
    approval = Approval.objects.filter(kind=kind, state="in_force").latest("pk")
    approvals.end_approval(
        actor=here.people.actor("safety"),
        approval_id=approval.pk,
        action="suspend",
        reason="drill",
        now=timezone.now(),
    )
    assert refused(here) == "approval_not_in_force"
    assert model.asked == []


def test_a_spent_budget_refuses_before_the_model_is_asked(here: World, model: Provider) -> None:
    for budget in Budget.objects.filter(hard=True):
        limit_to(budget, "0.00")
    assert refused(here) == "budget_exceeded"
    assert model.asked == []


def test_a_price_that_is_not_known_refuses(here: World, model: Provider) -> None:
    from governance.model_cards.models import Price

    Price.objects.all().delete()
    assert refused(here) == "price_unknown"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"presented_key": "plc_nothing_atall"}, "invalid_api_key"),
        ({"model": "another"}, "model_not_found"),
        ({"variables": {}}, "invalid_variables"),
        ({"variables": {"licence_text": "x", "more": "y"}}, "invalid_variables"),
        ({"sensitivity": "secret"}, "invalid_request"),
        ({"parameters": {"logit_bias": 1}}, "unsupported_parameter"),
        ({"messages": [{"role": "user", "content": "x"}]}, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    here: World, model: Provider, change: dict[str, Any], code: str
) -> None:
    assert refused(here, **change) == code
    assert model.asked == []


def test_one_repair_is_tried_and_booked(here: World, settings: Any) -> None:
    with provider("no JSON", GOOD) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        reply = call(here)
    assert reply.state == "held" and reply.call is not None
    assert LedgerEntry.objects.filter(call=reply.call).count() == len(scripted.asked) == 2


def test_a_contract_that_stays_broken_fails_and_is_still_booked(here: World, settings: Any) -> None:
    with provider("no JSON") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        assert refused(here) == "output_contract_failed"
    assert LedgerEntry.objects.count() == 2
    assert not Budget.objects.exclude(reserved=0).exists()


def test_a_provider_that_is_down_costs_nothing(here: World, settings: Any) -> None:
    with provider(500) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        assert refused(here) == "provider_error"
    assert LedgerEntry.objects.count() == 0
    assert not Budget.objects.exclude(reserved=0).exists()


def test_an_idempotency_key_gives_the_same_call_and_later_its_decision(
    here: World, model: Provider
) -> None:
    first = call(here, idempotency_key="k", body_hash="a")
    again = call(here, idempotency_key="k", body_hash="a")
    assert first.call == again.call and len(model.asked) == 1
    assert refused(here, idempotency_key="k", body_hash="b") == "idempotency_key_reused"
    decide(here, "approve")
    assert call(here, idempotency_key="k", body_hash="a").answer == GOOD


def test_an_accepted_call_is_run_once_by_its_worker(here: World, model: Provider) -> None:
    reply = pipeline.accept(
        GovernedRequest(
            model="licence-review",
            presented_key=here.key,
            variables={"licence_text": "MIT"},
            mode="async",
        )
    )
    assert reply.state == "admitted" and reply.call is not None and model.asked == []
    pipeline.carry_on(reply.call.pk)
    pipeline.carry_on(reply.call.pk)
    assert Call.objects.get(pk=reply.call.pk).state == "held" and len(model.asked) == 1


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/chat/completions", "/v1/"])
def test_every_v1_error_has_openais_shape(path: str) -> None:
    response = Client().get(path)
    assert response.status_code in (404, 405)
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.headers["x-should-retry"] == "false"


def test_nothing_is_answered_while_suspended(here: World, model: Provider) -> None:
    UseCase.objects.update(suspended_at=timezone.now(), suspension_reason="drill")
    assert refused(here) == "use_case_suspended"
    assert not Call.objects.filter(state="delivered").exists()


@pytest.mark.django_db(transaction=True)
def test_an_unmodified_openai_client_reads_a_held_answer(
    here: World, model: Provider, live_server: Any
) -> None:
    client = openai.OpenAI(base_url=f"{live_server.url}/v1", api_key=here.key)
    assert [one.id for one in client.models.list()] == ["licence-review"]
    reply = client.chat.completions.create(
        model="licence-review", messages=[], extra_body={"variables": {"licence_text": "MIT"}}
    )
    message = reply.choices[0].message
    assert message.content is None and message.refusal
    assert reply.choices[0].finish_reason == "content_filter"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{live_server.url}/v1", api_key="wrong").models.list()
    client.close()


def test_the_log_names_request_call_and_actor_and_holds_no_body(
    here: World, model: Provider, client: Client
) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        reply = client.post(
            "/v1/chat/completions",
            {"model": "licence-review", "messages": [], "variables": {"licence_text": "Sesame"}},
            content_type="application/json",
            headers={"authorization": f"Bearer {here.key}", "x-request-id": "request-number-one"},
        )
    line = next(one for one in lines if one["event"] == "call")
    assert (line["request_id"], line["call"]) == ("request-number-one", reply["x-call-id"])
    assert line["actor"] == f"key:{here.key.split('_')[1]}"
    assert line["state"] == "held"
    assert "Sesame" not in str(lines) and here.key not in str(lines)
