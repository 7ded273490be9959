"""Retirement takes releases, approvals, keys and open changes with it; budget and history stay."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import ApiKey
from governance.approvals.models import Approval, ChangeRequest
from governance.home.models import Notification
from governance.kernel.errors import WrongState
from governance.registry import services as registry
from governance.registry.retiring import in_words, retirement_of
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.demo.organisation import sign
from prompts.releases.models import Release
from prompts.releases.services import start_release
from telemetry.chargeback.models import Budget
from telemetry.chargeback.subjects import propose_limit
from tests.factories.ledger import make_use_case
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    return world()


def propose(here: World) -> ChangeRequest:
    return registry.propose_stage(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        target="retired",
        reason="Nobody uses it.",
        now=timezone.now(),
    )


def retire(here: World) -> ChangeRequest:
    change = propose(here)
    sign(here.people, change, timezone.now())
    change.refresh_from_db()
    here.use_case.refresh_from_db()
    assert (change.state, here.use_case.stage) == ("applied", "retired")
    return change


def test_releases_approvals_keys_and_open_changes_end_with_it(here: World) -> None:
    release = Release.objects.get(ended_at=None)
    waiting = ChangeRequest.objects.get(kind="prompt_release", state="open")
    Notification.objects.all().delete()
    retire(here)
    for row in (release, release.approval, waiting):
        row.refresh_from_db()
    assert release.ended_at is not None
    assert release.approval.state == "revoked"
    assert "is retired: Nobody uses it." in release.approval.end_reason
    assert waiting.state == "withdrawn"
    assert Notification.objects.filter(user=waiting.proposer, title__startswith="Withdrawn")
    assert not ApiKey.objects.filter(revoked_at=None).exists()


def test_a_release_whose_approval_is_suspended_ends_too(here: World) -> None:
    Approval.objects.filter(kind="prompt_release").update(state="suspended")
    retire(here)
    assert not Release.objects.filter(ended_at=None).exists()
    assert set(Approval.objects.filter(kind="prompt_release").values_list("state")) == {
        ("revoked",)
    }


def test_an_open_change_of_its_budget_is_withdrawn_and_the_budget_stays(here: World) -> None:
    own = Budget.objects.get(use_case=here.use_case)
    raised = propose_limit(
        actor=here.people.actor("owner"),
        budget=own,
        limit=own.limit + 1,
        reason="More.",
        now=timezone.now(),
    )
    before = Budget.objects.values_list("pk", "limit", "captured")
    held = list(before.order_by("pk"))
    assert in_words(retirement_of(here.use_case, here.now)) == "1 key, 2 open changes, 1 release"
    retire(here)
    raised.refresh_from_db()
    assert raised.state == "withdrawn"
    assert list(before.order_by("pk")) == held
    assert in_words(retirement_of(here.use_case, here.now)) == "nothing that runs"


def test_it_serves_no_call_with_any_key(here: World) -> None:
    retire(here)
    request = GovernedRequest(
        model="licence-review", presented_key=here.key, variables={"licence_text": "MIT"}
    )
    by_key = pipeline.run(request).refusal
    ApiKey.objects.update(revoked_at=None)  # as if one had been forgotten
    by_stage = pipeline.run(request).refusal
    assert by_key is not None
    assert by_key.code != "approval_not_in_force"
    assert by_stage is not None
    assert by_stage.code == "approval_not_in_force"
    assert "is retired" in by_stage.message
    assert "from the pilot stage on" not in by_stage.message


def test_what_is_granted_later_starts_no_release(here: World) -> None:
    release = Release.objects.get(ended_at=None)
    retire(here)
    with pytest.raises(WrongState, match="is retired"):
        start_release(
            change=release.approval.change,
            approval=release.approval,
            actor=here.people.actor("board"),
            now=timezone.now(),
        )


def test_another_use_case_keeps_what_it_has(here: World) -> None:
    key = ApiKey.objects.get()
    other = make_use_case(here.use_case.team)
    ApiKey.objects.filter(pk=key.pk).update(use_case_id=other.pk)
    retire(here)
    assert ApiKey.objects.get().revoked_at is None


def test_both_pages_say_in_numbers_what_will_end(client: Client, here: World) -> None:
    client.force_login(here.people.users["owner"])
    page = client.get("/use-cases/licence-review/").content.decode()
    assert "Retiring ends with it: 1 key, 1 open change, 1 release." in page
    change = propose(here)
    client.force_login(here.people.users["board"])
    decision = client.get(f"/changes/{change.pk}/").content.decode()
    assert "Ends with it" in decision
    assert "1 key, 1 open change, 1 release" in decision
    assert "Nothing brings it back" in decision
