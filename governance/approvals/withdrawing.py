"""Take requests back whose thing has ended: the engine does it, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from governance.approvals.models import ChangeRequest
from governance.approvals.moving import close, locked_change
from governance.approvals.rules import UNDECIDED
from governance.kernel.authority import Actor

SYSTEM = Actor.system("approvals")


@transaction.atomic
def withdraw_undecided(*, kind: str, subject_ids: Iterable[int], reason: str, now: datetime) -> int:
    """Withdraw what is undecided of those subjects; proposers are told. How many it were."""
    found = ChangeRequest.objects.undecided().filter(kind=kind, subject_id__in=list(subject_ids))
    withdrawn = 0
    for pk in found.order_by("pk").values_list("pk", flat=True):
        change = locked_change(pk)
        if change.state in UNDECIDED:  # somebody may have decided while this waited
            close(change, "withdraw", SYSTEM, now, reason=reason[:500])
            withdrawn += 1
    return withdrawn
