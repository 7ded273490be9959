"""Obligations, oversight and sampling, over their whole tables."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.policy.rules import (
    OVERSIGHT_FLOOR,
    RETENTION_FLOOR_DAYS,
    effective_oversight,
    is_sampled,
    must_hold,
    obligations,
)

CALL = UUID(int=2**100 + 7)


def held(oversight: Oversight, **facts: object) -> bool:
    given_facts = {
        "findings": 0,
        "confidence": None,
        "sample_share": Decimal(0),
        "call_id": CALL,
    } | facts
    return must_hold(oversight, **given_facts).hold  # type: ignore[arg-type]  # known names


@pytest.mark.parametrize(("sensitivity", "tier"), list(product(Sensitivity, RiskTier)))
def test_no_retention_is_below_the_floor_of_its_tier(
    sensitivity: Sensitivity, tier: RiskTier
) -> None:
    assert obligations(sensitivity, tier).retention_days >= RETENTION_FLOOR_DAYS[tier]


def test_regulated_content_stays_away_from_hosted_models() -> None:
    assert "hosted" not in obligations(Sensitivity.REGULATED, RiskTier.MINIMAL).hosting


@pytest.mark.parametrize("tier", RiskTier)
def test_more_sensitive_content_is_never_obliged_to_less(tier: RiskTier) -> None:
    steps = [obligations(one, tier) for one in Sensitivity]
    for looser, stricter in zip(steps, steps[1:]):
        assert set(looser.redact) <= set(stricter.redact)
        assert stricter.hosting <= looser.hosting


@pytest.mark.parametrize(("declared", "tier"), list(product(Oversight, RiskTier)))
def test_the_tier_only_ever_makes_oversight_stricter(declared: Oversight, tier: RiskTier) -> None:
    assert effective_oversight(declared, tier) in (declared, OVERSIGHT_FLOOR[tier])
    if tier == RiskTier.HIGH:
        assert effective_oversight(declared, tier) == Oversight.ALL


def test_holding_by_mode() -> None:
    assert held(Oversight.ALL)
    assert not held(Oversight.NONE, findings=3)
    assert held(Oversight.ON_FINDING, findings=1)
    assert not held(Oversight.ON_FINDING)
    assert held(Oversight.LOW_CONFIDENCE), "a confidence that is not known counts as low"
    assert held(Oversight.LOW_CONFIDENCE, confidence=Decimal("0.69"))
    assert not held(Oversight.LOW_CONFIDENCE, confidence=Decimal("0.7"))
    assert held(Oversight.SAMPLED, sample_share=Decimal(100))
    assert not held(Oversight.SAMPLED, sample_share=Decimal(0))


@given(st.uuids(), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_larger_share_keeps_every_call_of_a_smaller_one(
    call_id: UUID, one: Decimal, other: Decimal
) -> None:
    smaller, larger = sorted((one, other))
    assert not is_sampled(call_id, smaller) or is_sampled(call_id, larger)
    assert is_sampled(call_id, smaller) == is_sampled(call_id, smaller)
