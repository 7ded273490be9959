"""What follows from a judgement on an answer that was delivered already."""

from __future__ import annotations

from datetime import datetime

from reviews.queues.models import ReviewItem
from telemetry.alerts.services import raise_alert


def tell_of_judgement(item: ReviewItem, verdict: str, now: datetime) -> None:
    """A rejected one raises an alert, one per use case; the caller has the answer already."""
    if verdict != "reject":
        return
    use_case = item.call.use_case
    raise_alert(
        cause=f"review-after-delivery:{use_case.slug}",
        title=f"{use_case.title}: a delivered answer was rejected afterwards",
        severity="warning",
        now=now,
        url=f"/calls/{item.call_id}/",
        team=use_case.team,
    )
