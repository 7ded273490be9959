"""Cards are read again: reminders before their review date, and what is overdue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from governance.access.selectors import holders
from governance.approvals.rules import NOTICE_DAYS, notice_due
from governance.audit.selectors import timeline_for
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.model_cards.models import ModelCard
from governance.model_cards.writing import locked

REMINDED = "model_card.review_reminded"
SYSTEM = Actor.system("model cards")


def overdue_reviews(now: datetime) -> QuerySet[ModelCard]:
    """Approved cards whose review date has passed, the longest first."""
    today = now.astimezone(UTC).date()
    late = ModelCard.objects.filter(state="approved", review_on__lt=today)
    return late.order_by("review_on", "pk")


def remind_of_reviews(*, now: datetime) -> int:
    """Tell authors 30, 7 and 1 days before the review of an approved card; how many were told of.

    Each step is told once: its audit event is the memory. Without their author, ML engineers hear.
    """
    today = now.astimezone(UTC).date()
    soon = today + timedelta(days=max(NOTICE_DAYS))
    near = ModelCard.objects.filter(state="approved", review_on__range=(today, soon))
    return sum(_remind(pk, now) for pk in near.values_list("pk", flat=True))


@transaction.atomic
def _remind(card_id: int, now: datetime) -> bool:
    card: ModelCard = locked(ModelCard.objects.select_related("author"), pk=card_id)
    days_left = (card.review_on - now.astimezone(UTC).date()).days
    told = timeline_for(card).filter(action=REMINDED).values_list("after__step", flat=True)
    step = notice_due(days_left, min(told, default=None))
    if step is None or card.state != "approved":
        return False
    author = card.author
    people = [author] if author.is_active else list(holders(Permission.MODEL_AUTHOR, now=now))
    days = "today" if days_left == 0 else f"in {days_left} day{'' if days_left == 1 else 's'}"
    url = reverse("model_cards:card", args=[card.pk])
    notify(users=people, title=f"To be reviewed {days}: {card}", url=url, now=now)
    after = {"step": step, "review_on": card.review_on}
    record(actor=SYSTEM, action=REMINDED, subject=card, now=now, after=after)
    return True
