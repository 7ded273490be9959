"""Prices by hand and from litellm's table, by page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from governance.model_cards import price_table, services
from governance.model_cards.models import Deployment, Price
from governance.model_cards.selectors import prices_on
from tests.factories.ledger import NOW, make_person

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)


@pytest.fixture
def url(deployment: Deployment) -> str:
    return f"/models/deployments/{deployment.slug}/prices/"


def typed(**changes: str) -> dict[str, str]:
    facts = {"input": "0.15", "output": "0.6", "starts_on": "2026-11-18", "source": "Price page"}
    return facts | changes


def test_finance_sets_several_prices_at_once(
    finance: Client, url: str, deployment: Deployment
) -> None:
    assert "unknown is not free" in finance.get(url).content.decode()
    assert finance.post(url, typed()).status_code == 302
    found = prices_on(deployment, TODAY)
    assert found.per_million == {"input": Decimal("0.15"), "output": Decimal("0.6")}
    assert found.currency == "USD"
    assert AuditEvent.objects.filter(action="price.set", reason="Price page").count() == 2
    assert "0.150000" in finance.get(url).content.decode()


def test_a_later_price_ends_the_one_before(
    finance: Client, url: str, deployment: Deployment
) -> None:
    finance.post(url, typed())
    finance.post(url, typed(input="0.2", output="", starts_on="2026-12-01"))
    before, after = (
        prices_on(deployment, date(2026, 11, 30)),
        prices_on(deployment, date(2026, 12, 1)),
    )
    assert (before.per_million["input"], after.per_million["input"]) == (
        Decimal("0.15"),
        Decimal("0.2"),
    )
    assert after.per_million["output"] == Decimal("0.6")


@pytest.mark.parametrize("day", ["2026-11-18", "2026-11-17"])
def test_an_overlapping_price_is_refused_with_a_sentence_and_nothing_is_set(
    finance: Client, url: str, day: str
) -> None:
    finance.post(url, typed(output=""))
    # Output would fit; it is not set either, because the form is one act.
    answer = finance.post(url, typed(output="0.7", input="0.9", starts_on=day))
    body = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose a day after 2026-11-18." in body and 'value="0.9"' in body
    assert Price.objects.count() == 1
    assert AuditEvent.objects.filter(action="price.set").count() == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input": "-1"}, "greater than or equal to 0"),
        ({"input": "cheap"}, "Enter a number"),
        ({"input": "NaN"}, "Enter a number"),
        ({"input": "0.0000000001"}, "no more than 9 decimal places"),
        ({"input": "", "output": ""}, "at least one amount"),
        ({"source": ""}, "required"),
        ({"starts_on": "soon"}, "valid date"),
    ],
)
def test_what_does_not_fit_is_said_beside_what_was_typed(
    finance: Client, url: str, wrong: dict[str, str], message: str
) -> None:
    answer = finance.post(url, typed(**wrong))
    body = answer.content.decode()
    assert answer.status_code == 422
    assert message in body
    assert f'value="{typed(**wrong)["starts_on"]}"' in body
    assert not Price.objects.exists()


def test_the_table_is_shown_before_it_is_set(
    finance: Client, url: str, deployment: Deployment
) -> None:
    asked = {"model": "gpt-4o-mini", "starts_on": "2026-11-18"}
    shown = finance.post(f"{url}import/", asked)
    body = shown.content.decode()
    assert shown.status_code == 200
    assert "Nothing is set yet" in body and "0.150000" in body
    assert not Price.objects.exists()
    assert finance.post(f"{url}import/", asked | {"step": "set"}).status_code == 302
    found = prices_on(deployment, TODAY)
    assert found.per_million == price_table.look_up("gpt-4o-mini").amounts
    sources = set(Price.objects.values_list("source", flat=True))
    assert sources == {"litellm's price table, gpt-4o-mini"}
    again = finance.post(f"{url}import/", asked | {"step": "set"})
    assert again.status_code == 422 and "Choose a day after" in again.content.decode()


def test_a_model_that_the_table_does_not_know_is_not_free(finance: Client, url: str) -> None:
    answer = finance.post(f"{url}import/", {"model": "nobody/nothing", "starts_on": "2026-11-18"})
    body = answer.content.decode()
    assert answer.status_code == 422
    assert "does not know this name" in body and "nobody/nothing" in body
    assert finance.get(f"{url}import/")["Location"] == url


def test_the_table_is_not_converted(
    finance: Client, url: str, settings: Any, actor: Actor, deployment: Deployment
) -> None:
    settings.PLACET_CURRENCY = "EUR"
    asked = {"model": "gpt-4o-mini", "starts_on": "2026-11-18"}
    answer = finance.post(f"{url}import/", asked)
    assert answer.status_code == 422 and "at your own rate" in answer.content.decode()
    with pytest.raises(Invalid, match="EUR"):
        services.import_litellm_prices(
            actor=actor, deployment=deployment, model="gpt-4o-mini", starts_on=TODAY, now=NOW
        )


def test_an_import_sets_all_or_nothing(actor: Actor, deployment: Deployment) -> None:
    facts: dict[str, Any] = {"actor": actor, "deployment": deployment, "now": NOW}
    services.set_price(**facts, kind="output", amount=Decimal(1), starts_on=date(2026, 12, 1))
    with pytest.raises(Invalid):
        services.import_litellm_prices(**facts, model="gpt-4o-mini", starts_on=TODAY)
    assert Price.objects.count() == 1


def test_the_table_is_exact_and_names_what_it_leaves_out() -> None:
    assert price_table.look_up("gpt-4o-mini").amounts["cached_input"] == Decimal("0.075")
    assert price_table.name_in_table("openai/gpt-4o-mini") == "gpt-4o-mini"
    assert price_table.name_in_table("elsewhere/gpt-4o-mini") == ""
    dear = price_table.look_up("gemini/gemini-2.5-pro")
    assert "input_cost_per_token_above_200k_tokens" in dear.not_imported


def test_who_may_not_set_prices(client: Client, url: str, deployment: Deployment) -> None:
    board = make_person("board")
    client.force_login(board)
    for path in ("", "import/"):
        assert client.post(url + path, typed(model="gpt-4o-mini")).status_code == 403
    facts: dict[str, Any] = {"actor": Actor.person(board), "deployment": deployment, "now": NOW}
    with pytest.raises(NotAllowed):
        services.set_price(**facts, kind="input", amount=Decimal(1), starts_on=TODAY)
    with pytest.raises(NotAllowed):
        services.import_litellm_prices(**facts, model="gpt-4o-mini", starts_on=TODAY)
    assert not Price.objects.exists()


@pytest.mark.parametrize("listed", ["page", "/api/v1/prices/"])
def test_the_lists_need_as_many_queries_for_three_as_for_one(
    writing: Client, actor: Actor, url: str, deployment: Deployment, listed: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert writing.get(url if listed == "page" else listed).status_code == 200
        return len(counted)

    def add(kind: str) -> None:
        services.set_price(
            actor=actor,
            deployment=deployment,
            kind=kind,
            amount=Decimal(1),
            starts_on=TODAY,
            now=NOW,
        )

    add("input")
    queries()
    one = queries()
    add("output")
    add("per_call")
    assert queries() == one
