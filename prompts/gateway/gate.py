"""The door that all processes share: limits, places and circuits, asked in one statement.

`enter` takes from every bucket of the call and a place at the first deployment that may be
asked, or nothing at all; `leave` gives back what was not used. Neither is remembered, and
without the database nobody gets in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.kernel.statements import executed
from governance.model_cards.models import Deployment
from prompts.gateway.rules import CIRCUIT_STATES, WINDOW_SECONDS, counts_against, in_openais_words
from prompts.gateway.runners import own_id

# A place outlasts what the call may take by this: the time to look at the answer and book it.
MARGIN_SECONDS = 20
PROBED = CIRCUIT_STATES.target("open", "probe")


@dataclass(frozen=True)
class Limits:
    """What one subject may in a minute; None is no limit of its own."""

    subject: str
    id: int
    requests: int | None
    tokens: int | None

    @property
    def is_any(self) -> bool:
        return self.requests is not None or self.tokens is not None

    def as_plain(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "id": self.id,
            "requests": self.requests,
            "tokens": self.tokens,
        }


@dataclass(frozen=True)
class Left:
    """What is left of one subject's limits once this call has taken its part."""

    limits: Limits
    requests: float | None
    tokens: float | None


@dataclass(frozen=True)
class ShortOf:
    """The limit that keeps the call waiting longest."""

    subject: str
    kind: str
    wait: float


@dataclass(frozen=True)
class Skipped:
    """A deployment that is not asked now, why, and how long that may last."""

    deployment_id: int
    why: str
    wait: float


@dataclass(frozen=True)
class Entry:
    """What the door said. Without `short_of`, and with a deployment chosen, the call is in."""

    chosen: int | None = None
    is_probe: bool = False
    short_of: ShortOf | None = None
    skipped: tuple[Skipped, ...] = ()
    left: tuple[Left, ...] = ()

    def header_facts(self) -> dict[str, str]:
        """As OpenAI names them, of the subject that has the least left."""
        return _said("requests", self.left) | _said("tokens", self.left)


def _said(kind: str, left: tuple[Left, ...]) -> dict[str, str]:
    found = [
        (max(0.0, getattr(one, kind)), getattr(one.limits, kind))
        for one in left
        if getattr(one, kind) is not None
    ]
    if not found:
        return {}
    remaining, limit = min(found)
    full_again = (limit - remaining) * 60 / limit
    return {
        f"x-ratelimit-limit-{kind}": str(limit),
        f"x-ratelimit-remaining-{kind}": str(int(remaining)),
        f"x-ratelimit-reset-{kind}": in_openais_words(full_again),
    }


def of_deployment(deployment: Deployment) -> Limits:
    return Limits(
        "deployment",
        deployment.pk,
        deployment.requests_per_minute,
        deployment.tokens_per_minute,
    )


def enter(
    call_id: UUID,
    buckets: list[Limits],
    deployments: list[Deployment],
    tokens: int,
    lease_seconds: int,
) -> Entry:
    """Ask for a place. `buckets` come in one order for everybody: the key, then the use case."""
    asked = {
        "call": str(call_id),
        "buckets": [one.as_plain() for one in buckets],
        "deployments": [
            of_deployment(one).as_plain() | {"most": one.concurrency_limit} for one in deployments
        ],
        "tokens": tokens,
        "lease": lease_seconds + MARGIN_SECONDS,
        "probed": PROBED,
        "runner": _runner(),
    }
    answer = _asked("SELECT gateway_enter(%s)", asked)
    by_name = {(one.subject, one.id): one for one in buckets}
    short_of = answer.get("short_of")
    taken = 0 if short_of or not (answer.get("chosen") or not deployments) else 1
    return Entry(
        chosen=answer.get("chosen"),
        is_probe=bool(answer.get("is_probe")),
        short_of=ShortOf(**short_of) if short_of else None,
        skipped=tuple(
            Skipped(one["id"], one["why"], one["wait"]) for one in answer.get("skipped", ())
        ),
        left=tuple(
            Left(
                by_name[(one["subject"], one["id"])],
                _less(one["requests"], taken),
                _less(one["tokens"], taken * tokens),
            )
            for one in answer["buckets"]
        ),
    )


