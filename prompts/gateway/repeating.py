"""The same request again, under its idempotency key: the same answer, and never a second bill."""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.utils import timezone

from governance.kernel.authority import Actor
from prompts.gateway.context import CallContext
from prompts.gateway.fetching import fetched
from prompts.gateway.overturned import as_delivered_first
from prompts.gateway.refusals import StillRunning
from prompts.gateway.reply import GovernedReply, reply_of_earlier
from prompts.gateway.stages.admit import earlier_call
from prompts.gateway.stages.authenticate import check_seen
from prompts.gateway.waiting import BESIDE, elsewhere, pause
from reviews.decisions.standing import overturned
from telemetry.ledger.models import Call
from telemetry.ledger.rules import OPEN_STATES

LONGEST_WAIT_SECONDS = 25.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
# Those that wait are few beside those that are answered, however often somebody repeats himself.
_seats = threading.BoundedSemaphore(max(1, settings.PLACET_GATEWAY_THREADS // 4))


def reply_of_repeated(context: CallContext) -> GovernedReply | None:
    """What became of the call that this idempotency key made; None when it made none.

    Who waits for the answer waits here as well while the first is being answered. A held call
    answers as held until it is decided, and from then on with what was decided first; whatever
    was decided afterwards it says, and gives nothing out again that was rejected.
    """
    if not context.request.idempotency_key:
        return None
    call = elsewhere(BESIDE, earlier_call, context)
    if call is None:
        return None
    # What is given once is not given to who may not have it, nor twice to who begins anew.
    check_seen(context)
    if call.state in OPEN_STATES and context.request.mode == "sync":
        call = _settled(call)
    return elsewhere(BESIDE, _given_again, context, call)


def _given_again(context: CallContext, call: Call) -> GovernedReply:
    key, person = context.key, context.request.person
    actor = key.as_actor() if key else Actor.person(person)
    reply = as_delivered_first(reply_of_earlier(call), overturned(call))
    return fetched(reply, actor=actor, now=timezone.now())


def reply_of_one_just_let_in(context: CallContext) -> GovernedReply | None:
    """As `reply_of_repeated`, for a call that has its place and will have its row in a moment."""
    if not context.request.idempotency_key:
        return None
    for seconds in (0.0, 0.1, 0.3):
        pause(seconds)
        if (earlier := reply_of_repeated(context)) is not None:
            return earlier
    return None


def _settled(call: Call) -> Call:
    """The call once it is settled; raises StillRunning after the longest wait."""
    if not _seats.acquire(blocking=False):
        raise still_running()
    try:
        return _waited_for(call)
    finally:
        _seats.release()


def _waited_for(call: Call) -> Call:
    last = time.monotonic() + LONGEST_WAIT_SECONDS
    seconds = FIRST_PAUSE_SECONDS
    while call.state in OPEN_STATES:
        if time.monotonic() + seconds > last:
            raise still_running()
        pause(seconds)
        seconds = min(seconds * 1.5, LONGEST_PAUSE_SECONDS)
        call = elsewhere(BESIDE, _as_it_is, call)
    return call


def _as_it_is(call: Call) -> Call:
    return Call.objects.select_related("use_case", "deployment", "api_key").get(pk=call.pk)


def still_running() -> StillRunning:
    return StillRunning(
        "The same request is still being answered; ask again in a moment.", retry_after_seconds=2
    )
