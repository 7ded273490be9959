"""Vendors: recorded, signed, reviewed, and what rests on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import decide, end_approval
from governance.audit.models import AuditEvent
from governance.compliance.vendor_evidence import vendor_terms
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, PlacetError
from governance.model_cards import services
from governance.model_cards.hooks import vendor_reviews_overdue
from governance.model_cards.models import Deployment, ModelCard, Vendor
from governance.model_cards.tasks import remind_of_reviews as task
from governance.model_cards.vendors import (
    create_vendor,
    propose_vendor,
    remind_of_vendor_reviews,
)
from tests.factories.approvals import Board, make_board
from tests.factories.ledger import make_person
from tests.factories.stages import approve_card
from tests.factories.vendors import approve_vendor, make_vendor, vendor_facts
from tests.governance.model_cards.conftest import make_deployment

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board(db: None) -> Board:
    return make_board()


@pytest.fixture
def vendor(board: Board, engineer: User) -> Vendor:
    return make_vendor(engineer, board.people["owner"])


def approved(vendor: Vendor, board: Board, engineer: User, **changes: Any) -> Vendor:
    return approve_vendor(vendor, engineer, board.people["board"], **changes)


@pytest.fixture
def hosted(actor: Actor, card: ModelCard) -> Deployment:
    approve_card(card)
    made = make_deployment(actor, card, "there", hosting="hosted", endpoint="")
    today = timezone.now().date()
    made.prices.create(kind="input", amount=Decimal(1), currency="USD", starts_on=today)
    return made


def propose(actor: Actor, deployment: Deployment, **changes: Any) -> ChangeRequest:
    now = timezone.now()
    facts = {"actor": actor, "deployment": deployment, "reason": "Needed.", "now": now}
    return services.propose_deployment(**facts, changes=changes)


def test_engineers_and_compliance_keep_records_and_nobody_else(board: Board) -> None:
    facts = vendor_facts(board.people["owner"])
    with pytest.raises(NotAllowed):
        create_vendor(actor=board.actor("board"), now=timezone.now(), **facts)
    made = create_vendor(actor=board.actor("compliance"), now=timezone.now(), **facts)
    assert (made.slug, made.state, made.contract_until) == ("cloud-models", "proposed", None)
    with pytest.raises(Invalid) as refused:
        create_vendor(actor=board.actor("compliance"), now=timezone.now(), **facts)
    assert "slug" in refused.value.fields


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"terms_link": "javascript:alert(1)"}, "terms_link"),
        ({"trains_on_data": "perhaps"}, "trains_on_data"),
        ({"data_use_clause": " "}, "data_use_clause"),
        ({"regions": "eu"}, "regions"),
        ({"review_due": "soon"}, "review_due"),
        ({"reviewed_on": "2026-11-01", "review_due": "2026-10-01"}, "review_due"),
        ({"owner": 0}, "owner"),
    ],
)
def test_what_does_not_fit_is_refused(board: Board, changes: dict[str, Any], field: str) -> None:
    facts = vendor_facts(board.people["owner"], **changes)
    with pytest.raises(Invalid) as refused:
        create_vendor(actor=board.actor("compliance"), now=timezone.now(), **facts)
    assert list(refused.value.fields) == [field]


def test_the_board_signs_it_and_each_change(board: Board, vendor: Vendor, engineer: User) -> None:
    assert approved(vendor, board, engineer).state == "approved"
    later = timezone.now().date() + timedelta(days=400)
    changed = approved(vendor, board, engineer, review_due=later, regions=["eu-north"])
    assert (changed.review_due, changed.regions) == (later, ["eu-north"])
    event = AuditEvent.objects.filter(action="vendor.approved").latest("at")
    assert event.after is not None and set(event.after) == {"review_due", "regions"}


def test_who_trains_on_our_data_is_a_high_risk(board: Board, engineer: User) -> None:
    owner = board.people["owner"]
    vendor = make_vendor(engineer, owner, trains_on_data="opt_out")
    facts = {"vendor": vendor, "reason": "Read.", "now": timezone.now()}
    assert propose_vendor(actor=Actor.person(engineer), **facts).tier == "high"


def test_an_overdue_review_is_not_signed(board: Board, vendor: Vendor, engineer: User) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    with pytest.raises(Invalid, match="review that is not overdue"):
        approved(vendor, board, engineer, reviewed_on=yesterday, review_due=yesterday)


def test_a_hosted_deployment_needs_a_vendor_with_a_current_review(
    board: Board, vendor: Vendor, engineer: User, actor: Actor, hosted: Deployment
) -> None:
    with pytest.raises(Invalid, match="its vendor"):
        propose(actor, hosted)
    change = {"actor": actor, "deployment_id": hosted.pk, "now": timezone.now()}
    services.change_deployment(**change, vendor=vendor)
    hosted.refresh_from_db()
    with pytest.raises(Invalid, match="approved record of its vendor"):
        propose(actor, hosted)
    approved(vendor, board, engineer)
    Vendor.objects.update(review_due=timezone.now().date() - timedelta(days=1))
    hosted.refresh_from_db()
    with pytest.raises(Invalid, match="current review of its vendor"):
        propose(actor, hosted)
    Vendor.objects.update(review_due=timezone.now().date())
    hosted.refresh_from_db()
    make_person("data_steward")
    opened = propose(actor, hosted)
    assert opened.snapshot["vendor"] == "cloud-models"
    client = Client()
    client.force_login(board.people["board"])
    page = client.get(f"/changes/{opened.pk}/").content.decode()
    assert "Sub-processors" in page and "not trained on" in page and "2026-10" in page


def test_embedded_and_our_own_servers_need_none(actor: Actor, hosted: Deployment) -> None:
    for number, hosting in enumerate(("embedded", "private")):
        Deployment.objects.update(hosting=hosting)
        hosted.refresh_from_db()
        with pytest.raises(PlacetError) as refused:  # nobody could sign it here
            propose(actor, hosted)
        assert "vendor" not in refused.value.message, number


def test_another_vendor_of_an_approved_deployment_is_signed(
    board: Board, vendor: Vendor, engineer: User, actor: Actor, hosted: Deployment
) -> None:
    approved(vendor, board, engineer)
    Deployment.objects.update(vendor=vendor)
    hosted.refresh_from_db()
    board.people["steward"] = make_person("data_steward")
    sign(board, propose(actor, hosted))
    other = approved(make_vendor(engineer, board.people["owner"], name="Other"), board, engineer)
    hosted.refresh_from_db()
    facts = {"actor": actor, "deployment_id": hosted.pk, "now": timezone.now()}
    with pytest.raises(PlacetError):
        services.change_deployment(**facts, vendor=other)
    sign(board, propose(actor, hosted, vendor=other))
    hosted.refresh_from_db()
    assert hosted.vendor == other
    assert vendor_terms(timezone.now(), None).numerator == 1


def sign(board: Board, change: ChangeRequest) -> None:
    for role in ("board", "steward"):
        decide(
            actor=board.actor(role),
            change_id=change.pk,
            outcome="approve",
            rationale="Read.",
            digest_seen=change.digest,
            now=timezone.now(),
        )


def test_without_its_approval_it_is_ended(board: Board, vendor: Vendor, engineer: User) -> None:
    approved(vendor, board, engineer)
    standing = Approval.objects.get(kind="vendor")
    facts = {"actor": board.actor("board"), "approval_id": standing.pk, "now": timezone.now()}
    end_approval(action="suspend", reason="Leak.", **facts)
    vendor.refresh_from_db()
    assert vendor.state == "ended"
    end_approval(action="resume", reason="Mended.", **facts)
    vendor.refresh_from_db()
    assert vendor.state == "approved"


def test_the_owner_is_reminded_and_told_what_is_overdue(
    board: Board, vendor: Vendor, engineer: User
) -> None:
    now, owner = timezone.now(), board.people["owner"]
    assert remind_of_vendor_reviews(now=now + timedelta(days=175)) == 0
    approved(vendor, board, engineer)
    told = [remind_of_vendor_reviews(now=now + timedelta(days=day)) for day in range(145, 185)]
    assert [day + 145 for day, count in enumerate(told) if count] == [150, 173, 179]
    assert Notification.objects.filter(user=owner, title__startswith="Vendor to be").count() == 3
    assert vendor_reviews_overdue(owner, now) == []
    late = vendor_reviews_overdue(owner, now + timedelta(days=181))
    assert [one.url for one in late] == ["/models/vendors/cloud-models/"]
    task()


def test_the_control_counts_what_others_host(board: Board, hosted: Deployment) -> None:
    found = vendor_terms(timezone.now(), None)
    assert (found.numerator, found.denominator, found.freshness) == (0, 1, None)


def test_pages(board: Board, writing: Client, engineer: User) -> None:
    assert "No vendor is on record" in writing.get("/models/vendors/").content.decode()
    facts = {
        name: "\n".join(value) if isinstance(value, list) else value or ""
        for name, value in vendor_facts(board.people["owner"]).items()
    }
    refused = writing.post("/models/vendors/new/", facts | {"terms_version": ""})
    assert refused.status_code == 422 and "Hosting Ltd" in refused.content.decode()
    made = writing.post("/models/vendors/new/", facts)
    assert made["Location"] == "/models/vendors/cloud-models/", made.content
    assert "Hosting Ltd" in writing.get("/models/vendors/cloud-models/").content.decode()
    page = "/models/vendors/cloud-models/propose/"
    assert "eu-west" in writing.get(page).content.decode()
    assert writing.post(page, facts).status_code == 422
    assert writing.post(page, facts | {"reason": "Read."}).status_code == 302
    assert "proposed and undecided" in writing.get(page).content.decode()
    reader = Client()
    reader.force_login(board.people["board"])
    assert reader.get("/models/vendors/").status_code == 200
    assert reader.get(page).status_code == 403


def test_the_list_costs_the_same_for_many(board: Board, writing: Client, engineer: User) -> None:
    def cost() -> list[int]:
        found = []
        for url in ("/models/vendors/", "/api/v1/vendors/"):
            with CaptureQueriesContext(connection) as captured:
                assert writing.get(url).status_code == 200
            found.append(len(captured))
        return found

    make_vendor(engineer, board.people["owner"])
    once = cost()
    for name in ("Two", "Three"):
        make_vendor(engineer, make_person(), name=name)
    assert cost() == once


def test_over_the_api(board: Board, writing: Client, hosted: Deployment) -> None:
    facts = vendor_facts(board.people["owner"])
    made = writing.post("/api/v1/vendors/", facts, content_type=JSON)
    assert made.status_code == 201, made.content
    assert writing.get("/api/v1/vendors/cloud-models/").json()["is_current"] is False
    sent = {"vendor": "cloud-models"}
    answer = writing.patch("/api/v1/deployments/there/", sent, content_type=JSON)
    assert answer.json()["vendor"] == "cloud-models", answer.content
    opened = writing.post(
        "/api/v1/change-requests/",
        {"kind": "vendor", "subject_id": made.json()["id"], "proposal": {}, "reason": "Read."},
        content_type=JSON,
    )
    assert opened.status_code == 201, opened.content


@pytest.mark.django_db(transaction=True)
def test_two_records_of_one_vendor_at_once() -> None:
    board, barrier = make_board(), Barrier(2)

    def make(_: int) -> str:
        barrier.wait()
        try:
            make_vendor(User.objects.get(pk=board.people["compliance"].pk), board.people["owner"])
        except Invalid:
            return "refused"
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(make, range(2))) == ["made", "refused"]
