"""What a call says once somebody decided otherwise after its answer had left.

The same request again gets the answer that was delivered, since that is what its key promises;
files and the call's own address get what stands. Both say that it was overturned, and neither
gives out an answer that must not be used any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse

from prompts.gateway.reply import GovernedReply
from prompts.gateway.restoring import delivered_again
from reviews.decisions.standing import Overturned


def as_delivered_first(reply: GovernedReply, changed: Overturned | None) -> GovernedReply:
    """The answer that was delivered, unless it was rejected afterwards."""
    if changed is None or reply.call is None:
        return reply
    answer = None if changed.is_rejected else reply.answer
    return replace(reply, answer=answer, overturned=_told(reply, changed))


def as_it_stands(
    reply: GovernedReply, changed: Overturned | None, *, is_for_its_caller: bool = True
) -> GovernedReply:
    """The answer that was decided on last; None for a rejection, and once it is destroyed."""
    if changed is None or reply.call is None:
        return reply
    answer = changed.now.text
    if answer is not None and is_for_its_caller:
        answer = delivered_again(reply.call, answer)
    is_by_people = changed.now.verdict == "correct"
    return replace(
        reply, answer=answer, overturned=_told(reply, changed), is_by_people=is_by_people
    )


def _told(reply: GovernedReply, changed: Overturned) -> dict[str, Any]:
    assert reply.call is not None  # noqa: S101  # asked for before
    return changed.as_plain() | {"url": reverse("api-call", args=[reply.call.pk])}
