"""Frameworks and actions as pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import ComplianceAction
from governance.home.models import Notification
from tests.governance.compliance.conftest import Desk

pytestmark = pytest.mark.django_db


def test_frameworks_are_listed_with_their_coverage(desk: Desk) -> None:
    page = desk.client("reader").get("/compliance/").content.decode()
    for one in FRAMEWORKS.values():
        assert f'href="/compliance/{one.slug}/"' in page
    assert "of 13 controls answered" in page


@pytest.mark.parametrize("path", ["/compliance/", "/compliance/eu-ai-act/"])
def test_who_may_not_read_the_controls(desk: Desk, path: str) -> None:
    assert desk.client("stranger").get(path).status_code == 403


def test_an_unknown_framework_is_not_found(desk: Desk) -> None:
    assert desk.client("officer").get("/compliance/nonsense/").status_code == 404


def test_a_control_says_what_the_records_say(desk: Desk) -> None:
    desk.action()
    page = desk.client("reader").get("/compliance/eu-ai-act/").content.decode()
    assert "0 of 0 trainings that people&#x27;s roles require are valid today." in page
    assert "legal clocks that are over were met" in page
    assert "Train the reviewers" in page
    assert "Give out" not in page


def test_the_filter_leaves_out_what_is_answered(desk: Desk) -> None:
    desk.action()  # its audit event waits for a checkpoint, and is no evidence yet
    client = desk.client("officer")
    whole = client.get("/compliance/eu-ai-act/").context["controls"]
    gaps = client.get("/compliance/eu-ai-act/?show=gaps").context["controls"]
    assert len(whole) == 13
    assert [one.control.ref for one in gaps] == [one.control.ref for one in whole if one.is_gap]
    assert "art-4" in [one.control.ref for one in gaps]


def test_controls_download_as_csv(desk: Desk) -> None:
    answer = desk.client("reader").get("/compliance/iso-42001/?format=csv")
    lines = answer.content.decode().splitlines()
    assert lines[0].startswith("control,title,asks,source,state")
    assert len(lines) == 1 + len(FRAMEWORKS["iso-42001"].controls)
    assert "controls-iso-42001.csv" in answer["content-disposition"]


def test_a_gap_becomes_an_action_with_an_owner(desk: Desk) -> None:
    answer = desk.client("officer").post("/compliance/eu-ai-act/actions/", desk.facts())
    assert answer.status_code == 302
    action = ComplianceAction.objects.get()
    assert (action.framework, action.control, action.owner) == ("eu-ai-act", "art-4", desk.owner)
    assert AuditEvent.objects.filter(action="compliance.action_added").count() == 1
    assert Notification.objects.get(user=desk.owner).title.endswith("Train the reviewers")
    assert "Train the reviewers" in desk.client("owner").get("/").content.decode()


def test_what_was_typed_is_kept_when_it_is_refused(desk: Desk) -> None:
    past = (timezone.now().date() - timedelta(days=2)).isoformat()
    facts = desk.facts(text="Train all of them", due_on=past)
    answer = desk.client("officer").post("/compliance/eu-ai-act/actions/", facts)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A day to come." in page and "Train all of them" in page
    assert not ComplianceAction.objects.exists()


def test_only_compliance_gives_actions_out(desk: Desk) -> None:
    answer = desk.client("reader").post("/compliance/eu-ai-act/actions/", desk.facts())
    assert answer.status_code == 403
    assert not ComplianceAction.objects.exists()


def test_its_owner_finishes_an_action(desk: Desk) -> None:
    action = desk.action()
    client = desk.client("owner")
    assert "Train the reviewers" in client.get("/compliance/actions/").content.decode()
    refused = client.post(f"/compliance/actions/{action.pk}/done/", {"note": " "})
    assert refused.status_code == 422
    assert "required" in refused.content.decode()
    done = client.post(f"/compliance/actions/{action.pk}/done/", {"note": "Course held."})
    assert done.status_code == 302
    action.refresh_from_db()
    assert action.note == "Course held." and action.done_at is not None
    assert AuditEvent.objects.get(action="compliance.action_done").reason == "Course held."
    assert Notification.objects.filter(user=desk.officer).count() == 1
    again = client.post(f"/compliance/actions/{action.pk}/done/", {"note": "Twice."})
    assert again.status_code == 409


def test_an_action_is_hidden_from_strangers_and_only_shown_to_readers(desk: Desk) -> None:
    action = desk.action()
    path = f"/compliance/actions/{action.pk}/done/"
    assert desk.client("stranger").post(path, {"note": "Mine."}).status_code == 404
    assert desk.client("reader").post(path, {"note": "Mine."}).status_code == 403
    page = desk.client("stranger").get("/compliance/actions/").content.decode()
    assert "No action here" in page and "Train" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/compliance/",
        "/compliance/eu-ai-act/",
        "/compliance/actions/",
        "/api/v1/compliance-actions/",
        "/api/v1/frameworks/eu-ai-act/controls/",
    ],
)
def test_pages_ask_the_same_number_of_queries(desk: Desk, path: str) -> None:
    client = desk.client("officer")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    desk.action()
    once = queries()
    desk.action(control="art-9")
    desk.action(control="art-50", owner=desk.stranger)
    assert queries() == once
