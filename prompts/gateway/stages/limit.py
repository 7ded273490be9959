"""Is there room for it now? Limits, places and circuits, across all processes."""

from __future__ import annotations

import random
import time

from governance.model_cards.models import Deployment
from prompts.gateway import gate
from prompts.gateway.circuits import follow
from prompts.gateway.context import CallContext
from prompts.gateway.gate import Entry, Limits, Pass, Skipped
from prompts.gateway.refusals import (
    NoDeploymentAvailable,
    RateLimitExceeded,
    Refusal,
    RequestTooLarge,
)
from prompts.gateway.rules import retry_after
from prompts.gateway.stages.route import most_input_tokens
from prompts.gateway.waiting import BESIDE, elsewhere, pause

WORDS = {
    "open": "fails and is left alone for a while",
    "half_open": "is being tried after it failed",
    "held_open": "is switched off by hand",
    "busy": "has no free place",
    "limit": "is at its own limit",
}
SUBJECTS = {"key": "This key", "use_case": "This use case"}
# A worker can wait where a caller cannot.
LONGEST_WORKER_WAIT = 60.0


def limit(context: CallContext) -> str:
    """Take from every bucket and a place at the first deployment that may be asked, or refuse.

    A call that waits for a worker takes from the buckets alone: its place is taken when it runs.
    """
    context.held.tokens = most_input_tokens(context) + context.max_tokens
    buckets = buckets_of(context)
    for one in buckets:
        _check_ever(one, context.held.tokens)
    places = [] if context.request.mode == "async" else ever_fitting(context)
    entry = _enter(context, buckets, places)
    context.rates = entry.header_facts()
    if entry.short_of is not None:
        raise _over(entry, buckets)
    context.held.buckets = [one for one in buckets if one.is_any]
    if not places:
        return "taken"
    if entry.chosen is None:
        context.held.buckets = []
        raise none_available(context.deployments, entry.skipped)
    return begin_at(context, entry)


def take_place(context: CallContext) -> None:
    """For a worker: wait a little for a place, then refuse."""
    context.held.tokens = most_input_tokens(context) + context.max_tokens
    context.held.buckets = buckets_of(context)
    last = time.monotonic() + LONGEST_WORKER_WAIT
    while True:
        entry = _enter(context, [], ever_fitting(context))
        if entry.chosen is not None:
            begin_at(context, entry)
            return
        wait = min((one.wait for one in entry.skipped), default=0.0)
        seconds = min(wait, 2.0) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
        if time.monotonic() + max(wait, seconds) > last:
            raise none_available(context.deployments, entry.skipped)
        pause(seconds)


def move_on(context: CallContext, index: int) -> Skipped | None:
    """Give the place up for one at the next deployment; why not, where there is none."""
    deployment = context.deployments[index]
    if context.held.at == deployment.pk:
        return None
    entry = elsewhere(BESIDE, _enter, context, [], [deployment])
    if entry.chosen is None:
        return entry.skipped[0]
    context.held.note(deployment, entry)
    return None


def give_back(context: CallContext) -> None:
    """Leave through the door: idempotent for as long as the transaction around it is."""
    held = context.held
    if not held.buckets and not held.entered:
        return
    used_at: dict[int, int] = {}
    for one in context.attempts:
        tokens = one.usage.input + one.usage.output if one.is_billed else 0
        used_at[one.deployment.pk] = used_at.get(one.deployment.pk, 0) + tokens
    at, standings = gate.leave(context.call_id, held, sum(used_at.values()), used_at)
    context.standings = (at, standings)


def follow_circuits(context: CallContext) -> None:
    """Once what the call did is booked: its ends may open or close a circuit."""
    if context.standings is not None:
        at, standings = context.standings
        follow(standings, context.held, at)
        context.held = Pass()
        context.standings = None


def _enter(context: CallContext, buckets: list[Limits], places: list[Deployment]) -> Entry:
    wanted = [one for one in buckets if one.is_any]
    if not wanted and not places:
        return Entry()
    # Seconds may pass before the first attempt; what is left of them is counted from there.
    lease = context.budget_seconds
    return gate.enter(context.call_id, wanted, places, context.held.tokens, lease)


def begin_at(context: CallContext, entry: Entry) -> str:
    """Those that were skipped come last: by then they may be asked again."""
    skipped = {one.deployment_id for one in entry.skipped}
    order = sorted(context.deployments, key=lambda one: one.pk in skipped)
    chosen = next(one for one in order if one.pk == entry.chosen)
    context.deployments = [chosen, *(one for one in order if one is not chosen)]
    context.held.note(chosen, entry)
    passed_over = "; ".join(why_not(context.deployments, one) for one in entry.skipped)
    return f"{chosen.name}; {passed_over}" if passed_over else chosen.name


def why_not(deployments: list[Deployment], skipped: Skipped) -> str:
    names = {one.pk: one.name for one in deployments}
    return f"{names.get(skipped.deployment_id, 'one')} {WORDS[skipped.why]}"


def buckets_of(context: CallContext) -> list[Limits]:
    """The key's, then the use case's: one order for everybody."""
    found = []
    if (key := context.key) is not None:
        found.append(Limits("key", key.pk, key.requests_per_minute, key.tokens_per_minute))
    use_case = context.known_governing.limits
    if use_case is not None:
        found.append(use_case)
    return [one for one in found if one.is_any]


def ever_fitting(context: CallContext) -> list[Deployment]:
    """Without those whose limit is smaller than this one call."""
    tokens = context.held.tokens
    fitting = [
        one
        for one in context.deployments
        if one.tokens_per_minute is None or one.tokens_per_minute >= tokens
    ]
    if not fitting:
        raise RequestTooLarge(
            f"The request may use {tokens:,} tokens, more than any deployment of this release "
            "takes in a minute. Shorten it, or ask for fewer tokens."
        )
    return fitting


def _check_ever(limits: Limits, tokens: int) -> None:
    if limits.tokens is not None and tokens > limits.tokens:
        raise RequestTooLarge(
            f"The request may use {tokens:,} tokens, and {SUBJECTS[limits.subject].lower()} may "
            f"use {limits.tokens:,} a minute. Shorten it, or ask for fewer tokens."
        )


def _over(entry: Entry, buckets: list[Limits]) -> Refusal:
    short = entry.short_of
    if short is None:
        raise RuntimeError("Asked for without a limit that was reached.")
    limits = next(one for one in buckets if one.subject == short.subject)
    most = limits.requests if short.kind == "requests" else limits.tokens
    what = "make {:,} calls" if short.kind == "requests" else "use {:,} tokens"
    return RateLimitExceeded(
        f"{SUBJECTS[short.subject]} may {what.format(most)} a minute.",
        retry_after_seconds=retry_after(short.wait),
    )


def none_available(deployments: list[Deployment], skipped: tuple[Skipped, ...]) -> Refusal:
    """Where all are at their own limits it is a rate limit, else nobody can be asked."""
    wait = retry_after(min((one.wait for one in skipped), default=30.0))
    told = "; ".join(why_not(deployments, one) for one in skipped)
    kind: type[Refusal] = NoDeploymentAvailable
    if skipped and all(one.why == "limit" for one in skipped):
        kind = RateLimitExceeded
    return kind(f"No deployment can be asked now: {told}.", retry_after_seconds=wait)
