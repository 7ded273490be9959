"""What governs the calls of a use case, remembered for as long as nothing of it changes.

Reading it takes eight queries; one asks whether that is still needed. The generation is read
before the facts, so what is remembered is never older than its generation.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

from django.conf import settings

from governance.access.models import ApiKey
from governance.access.selectors import authenticate_key, key_of_prefix, note_used
from governance.approvals.models import Approval
from governance.kernel.statements import executed
from governance.model_cards.models import Deployment, ExchangeRate, Price
from governance.model_cards.pricing import PriceList
from governance.model_cards.selectors import (
    callable_deployments,
    price_list,
    rates_in_force,
    with_rate,
)
from governance.policy.matching import Screening
from governance.policy.screening import screening_in_force
from governance.registry.models import UseCase
from prompts.gateway.gate import Limits
from prompts.gateway.models import GoverningChange, UseCaseLimit
from prompts.gateway.sql import GENERATION
from prompts.gateway.together import Together
from prompts.gateway.waiting import BESIDE, elsewhere
from prompts.releases.models import Release
from prompts.releases.selectors import unended_releases
from reviews.intake.rules import Rule
from reviews.intake.selectors import rules_in_force

Generation = tuple[int, int, int]
MOST_REMEMBERED = 1000
KEPT_FOR = timedelta(minutes=10)
TRUSTED_SECONDS = 1.0


@dataclass(frozen=True)
class _Seen:
    """A generation, at which time of the database, and of this process's clock."""

    generation: Generation
    time: datetime
    at: float


_seen: _Seen | None = None


@dataclass(frozen=True)
class Governing:
    """One use case with all that a call of it asks for. Nobody changes these rows."""

    use_case: UseCase
    approvals: tuple[Approval, ...]
    releases: dict[str, tuple[Release, ...]]
    deployments: dict[int, Deployment]
    prices: dict[int, tuple[Price, ...]]
    screening: Screening
    limits: Limits | None = None
    rates: tuple[ExchangeRate, ...] = ()
    intake: tuple[Rule, ...] = ()

    def stage_is_approved(self, now: datetime) -> bool:
        return any(one.valid_from <= now < one.valid_until for one in self.approvals)

    def fallback(self, now: datetime) -> str:
        """The text for when no model answers, as it was approved with the stage."""
        valid = [one for one in self.approvals if one.valid_from <= now < one.valid_until]
        if not valid:
            return ""
        newest = max(valid, key=lambda one: one.valid_from)
        return str(newest.change.snapshot.get("fallback_text", "")).strip()

    def running(self, environment: str, now: datetime) -> list[Release]:
        return [one for one in self.releases.get(environment, ()) if one.starts_at <= now]

    def callable(self, release: Release) -> list[Deployment]:
        """In the release's order."""
        ids = release.deployment_ids
        return [self.deployments[one] for one in ids if one in self.deployments]

    def has_tiers(self, deployment: Deployment) -> bool:
        """Whether its price depends on how much it was used this month."""
        return any(one.from_tokens for one in self.prices.get(deployment.pk, ()))

    def prices_on(self, deployment: Deployment, day: date, volume: int = 0) -> PriceList:
        """With the rate they are booked at. Raises PriceUnknown."""
        found = price_list(deployment, self.prices.get(deployment.pk, ()), day, volume=volume)
        return with_rate(found, self.rates, day)


def generation() -> Generation:
    """What `GoverningChange` says of; equal generations mean that nothing changed."""
    return generation_and_time()[0]


def generation_and_time() -> tuple[Generation, datetime]:
    """With the database's clock, which all processes have in common: leases are told by it.

    Those who ask while another is being answered are answered together, by one look after that.
    """
    return _looks.do("generation", None)


def last_seen() -> tuple[Generation | None, Generation, datetime]:
    """As `generation_and_time`, and first the generation where it was not looked at just now.

    Then it is what was seen within the last second. Whoever acts on it says so to the statement
    that lets the call in, which knows whether it still is.
    """
    known = _seen
    if known is None or (age := time.monotonic() - known.at) > TRUSTED_SECONDS:
        return None, *generation_and_time()
    return known.generation, known.generation, known.time + timedelta(seconds=age)


def note_seen(generation: Generation, at: datetime) -> None:
    """The database said just now that this is still the generation."""
    global _seen
    _seen = _Seen(generation, at, time.monotonic())


def is_outdated(seen: Generation | None) -> bool:
    """Whether something changed since; None is what nobody has to look at again."""
    return seen is not None and generation() != seen


