"""Ask for an export, look its decisions through, cancel it, and give it out under audit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Count, Max

from governance.access.models import User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from prompts.corrections.lines import prepared
from prompts.corrections.models import CorrectionExport, ExportLine
from prompts.corrections.rules import (
    AT_ONCE,
    EXPORT_STATES,
    MOST_LINES,
    OPEN_STATES,
    ExportKind,
    ExportState,
)
from prompts.corrections.selectors import Wanted, decisions_visible_to

BUILD = "prompts.corrections.tasks.build"
SYSTEM = Actor.system("corrections")


def check_can_export(actor: Actor) -> None:
    if actor.user is None or not actor.may(Permission.CALL_BODY_VIEW):
        raise NotAllowed("Nothing was exported: your roles do not open what was said in calls.")


@transaction.atomic
def request_export(
    *, actor: Actor, kind: str, wanted: Wanted, now: datetime, form_token: UUID | None = None
) -> CorrectionExport:
    """An export of what the person finds with these filters. A small one is ready at once.

    Raises Invalid for an unknown kind, for filters that find nothing or too much.
    """
    check_can_export(actor)
    if kind not in list(ExportKind):
        sentence = f"Choose one of {', '.join(ExportKind)}."
        raise Invalid(f"Nothing was exported. {sentence}", fields={"kind": [sentence]})
    if form_token is not None:
        earlier = CorrectionExport.objects.filter(form_token=form_token).first()
        if earlier is not None and earlier.requested_by_id == actor.user.pk:
            return earlier
    found = wanted.apply(decisions_visible_to(actor.user)).order_by()
    size = found.aggregate(total=Count("pk"), last=Max("pk"))
    if not 0 < size["total"] <= MOST_LINES:
        sentence = (
            f"These are {size['total']:,} decisions, more than {MOST_LINES:,}: take a shorter period."
            if size["total"]
            else "No decision fits these filters."
        )
        raise Invalid(f"Nothing was exported. {sentence}", fields={"since": [sentence]})
    export = CorrectionExport.objects.create(
        kind=ExportKind(kind),
        wanted=wanted.as_plain(),
        requested_by=actor.user,
        requested_at=now,
        total=size["total"],
        last=size["last"],
        form_token=form_token,
    )
    after = {"kind": export.kind, "decisions": export.total} | export.wanted
    record(actor=actor, action="correction_export.requested", subject=export, now=now, after=after)
    if export.total <= AT_ONCE:
        return build_step(export_id=export.pk, now=now) or export
    name = str(export.pk)
    transaction.on_commit(lambda: current_app.send_task(BUILD, [name], queue="packs"), robust=True)
    return export


@transaction.atomic
def build_step(*, export_id: UUID, now: datetime) -> CorrectionExport | None:
    """Look the next decisions through; None when another worker does, or nothing is left to do.

    Each step is whole or not at all, so whoever dies in one loses and repeats nothing.
    """
    locked = CorrectionExport.objects.select_for_update(skip_locked=True, of=("self",))
    export = locked.select_related("requested_by").filter(pk=export_id, state__in=OPEN_STATES)
    found = export.first()
    if found is None:
        return None
    found.state = EXPORT_STATES.target(found.state, "build")
    batch = _next_decisions(found)
    ExportLine.objects.bulk_create(
        ExportLine(
            export=found,
            decision=one.decision,
            left_out=one.left_out,
            dataset=one.dataset,
        )
        for one in prepared(found.kind, batch, found.requested_by, now, opens=False)
    )
    found.done += len(batch)
    if batch:
        found.position = batch[-1]
    if len(batch) < AT_ONCE:
        _finish(found, now)
    found.save(update_fields=["state", "done", "position", "total", "finished_at"])
    return found


def _next_decisions(export: CorrectionExport) -> list[int]:
    user: User = export.requested_by
    found = Wanted.from_query(export.wanted).apply(decisions_visible_to(user))
    left = found.filter(pk__gt=export.position, pk__lte=export.last).order_by("pk")
    return list(left.values_list("pk", flat=True)[:AT_ONCE])


def _finish(export: CorrectionExport, now: datetime) -> None:
    export.state = EXPORT_STATES.target(export.state, "finish")
    # Rights may have ended since it was asked for: those decisions are not in it.
    export.total, export.finished_at = export.done, now
    record(
        actor=SYSTEM,
        action="correction_export.ready",
        subject=export,
        now=now,
        after={"lines": export.included(), "decisions": export.done},
    )


@transaction.atomic
def cancel_export(*, actor: Actor, export_id: UUID, now: datetime) -> CorrectionExport:
    export = _locked(actor, export_id)
    export.state = EXPORT_STATES.target(export.state, "cancel")
    export.finished_at = now
    export.save(update_fields=["state", "finished_at"])
    record(actor=actor, action="correction_export.cancelled", subject=export, now=now)
    return export


@transaction.atomic
def note_download(*, actor: Actor, export_id: UUID, now: datetime) -> CorrectionExport:
    """Before the file leaves; raises WrongState while it is not ready."""
    check_can_export(actor)
    export = _locked(actor, export_id)
    if export.state != ExportState.READY:
        raise WrongState(f"Nothing was given out: this export is {export.state}.")
    record(
        actor=actor,
        action="correction_export.downloaded",
        subject=export,
        now=now,
        after={"kind": export.kind, "decisions": export.total},
    )
    return export


def _locked(actor: Actor, export_id: UUID) -> CorrectionExport:
    if actor.user is None:
        raise NotAllowed("Nothing was changed: exports are asked for by people.")
    visible = CorrectionExport.objects.visible_to(actor.user).select_for_update(of=("self",))
    export = visible.filter(pk=export_id).first()
    if export is None:
        raise NotFound("There is no such export, or it is not yours.")
    return export


def unfinished() -> list[UUID]:
    """Exports that no hint or no worker has brought to their end."""
    found = CorrectionExport.objects.filter(state__in=OPEN_STATES).order_by("requested_at")
    return list(found.values_list("pk", flat=True)[:20])