def _runner() -> str | None:
    found = own_id()
    return str(found) if found else None


def _less(level: float | None, taken: int) -> float | None:
    return None if level is None else level - taken


def _asked(statement: str, facts: dict[str, Any]) -> dict[str, Any]:
    with executed(statement, [json.dumps(facts)]) as cursor:
        (answer,) = cursor.fetchone()
    found: dict[str, Any] = json.loads(answer) if isinstance(answer, str) else answer
    return found


@dataclass(frozen=True)
class End:
    """How one attempt ended: `failure` is empty for an answer."""

    deployment_id: int
    failure: str
    took_ms: int


@dataclass
class Pass:
    """What a call holds of the door until it leaves."""

    buckets: list[Limits] = field(default_factory=list)
    tokens: int = 0
    entered: dict[int, Limits] = field(default_factory=dict)
    at: int | None = None
    probes: set[int] = field(default_factory=set)
    ends: list[End] = field(default_factory=list)

    def note(self, deployment: Deployment, entry: Entry) -> None:
        """It has a place at that deployment now, and none at the one before."""
        self.at = deployment.pk
        self.entered[deployment.pk] = of_deployment(deployment)
        if entry.is_probe:
            self.probes.add(deployment.pk)


@dataclass(frozen=True)
class Standing:
    """A circuit's state and its counts, the running window and the one before it together."""

    deployment_id: int
    state: str
    calls: int
    failures: int


def leave(
    call_id: UUID, held: Pass, used: int, used_at: dict[int, int]
) -> tuple[datetime, list[Standing]]:
    """Give back what was taken and not used (or take what was used beyond it); count the ends.

    `used` are the call's tokens, `used_at` those of each deployment.
    """
    told = {
        "call": str(call_id),
        "window": WINDOW_SECONDS,
        "buckets": [one.as_plain() | {"back": held.tokens - used} for one in held.buckets],
        "deployments": [
            one.as_plain() | {"back": held.tokens - used_at.get(one.id, 0)} | _counted(held, one.id)
            for one in held.entered.values()
        ],
        "attempts": [
            {"id": one.deployment_id, "failure": one.failure, "took_ms": one.took_ms}
            for one in held.ends
        ],
    }
    return standings_in(_asked("SELECT gateway_leave(%s)", told))


def standings_in(answer: dict[str, Any]) -> tuple[datetime, list[Standing]]:
    """When the door was left, and how the circuits stood then."""
    standings = [
        Standing(one["id"], one["state"], one["calls"], one["failures"])
        for one in answer["circuits"]
    ]
    return datetime.fromisoformat(answer["at"]), standings


def leaving_together(calls: Sequence[tuple[UUID, Pass, int]]) -> dict[str, Any]:
    """What `gateway_leave` is told of calls with the same buckets that each asked one and the
    same deployment once; with the tokens that each used."""
    first_id, first, _ = calls[0]
    back = sum(held.tokens - used for _, held, used in calls)
    ends = [end for _, held, _ in calls for end in held.ends]
    counted = {
        "calls": len(ends),
        "failures": sum(counts_against(one.failure) for one in ends),
        "unused_probe": False,
    }
    return {
        "call": first_id,
        "window": WINDOW_SECONDS,
        "buckets": [one.as_plain() | {"back": back} for one in first.buckets],
        "deployments": [
            one.as_plain() | {"back": back} | counted for one in first.entered.values()
        ],
        "attempts": [
            {"id": one.deployment_id, "failure": one.failure, "took_ms": one.took_ms}
            for one in ends
        ],
    }


def _counted(held: Pass, deployment_id: int) -> dict[str, Any]:
    ends = [one.failure for one in held.ends if one.deployment_id == deployment_id]
    return {
        "calls": len(ends),
        "failures": sum(map(counts_against, ends)),
        "unused_probe": deployment_id in held.probes and not ends,
    }