def _look(asking: Sequence[None]) -> Sequence[tuple[Generation, datetime]]:
    with executed(GENERATION, None) as cursor:
        *found, now = cursor.fetchone()
    generation = (found[0], found[1], found[2])
    note_seen(generation, now)
    return [(generation, now)] * len(asking)


_looks: Together[None, tuple[Generation, datetime]] = Together(_look)


def forget_changes(now: datetime) -> None:
    """Few rows make a generation as well as many; every process reads once more for it."""
    GoverningChange.objects.filter(at__lt=now - KEPT_FOR).delete()


class Memory:
    """What was read under one generation, by what it was asked for; bounded, for all threads.

    Whoever asks for what another is reading waits for that: a change meets many calls at once.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, Any], tuple[Generation, Any]] = OrderedDict()
        self._readings: Together[Callable[[], Any], Any] = Together(_read_by_the_first)

    def recall(self, kind: str, name: Any, seen: Generation, read: Callable[[], Any]) -> Any:
        """What `read` gave under this generation, else what it gives now. None is not kept."""
        found = self._known(kind, name, seen)
        if found is None:
            found = self._readings.do(
                (kind, name, seen), lambda: self._read_once(kind, name, seen, read)
            )
        return found

    def _known(self, kind: str, name: Any, seen: Generation) -> Any:
        with self._lock:
            kept = self._kept.get((kind, name))
            if kept is None or kept[0] != seen:
                return None
            self._kept.move_to_end((kind, name))
            return kept[1]

    def _read_once(self, kind: str, name: Any, seen: Generation, read: Callable[[], Any]) -> Any:
        if (found := self._known(kind, name, seen)) is None and (found := read()) is not None:
            with self._lock:
                self._kept[(kind, name)] = (seen, found)
                while len(self._kept) > MOST_REMEMBERED:
                    self._kept.popitem(last=False)
        return found


def _read_by_the_first(reads: Sequence[Callable[[], Any]]) -> Sequence[Any]:
    return [reads[0]()] * len(reads)


_memory = Memory()


def authenticated_key(presented: str, now: datetime, seen: Generation) -> ApiKey:
    """As `authenticate_key`, without reading a key that was read before."""

    def find(prefix: str) -> ApiKey | None:
        found: ApiKey | None = _memory.recall("key", prefix, seen, lambda: key_of_prefix(prefix))
        return found

    def note(key: ApiKey, now: datetime) -> None:
        elsewhere(BESIDE, note_used, key, now)

    return authenticate_key(presented, now, find=find, note=note)


def governing(slug: str, seen: Generation) -> Governing | None:
    """The use case of that slug with what governs it; None if there is none."""
    found: Governing | None = _memory.recall("use case", slug, seen, lambda: _read(slug, seen))
    return found


def screening(seen: Generation) -> Screening:
    """The rules of the screens, read and made ready once for each generation."""
    found: Screening = _memory.recall("screening", "", seen, screening_in_force)
    return found


def _limits(use_case: UseCase) -> Limits | None:
    found = UseCaseLimit.objects.filter(use_case=use_case).first()
    if found is None:
        return None
    return Limits("use_case", use_case.pk, found.requests_per_minute, found.tokens_per_minute)


def _read(slug: str, seen: Generation) -> Governing | None:
    use_case = UseCase.objects.select_related("team").filter(slug=slug).first()
    if use_case is None:
        return None
    releases = tuple(unended_releases(use_case))
    wanted = sorted({pk for release in releases for pk in release.all_deployment_ids})
    prices: dict[int, list[Price]] = {}
    is_foreign = False
    for price in Price.objects.filter(deployment__in=wanted):
        prices.setdefault(price.deployment_id, []).append(price)
        is_foreign |= price.currency != settings.PLACET_CURRENCY
    return Governing(
        use_case=use_case,
        approvals=tuple(
            Approval.objects.select_related("change").filter(
                kind="use_case_stage", subject_id=use_case.pk, state="in_force"
            )
        ),
        releases={
            environment: tuple(one for one in releases if one.environment == environment)
            for environment in {one.environment for one in releases}
        },
        deployments={one.pk: one for one in callable_deployments(wanted)},
        prices={pk: tuple(found) for pk, found in prices.items()},
        screening=screening(seen),
        limits=_limits(use_case),
        rates=tuple(rates_in_force()) if is_foreign else (),
        intake=rules_in_force(),
    )
