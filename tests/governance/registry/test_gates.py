"""What each gate asks for, as the page says it and the engine holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.incidents.models import Playbook
from governance.incidents.rules import kinds_to_prepare_for
from governance.incidents.services import install_starting_playbooks
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, PlacetError
from governance.kernel.terms import Sensitivity
from governance.model_cards.models import Deployment
from governance.registry import metrics, services
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.selectors import gate_facts, gates_of
from prompts.releases.models import Release
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    return world()


def missing(use_case: UseCase, target: str) -> dict[str, str]:
    """What the gate misses, with where it is mended."""
    now = timezone.now()
    use_case.refresh_from_db()
    gates = {one["target"]: one for one in gates_of(use_case, gate_facts(use_case, now))}
    return {one["text"]: one["url"] for one in gates[target]["requirements"] if not one["is_met"]}


def complete(here: World) -> None:
    """Everything but the playbook, which the demo organisation installs with its incident."""
    ChecklistItem.objects.filter(use_case=here.use_case).update(done_at=here.now)


def test_the_demo_organisation_reaches_pilot_through_the_gates(here: World) -> None:
    assert here.use_case.stage == "pilot"


def test_production_misses_exactly_what_is_not_there(here: World) -> None:
    found = missing(here.use_case, "production")
    detail = reverse("registry:detail", args=["licence-review"])
    assert found == {
        "6 checklist items that are still open.": f"{detail}#checklist",
        "a playbook for: safety breach.": reverse("incidents:list"),
    }
    complete(here)
    install_starting_playbooks(actor=Actor.system("tests"), now=here.now)
    assert missing(here.use_case, "production") == {}


def test_production_is_proposed_when_nothing_is_missing_and_not_before(here: World) -> None:
    complete(here)
    facts: dict[str, Any] = {
        "actor": here.people.actor("owner"),
        "use_case": here.use_case,
        "target": "production",
        "reason": "It works.",
        "now": timezone.now(),
    }
    with pytest.raises(PlacetError, match="playbook"):
        services.propose_stage(**facts)
    install_starting_playbooks(actor=Actor.system("tests"), now=here.now)
    assert services.propose_stage(**facts).state == "open"


def test_a_release_counts_while_it_runs_under_an_approval_in_force(here: World) -> None:
    lacking = {
        "a release in force: none of its prompts has one.": reverse(
            "catalogue:detail", args=["licence-reader"]
        )
    }
    install_starting_playbooks(actor=Actor.system("tests"), now=here.now)
    complete(here)
    release = Release.objects.get(ended_at=None)
    release.approval.valid_until = timezone.now() - timedelta(seconds=1)
    release.approval.save()
    assert missing(here.use_case, "production") == lacking
    release.approval.valid_until = timezone.now() + timedelta(days=1)
    release.approval.save()
    assert missing(here.use_case, "production") == {}
    Release.objects.filter(pk=release.pk).update(ended_at=timezone.now())
    assert missing(here.use_case, "production") == lacking


def test_a_pilot_asks_for_metric_deployment_and_oversight(here: World) -> None:
    use_case = here.use_case
    step = f"/use-cases/{use_case.slug}/intake/data/"
    UseCase.objects.filter(pk=use_case.pk).update(
        stage="approved", oversight="none", disclosure_text="", fallback_text=" "
    )
    use_case.metrics.update(target=None)
    Deployment.objects.update(replay_only=True)
    assert missing(use_case, "pilot") == {
        "a success metric with baseline and target.": f"/use-cases/{use_case.slug}/#metrics",
        "an approved deployment that may see internal content.": "/models/",
        "oversight “on finding” or stricter, because its risk is limited; it says “none”.": step,
        "the disclosure text for end users.": step,
        "the fallback for when no model answers.": step,
    }


@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        ({}, True),
        ({"sensitivity_ceiling": "public"}, False),
        ({"state": "draft"}, False),
        ({"replay_only": True}, False),
    ],
)
def test_a_deployment_counts_when_it_may_be_called_with_such_content(
    here: World, changes: dict[str, Any], is_there: bool
) -> None:
    Deployment.objects.filter(slug="smollm2-local").update(**changes)
    assert gate_facts(here.use_case, timezone.now()).has_deployment is is_there


def test_regulated_content_needs_a_playbook_for_leaks_too(here: World) -> None:
    install_starting_playbooks(actor=Actor.system("tests"), now=here.now)
    Playbook.objects.filter(kind="data_leakage").delete()
    complete(here)
    UseCase.objects.filter(pk=here.use_case.pk).update(sensitivity="regulated")
    assert "a playbook for: data leakage." in missing(here.use_case, "production")
    Playbook.objects.create(slug="leak", title="Leak", kind="data_leakage", steps=[])
    again = "a new risk assessment: its sensitivity was internal and is regulated."
    assert list(missing(here.use_case, "production")) == [again]
    assert kinds_to_prepare_for(Sensitivity.PUBLIC) == ("safety_breach",)


def test_the_page_lists_what_is_missing_with_its_link(client: Client, here: World) -> None:
    client.force_login(here.people.users["owner"])
    page = client.get("/use-cases/licence-review/").content.decode()
    assert '<a href="/incidents/">a playbook for: safety breach.</a>' in page
    assert '<a href="/use-cases/licence-review/#checklist">6 checklist items' in page
    assert "telemetry: every governed call is recorded and billed." in page
    assert "Propose production" not in page
    complete(here)
    install_starting_playbooks(actor=Actor.system("tests"), now=here.now)
    assert "Propose production" in client.get("/use-cases/licence-review/").content.decode()


def test_a_stage_that_does_not_follow_is_refused(here: World) -> None:
    with pytest.raises(Invalid, match="does not go to"):
        services.propose_stage(
            actor=here.people.actor("owner"),
            use_case=here.use_case,
            target="assessed",
            reason="Back.",
            now=timezone.now(),
        )


def test_a_measured_value_is_asked_for(here: World) -> None:
    metric = here.use_case.metrics.get()
    metric.measurements.all().delete()
    assert "a measured value of a success metric." in missing(here.use_case, "production")
    metrics.measure(
        actor=here.people.actor("owner"),
        metric=metric,
        value=metric.target,
        on=here.now.date(),
        now=here.now,
    )
    assert "a measured value of a success metric." not in missing(here.use_case, "production")
