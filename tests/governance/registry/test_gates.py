"""What each gate asks for, as the page says it and the engine holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.approvals.models import ChangeRequest
from governance.incidents.models import Playbook
from governance.incidents.rules import kinds_to_prepare_for
from governance.incidents.services import install_starting_playbooks
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, PlacetError
from governance.kernel.terms import Sensitivity
from governance.model_cards.models import Deployment
from governance.registry import metrics, services
from governance.registry.models import ChecklistItem, Measurement, UseCase
from governance.registry.selectors import gate_facts, gates_of
from prompts.releases.models import Release
from tests.factories.ledger import make_use_case
from tests.factories.organisation import World, world
from tests.factories.stages import at_stage

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
    ChecklistItem.objects.filter(use_case=here.use_case).update(done_at=here.now, evidence="x")
    pilot_began(here.use_case, 30)


def pilot_began(use_case: UseCase, days_ago: int) -> None:
    """As if its change had been applied then."""
    change = ChangeRequest.objects.get(subject_id=use_case.pk, proposal__target="pilot")
    change.closed_at = timezone.now() - timedelta(days=days_ago)
    change.save(update_fields=["closed_at"])


def test_the_demo_organisation_reaches_pilot_through_the_gates(here: World) -> None:
    assert here.use_case.stage == "pilot"


def test_production_misses_exactly_what_is_not_there(here: World) -> None:
    found = missing(here.use_case, "production")
    detail = reverse("registry:detail", args=["licence-review"])
    items = {one.key: one.pk for one in here.use_case.checklist.all()}

    def at(key: str) -> str:
        return reverse("registry:item", args=["licence-review", items[key]])

    assert found == {
        "the whole pilot: 30 of its 30 days are left.": f"{detail}#standing",
        "an evaluation: finish its checklist item, with a link to the result.": at("evaluation"),
        "a playbook for: safety breach.": reverse("incidents:list"),
        "Tried with the model away (architecture).": at("outage"),
        "Prompt written and approved (prompting).": at("prompt"),
        "Orders hidden in inputs tried (prompting).": at("injection"),
        "Roll-back tried (deployment).": at("roll-back"),
        "Who is on call known (operations).": at("on-call"),
        "Drift and quality watched against thresholds (operations).": at("drift"),
        "Playbooks read by the team (governance).": at("playbooks"),
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
    at_stage(use_case, "approved")
    UseCase.objects.filter(pk=use_case.pk).update(
        oversight="none", disclosure_text="", fallback_text=" "
    )
    use_case.disclosures.all().delete()
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
    item = here.use_case.checklist.get(key="on-call")
    link = f'<a href="/use-cases/licence-review/checklist/{item.pk}/">Who is on call known'
    assert link in page
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
    asked = "a value of a success metric, measured in the pilot."
    assert asked in missing(here.use_case, "production")
    long_ago = here.now.date() - timedelta(days=1)
    Measurement.objects.create(metric=metric, value=metric.target, on=long_ago)
    assert asked in missing(here.use_case, "production")
    metrics.measure(
        actor=here.people.actor("owner"),
        metric=metric,
        value=metric.target,
        on=here.now.date(),
        now=here.now,
    )
    assert asked not in missing(here.use_case, "production")


@pytest.mark.parametrize(
    ("days_ago", "said"),
    [(0, "30 of its 30 days are left"), (29, "1 of its 30 days is left"), (30, "")],
)
def test_production_waits_for_the_declared_days(here: World, days_ago: int, said: str) -> None:
    pilot_began(here.use_case, days_ago)
    left = [one for one in missing(here.use_case, "production") if "whole pilot" in one]
    assert [said in one for one in left] == ([True] if said else [])


def test_the_page_says_what_the_pilot_declared(client: Client, here: World) -> None:
    client.force_login(here.people.users["owner"])
    page = client.get("/use-cases/licence-review/").content.decode()
    assert "declared for 30 days. Success: A dependency is cleared in half an hour." in page


@pytest.mark.parametrize("days", ["", "6", "366", "many"])
def test_a_pilot_without_its_length_is_refused(client: Client, here: World, days: str) -> None:
    use_case = make_use_case(here.use_case.team, owner=here.people.users["owner"])
    at_stage(use_case, "approved")
    client.force_login(here.people.users["owner"])
    sent = {"target": "pilot", "pilot_days": days, "pilot_success": "", "reason": "Kept words"}
    refused = client.post(f"/use-cases/{use_case.slug}/propose/", sent)
    assert refused.status_code == 422
    assert "the length of the pilot, 7 to 365 days." in refused.content.decode()
    assert (
        not ChangeRequest.objects.undecided()
        .filter(subject_id=use_case.pk)
        .filter(kind="use_case_stage")
    )


def test_the_form_of_a_pilot_keeps_what_was_typed(here: World) -> None:
    fields = {"pilot_days": ["7 to 365 days."]}
    form = render_to_string(
        "governance/registry/_propose.html",
        {
            "gate": {"target": "pilot"},
            "use_case": here.use_case,
            "refused": Invalid("No.", fields=fields),
            "refused_form": "propose-pilot",
            "values": {"pilot_days": "400", "pilot_success": "<b>Half", "reason": "Kept words"},
        },
    )
    assert 'value="400"' in form
    assert "&lt;b&gt;Half</textarea>" in form
    assert "Kept words</textarea>" in form
    assert '<p class="error" role="alert">7 to 365 days.</p>' in form
