"""What a rule stops by itself is refused at the gateway, and nobody puts it back meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.standing import end_approval
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.errors import WrongState
from governance.model_cards.models import Deployment
from governance.registry import assessments, datasets
from governance.registry.models import Dataset, UseCase
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from prompts.releases.models import Release
from tests.factories.organisation import World, provider, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(settings: Any) -> Iterator[World]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield world()


def call(here: World) -> GovernedReply:
    text = {"licence_text": "MIT License."}
    return pipeline.run(
        GovernedRequest(model="licence-review", presented_key=here.key, variables=text)
    )


def assess(here: World, **answers: bool) -> None:
    assessments.assess_risk(
        actor=here.people.actor("safety"),
        use_case=here.use_case,
        answers=answers,
        now=timezone.now(),
    )


def stage_approval(here: World) -> Approval:
    return Approval.objects.filter(kind="use_case_stage", subject_id=here.use_case.pk)[0]


def test_a_prohibited_assessment_stops_calls_at_once(here: World) -> None:
    assert call(here).state == "held"
    Notification.objects.all().delete()
    assess(here, prohibited=True, scores_people=True)
    refused = call(here)
    assert refused.refusal is not None and refused.refusal.code == "approval_not_in_force"
    approval = stage_approval(here)
    assert approval.state == "suspended"
    assert "Nobody may approve this use" in approval.end_reason
    assert Release.objects.get(ended_at=None).approval.state == "suspended"
    told = Notification.objects.filter(title__startswith="Suspended, its use is not allowed")
    people = here.people.users
    assert {one.user_id for one in told} == {
        people[role].pk for role in ("owner", "board", "compliance")
    }
    assert AuditEvent.objects.filter(action="approval.suspend", actor_kind="system").count() == 2


def test_nobody_resumes_what_the_rules_forbid(here: World) -> None:
    assess(here, prohibited=True, scores_people=True)
    asked: dict[str, Any] = {
        "actor": here.people.actor("board"),
        "approval_id": stage_approval(here).pk,
        "action": "resume",
        "reason": "It earns money.",
        "now": timezone.now(),
    }
    with pytest.raises(WrongState, match="nobody may approve this use"):
        end_approval(**asked)
    assess(here, harm=True)
    assert stage_approval(here).state == "suspended"
    assert end_approval(**asked).state == "in_force"


def test_an_assessment_that_allows_it_stops_nothing(here: World) -> None:
    assess(here, harm=True)
    assert stage_approval(here).state == "in_force"
    assert call(here).state == "held"


def raise_dataset(here: World, sensitivity: str = "regulated") -> Dataset:
    dataset = Dataset.objects.get()
    return datasets.change_dataset(
        actor=here.people.actor("data_steward"),
        dataset_id=dataset.pk,
        version=dataset.version,
        sensitivity=sensitivity,
        reason="Authors' addresses were found in it.",
        confirmed=True,
        now=timezone.now(),
    )


def test_data_raised_above_its_use_case_stops_its_calls(here: World) -> None:
    assert call(here).state == "held"
    raise_dataset(here)
    refused = call(here)
    assert refused.refusal is not None and refused.refusal.code == "approval_not_in_force"
    approval = stage_approval(here)
    assert "raised from internal to regulated" in approval.end_reason
    # The deployment may see regulated content, so the release itself stands.
    assert Release.objects.filter(ended_at=None, approval__state="in_force").exists()
    with pytest.raises(WrongState, match="its data is regulated"):
        end_approval(
            actor=here.people.actor("board"),
            approval_id=approval.pk,
            action="resume",
            reason="Please.",
            now=timezone.now(),
        )


def test_data_raised_above_a_deployment_suspends_the_release_there(here: World) -> None:
    UseCase.objects.filter(pk=here.use_case.pk).update(sensitivity="regulated")
    Deployment.objects.filter(slug="smollm2-local").update(sensitivity_ceiling="internal")
    raise_dataset(here)
    assert stage_approval(here).state == "in_force"
    release = Release.objects.get(ended_at=None)
    assert release.approval.state == "suspended"
    assert "above what this covers" in release.approval.end_reason


def test_an_open_release_of_raised_data_goes_stale(here: World) -> None:
    change = ChangeRequest.objects.get(state="open", kind="prompt_release")
    raise_dataset(here)
    change.refresh_from_db()
    assert change.state == "stale"
