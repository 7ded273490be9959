"""What the apps above know of answers, that feedback asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.kernel.registries import Registry
from governance.policy.matching import Screening
from governance.policy.screening import screening_in_force
from telemetry.ledger.models import Call

# Name → the output contract that the call's answer had to keep; {} takes any text.
contracts: Registry[Callable[[Call], dict[str, Any]]] = Registry("output contracts of calls")

# Name → the screening in force, made ready; made anew it takes a third of a second.
screenings: Registry[Callable[[], Screening]] = Registry("screenings at hand")


def screening_at_hand() -> Screening:
    return next((ready() for ready in screenings.values()), None) or screening_in_force()


def contract_of(call: Call) -> dict[str, Any]:
    """Of the version that answered; {} where nothing is known of it."""
    return next((found for one in contracts.values() if (found := one(call))), {})
