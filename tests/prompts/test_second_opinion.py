"""A second model's verdict on an answer: asked, booked, obeyed; and how sure an answer is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.approvals.models import ChangeRequest
from governance.approvals.services import withdraw
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.model_cards.models import Deployment, ExchangeRate, Price
from governance.registry.models import UseCase
from prompts.gateway import opinions, pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.models import AttemptEnd, Circuit, SecondOpinion
from prompts.gateway.reply import GovernedReply
from prompts.gateway.verdicts import mean_token_probability, read_opinion
from prompts.releases.checks import read_checks
from prompts.releases.models import Release
from reviews.intake.services import RuleFacts, write_rule
from reviews.queues.models import Queue, ReviewItem
from telemetry.chargeback.models import Hold
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call, Erasure, LedgerEntry
from tests.factories.judging import INSTRUCTION, judged_world, release_with, says
from tests.factories.organisation import Provider, Raw, Streamed, World, provider
from tests.prompts.test_priced_calls import set_prices

ANSWER = "The notice must be kept."


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider(ANSWER) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture
def judge(db: None) -> Iterator[Provider]:
    with provider(says("pass")) as scripted:
        yield scripted


def call(here: World, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {
        "model": "licence-review/clerk",
        "presented_key": here.key,
        "messages": [{"role": "user", "content": "What does MIT ask? Write to a@example.org"}],
    }
    return pipeline.run(GovernedRequest(**(facts | more)))


def newest() -> Call:
    return Call.objects.latest("admitted_at")


def test_a_pass_leaves_and_its_cost_stands_in_the_ledger(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    reply = call(here)
    assert (reply.state, reply.answer) == ("delivered", ANSWER)
    row, (answer, verdict) = newest(), LedgerEntry.objects.order_by("attempt")
    assert (answer.description, verdict.description) == ("", "verdict")
    assert (answer.deployment.slug, verdict.deployment.slug) == ("smollm2-local", "judge")
    assert verdict.amount > 0 and row.cost == answer.amount + verdict.amount
    # The call is the answering deployment's, at its price.
    assert row.deployment is not None and row.deployment.slug == "smollm2-local"
    assert opinions.cost_of(row) == verdict.amount
    # A hold for each attempt on every budget above, captured at what it cost.
    assert {one.state for one in Hold.objects.filter(call=row)} == {"captured"}
    assert Hold.objects.filter(call=row).values("attempt").distinct().count() == 2
    assert not Hold.objects.filter(state="held").exists()
    assert set(AttemptEnd.objects.values_list("deployment__slug", flat=True)) == {
        "smollm2-local",
        "judge",
    }


def test_a_verdict_is_priced_like_every_attempt(model: Provider, judge: Provider) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 500,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }
    choice = {"finish_reason": "stop", "message": {"content": says("pass")}}
    judge.answers = [Raw(json.dumps({"choices": [choice], "usage": usage}).encode())]
    here = judged_world(judge.url)
    set_prices(Deployment.objects.get(slug="judge"), "EUR", input="2", output="8", reasoning="10")
    assert call(here).state == "held", "without a rate nobody knows what it would cost"
    assert judge.asked == []
    ExchangeRate.objects.create(
        currency="EUR",
        to_currency="USD",
        day=here.now.date() - timedelta(days=1),
        rate=Decimal("1.1"),
        source="ECB",
        entered_by=here.people.users["finance"],
        entered_at=here.now,
    )
    assert call(here).state == "delivered"
    verdict = LedgerEntry.objects.get(description="verdict")
    assert (verdict.tokens_output, verdict.tokens_reasoning, verdict.calls) == (500, 300, 0)
    # 1000 × 2 + 200 × 8 + 300 × 10, by the million.
    assert (verdict.priced_amount, verdict.priced_currency) == (Decimal("0.0066"), "EUR")
    assert (verdict.amount, verdict.currency) == (Decimal("0.00726"), "USD")
    assert verify() == []


def test_the_judge_reads_what_was_asked_and_answered_and_no_personal_data(
    model: Provider, judge: Provider
) -> None:
    call(judged_world(judge.url))
    (asked,) = judge.asked
    system, user = asked["messages"]
    assert INSTRUCTION in system["content"] and ANSWER in user["content"]
    assert "a@example.org" not in str(asked) and "EMAIL_ADDRESS_1" in user["content"]
    assert asked["response_format"]["json_schema"]["schema"]["required"] == [
        "verdict",
        "reason",
        "confidence",
    ]
    assert (asked["temperature"], "logprobs" in asked) == (0, False)


@pytest.mark.parametrize("verdict", ["doubt", "fail"])
def test_the_release_decides_what_a_verdict_does(
    model: Provider, judge: Provider, verdict: str
) -> None:
    judge.answers = [says(verdict, "It says “Quagga” too much.")]
    here = judged_world(judge.url)
    asked = Release.objects.get(prompt__slug="clerk", ended_at=None).checks
    for number, (action, state) in enumerate(STATES.items(), 1):
        release_with(here, asked | {f"judge_on_{verdict}": action})
        reply = call(here)
        row = newest()
        opinion = SecondOpinion.objects.get(call=row)
        assert (reply.state, opinion.verdict, opinion.action) == (state, verdict, action)
        (finding,) = row.findings
        assert (finding["code"], finding["action"]) == ("verdict", action)
        # The judge's words may quote the answer: they are sealed.
        assert "Quagga" not in str(row.findings) + str(row.stage_trail) + row.hold_reason
        assert "Quagga" not in row.refusal_message
        assert opinions.reason_of(opinion) == "It says “Quagga” too much."
        assert (reply.answer is None) == (action != "note")
        assert ReviewItem.objects.filter(call=row).exists() == (action == "hold")
        assert LedgerEntry.objects.filter(description="verdict").count() == number


STATES = {"note": "delivered", "hold": "held", "block": "blocked"}
FAILURES: dict[str, Any] = {
    "no JSON": "It is fine.",
    "another word": json.dumps({"verdict": "maybe", "reason": "x", "confidence": None}),
    "no reason": json.dumps({"verdict": "pass", "confidence": None}),
    "more than sure": says("pass", confidence=1.5),
    "cut off": {"content": says("pass"), "finish_reason": "length"},
    "an error": 500,
    "a refusal": 400,
}


def test_what_cannot_be_judged_waits_for_a_person(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    for name, answer in FAILURES.items():
        judge.answers = [answer]
        assert call(here).state == "held", name
        assert SecondOpinion.objects.get(call=newest()).verdict == "none", name
        Circuit.objects.all().delete()
    assert not Hold.objects.filter(state="held").exists()


def test_or_as_the_release_says(model: Provider, judge: Provider) -> None:
    judge.answers = ["It is fine."]
    here = judged_world(judge.url)
    asked = Release.objects.get(prompt__slug="clerk", ended_at=None).checks
    for action, state in STATES.items():
        release_with(here, asked | {"judge_without_verdict": action})
        assert call(here).state == state


def test_a_judge_that_may_not_be_asked_is_not(model: Provider, judge: Provider) -> None:
    here, one = judged_world(judge.url), Deployment.objects.filter(slug="judge")
    prices = Price.objects.filter(deployment__slug="judge", kind="output")
    for why, refuse, restore in (
        (
            "may not see",
            lambda: one.update(sensitivity_ceiling="public"),
            lambda: one.update(sensitivity_ceiling="regulated"),
        ),
        (
            "cannot be called",
            lambda: one.update(state="suspended"),
            lambda: one.update(state="callable"),
        ),
        (
            "at its own limit",
            lambda: one.update(tokens_per_minute=1),
            lambda: one.update(tokens_per_minute=None),
        ),
        (
            "budget exceeded",
            lambda: prices.update(amount=Decimal(900_000)),
            lambda: prices.update(amount=Decimal(1)),
        ),
    ):
        refuse()
        reply = call(here)
        assert (reply.state, judge.asked) == ("held", []), why
        assert why in opinions.reason_of(SecondOpinion.objects.get(call=newest()))
        assert LedgerEntry.objects.filter(call=newest()).count() == 1
        restore()
    assert call(here).state == "delivered"
    assert not Hold.objects.filter(state="held").exists()


def test_the_answering_model_may_judge_itself(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    same = Deployment.objects.get(slug="smollm2-local")
    release_with(here, {"judge": same.pk, "judge_instruction": INSTRUCTION})
    model.answers = [ANSWER, says("pass")]
    assert call(here).state == "delivered"
    assert [one.description for one in LedgerEntry.objects.order_by("attempt")] == ["", "verdict"]


def test_a_judged_answer_is_no_stream_of_pieces(model: Provider, judge: Provider) -> None:
    judge.answers = [says("fail")]
    here = judged_world(judge.url)
    model.answers = [ANSWER, Streamed([ANSWER])]
    body = {"model": "licence-review/clerk", "stream": True}
    body["messages"] = [{"role": "user", "content": "What does MIT ask?"}]
    reply = Client().post(
        "/v1/chat/completions",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )
    said = b"".join(reply.streaming_content).decode()  # type: ignore[attr-defined]
    assert "notice" not in said and newest().state == "held"


def test_judged_answers_are_not_given_again(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    for _ in range(2):
        assert call(here).state == "delivered"
    assert len(judge.asked) == 2 and not newest().is_cached


def test_a_verdict_is_seen_where_the_call_is(model: Provider, judge: Provider) -> None:
    judge.answers = [says("doubt", "It says “Quagga” too much.", 0.4)]
    here = judged_world(judge.url)
    call(here)
    row, client = newest(), Client()
    client.force_login(here.people.users["prompt_engineer"])
    page = client.get(f"/calls/{row.pk}/").content.decode()
    assert "Second opinion" in page and "Judge" in page and "doubt" in page
    assert "0.4000" in page and "Quagga" not in page
    assert "verdict" in page  # the attempt, in the ledger's lines
    client.force_login(here.people.users["reviewer"])
    item = ReviewItem.objects.get()
    client.post(f"/reviews/items/{item.pk}/claim/")
    page = client.get(f"/reviews/items/{item.pk}/").content.decode()
    assert "It says “Quagga” too much." in page and "Confidence 0.4000, as the second model" in page
    shown = client.get(f"/api/v1/review-items/{item.pk}/").json()
    assert (shown["confidence"], shown["confidence_method"]) == ("0.4000", "judge")


def test_its_words_go_when_the_texts_of_the_call_go(model: Provider, judge: Provider) -> None:
    call(judged_world(judge.url))
    row, opinion = newest(), SecondOpinion.objects.get()
    assert opinions.count_reasons(Call.objects.filter(pk=row.pk)) == 1
    assert opinions.forget_reasons(opinion.keep_until - timedelta(days=1), 10) == 0
    assert opinions.erase_reasons([row.pk], Erasure(), timezone.now()) == 1
    opinion.refresh_from_db()
    assert (opinion.verdict, opinions.reason_of(opinion)) == ("pass", "")
    assert opinions.forget_reasons(opinion.keep_until, 10) == 0
    SecondOpinion.objects.update(reason_sealed=b"x")
    assert opinions.forget_reasons(opinion.keep_until, 10) == 1


def test_the_board_decides_on_the_judge(model: Provider, judge: Provider) -> None:
    judged_world(judge.url)
    release = Release.objects.get(prompt__slug="clerk", ended_at=None)
    shown = release.approval.change.snapshot
    assert (shown["judge"], shown["judge_instruction"]) == ("judge", INSTRUCTION)
    for changed in ({}, release.checks | {"judge_on_fail": "note"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.filter(pk=release.pk).update(checks=changed)
    release.pk, release.checks = None, {}
    with pytest.raises(IntegrityError), transaction.atomic():
        release.save(force_insert=True)


def test_a_judge_under_a_lower_ceiling_is_not_proposed(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    other = Deployment.objects.get(slug="judge")
    Deployment.objects.filter(pk=other.pk).update(sensitivity_ceiling="public")
    with pytest.raises(Invalid, match="the judge, may only see public"):
        release_with(here, {"judge": other.pk, "judge_instruction": INSTRUCTION})


def test_a_judge_is_proposed_by_page_and_api(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    other, client = Deployment.objects.get(slug="judge"), Client()
    client.force_login(here.people.users["owner"])
    first = Deployment.objects.get(slug="smollm2-local")
    url = "/prompts/clerk/release/"
    version = Release.objects.get(prompt__slug="clerk", ended_at=None).version
    form = {
        "version": version.pk,
        "deployments": first.pk,
        "environment": "staging",
        "reason": "Judged.",
        "judge": other.pk,
        "judge_instruction": "",
        "judge_on_fail": "block",
        "hold_below_percent": "7x",
    }
    refused = client.post(url, form)
    page = refused.content.decode()
    assert (refused.status_code, "Say by what" in page, "whole number" in page) == (422, True, True)
    assert f'<option value="{other.pk}" selected>' in page and 'value="7x"' in page
    form |= {"judge_instruction": "Fail lies.", "hold_below_percent": "70"}
    assert client.post(url, form).status_code == 302
    withdraw(
        actor=here.people.actor("owner"),
        change_id=ChangeRequest.objects.latest("pk").pk,
        reason="By API.",
        now=timezone.now(),
    )
    body = {
        "version": version.number,
        "deployments": ["smollm2-local"],
        "environment": "production",
        "reason": "Judged.",
        "checks": {
            "judge": "judge",
            "judge_instruction": "Fail lies.",
            "token_probabilities": True,
        },
    }
    sent = client.post("/api/v1/prompts/clerk/releases/", body, "application/json")
    assert sent.status_code == 201, sent.content
    body["checks"] = {"judge": "nobody"}
    assert (
        client.post("/api/v1/prompts/clerk/releases/", body, "application/json").status_code == 400
    )
    release = Release.objects.get(prompt__slug="clerk", ended_at=None)
    assert INSTRUCTION in client.get(f"/releases/{release.pk}/").content.decode()
    assert client.get(f"/api/v1/releases/{release.pk}/").json()["checks"]["judge"] == other.pk


def logged(*probabilities: float) -> dict[str, Any]:
    listed = [{"token": "x", "logprob": math.log(one)} for one in probabilities]
    return {"content": ANSWER, "logprobs": {"content": listed}}


def test_token_probabilities_are_asked_for_only_where_the_release_wants_them(
    model: Provider, judge: Provider
) -> None:
    here = judged_world(judge.url)
    model.answers = [logged(0.5, 0.5)]
    call(here)
    assert "logprobs" not in model.asked[-1]
    release_with(here, {"token_probabilities": True})
    call(here)
    row = newest()
    assert model.asked[-1]["logprobs"] is True
    assert (row.confidence, row.confidence_method) == (Decimal("0.5"), "token_probability")


def test_tokens_go_before_the_judges_figure_and_nothing_is_made_up(
    model: Provider, judge: Provider
) -> None:
    judge.answers = [says("pass", confidence=0.25)]
    here = judged_world(judge.url, token_probabilities=True)
    model.answers = [logged(0.9, 0.4)]
    call(here)
    assert (newest().confidence, newest().confidence_method) == (
        Decimal("0.6"),
        "token_probability",
    )
    model.answers = [ANSWER]
    call(here)
    assert (newest().confidence, newest().confidence_method) == (Decimal("0.25"), "judge")
    judge.answers = [says("pass")]
    call(here)
    assert (newest().confidence, newest().confidence_method) == (None, "")


def test_what_is_less_sure_than_the_release_wants_is_held(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    release_with(here, {"token_probabilities": True, "hold_below_percent": 70})
    model.answers = [logged(0.71), logged(0.69), ANSWER]
    assert [call(here).state for _ in range(3)] == ["delivered", "held", "held"]


def test_an_intake_rule_may_ask_for_it_and_both_reasons_are_said(
    model: Provider, judge: Provider
) -> None:
    here = judged_world(judge.url)
    release_with(here, {"token_probabilities": True, "hold_below_percent": 30})
    rule = RuleFacts("Unsure", Queue.objects.get(), "hold", {"confidence_below": "0.5"})
    write_rule(actor=Actor.system("tests"), facts=rule, reason="To see.", now=here.now)
    model.answers = [logged(0.6), logged(0.4), logged(0.2)]
    assert [call(here).state for _ in range(3)] == ["delivered", "held", "held"]
    sure, unsure = Call.objects.filter(state="held").order_by("admitted_at")
    assert sure.hold_reason == "The intake rule “unsure”, version 1, holds it."
    assert unsure.hold_reason == (
        "The confidence of the answer is 0.2000, below 30 %. "
        "The intake rule “unsure”, version 1, holds it."
    )


def test_low_confidence_oversight_knows_the_figure(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    release_with(here, {"token_probabilities": True})
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="low_confidence")
    model.answers = [logged(0.95), logged(0.2)]
    assert call(here).state == "delivered"
    assert call(here).state == "held"
    assert newest().hold_reason == "The model's confidence is 0.2000."


def test_pieces_of_a_stream_tell_it_too(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    release_with(here, {"token_probabilities": True})
    piece = {"delta": {"content": ANSWER}, "logprobs": {"content": [{"logprob": math.log(0.5)}]}}
    lines = [{"choices": [piece]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    sent = "".join(f"data: {json.dumps(one)}\n\n" for one in lines) + "data: [DONE]\n\n"
    model.answers = [Raw(sent.encode(), headers={"content-type": "text/event-stream"})]
    context = pipeline.begin(
        GovernedRequest(
            "licence-review/clerk", here.key, messages=[{"role": "user", "content": "MIT?"}]
        ),
        listener=lambda context, text: None,
    )
    assert pipeline.go_through(context).state == "delivered"
    assert newest().confidence == Decimal("0.5")


def test_calls_are_found_by_how_sure_they_are(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    release_with(here, {"token_probabilities": True})
    model.answers = [logged(0.5), ANSWER]
    call(here)
    sure = str(newest().pk)
    call(here)
    unknown, client = str(newest().pk), Client()
    client.force_login(here.people.users["prompt_engineer"])
    for query, found in (
        ("confidence_below=0.6", [sure]),
        ("confidence_below=0.4", []),
        ("confidence_method=token_probability", [sure]),
        ("confidence_method=guess", [sure, unknown]),
        ("confidence_below=7", [sure, unknown]),
    ):
        page = client.get(f"/calls/?{query}").content.decode()
        assert [one for one in (sure, unknown) if one in page] == found, query
    assert "Not known" in client.get(f"/calls/{unknown}/").content.decode()


@given(st.lists(st.floats(min_value=-50, max_value=0), min_size=1, max_size=40))
def test_the_mean_is_between_the_least_and_the_most(logs: list[float]) -> None:
    found = mean_token_probability(logs)
    assert found is not None and 0 <= found <= 1
    assert math.exp(min(logs)) - 1e-4 <= float(found) <= math.exp(max(logs)) + 1e-9


@pytest.mark.parametrize("logs", [None, [], [0.1], [float("nan")], [-1.0, 2.0]])
def test_what_is_no_probability_gives_no_figure(logs: Any) -> None:
    assert mean_token_probability(logs) is None


def test_an_impossible_token_gives_none_at_all() -> None:
    assert mean_token_probability([-math.inf, -1.0]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "null",
        says("PASS"),
        says("pass", ""),
        says("pass", confidence=True),
        says("pass", confidence="0.5"),
        says("pass", confidence=-0.1),
        '{"verdict": "pass", "reason": "x", "confidence": NaN}',
    ],
)
def test_what_keeps_no_schema_is_no_verdict(text: str) -> None:
    assert read_opinion(text) is None


WRONG: list[tuple[Any, str]] = [
    ("judge", "checks"),
    ({"jugde": 1}, "checks"),
    ({"judge": True, "judge_instruction": "x"}, "judge"),
    ({"judge": 1}, "judge_instruction"),
    ({"judge": 1, "judge_instruction": "x" * 8001}, "judge_instruction"),
    ({"judge": 1, "judge_instruction": "x", "judge_on_fail": "pass"}, "judge_on_fail"),
    ({"judge_instruction": "x"}, "judge"),
    ({"token_probabilities": 1}, "token_probabilities"),
    ({"token_probabilities": True, "hold_below_percent": 101}, "hold_below_percent"),
    ({"hold_below_percent": 50}, "hold_below_percent"),
]


@pytest.mark.parametrize(("given_checks", "field"), WRONG)
def test_checks_that_cannot_be_are_named(given_checks: Any, field: str) -> None:
    assert field in read_checks(given_checks)[1]


def test_checks_that_ask_for_nothing_are_empty() -> None:
    asked = {"token_probabilities": False, "hold_below_percent": 0, "judge_instruction": ""}
    assert read_checks(asked) == ({}, {}) == read_checks(None)
