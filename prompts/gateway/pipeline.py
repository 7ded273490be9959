"""The product is one function.

A request is let in, written, screened, routed, given a place, answered, screened again and
settled; where no model answers, with the text that was approved for that. Two
transactions, and never one open across the network: `admit` writes the call and holds its
budget, `settle` books it, all or nothing. A crash between them leaves a visible open call
that the sweeper settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

import structlog

from governance.policy import person_names
from prompts.gateway import conversation
from prompts.gateway.caching import recall, remember
from prompts.gateway.context import CallContext, GovernedRequest, Listener, Outdated
from prompts.gateway.governing import is_outdated
from prompts.gateway.refusals import (
    NoDeploymentAvailable,
    RateLimitExceeded,
    Refusal,
    StillRunning,
)
from prompts.gateway.repeating import reply_of_one_just_let_in, reply_of_repeated
from prompts.gateway.reply import GovernedReply, reply_of
from prompts.gateway.stages.admit import (
    admit,
    check_admission,
    check_still_admitted,
    resume,
)
from prompts.gateway.stages.admit_together import admit_together, held_together
from prompts.gateway.stages.authenticate import authenticate, check_seen
from prompts.gateway.stages.compose import compose
from prompts.gateway.stages.degrade import degrade
from prompts.gateway.stages.dispose import dispose
from prompts.gateway.stages.invoke import invoke
from prompts.gateway.stages.judge import judge
from prompts.gateway.stages.limit import follow_circuits, give_back, limit, take_place
from prompts.gateway.stages.route import route
from prompts.gateway.stages.screen_input import screen_input
from prompts.gateway.stages.screen_output import screen_output
from prompts.gateway.stages.settle import settle, settle_refused
from prompts.gateway.tracing import tell
from prompts.gateway.waiting import BESIDE, LONG, MOST_IN_LOOP, elsewhere

log = structlog.get_logger("placet.call")


def run(request: GovernedRequest) -> GovernedReply:
    """One governed call from its request to its reply. Raises nothing but bugs."""
    return go_through(begin(request))


def go_through(context: CallContext) -> GovernedReply:
    """The whole way of a call that has begun."""
    try:
        if earlier := enter(context):
            return earlier
        answer(context)
    except Refusal as refusal:
        degrade(context, refusal)
    return conclude(context)


def accept(request: GovernedRequest) -> GovernedReply:
    """Let a call in and leave the rest to a worker: its request is sealed in the call's payload."""
    context = begin(request)
    try:
        if earlier := enter(context):
            return earlier
    except Refusal as refusal:
        context.refusal = refusal
        return conclude(context)
    tell(context)
    return reply_of(context)


def carry_on(call_id: UUID) -> None:
    """The worker's half of an accepted call. A call that is settled or run by another is left."""
    structlog.contextvars.bind_contextvars(call=str(call_id))
    context = resume(call_id)
    if context is None:
        return
    try:
        with context.stage("admit"):
            check_still_admitted(context)
        with context.stage("limits"):
            take_place(context)
        answer(context)
    except Refusal as refusal:
        degrade(context, refusal)
    conclude(context)


def begin(request: GovernedRequest, listener: Listener | None = None) -> CallContext:
    """A call with its id, which every log line of it carries from here on.

    `listener` hears the answer's pieces where they may leave before its end is known.
    """
    context = CallContext(request, listener=listener)
    structlog.contextvars.bind_contextvars(call=str(context.call_id))
    return context


def enter(context: CallContext) -> GovernedReply | None:
    """Everything before the provider; a reply only for a repeated idempotency key.

    What governs the call is taken as it was seen a moment ago, and the statement that lets it in
    says whether it still is so. Whatever else becomes of it, it is looked at again before.
    """
    try:
        return _entered(context)
    except (Outdated, Refusal) as error:
        if isinstance(error, Refusal) and not is_outdated(context.seen):
            raise
    context.begin_anew()
    return _entered(context)


def _entered(context: CallContext) -> GovernedReply | None:
    with context.stage("authenticate"):
        authenticate(context)
    if (earlier := reply_of_repeated(context)) is not None:
        return earlier
    with context.stage("admit"):
        check_admission(context)
    with context.stage("compose") as entry:
        entry["note"] = compose(context)
    with context.stage("screen input") as entry:
        entry["note"] = _screened(screen_input, context, _asked_texts(context))
    with context.stage("route") as entry:
        entry["note"] = route(context)
    try:
        with context.stage("limits") as entry:
            entry["note"] = admit_together(context) or _limited(context)
    except (NoDeploymentAvailable, RateLimitExceeded):
        # What has taken the last place may be the same request.
        if (earlier := reply_of_one_just_let_in(context)) is None:
            raise
        return earlier
    try:
        with context.stage("hold budget") as entry:
            entry["note"] = held_together(context) or elsewhere(BESIDE, admit, context)
    except StillRunning:
        # The same request arrived twice at once, and the other one is let in.
        if (earlier := reply_of_one_just_let_in(context)) is None:
            raise
        elsewhere(BESIDE, give_back, context)
        return earlier
    return None


def _limited(context: CallContext) -> str:
    check_seen(context)
    return elsewhere(BESIDE, limit, context)


def answer(context: CallContext) -> None:
    """Ask the provider, look at what it says, and decide whether it may leave."""
    with context.stage("invoke") as entry:
        entry["note"] = recall(context) or invoke(context)
    with context.stage("screen output") as entry:
        entry["note"] = _screened(screen_output, context, [context.output])
    judge(context)
    with context.stage("dispose") as entry:
        entry["note"] = dispose(context)


def _screened(
    screen: Callable[[CallContext], str], context: CallContext, texts: Iterable[str]
) -> str:
    """The screen's note. What takes milliseconds keeps no other call of the loop waiting."""
    is_short = sum(map(len, texts)) <= MOST_IN_LOOP and not person_names.installed()
    return screen(context) if is_short else elsewhere(LONG, screen, context)


def _asked_texts(context: CallContext) -> Iterator[str]:
    return (text for message in context.messages for text in conversation.texts(message))


def conclude(context: CallContext) -> GovernedReply:
    """Book it, and say what became of it."""
    if context.call is None:
        elsewhere(BESIDE, settle_refused, context)
    else:
        settle(context)
        remember(context)
    follow_circuits(context)
    code = context.refusal.code if context.refusal else ""
    reply = reply_of(context)
    tell(context)
    log.info("call", state=reply.state, refusal=code, attempts=len(context.attempts))
    return reply
