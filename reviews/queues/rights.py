"""Who may work in a queue."""

from __future__ import annotations

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotFound
from reviews.queues.models import Queue


def check_can_work(actor: Actor, queue: Queue) -> None:
    if actor.kind != "person" or not actor.may(Permission.REVIEW_WORK, queue):
        raise NotFound("There is no such queue, or it is not yours to work in.")
