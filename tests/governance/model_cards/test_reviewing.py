"""The review date of a card: who is told when, once, and what shows that it has passed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.config.schedule import BEAT_SCHEDULE
from governance.home.models import Notification
from governance.model_cards.hooks import reviews_overdue
from governance.model_cards.models import ModelCard
from governance.model_cards.reviewing import remind_of_reviews
from governance.model_cards.tasks import remind_of_reviews as task
from tests.factories.ledger import NOW, make_person
from tests.factories.stages import approve_card

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(card: ModelCard) -> ModelCard:
    ModelCard.objects.filter(pk=card.pk).update(review_on=NOW.date() + timedelta(days=40))
    card.refresh_from_db()
    return approve_card(card)


def test_each_step_is_told_once_and_recorded(approved: ModelCard, engineer: User) -> None:
    told = [remind_of_reviews(now=NOW + timedelta(days=day)) for day in range(45)]
    assert [day for day, count in enumerate(told) if count] == [10, 33, 39]
    notices = Notification.objects.filter(user=engineer, title__startswith="To be reviewed")
    assert sorted(notices.values_list("title", flat=True)) == [
        f"To be reviewed in {days}: {approved}" for days in ("1 day", "30 days", "7 days")
    ]
    events = AuditEvent.objects.filter(action="model_card.review_reminded")
    assert sorted(one.after["step"] for one in events if one.after) == [1, 7, 30]


def test_a_step_that_was_missed_is_not_made_up_for(approved: ModelCard) -> None:
    assert remind_of_reviews(now=NOW + timedelta(days=36)) == 1
    assert remind_of_reviews(now=NOW + timedelta(days=37)) == 0


def test_drafts_are_not_told_of(card: ModelCard) -> None:
    ModelCard.objects.update(review_on=NOW.date())
    assert remind_of_reviews(now=NOW) == 0


def test_an_author_who_left_is_stood_in_for(approved: ModelCard, engineer: User) -> None:
    other = make_person("ml_engineer")
    User.objects.filter(pk=engineer.pk).update(is_active=False)
    assert remind_of_reviews(now=NOW + timedelta(days=10)) == 1
    found = Notification.objects.filter(title__startswith="To be reviewed")
    assert [one.user for one in found] == [other]


def test_overdue_is_shown_and_waits_for_engineers(
    approved: ModelCard, engineer: User, writing: Client
) -> None:
    assert "review overdue" not in writing.get("/models/").content.decode()
    yesterday = timezone.now().date() - timedelta(days=1)
    ModelCard.objects.update(review_on=yesterday)
    for url in ("/models/", f"/models/cards/{approved.pk}/"):
        assert "review overdue" in writing.get(url).content.decode()
    now = timezone.now()
    assert [one.url for one in reviews_overdue(engineer, now)] == [f"/models/cards/{approved.pk}/"]
    assert reviews_overdue(make_person("finance"), now) == []


def test_the_beat_runs_it() -> None:
    assert task.name in BEAT_SCHEDULE
    task()
