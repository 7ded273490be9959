"""What is left of a risk when mitigations are done, and which tier decides. Pure.

Source: our own policy, after AI Act Art. 9(5) (measures first, then the residual risk is judged)
and ISO/IEC 42001 A.5. The figures here are ours; a stricter organisation changes them here.
"""

from __future__ import annotations

from governance.kernel.terms import RiskTier
from governance.registry.risk import FLOOR, ActClass

# Mitigations take a tier down by one step, never more.
MOST_STEPS = 1


def lowest_residual(inherent: RiskTier, act_class: str, *, open_count: int, done: int) -> RiskTier:
    """The lowest tier that a person may judge to be left.

    Nothing is taken off while a mitigation is open or when none was done, nor from an assessment
    by version 1, whose class is not known. No measure changes what the law calls a use case.
    """
    if open_count or not done or not act_class:
        return inherent
    reached = list(RiskTier)[max(0, inherent.level - MOST_STEPS)]
    return stricter(reached, FLOOR[ActClass(act_class)])


def deciding_tier(
    inherent: RiskTier, residual: RiskTier | None, lowest: RiskTier, *, is_confirmed: bool
) -> RiskTier:
    """The tier that the approval policy goes by.

    The inherent one, unless a safety officer confirmed the residual; a residual that is worse
    than the inherent tier counts at once. Never below `lowest`, as the rules give it now: a
    mitigation that is opened again takes the relief back by itself.
    """
    if residual is None:
        return inherent
    if is_confirmed:
        return stricter(residual, lowest)
    return stricter(inherent, residual)


def stricter(one: RiskTier, other: RiskTier) -> RiskTier:
    return max(one, other, key=lambda tier: tier.level)
