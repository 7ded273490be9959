"""What ends with a use case when it retires. Nothing of it comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from governance.access.keys import revoke_api_key
from governance.access.models import ApiKey
from governance.approvals.registries import Consequence
from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from governance.registry.registries import Retirement, retirements

# A signatory of the stage need not be one who may end a release or a key: the engine does it.
SYSTEM = Actor.system("retirement")


def retirement_of(use_case: UseCase, now: datetime) -> list[Consequence]:
    """In numbers what would end with it now, from whoever depends on it."""
    return [found for one in retirements.values() for found in one.count(use_case, now)]


def in_words(ends: Iterable[Consequence]) -> str:
    """As in "3 keys, 1 open change, 2 releases"."""
    counts: Counter[str] = Counter()
    for one in ends:
        counts[one.label] += one.count
    parts = [
        f"{number} {label if number == 1 else label + 's'}"
        for label, number in sorted(counts.items())
        if number
    ]
    return ", ".join(parts) or "nothing that runs"


def end_what_depends(use_case: UseCase, reason: str, now: datetime) -> None:
    """Called by the engine when the stage was granted, in its transaction."""
    for one in retirements.values():
        one.carry_out(use_case, reason, now)


def _live_keys(use_case: UseCase) -> list[int]:
    keys = ApiKey.objects.filter(use_case_id=use_case.pk, revoked_at=None)
    return list(keys.order_by("pk").values_list("pk", flat=True))


def count_keys(use_case: UseCase, now: datetime) -> list[Consequence]:
    return [Consequence("key", len(_live_keys(use_case)))]


def revoke_keys(use_case: UseCase, reason: str, now: datetime) -> None:
    for pk in _live_keys(use_case):
        revoke_api_key(actor=SYSTEM, key_id=pk, reason=reason, now=now)


KEYS = Retirement(count_keys, revoke_keys)
