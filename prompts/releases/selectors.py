"""Which release answers, what it stands on, and what came before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.approvals.selectors import open_change_for
from governance.kernel.terms import Environment
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt
from prompts.releases.models import Release, ReleaseQuerySet

LONGEST_HISTORY = 50


def unended_releases(use_case: UseCase) -> list[Release]:
    """All that run for the use case or will, with prompt, version and approval."""
    return list(
        Release.objects.filter(use_case=use_case, ended_at=None).select_related(
            "prompt", "version__prompt", "approval"
        )
    )


def releases_visible_to(user: User) -> ReleaseQuerySet:
    """Releases in reach, with what a page or the API says of them."""
    return Release.objects.visible_to(user).select_related(
        "prompt", "version__prompt", "use_case__team", "approval__change"
    )


def roll_back_target(release: Release, now: datetime) -> Release | None:
    """The latest earlier release of another version that may run again, or None.

    One whose approval was revoked, suspended or ran out may not.
    """
    return (
        Release.objects.filter(
            prompt=release.prompt_id,
            environment=release.environment,
            starts_at__lt=release.starts_at,
            approval__state__in=["in_force", "superseded"],
            approval__valid_until__gt=now,
        )
        .exclude(version=release.version_id)
        .select_related("approval", "version__prompt", "prompt", "use_case")
        .first()
    )


@dataclass(frozen=True)
class Shown:
    """A release and the deployments it calls, in their order."""

    release: Release
    deployments: list[Deployment]


@dataclass(frozen=True)
class PromptReleases:
    """What a prompt's page says of its releases."""

    live: list[tuple[str, Shown | None]]
    ended: list[Shown] = field(default_factory=list)
    open_change: ChangeRequest | None = None


def releases_of(prompt: Prompt) -> PromptReleases:
    """What is live in each environment, what was, and what waits for a decision."""
    releases = prompt.releases.select_related("version__prompt", "approval__change")
    shown = with_deployments(list(releases[:LONGEST_HISTORY]))
    running = {one.release.environment: one for one in shown if one.release.ended_at is None}
    return PromptReleases(
        live=[(one.value, running.get(one.value)) for one in reversed(Environment)],
        ended=[one for one in shown if one.release.ended_at is not None],
        open_change=open_change_for("prompt_release", prompt.pk),
    )


def with_deployments(releases: list[Release]) -> list[Shown]:
    """The releases with their deployments, in two queries however many there are."""
    wanted = {pk for release in releases for pk in release.deployment_ids}
    known = Deployment.objects.in_bulk(wanted)
    return [
        Shown(release, [known[pk] for pk in release.deployment_ids if pk in known])
        for release in releases
    ]
