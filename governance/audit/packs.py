"""Ask for a pack, move it through its states, take it, and keep house among packs."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from governance.audit import lease
from governance.audit.models import AuditPack
from governance.audit.registries import PackTeam, evidence_sections
from governance.audit.rules import KEPT, MOST_ATTEMPTS, PACK_STATES, QUEUED_AGAIN_AFTER, PackState
from governance.audit.selectors import teams_to_pack
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

log = structlog.get_logger(__name__)
# Beside the sections: the waiting events, the events, and the frame.
OTHER_STEPS = 3


def folder() -> Path:
    return Path(settings.DATA_DIR) / "packs"


def file_name_of(pack: AuditPack) -> str:
    return f"placet-audit-{pack.starts_at:%Y%m%d}-{pack.last_day:%Y%m%d}-{pack.pk}.zip"


def workplace_of(pack: AuditPack) -> Path:
    """Where its drafts stand while it is built."""
    return folder() / f"{pack.pk}.partial"


@transaction.atomic
def request_pack(
    *,
    actor: Actor,
    starts_on: date,
    ends_on: date,
    now: datetime,
    team_id: int | None = None,
) -> AuditPack:
    """Ask for a pack of whole days (UTC), both included, of one team or of everything."""
    team = _checked_scope(actor, team_id)
    _check_period(starts_on, ends_on, now.astimezone(UTC).date())
    pack = AuditPack.objects.create(
        requested_by=actor.user,
        requested_at=now,
        queued_at=now,
        starts_at=_midnight(starts_on),
        ends_at=_midnight(ends_on + timedelta(days=1)),
        team_id=team_id,
        team_label=team.name if team else "",
    )
    after = {"from": starts_on, "to": ends_on, "team": pack.team_label}
    _record(actor, "audit_pack.requested", pack, now, after)
    return pack


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _checked_scope(actor: Actor, team_id: int | None) -> PackTeam | None:
    """The team, or None for the whole organisation; refuses what the actor's reach lacks."""
    if not actor.may(Permission.AUDIT_PACK_BUILD):
        raise NotAllowed("No pack was asked for: compliance builds packs.")
    if team_id is None:
        if not actor.user.reach(Permission.AUDIT_PACK_BUILD).everywhere:
            sentence = "You build packs of your own teams; choose one."
            raise Invalid("No pack was asked for.", fields={"team": [sentence]})
        return None
    for team in teams_to_pack(actor.user):
        if team.team_id == team_id:
            return team
    raise Invalid("No pack was asked for.", fields={"team": ["Choose one of the teams."]})


def _check_period(starts_on: date, ends_on: date, today: date) -> None:
    problems = {}
    if starts_on > today:
        problems["starts_on"] = ["This day has not come yet."]
    elif ends_on > today:
        problems["ends_on"] = ["This day has not come yet; today is the latest."]
    elif ends_on < starts_on:
        problems["ends_on"] = ["The last day lies before the first."]
    if problems:
        raise Invalid("No pack was asked for: the period does not fit.", fields=problems)


@transaction.atomic
def cancel_pack(*, actor: Actor, pack_id: UUID, now: datetime) -> AuditPack:
    """Ask no more for it; a worker that builds it stops within its next rows."""
    pack = _locked(pack_id)
    _check_builds(actor, pack, "Nothing was cancelled: compliance builds packs.")
    before = {"state": pack.state}
    pack.state = PACK_STATES.target(pack.state, "cancel")
    pack.finished_at = now
    pack.save(update_fields=["state", "finished_at"])
    _record(actor, "audit_pack.cancelled", pack, now, {"state": pack.state}, before)
    return pack


@transaction.atomic
def record_download(*, actor: Actor, pack: AuditPack, now: datetime) -> Path:
    """Where the file stands; who took it is recorded. Raises WrongState while it is not ready."""
    _check_builds(actor, pack, "Compliance downloads packs.")
    path = folder() / pack.file_name
    if pack.state != PackState.READY or not path.is_file():
        raise WrongState("This pack has no file to download; build it again.")
    _record(actor, "audit_pack.downloaded", pack, now, {"sha256": pack.sha256})
    return path


@transaction.atomic
def begin(*, pack_id: str, now: datetime) -> AuditPack | None:
    """A build of it begins; None where nothing is to be built. The caller holds the lease."""
    waits = AuditPack.objects.filter(state__in=[PackState.REQUESTED, PackState.BUILDING])
    pack = waits.select_for_update().filter(pk=pack_id).first()
    if pack is None:
        return None
    pack.state = PACK_STATES.target(pack.state, "build")
    pack.attempts, pack.queued_at = pack.attempts + 1, now
    pack.steps_done, pack.steps_total = 0, len(evidence_sections) + OTHER_STEPS
    pack.save()
    return pack


