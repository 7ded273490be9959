"""How long an assessment holds, and which facts end it earlier. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from governance.kernel.terms import RiskTier, Sensitivity

# Our policy. AI Act Art. 9(2) and ISO/IEC 42001 A.5.2 ask for regular review and name no period;
# twelve months is the custom of model risk management, half of it where people may be harmed.
HOLDS: dict[RiskTier, timedelta] = {
    RiskTier.MINIMAL: timedelta(days=365),
    RiskTier.LIMITED: timedelta(days=365),
    RiskTier.HIGH: timedelta(days=183),
    RiskTier.UNACCEPTABLE: timedelta(days=183),
}


@dataclass(frozen=True)
class Facts:
    """What an assessment rests on; `datasets` is the highest sensitivity of the data named."""

    sensitivity: str
    serving: str
    datasets: str
    is_user_facing: bool

    def kept(self) -> dict[str, str | bool]:
        """As it is stored with the assessment."""
        return asdict(self)


def valid_until(tier: RiskTier, at: datetime) -> datetime:
    return at + HOLDS[tier]


def changes(before: Mapping[str, object], now: Facts) -> list[str]:
    """A sentence per fact that changed since; none for an assessment that kept no facts."""
    if not before:
        return []
    found = []
    if before["sensitivity"] != now.sensitivity:
        found.append(f"its sensitivity was {before['sensitivity']} and is {now.sensitivity}")
    if before["serving"] != now.serving:
        was = before["serving"] or "not chosen"
        found.append(f"its serving was {was} and is {now.serving or 'not chosen'}")
    if _rose(before, now):
        named = before["datasets"] or "not named"
        found.append(f"its data was {named} and is {now.datasets}")
    if before["is_user_facing"] != now.is_user_facing:
        reaches = "reach" if now.is_user_facing else "no longer reach"
        found.append(f"its answers {reaches} people outside")
    return found


def _rose(before: Mapping[str, object], now: Facts) -> bool:
    """Whether data is named that is more sensitive than all that was assessed.

    Naming data within what was assessed is what the next gate asks for, and no new fact.
    """
    if not now.datasets:
        return False
    assessed = [Sensitivity(str(one)) for one in (before["sensitivity"], before["datasets"]) if one]
    return Sensitivity(now.datasets).level > max(one.level for one in assessed)


def reasons_due(
    before: Mapping[str, object], facts: Facts, ends_at: datetime, now: datetime
) -> list[str]:
    """Why the assessment has to be made again; empty while it holds."""
    ran_out = [f"it ran out on {ends_at:%Y-%m-%d}"] if ends_at <= now else []
    return ran_out + changes(before, facts)
