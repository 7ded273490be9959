"""How long a pilot lasts and what counts as its success, as its proposal declares it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.registry.rules import Stage

LEAST_DAYS, MOST_DAYS = 7, 365
# For pilots that began before a length was declared.
ASSUMED_DAYS = 30
LONGEST_SUCCESS = 500


@dataclass(frozen=True)
class Pilot:
    """A pilot that runs, or ran."""

    days: int
    success: str
    began_at: datetime

    def days_left(self, now: datetime) -> int:
        """Days until the declared length has passed, begun ones counted; 0 when it has."""
        left = self.began_at + timedelta(days=self.days) - now
        return max(-(-left // timedelta(days=1)), 0)


def stage_proposal(target: str, days: int | None, success: str) -> dict[str, Any]:
    """What a proposal of a stage says; only a pilot declares its length."""
    if target != Stage.PILOT:
        return {"target": target}
    return {"target": target, "pilot_days": days, "pilot_success": success.strip()}


def declared(proposal: Mapping[str, Any]) -> tuple[int, str]:
    """Days and success of an applied proposal."""
    return proposal.get("pilot_days") or ASSUMED_DAYS, proposal.get("pilot_success") or ""


def problems(proposal: Mapping[str, Any]) -> dict[str, str]:
    """What the proposal of a pilot does not say, field by field; nothing for other stages."""
    if proposal.get("target") != Stage.PILOT:
        return {}
    days, success = proposal.get("pilot_days"), str(proposal.get("pilot_success") or "")
    found = {}
    if type(days) is not int or not LEAST_DAYS <= days <= MOST_DAYS:
        found["pilot_days"] = f"the length of the pilot, {LEAST_DAYS} to {MOST_DAYS} days."
    if not success.strip() or len(success) > LONGEST_SUCCESS:
        found["pilot_success"] = (
            f"what counts as success of the pilot, in at most {LONGEST_SUCCESS} characters."
        )
    return found
