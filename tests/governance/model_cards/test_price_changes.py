"""Prices of a deployment in use are proposed, signed by finance, and set as they were decided."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.approvals import services as approvals
from governance.approvals.models import ChangeRequest
from governance.approvals.services import decide
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.model_cards import price_table, rates, services
from governance.model_cards.models import Commitment, Deployment, ExchangeRate, Price
from governance.model_cards.price_changes import propose_prices, read_proposal
from governance.model_cards.pricing import PriceUnknown
from governance.model_cards.selectors import booked_prices_on, prices_on
from tests.factories.ledger import NOW, make_person
from tests.governance.model_cards.conftest import signed_in

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
SOON = date(2026, 12, 1)
JSON = "application/json"


@pytest.fixture
def signer(db: None) -> User:
    approvals.install_starting_policies(actor=Actor.system("test"), now=NOW)
    return make_person("finance")


@pytest.fixture
def used(deployment: Deployment, actor: Actor) -> Deployment:
    """Approved, at 0.15 in and 0.60 out."""
    amounts = {"input": Decimal("0.15"), "output": Decimal("0.6")}
    services.set_prices(
        actor=actor,
        deployment=deployment,
        amounts=amounts,
        starts_on=date(2026, 1, 1),
        source="Price page",
        now=NOW,
    )
    Deployment.objects.filter(pk=deployment.pk).update(state="callable")
    deployment.refresh_from_db()
    return deployment


def price(kind: str, amount: str | None, from_tokens: int = 0) -> dict[str, Any]:
    return {"kind": kind, "amount": amount, "from_tokens": from_tokens}


def propose(actor: Actor, deployment: Deployment, *prices: Any, **facts: Any) -> ChangeRequest:
    told: dict[str, Any] = {
        "starts_on": SOON,
        "source": "Contract of November",
        "reason": "Renegotiated.",
        "now": NOW,
    }
    return propose_prices(actor=actor, deployment=deployment, prices=prices, **(told | facts))


def sign(change: ChangeRequest, signer: User) -> None:
    decide(
        actor=Actor.person(signer),
        change_id=change.pk,
        outcome="approve",
        rationale="As in the contract.",
        digest_seen=change.digest,
        now=NOW,
    )


def test_nobody_sets_the_price_of_a_deployment_in_use(
    actor: Actor, finance: Client, used: Deployment
) -> None:
    with pytest.raises(WrongState, match="change request"):
        services.set_price(
            actor=actor,
            deployment=used,
            kind="output",
            amount=Decimal(1),
            starts_on=SOON,
            now=NOW,
        )
    asked = {
        "deployment": used.slug,
        "kind": "output",
        "amount": "1",
        "starts_on": "2026-12-01",
        "source": "x",
    }
    assert finance.post("/api/v1/prices/", asked, JSON).status_code == 409
    assert Price.objects.count() == 2


def test_what_is_signed_is_set_with_tiers_discount_and_a_promise(
    actor: Actor, used: Deployment, signer: User
) -> None:
    change = propose(
        actor,
        used,
        price("input", "0.10", 1_000_000),
        price("input", "0.14"),
        price("discount", "7.5"),
        commitment={"amount": "5000", "ends_on": "2026-12-31"},
    )
    assert change.base["input"] == "0.15 USD per million tokens"
    assert change.snapshot["input"] == "0.14 USD per million tokens"
    assert change.snapshot["output"] == change.base["output"] == "0.6 USD per million tokens"
    assert change.snapshot["input, from 1,000,000 tokens a month"].startswith("0.1 USD")
    assert change.snapshot["discount"] == "7.5 % off"
    assert change.snapshot["committed spend"] == "5,000.00 USD until 2026-12-31"
    assert Price.objects.count() == 2  # nothing before it is signed
    sign(change, signer)
    before, after = prices_on(used, date(2026, 11, 30)), prices_on(used, SOON)
    assert before.per_million["input"] == Decimal("0.15") and before.discount == 0
    assert after.per_million == {"input": Decimal("0.14"), "output": Decimal("0.6")}
    assert after.discount == Decimal("7.5")
    promised = Commitment.objects.get()
    assert (promised.amount, promised.ends_on, promised.change) == (
        5000,
        date(2026, 12, 31),
        change,
    )


def test_a_price_that_ends_is_unknown_from_that_day(
    actor: Actor, used: Deployment, signer: User
) -> None:
    sign(propose(actor, used, price("output", None)), signer)
    assert "output" in prices_on(used, date(2026, 11, 30)).per_million
    assert "output" not in prices_on(used, SOON).per_million


@pytest.mark.parametrize(
    ("prices", "facts", "tier"),
    [
        ([price("input", "0.15")], {}, "minimal"),
        ([price("input", "0.1")], {}, "minimal"),
        ([price("input", "0.16")], {}, "limited"),
        ([price("per_call", "0.1")], {}, "limited"),
        (
            [price("input", "0.1")],
            {"commitment": {"amount": "1", "ends_on": "2027-01-01"}},
            "limited",
        ),
        ([price("input", "0.1"), price("output", "0.1")], {"currency": "EUR"}, "limited"),
    ],
)
def test_what_becomes_dearer_is_of_more_risk(
    actor: Actor, used: Deployment, signer: User, prices: list[Any], facts: Any, tier: str
) -> None:
    assert propose(actor, used, *prices, **facts).tier == tier


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"prices": []}, "prices"),
        ({"prices": [price("gold", "1")]}, "prices"),
        ({"prices": [price("input", "-1")]}, "input"),
        ({"prices": [price("input", "NaN")]}, "input"),
        ({"prices": [price("input", "0.0000000001")]}, "input"),
        ({"prices": [price("discount", "101")]}, "discount"),
        ({"prices": [price("input", "1", -1)]}, "prices"),
        ({"prices": [price("input", "1"), price("input", "2")]}, "prices"),
        ({"prices": [price("input", "1", n) for n in range(21)]}, "prices"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"source": ""}, "source"),
        ({"currency": "euro"}, "currency"),
        ({"commitment": {"amount": "0", "ends_on": "2027-01-01"}}, "commitment"),
        ({"commitment": {"amount": "5", "ends_on": "2020-01-01"}}, "commitment"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], field: str) -> None:
    fits = {"prices": [price("input", "1")], "starts_on": "2026-12-01", "source": "x"}
    assert read_proposal(fits)["prices"] == [price("input", "1")]
    with pytest.raises(Invalid) as refused:
        read_proposal(fits | given)
    assert field in refused.value.fields


def test_a_price_that_begins_later_stands_in_the_way(
    actor: Actor, used: Deployment, signer: User
) -> None:
    sign(propose(actor, used, price("input", "0.2")), signer)
    with pytest.raises(Invalid, match="a later day"):
        propose(actor, used, price("input", "0.3"), starts_on=date(2026, 11, 20))
    with pytest.raises(Invalid, match="could end"):
        propose(actor, used, price("image", None))


def test_two_currencies_at_once_are_not_set(actor: Actor, used: Deployment, signer: User) -> None:
    change = propose(actor, used, price("input", "0.1"), currency="EUR")
    with pytest.raises(WrongState, match="EUR and USD"):
        sign(change, signer)
    assert prices_on(used, SOON).currency == "USD"


def test_prices_that_moved_meanwhile_make_it_stale(
    actor: Actor, used: Deployment, signer: User
) -> None:
    change = propose(actor, used, price("input", "0.1"))
    used.prices.filter(kind="output").update(amount=Decimal(9))
    sign_stale = {"actor": Actor.person(signer), "change_id": change.pk, "outcome": "approve"}
    with pytest.raises(Exception, match="(?i)stale|changed"):
        decide(**sign_stale, rationale="x", digest_seen=change.digest, now=NOW)  # type: ignore[arg-type]
    assert prices_on(used, SOON).per_million["input"] == Decimal("0.15")


def test_by_page_it_is_proposed_with_its_reason_and_tiers(
    finance: Client, used: Deployment, signer: User
) -> None:
    url = f"/models/deployments/{used.slug}/prices/"
    assert "Propose prices" in finance.get(url).content.decode()
    typed = {
        "input": "0.14",
        "tiers": "input 1,000,000 0.12\noutput 5000000 0.5",
        "starts_on": "2026-12-01",
        "source": "Contract",
        "reason": "Cheaper.",
    }
    wrong = finance.post(url, typed | {"tiers": "input cheap"})
    assert wrong.status_code == 422 and "“input cheap” is not a kind" in wrong.content.decode()
    assert finance.post(url, typed | {"reason": ""}).status_code == 422
    assert finance.post(url, typed).status_code == 302
    change = ChangeRequest.objects.get(kind="prices")
    assert [one["from_tokens"] for one in change.proposal["prices"]] == [0, 1_000_000, 5_000_000]
    assert change.title in finance.get(url).content.decode()
    again = finance.post(url, typed)
    assert again.status_code == 409 and "undecided" in again.content.decode()
    page = finance.get(f"/changes/{change.pk}/").content.decode()
    assert "0.14 USD per million tokens" in page


def test_over_the_api_it_is_proposed(finance: Client, used: Deployment, signer: User) -> None:
    asked = {
        "deployment": used.slug,
        "prices": [{"kind": "input", "amount": "0.1"}, {"kind": "output"}],
        "starts_on": "2026-12-01",
        "source": "Contract",
        "reason": "Cheaper.",
        "commitment": {"amount": "10", "ends_on": "2027-01-31"},
    }
    made = finance.post("/api/v1/prices/proposals/", asked, JSON)
    assert made.status_code == 201 and made.json()["state"] == "open"
    change = ChangeRequest.objects.get(pk=made.json()["change"])
    assert change.proposal["prices"][1]["amount"] is None
    board = signed_in("board")
    assert board.post("/api/v1/prices/proposals/", asked, JSON).status_code == 403


def test_the_table_stands_beside_ours_and_unknown_stays_unknown(
    finance: Client, used: Deployment, signer: User
) -> None:
    Deployment.objects.filter(pk=used.pk).update(litellm_model="openai/gpt-4o-mini")
    url = f"/models/deployments/{used.slug}/prices/table/"
    page = finance.get(url).content.decode()
    assert "we have no price" in page and "unknown in both" in page
    told = finance.get(f"/api/v1/prices/table/{used.slug}/").json()
    by_kind = {one["kind"]: one for one in told["kinds"]}
    assert by_kind["input"]["verdict"] == "the same"
    assert by_kind["cached_input"]["ours"] is None
    assert by_kind["image"] == {
        "kind": "image",
        "ours": None,
        "table": None,
        "verdict": "unknown in both",
    }
    asked = {"model": "gpt-4o-mini", "starts_on": "2026-12-01", "reason": "The table."}
    shown = finance.post(f"/models/deployments/{used.slug}/prices/import/", asked)
    assert "Nothing is proposed yet" in shown.content.decode()
    assert (
        finance.post(
            f"/models/deployments/{used.slug}/prices/import/", asked | {"step": "set"}
        ).status_code
        == 302
    )
    change = ChangeRequest.objects.get(kind="prices")
    assert change.snapshot["cached input"] == "0.075 USD per million tokens"
    assert "cached input" not in change.base
    Deployment.objects.filter(pk=used.pk).update(litellm_model="nobody/nothing")
    assert "Unknown is not free" in finance.get(url).content.decode()


def test_the_tables_figures_compare_exactly() -> None:
    entry = price_table.look_up("gpt-4o-mini")
    rows = {one.kind: one for one in price_table.compare({"input": Decimal("0.2")}, entry)}
    assert rows["input"].verdict == "ours is dearer" and rows["input"].differs
    assert rows["reasoning"].table is None and not rows["reasoning"].differs
    cheap = price_table.compare({"input": Decimal("0.1"), "image": Decimal(1)}, entry)
    verdicts = {one.kind: one.verdict for one in cheap}
    assert (verdicts["input"], verdicts["image"]) == ("ours is cheaper", "unknown in the table")


def enter(person: User, value: str = "1.1", day: date = TODAY, **facts: Any) -> ExchangeRate:
    told = {"currency": "EUR", "source": "ECB reference rate", "now": NOW} | facts
    return rates.enter_rate(actor=Actor.person(person), day=day, rate=Decimal(value), **told)


def test_a_rate_is_entered_once_a_day_and_corrected_by_another_row(signer: User) -> None:
    first = enter(signer)
    with pytest.raises(Conflict, match="Correct that one"):
        enter(signer, "1.2")
    corrected = rates.correct_rate(
        actor=Actor.person(signer), rate_id=first.pk, rate=Decimal("1.2"), source="ECB", now=NOW
    )
    assert (corrected.corrects, corrected.day) == (first, first.day)
    with pytest.raises(WrongState):
        rates.correct_rate(
            actor=Actor.person(signer), rate_id=first.pk, rate=Decimal(1), source="x", now=NOW
        )
    for change in ({"rate": 9}, {"day": SOON}):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            ExchangeRate.objects.filter(pk=first.pk).update(**change)


@pytest.mark.parametrize(
    "facts",
    [
        {"value": "0"},
        {"value": "-1"},
        {"value": "NaN"},
        {"value": "0.0000000001"},
        {"currency": "USD"},
        {"currency": "eu"},
        {"source": " "},
        {"day": TODAY + timedelta(days=1)},
    ],
)
def test_what_is_no_rate_is_refused(signer: User, facts: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        enter(signer, **facts)
    assert not ExchangeRate.objects.exists()


def test_prices_in_another_currency_need_a_rate(
    actor: Actor, used: Deployment, signer: User
) -> None:
    prices = price("input", "0.1"), price("output", "0.4")
    sign(propose(actor, used, *prices, currency="EUR"), signer)
    with pytest.raises(PriceUnknown, match="No exchange rate from EUR"):
        booked_prices_on(used, SOON)
    enter(signer)
    found = booked_prices_on(used, SOON)
    assert found.rate is not None and found.booked(Decimal(10)) == 11


def test_rates_by_page_and_api(finance: Client, writing: Client, signer: User) -> None:
    typed = {"currency": "eur", "day": "2026-11-18", "rate": "1.08", "source": "ECB"}
    assert finance.post("/models/rates/", typed).status_code == 302
    again = finance.post("/models/rates/", typed)
    assert again.status_code == 409 and 'value="1.08"' in again.content.decode()
    row = ExchangeRate.objects.get()
    fix = f"/models/rates/{row.pk}/correct/"
    assert finance.post(fix, {"rate": "0", "source": "ECB"}).status_code == 422
    assert finance.post(fix, {"rate": "1.09", "source": "ECB"}).status_code == 302
    page = finance.get("/models/rates/?currency=eur").content.decode()
    assert "corrected by 1.09" in page and "corrects 1.08" in page
    told = finance.get("/api/v1/rates/").json()["results"]
    assert [one["rate"] for one in told] == ["1.090000000", "1.080000000"]
    entered = finance.post("/api/v1/rates/", typed | {"currency": "GBP"}, JSON)
    assert entered.status_code == 201
    corrected = finance.post(
        f"/api/v1/rates/{entered.json()['id']}/correct/", {"rate": "2", "source": "x"}, JSON
    )
    assert corrected.json()["corrects"] == entered.json()["id"]
    # An engineer reads them, and does not enter any.
    assert writing.get("/models/rates/").status_code == 200
    assert writing.post("/models/rates/", typed).status_code == 403
    assert writing.post("/api/v1/rates/", typed, JSON).status_code == 403
    with pytest.raises(NotAllowed):
        enter(make_person("board"))


def test_the_list_of_rates_needs_as_many_queries_for_three_as_for_one(
    finance: Client, signer: User
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert finance.get("/models/rates/").status_code == 200
        return len(counted)

    first = enter(signer)
    queries()
    one = queries()
    rates.correct_rate(
        actor=Actor.person(signer), rate_id=first.pk, rate=Decimal(1), source="x", now=NOW
    )
    enter(signer, currency="GBP")
    assert queries() == one
