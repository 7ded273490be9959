"""The demo's judged past: made once, with something real for every page that shows it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from prompts.evaluation.demo.judged import COMPLAINED, JUDGED, KNOWN, PAIRS, WAITING, judge
from prompts.evaluation.models import EvaluationCase, EvaluationRun
from reviews.feedback.models import Feedback
from reviews.quality.agreement import FEWEST
from reviews.quality.models import CalibrationAnswer, DoubleReview
from reviews.queues.models import Queue, ReviewItem
from tests.factories.organisation import world
from tests.factories.reviews import signed_in

pytestmark = pytest.mark.django_db


def test_made_once_and_shown() -> None:
    here = world()
    now = timezone.now()
    assert judge(now, lambda text: None, judged=WAITING + KNOWN, spoken_of=14)
    assert not judge(now, lambda text: None)
    assert Queue.objects.filter(slug__in=(PAIRS, COMPLAINED)).count() == 2
    assert JUDGED - WAITING >= FEWEST
    assert DoubleReview.objects.filter(state="agreed").exists()
    assert CalibrationAnswer.objects.exists()
    states = set(Feedback.objects.values_list("state", flat=True))
    assert states >= {"kept", "in_review", "second_look", "confirmed", "overturned", "corrected"}
    assert EvaluationCase.objects.exists() and EvaluationRun.objects.exists()
    late = ReviewItem.objects.filter(queue__slug__in=(PAIRS, COMPLAINED), state="waiting")
    assert late.exists()
    client = signed_in(here.people.users["safety"])
    for path in ("/reviews/feedback/", f"/reviews/{PAIRS}/", "/reviews/feedback/rules/"):
        assert client.get(path).status_code == 200
