"""Deployments: described, decided on, run, switched, and plain about why they cannot be called."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.approvals import services as approvals
from governance.approvals.models import Approval, ChangeRequest
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.model_cards import services
from governance.model_cards.models import Deployment, ModelCard, Price
from governance.model_cards.rules import endpoint_problem
from governance.model_cards.selectors import obstacles
from governance.model_cards.subjects import DeploymentSubject
from prompts.gateway.demo.organisation import sign
from tests.factories.ledger import NOW, make_person
from tests.factories.organisation import World, world
from tests.governance.model_cards.conftest import FACTS, make_card, signed_in

pytestmark = pytest.mark.django_db
SECRET = "sk-very-secret-0123456789"


def typed(card: ModelCard, **changes: Any) -> dict[str, Any]:
    running = {"timeout_seconds": 30, "concurrency_limit": 4}
    return FACTS | running | {"slug": "typed", "card": card.pk, "secret": SECRET} | changes


@pytest.fixture
def here(db: None) -> World:
    return world()


@pytest.fixture
def local(here: World) -> Deployment:
    return Deployment.objects.get(slug="smollm2-local")


def words(deployment: Deployment) -> set[str]:
    return {one.code for one in obstacles(deployment, timezone.now().date())}


def everything_written() -> str:
    return "".join(
        bytes(one).decode() for one in AuditEvent.objects.values_list("canonical", flat=True)
    )


def test_a_deployment_is_described_and_its_secret_is_sealed(
    writing: Client, card: ModelCard
) -> None:
    page = writing.get(f"/models/new-deployment/?card={card.pk}").content.decode()
    assert f'<option value="{card.pk}" selected>' in page
    made = writing.post("/models/new-deployment/", typed(card))
    assert made["Location"] == "/models/deployments/typed/"
    deployment = Deployment.objects.get(slug="typed")
    assert (deployment.secret(), deployment.state) == (SECRET, "proposed")
    assert SECRET not in writing.get(made["Location"]).content.decode()
    assert SECRET not in everything_written()
    assert AuditEvent.objects.filter(action="deployment.created").count() == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"endpoint": "ftp://x"}, "begins with http:// or https://"),
        ({"endpoint": "https://user:pass@host/v1"}, "a key belongs in the secret"),
        ({"timeout_seconds": 0}, "greater than or equal to 1"),
        ({"hosting": "somewhere"}, "Select a valid choice"),
        ({"slug": "here"}, "Another deployment has this short name."),
        ({"secret": "two\nlines"}, "One line"),
    ],
)
def test_what_does_not_fit_is_said_beside_what_was_typed(
    writing: Client, deployment: Deployment, wrong: dict[str, Any], message: str
) -> None:
    answer = writing.post("/models/new-deployment/", typed(deployment.card, **wrong))
    body = answer.content.decode()
    assert answer.status_code == 422
    assert message in body and "openai/small" in body
    # What was typed is kept, but for the secret, which never comes back.
    assert SECRET not in body and "type it again" in body
    assert Deployment.objects.count() == 1


def test_facts_that_nobody_approved_are_saved_at_once(
    writing: Client, deployment: Deployment, actor: Actor
) -> None:
    other = make_card(actor, "other")
    url = f"/models/deployments/{deployment.slug}/change/"
    assert writing.get(url).status_code == 200
    saved = writing.post(url, FACTS | {"card": other.pk, "region": "elsewhere"})
    deployment.refresh_from_db()
    assert saved.status_code == 302
    assert (deployment.region, deployment.card) == ("elsewhere", other)
    event = AuditEvent.objects.get(action="deployment.changed")
    assert event.after == {"region": "elsewhere", "card": str(other)}
    bad = writing.post(url, FACTS | {"card": other.pk, "endpoint": "no address"})
    assert bad.status_code == 422 and "no address" in bad.content.decode()


def test_a_fact_that_cannot_be_is_refused_by_the_service(
    actor: Actor, deployment: Deployment
) -> None:
    for facts in ({"sensitivity_ceiling": "secret"}, {"hosting": "moon"}, {"context_tokens": 0}):
        with pytest.raises(Invalid):
            services.change_deployment(actor=actor, deployment_id=deployment.pk, now=NOW, **facts)
    with pytest.raises(NotAllowed):
        services.change_deployment(
            actor=Actor.person(make_person("board")), deployment_id=deployment.pk, now=NOW
        )


def test_approved_facts_stand_until_others_are_approved(
    here: World, local: Deployment, client: Client
) -> None:
    author, now = here.people.actor("ml_engineer"), timezone.now()
    with pytest.raises(WrongState, match="Propose the change"):
        services.change_deployment(
            actor=author, deployment_id=local.pk, now=now, endpoint="https://other/v1"
        )
    client.force_login(here.people.users["ml_engineer"])
    url = f"/models/deployments/{local.slug}/change/"
    as_is = {name: getattr(local, name) for name in FACTS} | {"reason": "A bigger window."}
    same = client.post(url, as_is)
    assert same.status_code == 422 and "every fact is as it was approved" in same.content.decode()
    client.post(url, as_is | {"context_tokens": 16384})
    change = ChangeRequest.objects.get(kind="deployment", subject_id=local.pk, state="open")
    assert (change.base["context_tokens"], change.snapshot["context_tokens"]) == (8192, 16384)
    local.refresh_from_db()
    assert local.context_tokens == 8192
    late = client.post(url, as_is | {"context_tokens": 9000})
    assert late.status_code == 409 and "still undecided" in late.content.decode()
    sign(here.people, change, now)
    local.refresh_from_db()
    assert (local.context_tokens, local.state) == (16384, "callable")
    standing = Approval.objects.get(kind="deployment", subject_id=local.pk, state="in_force")
    assert standing.change.snapshot == DeploymentSubject().snapshot(local, {})


def test_a_higher_ceiling_is_decided_at_its_own_tier(here: World, local: Deployment) -> None:
    Deployment.objects.filter(pk=local.pk).update(sensitivity_ceiling="public")
    local.refresh_from_db()
    subject, wanted = DeploymentSubject(), {"sensitivity_ceiling": "regulated"}
    assert (subject.tier(local, {}), subject.tier(local, wanted)) == ("minimal", "high")
    assert subject.evidence(local, wanted)[0].value == "regulated"


def test_facts_changed_while_undecided_are_not_approved_unread(
    here: World, local: Deployment
) -> None:
    author, now = here.people.actor("ml_engineer"), timezone.now()
    facts = {name: FACTS[name] for name in FACTS} | {"slug": "waiting", "card": local.card}
    waiting = services.create_deployment(actor=author, now=now, **facts)
    for kind in ("input", "output"):
        services.set_price(
            actor=author,
            deployment=waiting,
            kind=kind,
            amount=Decimal(1),
            starts_on=now.date(),
            now=now,
        )
    change = services.propose_deployment(
        actor=author, deployment=waiting, reason="Needed.", now=now
    )
    services.change_deployment(
        actor=author, deployment_id=waiting.pk, now=now, endpoint="https://other/v1"
    )
    with pytest.raises(Conflict):
        sign(here.people, change, now)
    waiting.refresh_from_db()
    assert waiting.state == "proposed"


def test_how_it_is_run_needs_no_approval_and_a_secret_leaves_no_trace(
    here: World, local: Deployment, client: Client
) -> None:
    client.force_login(here.people.users["ml_engineer"])
    url = f"/models/deployments/{local.slug}/running/"
    assert client.get(url).status_code == 200
    wrong = client.post(url, {"timeout_seconds": 0, "concurrency_limit": 7, "secret": SECRET})
    assert wrong.status_code == 422 and 'value="7"' in wrong.content.decode()
    assert SECRET not in wrong.content.decode()
    client.post(url, {"timeout_seconds": 45, "concurrency_limit": 7, "secret": SECRET})
    local.refresh_from_db()
    assert (local.timeout_seconds, local.concurrency_limit) == (45, 7)
    assert (local.secret(), local.state) == (SECRET, "callable")
    client.post(url, {"timeout_seconds": 50, "concurrency_limit": 7, "secret": ""})
    local.refresh_from_db()
    assert local.secret() == SECRET
    replaced = AuditEvent.objects.get(action="deployment.secret_replaced")
    assert (replaced.before, replaced.after) == ({"has_secret": False}, {"has_secret": True})
    assert AuditEvent.objects.filter(action="deployment.running_changed").count() == 2
    assert SECRET not in everything_written()
    assert SECRET not in client.get(url).content.decode()


def test_an_empty_secret_replaces_nothing(actor: Actor, deployment: Deployment) -> None:
    with pytest.raises(Invalid):
        services.replace_secret(actor=actor, deployment_id=deployment.pk, secret=" ", now=NOW)


def test_its_page_says_why_it_cannot_be_called(writing: Client, deployment: Deployment) -> None:
    body = writing.get(f"/models/deployments/{deployment.slug}/").content.decode()
    assert "It cannot be called" in body
    assert "Small model, version 1 is draft, not approved." in body
    assert "It is not approved" in body
    assert "No price holds today" in body
    assert "No price holds today" in writing.get("/models/").content.decode()


def test_every_obstacle_has_its_word(
    here: World, local: Deployment, client: Client, settings: Any
) -> None:
    assert words(local) == set()
    client.force_login(here.people.users["board"])
    page = client.get(f"/models/deployments/{local.slug}/").content.decode()
    assert "It can be called, for content up to regulated." in page
    local.state, local.replay_only = "suspended", True
    assert words(local) == {"is_suspended", "replay_only"}
    local.state, local.card.state = "retired", "withdrawn"
    assert words(local) == {"is_retired", "replay_only", "card_not_approved"}
    fresh = Deployment.objects.get(pk=local.pk)
    settings.PLACET_CURRENCY = "EUR"
    assert words(fresh) == {"price_unknown"}
    settings.PLACET_CURRENCY = "USD"
    Price.objects.filter(deployment=fresh, kind="output").delete()
    assert words(fresh) == {"price_unknown"}


def test_a_safety_officer_switches_it(here: World, local: Deployment, client: Client) -> None:
    url = f"/models/deployments/{local.slug}/switch/"
    client.force_login(here.people.users["ml_engineer"])
    assert client.post(url, {"action": "suspend", "reason": "x"}).status_code == 403
    client.force_login(here.people.users["safety"])
    assert client.post(url, {"action": "suspend", "reason": " "}).status_code == 400
    assert client.post(url, {"action": "retire", "reason": "x"}).status_code == 404
    for action, state in (("suspend", "suspended"), ("resume", "callable")):
        assert client.post(url, {"action": action, "reason": "Drill"}).status_code == 302
        local.refresh_from_db()
        assert local.state == state
        assert AuditEvent.objects.get(action=f"deployment.{action}").reason == "Drill"


def test_what_lost_its_approval_is_not_resumed(here: World, local: Deployment) -> None:
    now, safety = timezone.now(), here.people.actor("safety")
    approval = Approval.objects.get(kind="deployment", subject_id=local.pk)
    approvals.end_approval(
        actor=safety, approval_id=approval.pk, action="revoke", reason="Leaks", now=now
    )
    with pytest.raises(WrongState, match="no approval"):
        services.switch_deployment(
            actor=safety, deployment_id=local.pk, action="resume", reason="Please", now=now
        )
    local.refresh_from_db()
    assert local.state == "suspended"


def test_it_is_proposed_from_its_page(here: World, local: Deployment, client: Client) -> None:
    client.force_login(here.people.users["ml_engineer"])
    Deployment.objects.filter(pk=local.pk).update(state="suspended")
    answer = client.post(f"/models/deployments/{local.slug}/propose/", {"reason": "Mended."})
    change = ChangeRequest.objects.get(kind="deployment", subject_id=local.pk, state="open")
    assert answer["Location"] == f"/changes/{change.pk}/"
    Deployment.objects.filter(pk=local.pk).update(state="retired")
    again = client.post(f"/models/deployments/{local.slug}/propose/", {"reason": "Mended."})
    assert again.status_code == 409


def test_others_read_and_do_not_write(deployment: Deployment) -> None:
    board = signed_in("board")
    base = f"/models/deployments/{deployment.slug}/"
    assert "Change the facts" not in board.get(base).content.decode()
    for path in ("change/", "running/", "prices/"):
        assert board.get(base + path).status_code == 403
    assert board.post(f"{base}propose/", {"reason": "x"}).status_code == 403
    assert board.get("/models/new-deployment/").status_code == 403
    assert board.get("/models/deployments/nowhere/").status_code == 404


@pytest.mark.parametrize(
    ("endpoint", "fits"),
    [
        ("", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://vllm:8000/v1", True),
        ("https://models.example/v1", True),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://host:port/v1", False),
        ("https://[", False),
        ("https://key@host/v1", False),
        ("https://host/v1?key=1", False),
        ("https://host/a b", False),
    ],
)
def test_an_address_is_http_and_holds_no_key(endpoint: str, fits: bool) -> None:
    assert (endpoint_problem(endpoint) == "") == fits
