"""The sealed bodies of a call: kept, shown to whom they may be shown, opened under audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed, NotFound
from governance.kernel.statements import executed
from telemetry.ledger import rows
from telemetry.ledger.models import Call, Payload
from telemetry.ledger.registries import body_scopes
from telemetry.ledger.rules import ANSWERED_STATES, CallState

DEFAULT_RETENTION = timedelta(days=30)
KEEP_TEXT = {
    column: f"UPDATE ledger_payload SET {column}_sealed = %s, "  # noqa: S608  # three columns
    "keep_until = greatest(keep_until, %s) WHERE call_id = %s"
    for column in ("request", "response", "decided")
}


@dataclass(frozen=True)
class Body:
    """A redacted text that may be kept (sealed) until that time."""

    text: str
    keep_until: datetime


@dataclass(frozen=True)
class OpenedBodies:
    """What a person with the permission reads. `withheld` says why a text is not there."""

    request: str | None
    response: str | None
    decided: str | None
    withheld: str = ""


def visible_answer(call: Call) -> str | None:
    """The only text that may leave (invariant 3): None unless delivered, released or corrected.

    None also when the answer's retention has ended or policy kept no payload.
    """
    if call.state not in ANSWERED_STATES:
        return None
    column = "decided" if call.state == CallState.CORRECTED else "response"
    return opened(call, column)


def held_text(call: Call) -> str | None:
    """What the model wrote, for the review screen only: no permission is checked here."""
    return opened(call, "response")


def held_input(call: Call) -> str | None:
    """The redacted input as the model saw it, for the review screen only."""
    return opened(call, "request")


@transaction.atomic
def open_payload(*, actor: Actor, call: Call, now: datetime) -> OpenedBodies:
    """The redacted bodies for a person with CALL_BODY_VIEW on the call's scope; audited.

    What is held stays withheld from everybody but its reviewers.
    """
    check_can_open_bodies(actor, call)
    call = locked(call.pk)
    is_held = call.state in (CallState.HELD, CallState.EXPIRED)
    bodies = OpenedBodies(
        request=opened(call, "request"),
        response=None if is_held else opened(call, "response"),
        decided=opened(call, "decided"),
        withheld="The answer waits for a reviewer and is shown on the review screen only."
        if is_held
        else "",
    )
    record(
        actor=actor,
        action="call.bodies_opened",
        subject=call,
        now=now,
        after={"state": call.state},
        team_id=call.team_id,
    )
    return bodies


def check_can_open_bodies(actor: Actor, call: Call) -> None:
    if not can_open_bodies(actor, call):
        raise NotAllowed(
            "The bodies stay closed: your roles show you that this call happened, not what was "
            "said in it. The attempt changed nothing."
        )


def can_open_bodies(actor: Actor, call: Call) -> bool:
    scopes = [scope for find in body_scopes.values() for scope in find(call)]
    return any(actor.may(Permission.CALL_BODY_VIEW, scope) for scope in scopes)


def locked(call_id: UUID) -> Call:
    """The call's row for update, with what its services need."""
    calls = Call.objects.select_for_update(of=("self",)).select_related(
        "use_case", "team", "deployment"
    )
    call = calls.filter(pk=call_id).first()
    if call is None:
        raise NotFound("There is no such call.")
    return call


def first_payload(call: Call, column: str, body: Body) -> Payload:
    """The row for the first text of a call, not written yet."""
    payload = Payload(call=call, keep_until=body.keep_until)
    payload.seal(column, body.text)
    return payload


def keep_first(call: Call, column: str, body: Body) -> None:
    """The first text of a call whose payload has no row yet."""
    rows.insert([first_payload(call, column, body)])


def keep(call: Call, column: str, body: Body) -> None:
    """Beside the texts that are there, kept until the later time."""
    sealed = Payload(call=call).sealed(column, body.text)
    with executed(KEEP_TEXT[column], [sealed, body.keep_until, call.pk]) as cursor:
        is_kept = cursor.rowcount == 1
    if not is_kept:
        keep_first(call, column, body)


def kept_until(call: Call, now: datetime) -> datetime:
    kept = Payload.objects.filter(pk=call.pk).values_list("keep_until", flat=True).first()
    return kept or now + DEFAULT_RETENTION


def opened(call: Call, column: str) -> str | None:
    payload = Payload.objects.filter(pk=call.pk).first()
    return payload.open(column) if payload else None
