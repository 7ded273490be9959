"""What a sensitivity and a risk tier oblige. Pure: one table, read by gateway and page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.policy.person_names import PERSON

# Tax and social numbers, by country.
NATIONAL = (
    *("AU_TFN", "ES_NIE", "ES_NIF", "FI_PERSONAL_IDENTITY_CODE", "IN_AADHAAR", "IN_PAN"),
    *("IT_FISCAL_CODE", "PL_PESEL", "SG_NRIC_FIN", "UK_NHS", "UK_NINO", "US_ITIN", "US_SSN"),
)
ALWAYS = ("CREDIT_CARD", "IBAN_CODE", *NATIONAL)
PERSONAL = ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", *ALWAYS)
# Names are replaced where a model that knows them is installed; an answer may hold them.
WITH_NAMES = (*PERSONAL, PERSON)
# What a caller needs to use an answer, as the address of a letter. Numbers of cards, accounts and
# persons, and what an organisation's own recognisers find, are needed by nobody who reads one.
RESTORABLE = ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", PERSON)


@dataclass(frozen=True)
class Obligations:
    """What the gateway must do to a call."""

    redact: tuple[str, ...]
    # Types whose values are put back into an answer, as it is given to who sent them.
    restore: tuple[str, ...]
    hosting: frozenset[str]
    retention_days: int
    # The longest that an answer may be given again to the same request; 0: never.
    cache_seconds: int = 0


_BY_SENSITIVITY = {
    Sensitivity.PUBLIC: Obligations(
        ALWAYS, (), frozenset({"hosted", "private", "embedded"}), 90, 604_800
    ),
    Sensitivity.INTERNAL: Obligations(
        WITH_NAMES, RESTORABLE, frozenset({"hosted", "private", "embedded"}), 90, 86_400
    ),
    Sensitivity.REGULATED: Obligations(WITH_NAMES, (), frozenset({"private", "embedded"}), 30),
}

RETENTION_FLOOR_DAYS = {
    RiskTier.MINIMAL: 30,
    RiskTier.LIMITED: 90,
    # EU AI Act, Articles 19 and 26(6): logs of high-risk systems at least six months.
    RiskTier.HIGH: 183,
    RiskTier.UNACCEPTABLE: 183,
}

OVERSIGHT_FLOOR = {
    RiskTier.MINIMAL: Oversight.NONE,
    RiskTier.LIMITED: Oversight.ON_FINDING,
    RiskTier.HIGH: Oversight.ALL,
    RiskTier.UNACCEPTABLE: Oversight.ALL,
}

_STRICTNESS = (
    Oversight.NONE,
    Oversight.SAMPLED,
    Oversight.LOW_CONFIDENCE,
    Oversight.ON_FINDING,
    Oversight.ALL,
)
LOW_CONFIDENCE = Decimal("0.7")


def obligations(sensitivity: Sensitivity, tier: RiskTier) -> Obligations:
    """What holds for content of that sensitivity in a use case of that tier."""
    found = _BY_SENSITIVITY[sensitivity]
    days = max(found.retention_days, RETENTION_FLOOR_DAYS[tier])
    return replace(found, retention_days=days)


def effective_oversight(declared: Oversight, tier: RiskTier) -> Oversight:
    """The stricter of what the use case declares and what its tier obliges."""
    return max(declared, OVERSIGHT_FLOOR[tier], key=_STRICTNESS.index)


@dataclass(frozen=True)
class HoldDecision:
    """Whether a person must look first, and why in words."""

    hold: bool
    reason: str = ""


def must_hold(
    oversight: Oversight,
    *,
    findings: int,
    confidence: Decimal | None,
    sample_share: Decimal,
    call_id: UUID,
) -> HoldDecision:
    """Decide by oversight mode. Sampling is by the call's id, so anybody can derive it again.

    A confidence that is not known counts as low; a finding holds in every mode but none.
    """
    if oversight == Oversight.ALL:
        return HoldDecision(True, "Every answer of this use case is looked at by a person.")
    if findings and oversight != Oversight.NONE:
        return HoldDecision(True, f"The screens found {findings} thing(s) to look at.")
    if oversight == Oversight.LOW_CONFIDENCE and (confidence or Decimal(0)) < LOW_CONFIDENCE:
        known = "is not known" if confidence is None else f"is {confidence}"
        return HoldDecision(True, f"The model's confidence {known}.")
    if oversight == Oversight.SAMPLED and is_sampled(call_id, sample_share):
        return HoldDecision(True, f"Drawn for the sample of {sample_share} % of the calls.")
    return HoldDecision(False)


def is_sampled(call_id: UUID, share: Decimal) -> bool:
    """Whether the call is in the sample of `share` percent, from the last 32 bits of its id."""
    return call_id.int % 2**32 < int(2**32 * share / 100)


def lacks_oversight(declared: Oversight, tier: RiskTier) -> bool:
    """Whether more must be looked at than the use case declares."""
    return effective_oversight(declared, tier) != declared


@dataclass(frozen=True)
class ObligationRow:
    """One line of the table: what holds for that sensitivity in that tier."""

    sensitivity: Sensitivity
    tier: RiskTier
    obliged: Obligations
    oversight: Oversight


def obligation_table() -> list[ObligationRow]:
    """Every sensitivity in every tier that may run; nobody can approve an unacceptable risk."""
    return [
        ObligationRow(sensitivity, tier, obligations(sensitivity, tier), OVERSIGHT_FLOOR[tier])
        for sensitivity in Sensitivity
        for tier in RiskTier
        if tier != RiskTier.UNACCEPTABLE
    ]
