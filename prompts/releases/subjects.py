"""How a release is decided on: its words, where it runs, what it costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Q
from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import Environment, RiskTier, Sensitivity
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from governance.registry.rules import Stage
from governance.registry.subjects import reopened_fact
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.releases import services
from prompts.releases.checks import JUDGE, read_checks
from prompts.releases.models import Release
from prompts.releases.registries import release_evidence
from telemetry.ledger.models import Call


class ReleaseSubject:
    """A version of a prompt on deployments, in an environment."""

    kind = "prompt_release"
    label = "Prompt release"

    def find(self, subject_id: int) -> Prompt:
        found: Prompt = get_or_404(
            Prompt.objects.select_related("use_case__team", "use_case__owner"), pk=subject_id
        )
        return found

    def _version(self, subject: Prompt, proposal: dict[str, Any]) -> PromptVersion:
        found = subject.versions.filter(pk=proposal.get("version_id") or 0).first()
        if found is None:
            raise Invalid("Nothing was opened: choose a version of this prompt.")
        return found

    def _deployments(self, proposal: dict[str, Any]) -> list[Deployment]:
        ids = list(proposal.get("deployment_ids", []))
        found = {
            one.pk: one for one in Deployment.objects.filter(pk__in=ids).select_related("card")
        }
        return [found[one] for one in ids if one in found]

    def snapshot(self, subject: Prompt, proposal: dict[str, Any]) -> dict[str, Any]:
        version = self._version(subject, proposal)
        return {
            "use_case": subject.use_case.slug,
            "environment": proposal["environment"],
            "deployments": [one.slug for one in self._deployments(proposal)],
            "version": version.number,
            "content_hash": version.content_hash,
        } | (version.content() | _shown_checks(proposal) | reopened_fact(subject.use_case))

    def base(self, subject: Prompt, proposal: dict[str, Any]) -> dict[str, Any]:
        running = (
            Release.objects.filter(
                prompt=subject, environment=proposal["environment"], ended_at=None
            )
            .select_related("approval__change")
            .first()
        )
        return dict(running.approval.change.snapshot) if running else {}

    def tier(self, subject: Prompt, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier(subject.use_case.tier or RiskTier.HIGH)

    def team(self, subject: Prompt) -> Team | None:
        return subject.use_case.team

    def authors(self, subject: Prompt, proposal: dict[str, Any]) -> set[int]:
        return {self._version(subject, proposal).author_id, subject.use_case.owner_id}

    def missing(self, subject: Prompt, proposal: dict[str, Any]) -> list[str]:
        self._version(subject, proposal)
        deployments = self._deployments(proposal)
        missing = []
        if subject.use_case.stage in (Stage.PROPOSED, Stage.ASSESSED, Stage.RETIRED):
            missing.append("an approved use case to release for.")
        if not deployments:
            missing.append("at least one deployment.")
        missing += [
            f"{one.name} is {one.state} and cannot be called."
            for one in deployments
            if one.state != "callable"
        ]
        needed = Sensitivity(subject.use_case.sensitivity)
        missing += [
            f"{one.name} may only see {one.sensitivity_ceiling} content."
            for one in deployments
            if not Sensitivity(one.sensitivity_ceiling).permits(needed)
        ]
        return missing + _missing_of_judge(proposal, needed)

    def evidence(self, subject: Prompt, proposal: dict[str, Any]) -> list[Evidence]:
        version = self._version(subject, proposal)
        running = (
            Release.objects.filter(
                prompt=subject, environment=proposal["environment"], ended_at=None
            )
            .select_related("version")
            .first()
        )
        live = _figures(running.version_id) if running else {}
        proposed = _figures(version.pk)
        calls_url = f"{reverse('ledger:list')}?use_case={subject.use_case.slug}"
        return [
            Evidence("Calls so far", proposed.get("calls"), live.get("calls"), calls_url),
            Evidence(
                "Contract failures", proposed.get("failures"), live.get("failures"), calls_url
            ),
            Evidence("Cost per call", proposed.get("cost"), live.get("cost"), calls_url),
            Evidence("Latency", proposed.get("latency"), live.get("latency"), calls_url),
        ] + [
            one
            for find in release_evidence.values()
            for one in find(version, running.version if running else None)
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        services.start_release(change=change, approval=approval, actor=actor, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        services.end_of_approval(approval=approval, actor=actor, reason=reason, now=now)

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        running = Release.objects.filter(
            prompt=change.subject_id, environment=change.proposal["environment"], ended_at=None
        )
        return {"release": running.values_list("pk", flat=True).first()}

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        services.revert_release(
            approval=approval, earlier_id=remembered["release"], actor=actor, now=now
        )

    def url(self, subject: Prompt) -> str:
        return reverse("catalogue:detail", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: Prompt) -> None:
        if not actor.may(Permission.RELEASE_PROPOSE, subject.use_case.team):
            raise NotAllowed("Nothing was opened: the team's owner and engineers propose releases.")

    def read_proposal(self, subject: Prompt, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        deployment_ids, environment = given.get("deployment_ids"), given.get("environment")
        if environment not in list(Environment):
            raise Invalid(
                "Nothing was opened: say where it shall run.",
                fields={"environment": [f"One of {', '.join(Environment)}."]},
            )
        if not isinstance(deployment_ids, list) or not all(
            type(one) is int for one in deployment_ids
        ):
            raise Invalid(
                "Nothing was opened: name the deployments by their numbers, in their order.",
                fields={"deployment_ids": ["A list of numbers."]},
            )
        version_id = given.get("version_id")
        kept, problems = read_checks(given.get("checks"))
        if problems:
            raise Invalid("Nothing was opened: some checks do not fit.", fields=problems)
        proposal: dict[str, Any] = {
            "version_id": version_id if type(version_id) is int else 0,
            "deployment_ids": deployment_ids,
            "environment": str(environment),
        } | ({"checks": kept} if kept else {})
        version = self._version(subject, proposal)
        names = ", ".join(one.name for one in self._deployments(proposal))
        return f"Release {version} on {names} in {environment}", proposal


def _judge_of(proposal: dict[str, Any]) -> Deployment | None:
    judge = proposal.get("checks", {}).get(JUDGE)
    return Deployment.objects.filter(pk=judge).first() if judge else None


def _shown_checks(proposal: dict[str, Any]) -> dict[str, Any]:
    """A line per check, with the judge's name; nothing where none is asked for."""
    checks = dict(proposal.get("checks", {}))
    if JUDGE in checks:
        found = _judge_of(proposal)
        checks[JUDGE] = found.slug if found else "a deployment that does not exist"
    return checks


