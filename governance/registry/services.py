"""Register, change, hand over, propose and suspend use cases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.urls import reverse
from django.utils.text import slugify

from governance.access.models import Organisation, Team, User
from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import Oversight, Sensitivity, cannot_be_kept, name_fault
from governance.kernel.web import get_or_404
from governance.registry import framework
from governance.registry.checklist import ASKED
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.pilot import problems, stage_proposal
from governance.registry.selectors import colleagues_for

EDITABLE = frozenset(
    {
        "title",
        "feature",
        "outcome",
        "benefit",
        "stakeholders",
        "framework_answers",
        "pattern",
        "serving",
        "override_reason",
        "topology",
        "is_user_facing",
        "sensitivity",
        "oversight",
        "sample_share",
        "disclosure_text",
        "fallback_text",
        "is_draft",
    }
)
# These are pages beside the use cases' own.
RESERVED_SLUGS = frozenset({"map", "new", "scoring"})
LONGEST_TEXT = 5000
LONGEST_TOLD = 1000


def check_can_manage(actor: Actor, team: Team) -> None:
    if not actor.may(Permission.USE_CASE_MANAGE, team):
        raise NotAllowed("Nothing was saved: product owners manage the use cases of their team.")


@transaction.atomic
def start_use_case(
    *,
    actor: Actor,
    title: str,
    team: Team,
    now: datetime,
    owner: User | None = None,
    slug: str = "",
    **facts: Any,
) -> UseCase:
    """A draft with a short name of its own; every later step is saved on it."""
    check_can_manage(actor, team)
    # Two who register at once wait for each other: each short name is there once.
    Organisation.objects.select_for_update().first()
    use_case = UseCase(
        title=title.strip(),
        slug=_free_slug(slug or title),
        team=team,
        owner=owner or actor.user,
        created_at=now,
        is_draft=True,
    )
    _check_facts(use_case, {"title": use_case.title} | facts)
    for name, value in facts.items():
        setattr(use_case, name, value)
    use_case.save(force_insert=True)
    ChecklistItem.objects.bulk_create(
        ChecklistItem(
            use_case=use_case, key=one.key, phase=one.phase, text=one.text, stage=one.stage
        )
        for one in ASKED
    )
    write_event(actor, "use_case.created", use_case, now, after={"slug": use_case.slug})
    return use_case


def _free_slug(wanted: str) -> str:
    base = slugify(wanted)[:70] or "use-case"
    taken = RESERVED_SLUGS | set(
        UseCase.objects.filter(slug__regex=rf"^{re.escape(base)}(-\d+)?$").values_list(
            "slug", flat=True
        )
    )
    numbers = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(one for one in numbers if one not in taken)


@transaction.atomic
def save_step(
    *, actor: Actor, use_case: UseCase, version: int, now: datetime, **facts: Any
) -> UseCase:
    """Save some fields. Raises Conflict when somebody else saved since `version` was read.

    What is sent as it stands already is no change: nothing is written and the version stays.
    """
    locked = locked_use_case(use_case.pk)
    check_can_manage(actor, locked.team)
    if locked.version != version:
        raise Conflict(
            "Nothing was overwritten: somebody saved this use case while you wrote. "
            "Your text is still on the page; compare it with what is there now and save again."
        )
    _check_facts(locked, facts)
    changed = {name: value for name, value in facts.items() if getattr(locked, name) != value}
    if not changed:
        return locked
    before = {name: told(getattr(locked, name)) for name in changed}
    for name, value in changed.items():
        setattr(locked, name, value)
    locked.version += 1
    locked.save()
    after = {name: told(value) for name, value in changed.items()}
    write_event(actor, "use_case.changed", locked, now, before=before, after=after)
    return locked


def told(value: Any) -> Any:
    """A value for the audit log, whose events are short: a long text by its digest."""
    if isinstance(value, str) and len(value) > LONGEST_TOLD:
        return {"characters": len(value), "sha256": text_digest(value)}
    return value


def _check_facts(use_case: UseCase, facts: Mapping[str, Any]) -> None:
    """Raise Invalid, field by field, unless the use case may get these facts."""
    unknown = facts.keys() - EDITABLE
    if unknown:
        raise Invalid(f"Nothing was saved: {', '.join(sorted(unknown))} cannot be set here.")
    problems = (
        _off_choices(facts) | text_problems(UseCase, facts) | _off_recommendation(use_case, facts)
    )
    if not str(facts.get("title", "x")).strip():
        problems["title"] = ["Give a title."]
    share = facts.get("sample_share")
    if share is not None and not (Decimal(share).is_finite() and 0 <= Decimal(share) <= 100):
        problems["sample_share"] = ["A share is between 0 and 100 percent."]
    if problems:
        raise Invalid("Nothing was saved: some answers do not fit.", fields=problems)


def _off_choices(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = {
        "sensitivity": list(Sensitivity),
        "oversight": list(Oversight),
        "pattern": [*framework.PATTERNS, "none", ""],
        "serving": [*framework.SERVING, ""],
    }
    return {
        name: [f"Choose one of {', '.join(filter(None, allowed))}."]
        for name, allowed in choices.items()
        if name in facts and facts[name] not in allowed
    }


def text_problems(model: type[Model], facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """A sentence per text that the model's field cannot hold."""
    problems = {}
    for name, value in facts.items():
        if not isinstance(value, str):
            continue
        limit = getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT
        if len(value) > limit:
            problems[name] = [f"At most {limit} characters; this has {len(value)}."]
        if cannot_be_kept(value):
            problems[name] = ["It holds a character that cannot be kept (NUL)."]
        elif name in ("title", "name") and (fault := name_fault(value)):
            problems[name] = [fault]
    return problems


