"""The reply to a feedback, the same at both of its addresses."""

from __future__ import annotations

from typing import Any

from reviews.feedback.giving import Given
from reviews.feedback.models import kept_texts


def given_body(given: Given) -> dict[str, Any]:
    """JSON-plain: what was kept, what the correction breaks, and whether people look at it."""
    one = given.feedback
    kept = kept_texts(one)
    return {
        "id": str(one.pk),
        "object": "call.feedback",
        "call": str(one.call_id),
        "thumb": str(one.thumb),
        "state": str(one.state),
        "kept": kept,
        "keep_until": one.keep_until.isoformat() if any(kept.values()) else None,
        "redactions": one.redactions,
        "contract": {
            "keeps": None if one.breaks_contract is None else not one.breaks_contract,
            "problems": list(given.problems),
        },
        "created": int(one.given_at.timestamp()),
    }