def _missing_of_judge(proposal: dict[str, Any], needed: Sensitivity) -> list[str]:
    """A judge reads all that is asked and answered: it stands under the same ceiling."""
    if JUDGE not in proposal.get("checks", {}):
        return []
    judge = _judge_of(proposal)
    if judge is None or judge.replay_only:
        return ["a judge that can be called."]
    missing = []
    if judge.state != "callable":
        missing.append(f"{judge.name}, the judge, is {judge.state} and cannot be called.")
    if not Sensitivity(judge.sensitivity_ceiling).permits(needed):
        missing.append(
            f"{judge.name}, the judge, may only see {judge.sensitivity_ceiling} content."
        )
    return missing


def _figures(version_id: int) -> dict[str, str]:
    """What the ledger knows of calls with that version; empty when there are none."""
    calls = Call.objects.live().filter(prompt_version_id=version_id)
    figures = calls.aggregate(
        calls=Count("pk"),
        failures=Count("pk", filter=Q(refusal_code="output_contract_failed")),
        cost=Avg("cost"),
        latency=Avg("latency_ms"),
    )
    if not figures["calls"]:
        return {}
    return {
        "calls": str(figures["calls"]),
        "failures": str(figures["failures"]),
        "cost": f"{figures['cost']:.6f} {settings.PLACET_CURRENCY}",
        "latency": f"{figures['latency'] or 0:.0f} ms",
    }