def _off_recommendation(use_case: UseCase, facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Another pattern than the framework recommends needs its reason."""
    if not facts.keys() & {"framework_answers", "pattern", "serving", "override_reason"}:
        return {}
    asked = ("framework_answers", "pattern", "serving", "override_reason")
    answers, pattern, serving, reason = (facts.get(name, getattr(use_case, name)) for name in asked)
    if set(answers) - framework.QUESTIONS.keys():
        return {"framework_answers": [f"Answer {', '.join(framework.QUESTIONS)} by yes or no."]}
    found = framework.recommend(answers)
    is_other = (pattern or found.pattern, serving or found.serving) != (
        found.pattern,
        found.serving,
    )
    if not answers or not is_other or reason.strip():
        return {}
    wanted = f"{found.pattern.replace('_', ' ')} with {found.serving} serving is recommended."
    return {"override_reason": [f"Say why: {wanted}"]}


@transaction.atomic
def hand_over(
    *, actor: Actor, use_case: UseCase, to: User | None, reason: str, now: datetime
) -> UseCase:
    """Give a use case, or its draft, to a colleague who manages use cases of the same team."""
    locked = locked_use_case(use_case.pk)
    check_can_manage(actor, locked.team)
    successor = _checked_successor(locked, to, reason, now)
    before = {"owner": locked.owner.email}
    locked.owner = successor
    locked.version += 1
    locked.save(update_fields=["owner", "version"])
    write_event(
        actor,
        "use_case.handed_over",
        locked,
        now,
        before=before,
        after={"owner": successor.email},
        reason=reason,
    )
    url = reverse("registry:detail", args=[locked.slug])
    title = f"{actor.label} handed {locked} over to you"
    notify(users=[successor], title=title, url=url, now=now)
    return locked


def _checked_successor(use_case: UseCase, to: User | None, reason: str, now: datetime) -> User:
    problems: dict[str, list[str]] = {}
    if to is None or not colleagues_for(use_case, now).filter(pk=to.pk).exists():
        problems["to"] = [f"Choose a colleague who manages use cases of {use_case.team}."]
    if not reason.strip():
        problems["reason"] = ["Say why, for whoever reads the history."]
    if problems or to is None:
        raise Invalid("Nothing was handed over: something is missing.", fields=problems)
    # An owner is in conflict on what is decided for the use case; a signatory may not become one.
    asked = ChangeRequest.objects.undecided().filter(team=use_case.team, slots__eligible=to)
    if asked.exists():
        raise WrongState(
            f"Nothing was handed over: {to} is asked to sign an open change of {use_case.team}. "
            "Hand over when it is decided."
        )
    return to


def propose_stage(
    *,
    actor: Actor,
    use_case: UseCase,
    target: str,
    reason: str,
    now: datetime,
    pilot_days: int | None = None,
    pilot_success: str = "",
) -> ChangeRequest:
    """Ask for the next stage; the gate lists what is missing.

    A pilot declares how many days it lasts and what counts as its success.
    """
    proposal = stage_proposal(target, pilot_days, pilot_success)
    if lacking := problems(proposal):
        raise Invalid(
            f"Nothing was opened. Still missing: {' '.join(lacking.values())}",
            fields={name: [words.capitalize()] for name, words in lacking.items()},
        )
    return open_change(
        actor=actor,
        kind="use_case_stage",
        subject_id=use_case.pk,
        proposal=proposal,
        title=f"Move {use_case.title} to {target}",
        reason=reason,
        now=now,
    )


@transaction.atomic
def suspend_use_case(*, actor: Actor, use_case_id: int, reason: str, now: datetime) -> UseCase:
    """The kill switch: no call of it is answered from the next one on."""
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was switched: a safety officer suspends use cases.")
    use_case = locked_use_case(use_case_id)
    if use_case.is_suspended:
        raise WrongState(f"Nothing was changed: {use_case} is suspended already.")
    use_case.suspended_at, use_case.suspension_reason = now, reason[:300]
    use_case.save(update_fields=["suspended_at", "suspension_reason"])
    write_event(actor, "use_case.suspended", use_case, now, reason=reason)
    return use_case


@transaction.atomic
def resume_use_case(*, actor: Actor, use_case_id: int, reason: str, now: datetime) -> UseCase:
    """Take the kill switch back."""
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was switched: a safety officer resumes use cases.")
    use_case = locked_use_case(use_case_id)
    if not use_case.is_suspended:
        raise WrongState(f"Nothing was changed: {use_case} is not suspended.")
    use_case.suspended_at, use_case.suspension_reason = None, ""
    use_case.save(update_fields=["suspended_at", "suspension_reason"])
    write_event(actor, "use_case.resumed", use_case, now, reason=reason)
    return use_case


def locked_use_case(use_case_id: int) -> UseCase:
    found: UseCase = get_or_404(
        UseCase.objects.select_for_update(of=("self",)).select_related("team", "owner"),
        pk=use_case_id,
    )
    return found


def write_event(
    actor: Actor,
    action: str,
    use_case: UseCase,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=use_case,
        now=now,
        before=before,
        after=after,
        reason=reason,
        team_id=use_case.team_id,
    )
