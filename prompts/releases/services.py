"""Propose, end and roll back releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import open_change
from governance.approvals.standing import put_back
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import Environment
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from governance.registry.rules import Stage
from prompts.catalogue.models import PromptVersion
from prompts.releases.checks import read_checks
from prompts.releases.models import Release
from prompts.releases.selectors import roll_back_target


def propose_release(
    *,
    actor: Actor,
    version: PromptVersion,
    deployments: list[Deployment],
    environment: str,
    reason: str,
    now: datetime,
    checks: dict[str, Any] | None = None,
) -> ChangeRequest:
    """Ask that this version runs on these deployments, in that order.

    `checks` are what is asked beside the answer (checks.py), not trusted.
    """
    if environment not in list(Environment):
        raise Invalid(
            "Nothing was opened: choose an environment.",
            fields={"environment": [f"Choose one of {', '.join(Environment)}."]},
        )
    if not deployments:
        raise Invalid(
            "Nothing was opened: choose at least one deployment.",
            fields={"deployments": ["Choose at least one."]},
        )
    kept, problems = read_checks(checks)
    if problems:
        raise Invalid("Nothing was opened: some checks do not fit.", fields=problems)
    names = ", ".join(deployment.name for deployment in deployments)
    return open_change(
        actor=actor,
        kind="prompt_release",
        subject_id=version.prompt_id,
        proposal={
            "version_id": version.pk,
            "deployment_ids": [deployment.pk for deployment in deployments],
            "environment": Environment(environment).value,
        }
        | ({"checks": kept} if kept else {}),
        title=f"Release {version} on {names} in {environment}",
        reason=reason,
        now=now,
    )


@transaction.atomic
def end_release(*, actor: Actor, release_id: int, reason: str, now: datetime) -> Release:
    """Stop a release; its use case's calls are refused until another one is approved."""
    release = _locked(release_id)
    check_can_end(actor, release)
    _check_reason(reason)
    _end(release, reason, now)
    _record(actor, "release.ended", release, now, reason)
    return release


@transaction.atomic
def roll_back_release(*, actor: Actor, release_id: int, reason: str, now: datetime) -> Release:
    """Put the release before this one back, under its own approval, at once.

    The approval that was superseded by this release's is put back in force; this release's
    is revoked. Raises WrongState when there was none before, or its validity ran out.
    """
    release = _locked(release_id)
    check_can_end(actor, release)
    _check_reason(reason)
    earlier = roll_back_target(release, now)
    if earlier is None:
        raise WrongState(
            "Nothing was rolled back: no earlier release with a valid approval exists. "
            "Suspend the use case instead."
        )
    _end(release, reason, now)
    revived = _revive(earlier, release, actor, reason, now)
    _record(actor, "release.rolled_back", release, now, reason, {"to": str(revived)})
    return revived


def _revive(earlier: Release, ended: Release, actor: Actor, reason: str, now: datetime) -> Release:
    approval = put_back(
        actor=actor,
        current_id=ended.approval_id,
        earlier_id=earlier.approval_id,
        reason=reason,
        now=now,
    )
    ended.rolled_back_to = earlier
    ended.save(update_fields=["rolled_back_to"])
    return Release.objects.create(
        prompt=earlier.prompt,
        version=earlier.version,
        use_case=earlier.use_case,
        approval=approval,
        environment=earlier.environment,
        deployment_ids=earlier.deployment_ids,
        checks=earlier.checks,
        digest=earlier.digest,
        starts_at=now,
    )


def start_release(
    *, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime
) -> Release:
    """Called by the engine when a release was granted; replaces the running one."""
    proposal = change.proposal
    version = PromptVersion.objects.select_related("prompt__use_case").get(
        pk=proposal["version_id"]
    )
    if version.prompt.use_case.stage == Stage.RETIRED:
        raise WrongState(f"Nothing was released: {version.prompt.use_case} is retired.")
    for running in Release.objects.select_for_update().filter(
        prompt=version.prompt, environment=proposal["environment"], ended_at=None
    ):
        _end(running, f"Replaced by {version}", now)
    release = Release.objects.create(
        prompt=version.prompt,
        version=version,
        use_case=version.prompt.use_case,
        approval=approval,
        environment=proposal["environment"],
        deployment_ids=proposal["deployment_ids"],
        checks=proposal.get("checks", {}),
        digest=approval.digest,
        starts_at=now,
    )
    _record(actor, "release.started", release, now)
    return release


def _end(release: Release, reason: str, now: datetime) -> None:
    if release.ended_at is not None:
        raise WrongState(f"Nothing was changed: {release} has ended already.")
    release.ended_at, release.end_reason = now, reason[:300]
    release.save(update_fields=["ended_at", "end_reason"])


def end_of_approval(*, approval: Approval, actor: Actor, reason: str, now: datetime) -> None:
    """Called by the engine when an approval ended: a revoked or expired one stops its release."""
    if approval.state == "suspended":
        return
    for release in Release.objects.select_for_update().filter(approval=approval, ended_at=None):
        _end(release, reason, now)
        _record(actor, "release.ended", release, now, reason)


def end_running(*, use_case: UseCase, actor: Actor, reason: str, now: datetime) -> int:
    """End what still runs for a use case, whatever its approval; how many it were."""
    running = Release.objects.select_for_update(of=("self",)).filter(
        use_case=use_case, ended_at=None
    )
    ended = 0
    for release in running.select_related("version__prompt", "use_case").order_by("pk"):
        _end(release, reason, now)
        _record(actor, "release.ended", release, now, reason)
        ended += 1
    return ended


def revert_release(
    *, approval: Approval, earlier_id: int | None, actor: Actor, now: datetime
) -> None:
    """Called by the engine: end the release of an emergency, run the one it replaced.

    The earlier one comes back only under its own approval in force; what ended since by other
    hands stays ended.
    """
    reason = "The emergency was reverted."
    known = Release.objects.select_related("approval", "version__prompt", "prompt", "use_case")
    release = known.select_for_update(of=("self",)).filter(approval=approval, ended_at=None).first()
    if release is None:
        return
    earlier = known.filter(pk=earlier_id or 0, approval__in=Approval.objects.in_force(now)).first()
    _end(release, reason, now)
    revived = _revive(earlier, release, actor, reason, now) if earlier else None
    action = "release.rolled_back" if revived else "release.ended"
    _record(actor, action, release, now, reason, {"to": str(revived)} if revived else None)


def can_end(actor: Actor, release: Release) -> bool:
    proposes = actor.may(Permission.RELEASE_PROPOSE, release.use_case.team)
    return proposes or actor.may(Permission.INCIDENT_COMMAND)


def check_can_end(actor: Actor, release: Release) -> None:
    if not can_end(actor, release):
        raise NotAllowed("Nothing was changed: the team or a safety officer ends its releases.")


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(
            "Nothing was changed, the release still runs: say why it should end.",
            fields={"reason": ["Say why it should end."]},
        )


def _locked(release_id: int) -> Release:
    found: Release = get_or_404(
        Release.objects.select_for_update(of=("self",)).select_related(
            "use_case__team", "version__prompt", "prompt"
        ),
        pk=release_id,
    )
    return found


def _record(
    actor: Actor,
    action: str,
    release: Release,
    now: datetime,
    reason: str = "",
    more: dict[str, Any] | None = None,
) -> None:
    after = {"version": str(release.version), "digest": release.digest} | (more or {})
    record(
        actor=actor,
        action=action,
        subject=release,
        now=now,
        after=after,
        reason=reason,
        team_id=release.use_case.team_id,
    )
