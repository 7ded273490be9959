"""Calls booked by kind of token, at tiers, discounts and rates; and those that have no price."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.model_cards.models import Deployment, ExchangeRate, Price
from governance.model_cards.pricing import Usage
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.providers import _usage_of
from telemetry.chargeback.models import DailyUsage, Hold
from telemetry.chargeback.selectors import tokens_of_month
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.clients import with_clerk
from tests.factories.organisation import Provider, Raw, World, provider
from tests.prompts.test_images import message, url

pytestmark = pytest.mark.django_db
LONG_AGO = date(2020, 1, 1)


def answered(**usage: Any) -> Raw:
    """A provider's whole answer with that usage."""
    body = {
        "choices": [{"finish_reason": "stop", "message": {"content": "A printer."}}],
        "usage": usage,
    }
    return Raw(json.dumps(body).encode())


THOUGHT = answered(
    prompt_tokens=1000,
    completion_tokens=500,
    total_tokens=1500,
    prompt_tokens_details={"cached_tokens": 400},
    completion_tokens_details={"reasoning_tokens": 300},
)


@pytest.fixture
def here() -> World:
    return with_clerk({"type": "text"})


@pytest.fixture
def local(here: World) -> Deployment:
    found = Deployment.objects.get(hosting="embedded")
    Deployment.objects.filter(pk=found.pk).update(takes_images=True)
    return found


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider(THOUGHT) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def set_prices(deployment: Deployment, currency: str = "USD", **amounts: str) -> None:
    Price.objects.filter(deployment=deployment).delete()
    for kind, amount in amounts.items():
        name, _, tier = kind.partition("_from_")
        Price.objects.create(
            deployment=deployment,
            kind=name,
            from_tokens=int(tier or 0),
            amount=Decimal(amount),
            currency=currency,
            starts_on=LONG_AGO,
        )


def ask(here: World, sent: Any = None) -> Any:
    body = {
        "model": "licence-review/clerk",
        "messages": [sent or {"role": "user", "content": "What is this?"}],
    }
    return Client().post(
        "/v1/chat/completions",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )


def test_each_kind_is_booked_at_its_price_and_counted_everywhere(
    here: World, local: Deployment, model: Provider
) -> None:
    set_prices(
        local,
        input="2",
        cached_input="0.5",
        output="8",
        reasoning="10",
        image="0.01",
        per_call="0.001",
        discount="10",
    )
    assert ask(here, message(url())).status_code == 200
    call, entry = Call.objects.get(), LedgerEntry.objects.get()
    # 600 × 2 + 400 × 0.5 + 200 × 8 + 300 × 10, by the million; an image; a call; less a tenth.
    assert entry.amount == call.cost == (Decimal("0.006") + Decimal("0.011")) * Decimal("0.9")
    counted = {
        "tokens_input": 1000,
        "tokens_cached": 400,
        "tokens_output": 500,
        "tokens_reasoning": 300,
        "images": 1,
    }
    for row in (call, entry, DailyUsage.objects.get()):
        assert {name: getattr(row, name) for name in counted} == counted
    assert verify() == []
    hold = Hold.objects.filter(call=call).first()
    assert hold is not None and hold.amount >= hold.captured_amount == entry.amount
    page = finance(here).get(f"/calls/{call.pk}/").content.decode()
    assert "less 10 %" in page and "300 reasoning × 10" in page


def finance(here: World) -> Client:
    client = Client()
    client.force_login(here.people.users["finance"])
    return client


@pytest.mark.parametrize(
    ("told", "booked"),
    [
        # OpenAI: the completion has the reasoning in it.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 50,
                "total_tokens": 60,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(10, 0, 50, 30),
        ),
        # Others count it beside the completion, and their total says so.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 50,
                "total_tokens": 90,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(10, 0, 80, 30),
        ),
        # Without a total the reasoning is part of the completion.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(10, 0, 5, 5),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 99},
                "completion_tokens_details": None,
            },
            Usage(10, 10, 5),
        ),
    ],
)
def test_usage_is_read_by_openais_rule_once(told: dict[str, Any], booked: Usage) -> None:
    assert _usage_of(told) == booked


def test_a_provider_cannot_give_tokens_back() -> None:
    with pytest.raises(ValueError, match="back"):
        _usage_of({"prompt_tokens": -1, "completion_tokens": 5})


