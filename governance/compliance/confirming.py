"""Who compared a control's wording with its source. A wording that changed since is unconfirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import Confirmation
from governance.compliance.rules import Control, Framework
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import digest
from governance.kernel.errors import Invalid, NotAllowed, NotFound

LONGEST_NOTE = 300


def wording_of(framework: Framework, control: Control) -> str:
    """SHA-256 of what a reader is told: another title, duty or source is another wording."""
    told: dict[str, Any] = {
        "framework": framework.version,
        "code": control.code,
        "title": control.title,
        "asks": control.asks,
        "source": control.source,
    }
    return digest(told)


@transaction.atomic
def confirm_wording(
    *, actor: Actor, framework: str, refs: Sequence[str], note: str, now: datetime
) -> list[Confirmation]:
    """Compliance compared these controls with their source; `note` says with which edition."""
    if actor.kind != "person" or not actor.may(Permission.SIGN_COMPLIANCE):
        raise NotAllowed("Nothing was confirmed: compliance compares controls with their source.")
    named = FRAMEWORKS.get(framework)
    if named is None:
        raise NotFound("There is no such framework.")
    controls = {one.ref: one for one in named.controls}
    chosen = [controls[ref] for ref in dict.fromkeys(refs) if ref in controls]
    note = note.strip()
    problems = {}
    if not chosen:
        problems["controls"] = ["Tick the controls that you compared."]
    if not note or len(note) > LONGEST_NOTE:
        problems["note"] = ["Say in at most 300 characters with which edition you compared them."]
    if problems:
        raise Invalid("Nothing was confirmed: see the fields.", fields=problems)
    made = [
        Confirmation.objects.create(
            framework=framework,
            control=one.ref,
            wording=wording_of(named, one),
            note=note,
            confirmed_by=actor.user,
            confirmed_at=now,
        )
        for one in chosen
    ]
    after = {"framework": framework, "controls": [one.code for one in chosen]}
    record(
        actor=actor,
        action="compliance.confirmed",
        subject=made[0],
        now=now,
        after=after,
        reason=note,
    )
    return made


def confirmations_of(framework: Framework) -> dict[str, Confirmation]:
    """By control, the newest that was given for the wording as it is; one query."""
    wordings = {one.ref: wording_of(framework, one) for one in framework.controls}
    given = Confirmation.objects.filter(framework=framework.slug).select_related("confirmed_by")
    return {
        one.control: one
        for one in given.order_by("confirmed_at", "pk")
        if wordings.get(one.control) == one.wording
    }
