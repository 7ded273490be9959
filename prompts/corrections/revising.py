"""A prompt whose answers are corrected too often: its team is asked to revise it, once a version."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Avg, Count, F, FloatField, Q
from django.db.models.functions import Cast
from django.urls import reverse

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.corrections.figures import LEAST, Thumbs, VersionFigures
from prompts.corrections.models import RevisionRule
from prompts.evaluation.rules import wilson
from prompts.releases.models import Release
from reviews.decisions.models import ReviewDecision
from reviews.feedback.selectors import Tally, shares_of_versions
from telemetry.alerts.models import Alert
from telemetry.alerts.services import raise_alert

MOST_LEAST = 100_000
MEASURED = Q(correction__characters_compared__gt=0)


def figures_of(prompt: Prompt) -> list[VersionFigures]:
    """Of every version, the newest first, in three queries."""
    versions = list(prompt.versions.all())
    for one in versions:
        one.prompt = prompt
    counted = (
        ReviewDecision.objects.exclude(verdict="escalate")
        .filter(overturned_by=None)
        .filter(item__call__prompt_version_id__in=[one.pk for one in versions])
        .order_by()
        .values("item__call__prompt_version_id")
        .annotate(
            decisions=Count("pk"),
            corrected=Count("pk", filter=Q(verdict="correct")),
            characters=Avg("correction__characters_changed"),
            distance=Avg(
                Cast("correction__characters_changed", FloatField())
                / F("correction__characters_compared"),
                filter=MEASURED,
            ),
            measured=Count("pk", filter=MEASURED),
        )
    )
    by_version: dict[int | None, Any] = {
        row["item__call__prompt_version_id"]: row for row in counted
    }
    said = shares_of_versions([one.pk for one in versions])
    return [_figures(one, by_version.get(one.pk, {}), said.get(one.pk)) for one in versions]


def _figures(version: PromptVersion, row: Any, said: Tally | None) -> VersionFigures:
    decisions, corrected = int(row.get("decisions", 0)), int(row.get("corrected", 0))
    low, high = wilson(corrected, decisions) or (0.0, 1.0)
    return VersionFigures(
        version.number,
        str(version),
        decisions,
        corrected,
        row.get("characters"),
        low,
        high,
        row.get("distance"),
        int(row.get("measured", 0)),
        Thumbs(said.up, said.down) if said else Thumbs(),
    )


@transaction.atomic
def set_rule(
    *, actor: Actor, prompt: Prompt, percent: int, now: datetime, least: int = LEAST
) -> RevisionRule:
    """From that share of corrections on, a revision is asked for; on at least so many decisions."""
    if actor.user is None or not actor.may(Permission.PROMPT_AUTHOR, prompt.use_case.team):
        raise NotAllowed("Nothing was changed: the engineers of a prompt's team set this.")
    faults: dict[str, list[str]] = {}
    if not 1 <= percent <= 100:
        faults["percent"] = ["From 1 to 100 percent."]
    if not 5 <= least <= MOST_LEAST:
        faults["least"] = [f"From 5 to {MOST_LEAST:,} decisions."]
    if faults:
        said = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"Nothing was changed. {said}", fields=faults)
    Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    rule = RevisionRule.objects.filter(prompt=prompt).first() or RevisionRule(prompt=prompt)
    before = {"percent": rule.percent, "least": rule.least} if rule.pk else None
    rule.percent, rule.least = percent, least
    rule.save()
    record(
        actor=actor,
        action="prompt.revision_rule_set",
        subject=prompt,
        now=now,
        before=before,
        after={"percent": percent, "least": least},
        team_id=prompt.use_case.team_id,
    )
    return rule


def ask_for_revisions(now: datetime) -> list[Alert]:
    """Raise what the rules ask for, of versions that answer now. Each version asks once for ever."""
    rules = {
        one.prompt_id: one for one in RevisionRule.objects.select_related("prompt__use_case__team")
    }
    live = live_versions(list(rules))
    raised = []
    for prompt_id, rule in rules.items():
        for figures in figures_of(rule.prompt):
            is_live = (prompt_id, figures.number) in live
            if is_live and figures.asks_for_revision(rule.percent, rule.least):
                raised += _ask(rule, figures, now)
    return raised


def live_versions(prompt_ids: list[int]) -> set[tuple[int, int]]:
    """(prompt, number) of the versions that answer in some environment."""
    running = Release.objects.filter(ended_at=None, prompt__in=prompt_ids)
    return set(running.values_list("prompt_id", "version__number"))


@transaction.atomic
def _ask(rule: RevisionRule, figures: VersionFigures, now: datetime) -> list[Alert]:
    cause = f"revise:{figures.label}"
    if Alert.objects.filter(cause=cause).exists():
        return []
    asked = {"prompt_version": figures.label, "verdict": "correct"}
    return [
        raise_alert(
            cause=cause,
            title=f"Revise {figures.label}: reviewers corrected {figures.corrected} of "
            f"{figures.decisions} answers",
            severity="warning",
            url=f"{reverse('corrections:list')}?{urlencode(asked)}",
            team=rule.prompt.use_case.team,
            now=now,
        )
    ]
