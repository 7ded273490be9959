"""What releases plug into the engine, incidents and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import Approval
from governance.approvals.registries import change_subjects, consequences
from governance.audit.registries import audit_actions
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.rules import Evidence
from governance.incidents.registries import ContainmentKind, Target, containment_actions
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import WrongState
from governance.kernel.terms import Environment
from governance.registry.models import UseCase
from governance.registry.registries import (
    GateEvidence,
    Panel,
    gate_evidence,
    retirements,
    use_case_kinds,
    use_case_panels,
)
from prompts.catalogue.models import Prompt
from prompts.catalogue.registries import PromptPanel, prompt_panels
from prompts.releases import resting, retiring, services
from prompts.releases.consequences import releases_and_calls
from prompts.releases.models import Release
from prompts.releases.selectors import releases_of
from prompts.releases.subjects import ReleaseSubject

change_subjects.add("prompt_release", ReleaseSubject())
consequences.add("releases", releases_and_calls)
use_case_kinds.add("prompt_release", resting.RELEASES)
retirements.add("releases", retiring.RELEASES)

audit_actions.add("release.started", "{actor} released {subject}")
audit_actions.add("release.ended", "{actor} ended the release of {subject}")
audit_actions.add("release.rolled_back", "{actor} rolled back {subject}")


def _running() -> list[Target]:
    running = Release.objects.filter(ended_at=None).select_related("version__prompt", "use_case")
    return [Target(release.pk, f"{release} ({release.use_case})") for release in running]


def _roll_back(target_id: int, actor: Actor, reason: str, now: datetime) -> dict[str, Any]:
    revived = services.roll_back_release(actor=actor, release_id=target_id, reason=reason, now=now)
    return {"revived": revived.pk}


def _undo(target_id: int, facts: dict[str, Any], actor: Actor, reason: str, now: datetime) -> None:
    """Going forward again is a release like any other: it needs a new approval."""
    raise WrongState("A rolled-back release comes back only by a new approval: propose it again.")


containment_actions.add(
    "roll_back_release",
    ContainmentKind(
        "roll_back_release",
        "Roll back a release",
        "The release before it runs again, under its own approval, from the next call on.",
        _running,
        _roll_back,
        _undo,
    ),
)


def _prompts(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    prompts = Prompt.objects.filter(use_case=use_case).prefetch_related("releases__version")
    return {"prompts": prompts}


use_case_panels.add(
    "prompts",
    Panel(
        "Prompts",
        20,
        "prompts/catalogue/_use_case_panel.html",
        _prompts,
        (Permission.PROMPT_VIEW,),
    ),
)


def release_gap(use_case: UseCase, now: datetime) -> str:
    """A release counts while it runs in production under an approval in force."""
    running = Release.objects.running(now).filter(
        use_case=use_case,
        environment=Environment.PRODUCTION,
        approval__in=Approval.objects.in_force(now),
    )
    return "" if running.exists() else "a release in force: none of its prompts has one."


def _prompts_url(use_case: UseCase) -> str:
    """Its one prompt, where a release is proposed; all prompts when it has none or several."""
    slugs = list(use_case.prompts.values_list("slug", flat=True)[:2])
    return reverse("catalogue:detail", args=slugs) if len(slugs) == 1 else reverse("catalogue:list")


gate_evidence.add("release", GateEvidence(release_gap, _prompts_url))


def _releases(prompt: Prompt, user: User, now: datetime) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "releases": releases_of(prompt),
        "may_propose": user.may(Permission.RELEASE_PROPOSE, prompt.use_case.team),
    }


prompt_panels.add(
    "releases", PromptPanel("Releases", 10, "prompts/releases/_prompt_panel.html", _releases)
)


def approved_releases(now: datetime, user: User | None) -> Evidence:
    """Of the releases that run: those whose approval is in force."""
    in_force = Approval.objects.in_force(now).values("pk")
    facts = Release.objects.running(now).aggregate(
        all=Count("pk"), good=Count("pk", Q(approval__in=in_force)), last=Max("starts_at")
    )
    sentence = f"{facts['good']} of {facts['all']} running releases have an approval in force."
    return Evidence(sentence, facts["good"], facts["all"], facts["last"], reverse("catalogue:list"))


control_evidence.add(
    "approved-releases",
    EvidenceSource("Approved releases", approved_releases, Permission.PROMPT_VIEW),
)
