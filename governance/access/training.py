"""Trainings and who completed them: define, record, revoke. Nobody records their own."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from governance.access.models import Training, TrainingRecord, User
from governance.access.starting_trainings import STARTING_TRAININGS
from governance.access.training_rules import MOST_VALIDITY_DAYS, last_valid_day
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

MAY_RECORD = (Permission.PEOPLE_MANAGE, Permission.SIGN_COMPLIANCE)


@transaction.atomic
def install_starting_trainings(*, actor: Actor, now: datetime) -> int:
    """Define the starting trainings where they are not; they are required for no role yet."""
    written = 0
    for one in STARTING_TRAININGS:
        training, is_new = Training.objects.get_or_create(
            code=one.code,
            defaults={
                "title": one.title,
                "covers": one.covers,
                "validity_days": one.validity_days,
                "link": one.link,
                "made_at": now,
            },
        )
        if is_new:
            after = {"validity_days": one.validity_days}
            record(actor=actor, action="training.defined", subject=training, now=now, after=after)
            written += 1
    return written


@transaction.atomic
def define_training(
    *,
    actor: Actor,
    title: str,
    covers: str,
    validity_days: int,
    now: datetime,
    code: str = "",
    link: str = "",
) -> Training:
    """A training that is required for no role yet; that takes a change request."""
    if not actor.may(Permission.SIGN_COMPLIANCE):
        raise NotAllowed("Nothing was defined: compliance defines trainings.")
    title, covers, link = title.strip(), covers.strip(), link.strip()
    code = code.strip() or slugify(title)[:60]
    if faults := _definition_faults(code, title, covers, validity_days, link):
        raise Invalid("Nothing was defined: see the fields.", fields=faults)
    facts = {"title": title, "covers": covers, "validity_days": validity_days, "link": link}
    try:
        with transaction.atomic():
            training = Training.objects.create(code=code, made_at=now, **facts)
    except IntegrityError:
        raise Invalid(
            "Nothing was defined: another training has this short name.",
            fields={"code": [f"Another training has the short name {code}."]},
        ) from None
    record(actor=actor, action="training.defined", subject=training, now=now, after=facts)
    return training


def _definition_faults(
    code: str, title: str, covers: str, validity_days: int, link: str
) -> dict[str, list[str]]:
    faults = {}
    if not 0 < len(title) <= 150:
        faults["title"] = ["Give a title of at most 150 characters."]
    if not 0 < len(covers) <= 5000:
        faults["covers"] = ["Say what it covers, in at most 5,000 characters."]
    if not 1 <= validity_days <= MOST_VALIDITY_DAYS:
        faults["validity_days"] = [f"A whole number from 1 to {MOST_VALIDITY_DAYS}."]
    try:
        validate_slug(code)
    except ValidationError:
        faults["code"] = ["Give a short name of letters, digits and hyphens."]
    if len(code) > 60:
        faults["code"] = ["Give a short name of at most 60 characters."]
    if link and not _is_web_address(link):
        faults["link"] = ["Give a web address of at most 300 characters, or nothing."]
    return faults


def _is_web_address(link: str) -> bool:
    try:
        URLValidator(["https", "http"])(link)
    except ValidationError:
        return False
    return len(link) <= 300


@transaction.atomic
def record_training(
    *,
    actor: Actor,
    person: User,
    training: Training,
    completed_on: date,
    evidence: str,
    now: datetime,
) -> TrainingRecord:
    """Somebody completed it; it holds for the training's days of validity from that day."""
    _check_may_record(actor, person)
    person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    evidence = evidence.strip()
    if faults := _record_faults(person, completed_on, evidence, now):
        raise Invalid("Nothing was recorded: see the fields.", fields=faults)
    try:
        with transaction.atomic():
            made = TrainingRecord.objects.create(
                person=person,
                training=training,
                completed_on=completed_on,
                valid_until=last_valid_day(completed_on, training.validity_days),
                evidence=evidence,
                recorded_by=actor.user,
                recorded_at=now,
            )
    except IntegrityError:
        raise Invalid(
            "Nothing was recorded: this completion is on record already.",
            fields={"completed_on": ["This completion is on record already."]},
        ) from None
    after = {"training": training.code, "valid_until": made.valid_until, "evidence": evidence}
    record(actor=actor, action="training.recorded", subject=made, now=now, after=after)
    return made


def _check_may_record(actor: Actor, person: User) -> None:
    if not any(actor.may(one) for one in MAY_RECORD):
        raise NotAllowed(
            "Nothing was changed: administrators and compliance keep the training records."
        )
    if actor.user is not None and actor.user.pk == person.pk:
        raise NotAllowed(
            "Nothing was changed: nobody keeps their own training records. Ask another "
            "administrator, or compliance."
        )


def _record_faults(
    person: User, completed_on: date, evidence: str, now: datetime
) -> dict[str, list[str]]:
    faults = {}
    if not person.is_active:
        faults["person"] = ["This person is deactivated."]
    if completed_on > now.astimezone(UTC).date():
        faults["completed_on"] = ["This day has not come yet."]
    elif completed_on.year < 2000:
        faults["completed_on"] = ["Give the day on which it was completed."]
    if not 0 < len(evidence) <= 300:
        faults["evidence"] = ["Say where that is written, in at most 300 characters."]
    return faults


@transaction.atomic
def revoke_training_record(
    *, actor: Actor, record_id: int, reason: str, now: datetime
) -> TrainingRecord:
    """Take a record back; it counts no longer, and stays to be read."""
    rows = TrainingRecord.objects.select_for_update(of=("self",))
    found: TrainingRecord = get_or_404(rows.select_related("person", "training"), pk=record_id)
    _check_may_record(actor, found.person)
    if found.revoked_at is not None:
        raise WrongState("Nothing was changed: this record has been revoked already.")
    reason = reason.strip()
    if not 0 < len(reason) <= 300:
        raise Invalid(
            "Nothing was changed: say why, in at most 300 characters.",
            fields={"reason": ["Say why, in at most 300 characters."]},
        )
    found.revoked_at, found.revoked_by, found.revoke_reason = now, actor.user, reason
    found.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    record(actor=actor, action="training.revoked", subject=found, now=now, reason=reason)
    return found