@transaction.atomic
def finish(*, pack_id: str, path: Path, now: datetime) -> None:
    """The file is whole. One that was cancelled at the last moment loses it again."""
    pack = _locked(pack_id)
    if not PACK_STATES.allows(pack.state, "finish"):
        path.unlink(missing_ok=True)
        return
    with path.open("rb") as file:
        pack.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    pack.state = PACK_STATES.target(pack.state, "finish")
    pack.file_name, pack.size_bytes = path.name, path.stat().st_size
    pack.finished_at, pack.step_label, pack.steps_done = now, "", pack.steps_total
    pack.save()
    after = {"file": pack.file_name, "size_bytes": pack.size_bytes, "sha256": pack.sha256}
    _record(Actor.system("packs"), "audit_pack.built", pack, now, after)


@transaction.atomic
def fail(*, pack_id: str | UUID, failure: str, now: datetime) -> None:
    """It could not be built; one that was cancelled meanwhile stays so."""
    pack = _locked(pack_id)
    if not PACK_STATES.allows(pack.state, "fail"):
        return
    pack.state = PACK_STATES.target(pack.state, "fail")
    pack.failure, pack.finished_at, pack.step_label = failure[:500], now, ""
    pack.save()
    _record(Actor.system("packs"), "audit_pack.failed", pack, now, {"failure": pack.failure})


def keep_house(*, now: datetime) -> list[str]:
    """Expire what is old; the ids of packs that must go on the queue (again).

    A pack stays behind when its worker died or its message was lost.
    """
    old = AuditPack.objects.filter(state=PackState.READY, finished_at__lt=now - KEPT)
    for pack_id in old.values_list("pk", flat=True):
        try:
            _expire(pack_id, now)
        except OSError:  # one file that cannot be removed does not keep the others
            log.exception("pack not expired", pack=str(pack_id))
    unbuilt = AuditPack.objects.filter(state__in=[PackState.REQUESTED, PackState.BUILDING])
    quiet = unbuilt.exclude(queued_at__gte=now - QUEUED_AGAIN_AFTER)
    return [str(pk) for pk in quiet.values_list("pk", flat=True) if _goes_on_again(pk, now)]


@transaction.atomic
def _expire(pack_id: UUID, now: datetime) -> None:
    pack = AuditPack.objects.select_for_update().get(pk=pack_id)
    if not PACK_STATES.allows(pack.state, "expire"):
        return
    # The file first: where the commit fails, the next run finds it gone and expires the pack.
    (folder() / pack.file_name).unlink(missing_ok=True)
    pack.state = PACK_STATES.target(pack.state, "expire")
    pack.save(update_fields=["state"])
    after = {"file": pack.file_name, "sha256": pack.sha256}
    _record(Actor.system("packs"), "audit_pack.expired", pack, now, after)


@transaction.atomic
def _goes_on_again(pack_id: UUID, now: datetime) -> bool:
    """Whether nobody builds it; one whose workers died too often is given up."""
    pack = AuditPack.objects.select_for_update().get(pk=pack_id)
    if pack.is_over or not lease.is_free(pack.pk):
        return False
    shutil.rmtree(workplace_of(pack), ignore_errors=True)
    if pack.state == PackState.BUILDING and pack.attempts >= MOST_ATTEMPTS:
        at_step = f", the last time at “{pack.step_label}”" if pack.step_label else ""
        failure = (
            f"The worker that built it was cut off {pack.attempts} times{at_step}. Ask an "
            "administrator whether it had enough memory and time, then build it again."
        )
        fail(pack_id=pack.pk, failure=failure, now=now)
        return False
    pack.queued_at = now
    pack.save(update_fields=["queued_at"])
    return True


def _locked(pack_id: UUID | str) -> AuditPack:
    found: AuditPack = get_or_404(AuditPack.objects.select_for_update(), pk=pack_id)
    return found


def _check_builds(actor: Actor, pack: AuditPack, refusal: str) -> None:
    """The actor builds packs, and this one is not of a team out of their reach."""
    if actor.kind == "system":
        return
    reach = actor.user.reach(Permission.AUDIT_PACK_BUILD) if actor.user else None
    if reach is None or not (reach.everywhere or pack.team_id in reach.team_ids):
        raise NotAllowed(refusal)


def _record(
    actor: Actor,
    action: str,
    pack: AuditPack,
    now: datetime,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=pack,
        now=now,
        before=before,
        after=after,
        team_id=pack.team_id,
    )
