"""Releases by page and by API: what is live and why, proposing, ending, rolling back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.approvals import services as approvals
from governance.approvals.models import ChangeRequest
from governance.approvals.standing import end_approval
from governance.audit.models import AuditEvent
from governance.model_cards.models import Deployment
from prompts.catalogue.models import PromptVersion
from prompts.gateway.demo.organisation import sign
from prompts.releases import services
from prompts.releases.models import Release
from tests.factories.ledger import make_person, make_team
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db
JSON = "application/json"
PROMPT = "/prompts/licence-reader/"


@pytest.fixture
def here() -> World:
    return world()


def as_role(here: World, role: str) -> Client:
    client = Client()
    client.force_login(here.people.users[role])
    return client


def second_is_released(here: World) -> Release:
    """The second version, which waits in the demo organisation, is approved."""
    sign(
        here.people, ChangeRequest.objects.get(kind="prompt_release", state="open"), timezone.now()
    )
    return Release.objects.get(ended_at=None)


def withdrawn(here: World) -> None:
    change = ChangeRequest.objects.get(kind="prompt_release", state="open")
    approvals.withdraw(
        actor=here.people.actor("owner"), change_id=change.pk, reason="Another", now=here.now
    )


def read(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_prompts_page_says_what_is_live_on_what_approval(here: World) -> None:
    page = read(as_role(here, "board"), PROMPT)
    release = Release.objects.get()
    assert f"/releases/{release.pk}/" in page and "SmolLM2 on this machine" in page
    assert f"/changes/{release.approval.change_id}/" in page and "in force" in page
    assert "Nothing is live in staging" in page
    assert "Waiting for a decision" in page


def test_the_prompts_page_keeps_the_history(here: World) -> None:
    second_is_released(here)
    page = read(as_role(here, "board"), PROMPT)
    assert "Replaced by licence-reader v2" in page


def test_an_owner_ends_a_release(here: World) -> None:
    release, client = Release.objects.get(), as_role(here, "owner")
    url = f"/releases/{release.pk}/"
    assert "End this release" in read(client, url)
    empty = client.post(f"{url}end/", {"reason": " "})
    assert empty.status_code == 422
    assert 'id="end-reason-error"' in empty.content.decode()
    assert client.post(f"{url}end/", {"reason": "Not needed"}).status_code == 302
    release.refresh_from_db()
    assert release.end_reason == "Not needed"
    event = AuditEvent.objects.get(action="release.ended")
    assert (event.reason, event.actor_id) == ("Not needed", str(here.people.users["owner"].pk))
    assert "End this release" not in read(client, url)
    assert client.post(f"{url}end/", {"reason": "Again"}).status_code == 409


def test_a_safety_officer_rolls_back(here: World) -> None:
    release, client = second_is_released(here), as_role(here, "safety")
    url = f"/releases/{release.pk}/"
    assert "Roll back to v1" in read(client, url)
    empty = client.post(f"{url}roll-back/", {"reason": ""})
    assert (empty.status_code, Release.objects.filter(ended_at=None).get()) == (422, release)
    assert 'id="roll-back-reason-error"' in empty.content.decode()
    assert client.post(f"{url}roll-back/", {"reason": "Wrong licences"}).status_code == 302
    assert Release.objects.get(ended_at=None).version.number == 1
    assert AuditEvent.objects.get(action="release.rolled_back").reason == "Wrong licences"
    assert "Rolled back to" in read(client, url)


def test_without_an_earlier_release_there_is_no_way_back(here: World) -> None:
    release, client = Release.objects.get(), as_role(here, "owner")
    assert "nothing to roll back to" in read(client, f"/releases/{release.pk}/")
    refused = client.post(f"/releases/{release.pk}/roll-back/", {"reason": "Wrong"})
    assert (refused.status_code, Release.objects.get().ended_at) == (409, None)


def test_a_revoked_approval_is_not_rolled_back_to(here: World) -> None:
    first = Release.objects.get()
    release = second_is_released(here)
    first.approval.refresh_from_db()
    first.approval.state = "revoked"
    first.approval.save()
    answer = as_role(here, "owner").post(f"/releases/{release.pk}/roll-back/", {"reason": "x"})
    assert (answer.status_code, Release.objects.get(ended_at=None)) == (409, release)


@pytest.mark.parametrize("path", ["end", "roll-back"])
def test_the_board_looks_and_ends_nothing(here: World, path: str) -> None:
    release, board = second_is_released(here), as_role(here, "board")
    assert "End this release" not in read(board, f"/releases/{release.pk}/")
    assert board.post(f"/releases/{release.pk}/{path}/", {"reason": "x"}).status_code == 403
    api = board.post(f"/api/v1/releases/{release.pk}/{path}/", {"reason": "x"}, JSON)
    assert api.status_code == 403
    assert Release.objects.get(ended_at=None) == release


@pytest.mark.parametrize("path", ["", "end/", "roll-back/"])
def test_a_release_of_another_team_does_not_exist(here: World, path: str) -> None:
    release, client = Release.objects.get(), Client()
    client.force_login(make_person("owner", make_team("elsewhere")))
    send = client.post if path else client.get
    assert send(f"/releases/{release.pk}/{path}", {"reason": "x"}).status_code == 404
    assert send(f"/api/v1/releases/{release.pk}/{path}", {"reason": "x"}, JSON).status_code == 404
    assert client.get("/api/v1/releases/").json()["results"] == []
    release.refresh_from_db()
    assert release.ended_at is None


def test_a_release_is_proposed_in_a_form_that_keeps_what_was_typed(here: World) -> None:
    withdrawn(here)
    client, url = as_role(here, "owner"), f"{PROMPT}release/"
    version = PromptVersion.objects.get(number=2)
    deployment = Deployment.objects.get(slug="smollm2-local")
    filled = {"version": version.pk, "environment": "staging", "reason": "Kept reason"}
    without = client.post(url, filled)
    page = without.content.decode()
    assert without.status_code == 422
    assert 'id="deployments-error">Choose at least one.' in page
    assert "Kept reason" in page and "<option selected>staging" in page
    silent = client.post(url, filled | {"deployments": deployment.pk, "reason": " "})
    assert 'id="reason-error"' in silent.content.decode()
    other = client.post(url, filled | {"deployments": deployment.pk, "environment": "moon"})
    assert 'id="environment-error"' in other.content.decode()
    nothing = client.post(url, filled | {"deployments": deployment.pk, "version": "x"})
    assert 'id="version-error"' in nothing.content.decode()
    opened = client.post(url, filled | {"deployments": deployment.pk})
    change = ChangeRequest.objects.get(state="open", kind="prompt_release")
    assert opened["Location"] == f"/changes/{change.pk}/"
    assert change.proposal["version_id"] == version.pk


def test_the_api_proposes_reads_and_ends(here: World) -> None:
    withdrawn(here)
    client = as_role(here, "owner")
    asked = {
        "version": 2,
        "deployments": ["smollm2-local"],
        "environment": "production",
        "reason": "Shorter lists",
    }
    url = "/api/v1/prompts/licence-reader/releases/"
    assert client.post(url, asked | {"version": 9}, JSON).status_code == 404
    assert client.post(url, asked | {"deployments": ["x"]}, JSON).json()["errors"]["deployments"]
    assert client.post(url, asked | {"deployments": []}, JSON).json()["errors"]["deployments"]
    assert client.post(url, asked | {"environment": "moon"}, JSON).status_code == 400
    opened = client.post(url, asked, JSON)
    assert (opened.status_code, opened.json()["state"]) == (201, "open")
    assert client.post(url, asked, JSON).status_code == 409
    change = ChangeRequest.objects.get(pk=opened.json()["change_request"])
    sign(here.people, change, timezone.now())
    (live,) = client.get("/api/v1/releases/?live=yes").json()["results"]
    assert (live["version"], live["change_request"]) == (2, change.pk)
    assert client.get("/api/v1/releases/?environment=staging").json()["results"] == []
    assert len(client.get("/api/v1/releases/?prompt=licence-reader").json()["results"]) == 2
    one = f"/api/v1/releases/{live['id']}/"
    assert client.get(one).json() == live
    assert client.post(f"{one}end/", {}, JSON).status_code == 400
    back = client.post(f"{one}roll-back/", {"reason": "Wrong"}, JSON)
    assert (back.status_code, back.json()["version"]) == (201, 1)
    ended = client.post(f"/api/v1/releases/{back.json()['id']}/end/", {"reason": "Over"}, JSON)
    assert (ended.status_code, ended.json()["end_reason"]) == (200, "Over")
    assert AuditEvent.objects.filter(action="release.ended").count() == 1


def test_who_may_not_propose_does_not(here: World) -> None:
    board = as_role(here, "board")
    assert board.get(f"{PROMPT}release/").status_code == 403
    answer = board.post("/api/v1/prompts/licence-reader/releases/", {}, JSON)
    assert answer.status_code == 403


@pytest.mark.parametrize("url", ["/api/v1/releases/", PROMPT])
def test_lists_ask_as_often_for_three_as_for_one(here: World, url: str) -> None:
    client = as_role(here, "board")

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(url).status_code == 200
        return len(counted)

    withdrawn(here)
    queries()
    once = queries()
    version = PromptVersion.objects.get(number=2)
    local = Deployment.objects.get(slug="smollm2-local")
    for environment in ("production", "staging"):
        change = services.propose_release(
            actor=here.people.actor("owner"),
            version=version,
            deployments=[local],
            environment=environment,
            reason="Shorter lists",
            now=here.now,
        )
        sign(here.people, change, here.now)
    assert Release.objects.count() == 3
    assert queries() == once


def test_a_roll_back_is_written_on_both_approvals(here: World) -> None:
    first, release = Release.objects.get(), second_is_released(here)
    url = f"/releases/{release.pk}/roll-back/"
    assert as_role(here, "safety").post(url, {"reason": "Wrong licences"}).status_code == 302
    first.approval.refresh_from_db()
    release.approval.refresh_from_db()
    assert (first.approval.state, first.approval.ended_at) == ("in_force", None)
    assert release.approval.state == "revoked"
    written = AuditEvent.objects.filter(action__in=["approval.revoke", "approval.reinstate"])
    assert {(one.action, one.subject_id) for one in written} == {
        ("approval.revoke", str(release.approval.change_id)),
        ("approval.reinstate", str(first.approval.change_id)),
    }


def test_what_was_suspended_is_not_rolled_back_to(here: World) -> None:
    first = Release.objects.get()
    end_approval(
        actor=here.people.actor("safety"),
        approval_id=first.approval_id,
        action="suspend",
        reason="Leaks",
        now=here.now,
    )
    release = second_is_released(here)
    first.approval.refresh_from_db()
    assert first.approval.state == "revoked"
    answer = as_role(here, "owner").post(f"/releases/{release.pk}/roll-back/", {"reason": "x"})
    assert answer.status_code == 409
