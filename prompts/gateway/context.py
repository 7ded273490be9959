"""What one governed call knows of itself while the stages pass it on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from governance.access.models import ApiKey, User
from governance.kernel.canonical import uuid7
from governance.kernel.terms import Sensitivity
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import PriceList, Usage
from governance.policy.matching import RuleMatch
from governance.registry.models import UseCase
from prompts.gateway.asked import Asked
from prompts.gateway.gate import Pass, Standing
from prompts.gateway.governing import Generation, Governing
from prompts.gateway.refusals import Refusal
from prompts.gateway.verdicts import Opinion
from prompts.releases.checks import Checks, checks_of
from prompts.releases.models import Release
from telemetry.ledger.models import Call

CUT_OFF = "cut_off"
REPAIR, VERDICT = "repair", "verdict"
"""What an attempt was for, where it was not the answer itself."""


@dataclass(frozen=True)
class Trial:
    """Which version is tried on which deployment, with what seed where it has none; trials.py."""

    version_id: int
    deployment_id: int
    seed: int


@dataclass(frozen=True)
class GovernedRequest:
    """What an entrance understood. `model` is a use case's slug, or "use-case/prompt"."""

    model: str
    presented_key: str = ""
    person: User | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    sensitivity: str = ""
    environment: str = "production"
    idempotency_key: str = ""
    body_hash: str = ""
    task_id: str = ""
    end_user: str = ""
    mode: str = "sync"
    # For calls that Placet makes in an application's stead: its key, whose secret is kept nowhere.
    key_id: int | None = None
    most_cost: Decimal | None = None
    wants_usage: bool = False
    # W3C trace context of the caller, for whoever exports spans.
    traceparent: str = ""
    # Texts to be made into embeddings; a request has these or messages.
    inputs: tuple[str, ...] = ()
    # An evaluation of a version that need not be released; its answer is delivered to nobody.
    trial: Trial | None = None


def may_go_together(request: GovernedRequest) -> bool:
    """Asked for at once, for what it may cost, of what is released: let in with others.

    Where the same idempotency key arrives twice at once, the database takes neither set; alone,
    the second finds the first.
    """
    return bool(
        settings.PLACET_TOGETHER
        and request.mode != "async"
        and request.most_cost is None
        and request.trial is None
    )


class Outdated(Exception):
    """What the call was let on by has changed meanwhile: it begins anew."""


@dataclass(frozen=True)
class Attempt:
    """One request to a provider that answered, or failed after it may have cost."""

    number: int
    deployment: Deployment
    prices: PriceList
    usage: Usage
    is_billed: bool
    purpose: str = ""

    @property
    def priced(self) -> Decimal:
        """In the currency of the deployment's prices."""
        return self.prices.cost(self.usage) if self.is_billed else Decimal(0)

    @property
    def cost(self) -> Decimal:
        """As it is booked."""
        return self.prices.booked(self.priced)


Listener = Callable[["CallContext", str], None]