@pytest.mark.parametrize(
    ("prices", "sent", "words"),
    [
        ({"input": "1", "output": "1"}, message(url()), "no price for images"),
        ({"input": "1"}, None, "no price for output"),
        ({"output": "1"}, None, "no price for input"),
    ],
)
def test_a_kind_without_a_price_stops_the_call_before_it_is_made(
    here: World,
    local: Deployment,
    model: Provider,
    prices: dict[str, str],
    sent: Any,
    words: str,
) -> None:
    set_prices(local, **prices)
    answer = ask(here, sent)
    assert answer.json()["error"]["code"] == "price_unknown"
    assert words in answer.json()["error"]["message"]
    assert model.asked == [] and not LedgerEntry.objects.exists()


def test_a_call_has_the_tier_that_the_month_had_reached(
    here: World, local: Deployment, model: Provider
) -> None:
    set_prices(local, input="0", output="8", output_from_1500="4", output_from_3001="2")
    for _ in range(3):
        assert ask(here).status_code == 200
    # 1,500 tokens are counted after each: the second begins exactly at a tier, the third at
    # one token less than the next.
    amounts = list(LedgerEntry.objects.order_by("pk").values_list("amount", flat=True))
    assert amounts == [Decimal("0.004"), Decimal("0.002"), Decimal("0.002")]
    today = LedgerEntry.objects.latest("pk").day
    assert tokens_of_month(local.pk, today) == 4500
    month_before = today.replace(day=1) - timedelta(days=1)
    assert tokens_of_month(local.pk, month_before) == 0
    assert verify() == []


def test_calls_at_the_same_time_have_the_price_that_each_began_with(
    here: World, local: Deployment, model: Provider
) -> None:
    """Both were let in before either was counted; a worker runs them one after the other."""
    set_prices(local, input="0", output="8", output_from_1="4")
    sent = [{"role": "user", "content": "What is this?"}]
    accepted = [
        pipeline.accept(
            GovernedRequest(
                "licence-review/clerk", presented_key=here.key, messages=sent, mode="async"
            )
        )
        for _ in range(2)
    ]
    for reply in accepted:
        assert reply.call is not None
        pipeline.carry_on(reply.call.pk)
    assert ask(here).status_code == 200
    amounts = list(LedgerEntry.objects.order_by("pk").values_list("amount", flat=True))
    assert amounts == [Decimal("0.004"), Decimal("0.004"), Decimal("0.002")]


def test_a_call_without_tiers_asks_no_statement_for_them(
    here: World, local: Deployment, model: Provider
) -> None:
    set_prices(local, input="1", output="1")
    ask(here)
    with CaptureQueriesContext(connection) as counted:
        ask(here)
    assert not [one for one in counted if "SUM(" in one["sql"]]


def enter(here: World, value: str, day: date) -> ExchangeRate:
    return ExchangeRate.objects.create(
        currency="EUR",
        to_currency="USD",
        day=day,
        rate=Decimal(value),
        source="ECB",
        entered_by=here.people.users["finance"],
        entered_at=here.now,
    )


def test_another_currency_is_booked_at_the_days_rate_and_keeps_both_amounts(
    here: World, local: Deployment, model: Provider
) -> None:
    set_prices(local, "EUR", input="2", output="8")
    refused = ask(here).json()["error"]
    assert refused["code"] == "price_unknown"
    assert "No exchange rate from EUR to USD" in refused["message"] and model.asked == []
    # The next call sees the rate though what governs calls is remembered.
    rate = enter(here, "1.170000003", here.now.date())
    assert ask(here).status_code == 200
    entry = LedgerEntry.objects.get()
    assert (entry.priced_amount, entry.priced_currency) == (Decimal("0.006"), "EUR")
    assert (entry.amount, entry.currency, entry.rate) == (Decimal("0.007020000"), "USD", rate)
    assert verify() == []
    page = finance(here).get(f"/calls/{entry.call_id}/").content.decode()
    assert "0.006000000 EUR at 1.170000003" in page


def test_a_wrong_conversion_is_found(here: World, local: Deployment, model: Provider) -> None:
    set_prices(local, "EUR", input="2", output="8")
    enter(here, "1.5", here.now.date())
    ask(here)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_ledgerentry SET priced_amount = priced_amount + 1")
        cursor.execute("ALTER TABLE ledger_ledgerentry ENABLE TRIGGER USER")
    assert "conversions" in {one.check for one in verify()}
