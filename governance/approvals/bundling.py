"""Make one request of several. It is taken apart again by withdrawing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from governance.access.models import User
from governance.approvals.bundle_models import Bundle
from governance.approvals.bundle_rules import LEAST_PARTS, MOST_PARTS
from governance.approvals.bundle_subject import BundleSubject
from governance.approvals.models import ChangeRequest, ChangeRequestQuerySet, Decision
from governance.approvals.moving import move
from governance.approvals.services import open_change
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed


def can_be_bundled(proposer: User) -> ChangeRequestQuerySet:
    """Their open requests on which nobody has decided yet, oldest first."""
    spoken = Decision.objects.filter(is_void=False).values("change")
    return (
        ChangeRequest.objects.filter(proposer=proposer, state="open", emergency=None)
        .exclude(kind=BundleSubject.kind)
        .exclude(pk__in=spoken)
        .order_by("opened_at", "pk")
    )


@transaction.atomic
def make_bundle(
    *, actor: Actor, change_ids: Sequence[int], title: str, reason: str, now: datetime
) -> ChangeRequest:
    """Fold open requests of one's own into one, applied in the given order, all or none.

    It is opened like any other request: under the strictest of the parts' policies as they are
    now, and nobody in conflict with one part signs any.
    """
    if actor.kind != "person" or actor.user is None:
        raise NotAllowed("Nothing was opened: people make bundles.")
    _check_words(change_ids, title)
    mine = ChangeRequest.objects.select_for_update(of=("self",)).filter(pk__in=change_ids)
    locked = {one.pk: one for one in mine.order_by("pk")}
    able = set(can_be_bundled(actor.user).filter(pk__in=change_ids).values_list("pk", flat=True))
    if able != set(change_ids):
        raise Invalid(
            "Nothing was opened: a bundle is made of your own open requests on which nobody has "
            "decided yet. Choose again.",
            fields={"changes": ["One of these is not open, not yours, or decided on already."]},
        )
    bundle = Bundle.objects.create(made_by=actor.user, made_at=now)
    for pk in change_ids:
        part = locked[pk]
        part.bundle = bundle
        part.save(update_fields=["bundle"])
        move(part, "bundle", actor, now)
    whole = open_change(
        actor=actor,
        kind=BundleSubject.kind,
        subject_id=bundle.pk,
        proposal={"parts": list(change_ids)},
        title=title.strip(),
        reason=reason,
        now=now,
    )
    bundle.change = whole
    bundle.save(update_fields=["change"])
    return whole


def _check_words(change_ids: Sequence[int], title: str) -> None:
    problems: dict[str, list[str]] = {}
    if not LEAST_PARTS <= len(change_ids) <= MOST_PARTS or len(set(change_ids)) < len(change_ids):
        problems["changes"] = [f"Choose from {LEAST_PARTS} to {MOST_PARTS} of them."]
    if not title.strip() or len(title.strip()) > 200:
        problems["title"] = ["Say in at most 200 characters what they do together."]
    if problems:
        sentences = " ".join(one[0] for one in problems.values())
        raise Invalid(f"Nothing was opened. {sentences}", fields=problems)