@dataclass
class CallContext:
    """Filled by the stages in their order; see pipeline.py."""

    request: GovernedRequest
    listener: Listener | None = None
    call_id: UUID = field(default_factory=uuid7)
    received_at: datetime = field(default_factory=timezone.now)
    # What governs it is as it was then; None once that is sure. See pipeline.enter.
    seen: Generation | None = None
    must_look: bool = False
    key: ApiKey | None = None
    use_case: UseCase | None = None
    governing: Governing | None = None
    release: Release | None = None
    call: Call | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    sensitivity: Sensitivity = Sensitivity.PUBLIC
    redactions: dict[str, int] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    prices: dict[int, PriceList] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)
    attempts: list[Attempt] = field(default_factory=list)
    held_attempts: int = 0
    # With its hold and its place, in one statement; see stages/admit_together.py.
    was_let_in_together: bool = False
    output: str = ""
    is_cached: bool = False
    vectors: tuple[tuple[float, ...], ...] = ()
    # The model stopped because it had written as much as it was given.
    is_cut: bool = False
    hold_reason: str = ""
    # What the attempts are for that are made now.
    purpose: str = ""
    # Natural logarithms, one for each token of the answer; None where the provider told none.
    log_probabilities: tuple[float, ...] | None = None
    opinion: Opinion | None = None
    confidence: Decimal | None = None
    confidence_method: str = ""
    refusal: Refusal | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    # What is left of the limits, as headers; see gate.py.
    rates: dict[str, str] = field(default_factory=dict)
    held: Pass = field(default_factory=Pass)
    standings: tuple[datetime, list[Standing]] | None = None
    ends_at: float | None = None
    is_degraded: bool = False
    trail: list[dict[str, Any]] = field(default_factory=list)
    # Of the trail, what another process had passed before this one went on.
    earlier_stages: int = 0
    _clock: float = field(default_factory=time.perf_counter)

    def begin_anew(self) -> None:
        """As it was before its first stage, which now looks at what governs it."""
        fresh = CallContext(self.request, self.listener, self.call_id)
        fresh.must_look, fresh._clock = True, self._clock
        vars(self).clear()
        vars(self).update(vars(fresh))

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what it notes on the yielded entry stands on the call's page."""
        started = time.perf_counter()
        entry: dict[str, Any] = {"stage": name, "outcome": "passed", "note": ""}
        self.trail.append(entry)
        try:
            yield entry
        except Refusal as refusal:
            entry["outcome"], entry["note"] = "refused", refusal.code
            raise
        finally:
            entry["started_ms"] = self.since_received_ms(started)
            entry["took_ms"] = round((time.perf_counter() - started) * 1000)

    @property
    def known_use_case(self) -> UseCase:
        if self.use_case is None:
            raise RuntimeError("This stage comes after authenticate.")
        return self.use_case

    @property
    def known_governing(self) -> Governing:
        if self.governing is None:
            raise RuntimeError("This stage comes after authenticate.")
        return self.governing

    @property
    def known_release(self) -> Release:
        if self.release is None:
            raise RuntimeError("This stage comes after compose.")
        return self.release

    @property
    def known_call(self) -> Call:
        if self.call is None:
            raise RuntimeError("This stage comes after admit.")
        return self.call

    @property
    def contract(self) -> dict[str, Any]:
        """The release's, with no more of its tools than the caller knows."""
        contract: dict[str, Any] = self.asked.contract or self.known_release.version.output_contract
        return contract

    @property
    def checks(self) -> Checks:
        """What the release asks beside the answer itself."""
        return checks_of(self.known_release.checks)

    @property
    def checks_or_none(self) -> Checks | None:
        return None if self.release is None else self.checks

    @property
    def answering(self) -> Attempt | None:
        """The last attempt at the answer itself: no judge's."""
        own = [one for one in self.attempts if one.purpose != VERDICT]
        return own[-1] if own else None

    @property
    def max_tokens(self) -> int:
        return self.asked.max_tokens

    def since_received_ms(self, clock: float) -> int:
        """Milliseconds from the request's arrival to that reading of the performance counter."""
        return round((clock - self._clock) * 1000)

    @property
    def budget_seconds(self) -> int:
        """For all attempts together, as the first deployment has it."""
        return self.deployments[0].budget_seconds if self.deployments else 0

    def seconds_left(self) -> float:
        """Of the time for all attempts, which begins with the first one."""
        if self.ends_at is None:
            self.ends_at = time.monotonic() + self.budget_seconds
        return self.ends_at - time.monotonic()

    def note_finding(self, code: str, stage: str, detail: str) -> None:
        """Something a person should look at; `detail` never holds content."""
        self.findings.append({"code": code, "stage": stage, "detail": detail})

    def note_match(self, code: str, stage: str, match: RuleMatch) -> None:
        """A rule of the screens that found something, with what it says is to be done."""
        found = {"code": code, "stage": stage, "detail": match.detail}
        rule = {"rule": match.rule.key, "rule_set": match.rule_set, "version": match.version}
        self.findings.append(found | rule | {"action": match.rule.action})

    @property
    def to_look_at(self) -> list[dict[str, Any]]:
        """Findings for which a person should look; what a rule only notes is none."""
        return [one for one in self.findings if one.get("action") != "note"]
