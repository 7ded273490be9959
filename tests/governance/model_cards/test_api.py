"""Cards, deployments and prices over the API. No reply ever holds a secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from governance.approvals.models import ChangeRequest
from governance.audit.models import AuditEvent
from governance.model_cards.models import Deployment, ModelCard, Price
from tests.factories.organisation import World, world
from tests.governance.model_cards.conftest import CONTENT, FACTS, signed_in

pytestmark = pytest.mark.django_db
JSON = "application/json"
SECRET = "sk-very-secret-0123456789"
CARDS, DEPLOYMENTS, PRICES = "/api/v1/model-cards/", "/api/v1/deployments/", "/api/v1/prices/"
RESULT = {"benchmark": "ARC", "metric": "", "value": "37.3", "source": "its README"}


@pytest.fixture
def here(db: None) -> World:
    return world()


@pytest.fixture
def engineering(here: World, client: Client) -> Client:
    client.force_login(here.people.users["ml_engineer"])
    return client


def card_body(**changes: Any) -> dict[str, Any]:
    return CONTENT | {"review_on": "2027-05-01", "slug": "sent"} | changes


def test_a_card_is_written_changed_and_read(writing: Client) -> None:
    made = writing.post(CARDS, card_body(evaluation_results=[RESULT]), JSON)
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["evaluation_results"]) == ("draft", [RESULT])
    url = f"{CARDS}{made.json()['id']}/"
    more = {"evaluation_results": [{"benchmark": "PIQA", "value": "66.3"}]}
    changed = writing.patch(url, more, JSON, headers={"If-Match": made["ETag"]})
    assert changed.status_code == 200
    empty = {"metric": "", "source": ""}
    assert changed.json()["evaluation_results"] == [more["evaluation_results"][0] | empty]
    assert changed.json()["limitations"] == "Small."
    late = writing.patch(url, {"name": "Late"}, JSON, headers={"If-Match": made["ETag"]})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert writing.get(url).json() == changed.json()
    assert [one["slug"] for one in writing.get(CARDS).json()["results"]] == ["sent"]
    actions = AuditEvent.objects.filter(action__startswith="model_card.")
    assert sorted(actions.values_list("action", flat=True)) == [
        "model_card.changed",
        "model_card.created",
    ]


def test_a_card_that_does_not_fit_is_refused(writing: Client, card: ModelCard) -> None:
    taken = writing.post(CARDS, card_body(slug=card.slug), JSON)
    assert (taken.status_code, list(taken.json()["errors"])) == (400, ["slug"])
    bad = writing.post(CARDS, {"slug": "x", "evaluation_results": [{"value": "1"}]}, JSON)
    assert {"name", "review_on", "evaluation_results"} <= set(bad.json()["errors"])
    url = f"{CARDS}{card.pk}/"
    halved = {"evaluation_results": [{"benchmark": "ARC"}]}
    assert writing.patch(url, halved, JSON).status_code == 400
    assert writing.get(f"{CARDS}0/").status_code == 404


def test_a_card_is_proposed_withdrawn_and_versioned(here: World, engineering: Client) -> None:
    made = engineering.post(CARDS, card_body(), JSON).json()
    url = f"{CARDS}{made['id']}/"
    opened = engineering.post(f"{url}propose/", {"reason": "Needed."}, JSON)
    assert opened.status_code == 201
    change = ChangeRequest.objects.get(pk=opened.json()["change_request"])
    assert (change.kind, change.subject_id) == ("model_card", made["id"])
    assert engineering.post(f"{url}withdraw/", {"reason": "No."}, JSON).status_code == 409
    approved = ModelCard.objects.get(slug="smollm2-135m")
    base = f"{CARDS}{approved.pk}/"
    assert engineering.patch(base, {"name": "Other"}, JSON).status_code == 409
    second = engineering.post(f"{base}versions/", {"limitations": "Tested."}, JSON)
    assert second.status_code == 201
    assert (second.json()["version"], second.json()["name"]) == (2, approved.name)
    gone = engineering.post(f"{CARDS}{second.json()['id']}/withdraw/", {"reason": "No."}, JSON)
    assert gone.json()["state"] == "withdrawn"


def test_a_deployment_is_described_changed_and_proposed(here: World, engineering: Client) -> None:
    card = ModelCard.objects.get(slug="smollm2-135m")
    body = FACTS | {"slug": "sent", "card": card.pk, "secret": SECRET}
    made = engineering.post(DEPLOYMENTS, body, JSON)
    assert (made.status_code, made.json()["has_secret"]) == (201, True)
    assert len(made.json()["obstacles"]) == 2
    url = f"{DEPLOYMENTS}sent/"
    changed = engineering.patch(url, {"region": "elsewhere", "secret": SECRET + "2"}, JSON)
    assert (changed.status_code, changed.json()["region"]) == (200, "elsewhere")
    assert Deployment.objects.get(slug="sent").secret() == SECRET + "2"
    unpriced = engineering.post(f"{url}propose/", {"reason": "Needed."}, JSON)
    assert (unpriced.status_code, "price" in unpriced.json()["title"]) == (400, True)
    for kind in ("input", "output"):
        price = {"deployment": "sent", "kind": kind, "amount": "1", "starts_on": "2026-01-01"}
        sent = engineering.post(PRICES, price | {"source": "Contract"}, JSON)
        assert sent.status_code == 201
    opened = engineering.post(f"{url}propose/", {"reason": "Needed."}, JSON)
    assert ChangeRequest.objects.get(pk=opened.json()["change_request"]).kind == "deployment"
    for answer in (made, changed, unpriced, engineering.get(url), engineering.get(DEPLOYMENTS)):
        assert SECRET not in answer.content.decode()


def test_approved_facts_need_a_proposal(here: World, engineering: Client) -> None:
    url = f"{DEPLOYMENTS}smollm2-local/"
    assert engineering.get(url).json()["obstacles"] == []
    refused = engineering.patch(url, {"endpoint": "https://x/v1", "secret": SECRET}, JSON)
    assert refused.status_code == 409
    # Both or neither.
    assert not Deployment.objects.get(slug="smollm2-local").has_secret
    assert engineering.patch(url, {"timeout_seconds": 9}, JSON).json()["timeout_seconds"] == 9
    asked = {"reason": "A bigger window.", "changes": {"context_tokens": 16384}}
    opened = engineering.post(f"{url}propose/", asked, JSON)
    change = ChangeRequest.objects.get(pk=opened.json()["change_request"])
    assert change.proposal == {"context_tokens": 16384}
    wrong = engineering.post(f"{url}propose/", asked | {"changes": {"hosting": "moon"}}, JSON)
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["hosting"])


def test_a_safety_officer_suspends_and_resumes(here: World, engineering: Client) -> None:
    url = f"{DEPLOYMENTS}smollm2-local/"
    assert engineering.post(f"{url}suspend/", {"reason": "x"}, JSON).status_code == 403
    engineering.force_login(here.people.users["safety"])
    assert engineering.post(f"{url}suspend/", {}, JSON).status_code == 400
    suspended = engineering.post(f"{url}suspend/", {"reason": "Drill"}, JSON).json()
    assert (suspended["state"], len(suspended["obstacles"])) == ("suspended", 1)
    assert engineering.post(f"{url}suspend/", {"reason": "Again"}, JSON).status_code == 409
    assert engineering.post(f"{url}resume/", {"reason": "Over"}, JSON).json()["state"] == "callable"


def test_prices_are_set_listed_and_not_overlapped(finance: Client, deployment: Deployment) -> None:
    price = {
        "deployment": deployment.slug,
        "kind": "input",
        "amount": "0.15",
        "starts_on": "2026-11-18",
        "source": "Contract",
    }
    made = finance.post(PRICES, price, JSON)
    assert (made.status_code, made.json()["amount"]) == (201, "0.150000000")
    again = finance.post(PRICES, price, JSON)
    assert (again.status_code, list(again.json()["errors"])) == (400, ["starts_on"])
    assert "holds from 2026-11-18 already" in again.json()["title"]
    assert finance.post(PRICES, price | {"kind": "thought"}, JSON).status_code == 400
    assert finance.post(PRICES, price | {"amount": "-1"}, JSON).status_code == 400
    listed = finance.get(f"{PRICES}?deployment={deployment.slug}").json()["results"]
    assert [one["kind"] for one in listed] == ["input"]
    assert finance.get(f"{PRICES}?deployment=elsewhere").json()["results"] == []


def test_the_table_is_shown_or_set(finance: Client, deployment: Deployment) -> None:
    asked = {"deployment": deployment.slug, "model": "gpt-4o-mini", "starts_on": "2026-11-18"}
    shown = finance.post(f"{PRICES}import/", asked | {"dry_run": True}, JSON)
    assert (shown.status_code, shown.json()["is_set"]) == (200, False)
    assert not Price.objects.exists()
    made = finance.post(f"{PRICES}import/", asked, JSON)
    assert (made.status_code, made.json()["amounts"]) == (201, shown.json()["amounts"])
    assert Price.objects.count() == 3
    unknown = finance.post(f"{PRICES}import/", asked | {"model": "nobody"}, JSON)
    assert unknown.status_code == 400


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("post", CARDS),
        ("patch", f"{CARDS}1/"),
        ("post", f"{CARDS}1/versions/"),
        ("post", f"{CARDS}1/propose/"),
        ("post", f"{CARDS}1/withdraw/"),
        ("post", DEPLOYMENTS),
        ("patch", f"{DEPLOYMENTS}here/"),
        ("post", f"{DEPLOYMENTS}here/propose/"),
        ("post", f"{DEPLOYMENTS}here/suspend/"),
        ("post", f"{DEPLOYMENTS}here/resume/"),
        ("post", PRICES),
        ("post", f"{PRICES}import/"),
    ],
)
def test_who_only_looks_writes_nothing(deployment: Deployment, method: str, url: str) -> None:
    board = signed_in("board")
    assert getattr(board, method)(url, {}, JSON).status_code == 403
    assert board.get(f"{DEPLOYMENTS}{deployment.slug}/").status_code == 200
    assert Client().get(DEPLOYMENTS).status_code in (401, 403)


def test_no_reply_is_described_with_a_secret() -> None:
    schemas = SchemaGenerator().get_schema(public=True)["components"]["schemas"]
    replies = [name for name in schemas if name in ("Deployment", "ModelCard", "Price", "Card")]
    assert "Deployment" in replies
    assert all("secret" not in schemas[name]["properties"] for name in replies)
