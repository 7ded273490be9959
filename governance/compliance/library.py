"""Documents of rules: begin one, propose what it says, acknowledge it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from governance.access.late_saves import check_seen
from governance.access.models import Grant
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import open_change
from governance.approvals.standing import supersede_others
from governance.audit.services import record
from governance.compliance.library_models import (
    Acknowledgement,
    PolicyDocument,
    PolicyVersion,
)
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

KIND = "policy_document"
LONGEST_BODY = 50_000
RESERVED = ("new",)


def check_can_write(actor: Actor) -> None:
    if actor.kind != "person" or not actor.may(Permission.SIGN_COMPLIANCE):
        raise NotAllowed("Nothing was changed: compliance writes the policy library.")


@transaction.atomic
def start_document(*, actor: Actor, title: str, now: datetime, slug: str = "") -> PolicyDocument:
    """A document that says nothing yet: its first version has to be signed."""
    check_can_write(actor)
    title = title.strip()
    slug = slug.strip() or slugify(title)[:80]
    faults = {}
    if not 0 < len(title) <= 150:
        faults["title"] = ["Give a title of at most 150 characters."]
    if not _is_short_name(slug):
        faults["slug"] = ["Give another short name, of letters, digits and hyphens."]
    if faults:
        raise Invalid("Nothing was begun: see the fields.", fields=faults)
    try:
        with transaction.atomic():
            made = PolicyDocument.objects.create(
                title=title, slug=slug, made_by=actor.user, made_at=now
            )
    except IntegrityError:
        raise Invalid(
            "Nothing was begun: another document has this short name.",
            fields={"slug": ["Another document has this short name."]},
        ) from None
    record(actor=actor, action="policy_document.begun", subject=made, now=now)
    return made


def _is_short_name(slug: str) -> bool:
    try:
        validate_slug(slug)
    except ValidationError:
        return False
    return len(slug) <= 80 and slug not in RESERVED


def read_version(given: Mapping[str, Any]) -> dict[str, Any]:
    """The content from facts that are not trusted; raises Invalid with all that does not fit."""
    faults = {}
    body, roles, day = (given.get(name) for name in ("body", "roles", "effective_from"))
    if not isinstance(body, str) or not 0 < len(body.strip()) <= LONGEST_BODY:
        faults["body"] = [f"Write the text, in at most {LONGEST_BODY:,} characters."]
    if not isinstance(roles, list) or not all(isinstance(one, str) for one in roles):
        faults["roles"] = ["A list of roles, or an empty one."]
    elif unknown := [one for one in roles if one not in ROLES]:
        faults["roles"] = [f"There is no role {unknown[0][:40]}."]
    try:
        begins = day if isinstance(day, date) else date.fromisoformat(str(day))
    except ValueError:
        faults["effective_from"] = ["Give the day from which it holds, as 2026-12-01."]
    if faults:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=faults)
    return {
        "body": str(body).strip().replace("\r\n", "\n"),
        "roles": sorted(set(roles or [])),
        "effective_from": begins.isoformat(),
    }


def newest_facts(document: PolicyDocument) -> dict[str, Any]:
    """What the next version is written from."""
    newest = document.versions.order_by("-number").first()
    return {"body": newest.body, "roles": newest.roles} if newest else {}


@transaction.atomic
def propose_version(
    *,
    actor: Actor,
    document: PolicyDocument,
    proposal: Mapping[str, Any],
    reason: str,
    now: datetime,
    seen: str = "",
) -> ChangeRequest:
    """Put the next version before its signatories; `proposal` is not trusted.

    With `seen`: raises Conflict when another version was signed since that one was read.
    """
    check_can_write(actor)
    PolicyDocument.objects.select_for_update(no_key=True).get(pk=document.pk)
    check_seen(seen, newest_facts(document), document)
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=document.pk,
        proposal=read_version(proposal),
        title=f"The next version of {document.title}"[:200],
        reason=reason,
        now=now,
    )


def apply_version(
    *, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime
) -> PolicyVersion:
    """The version stands from its day, or from today if that has passed."""
    document = PolicyDocument.objects.select_for_update(no_key=True).get(pk=change.subject_id)
    content = read_version(change.proposal)
    newest = document.versions.order_by("-number").first()
    made = PolicyVersion.objects.create(
        document=document,
        number=newest.number + 1 if newest else 1,
        body=content["body"],
        roles=content["roles"],
        effective_from=max(date.fromisoformat(content["effective_from"]), now.date()),
        change=change,
        made_at=now,
    )
    supersede_others(approval, [document.pk], now)
    after = {
        "version": made.number,
        "roles": made.roles,
        "effective_from": made.effective_from,
        "body_digest": text_digest(made.body),
    }
    record(
        actor=actor,
        action="policy_document.applied",
        subject=document,
        now=now,
        after=after,
        reason=change.reason,
    )
    return made


def in_force(document: PolicyDocument, now: datetime) -> PolicyVersion | None:
    """The newest version whose day has come; none while its approval does not stand."""
    newest = document.versions.latest_effective(now.date()).first()
    return newest if newest is not None and newest.ended_at is None else None


def is_asked_of(version: PolicyVersion, user: Any, now: datetime) -> bool:
    return Grant.objects.live(now).filter(user=user, role__in=version.roles).exists()


@transaction.atomic
def acknowledge(*, actor: Actor, document_id: int, number: int, now: datetime) -> Acknowledgement:
    """Say that one has read the version in force, once; a second time changes nothing.

    Raises Conflict when another version is in force than the one that was read.
    """
    if actor.kind != "person":
        raise NotAllowed("Nothing was acknowledged: people acknowledge, each for themselves.")
    document = get_or_404(PolicyDocument.objects.select_for_update(no_key=True), pk=document_id)
    version = in_force(document, now)
    if version is None:
        raise WrongState("Nothing was acknowledged: no version of this is in force.")
    if version.number != number:
        raise Conflict(
            "Nothing was acknowledged: another version is in force now. Read it, then acknowledge."
        )
    if not is_asked_of(version, actor.user, now):
        raise NotAllowed("Nothing was acknowledged: it is not asked of any of your roles.")
    made, is_new = Acknowledgement.objects.get_or_create(
        person=actor.user, version=version, defaults={"at": now}
    )
    if is_new:
        after = {"version": version.number}
        record(
            actor=actor,
            action="policy_document.acknowledged",
            subject=document,
            now=now,
            after=after,
        )
    return made
