"""The demo's judged past: made once, with something real for every page that shows it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from prompts.evaluation.demo.judged import COMPLAINED, PAIRS, judge
from prompts.evaluation.models import EvaluationCase, EvaluationRun
from reviews.feedback.models import Feedback
from reviews.quality.models import CalibrationAnswer
from reviews.quality.selectors import agreement_in
from reviews.queues.models import Queue, ReviewItem
from tests.factories.organisation import world
from tests.factories.reviews import signed_in

pytestmark = pytest.mark.django_db


def test_made_once_and_shown(settings: object) -> None:
    here = world()
    now = timezone.now()
    assert judge(now, lambda text: None)
    assert not judge(now, lambda text: None)
    queue = Queue.objects.get(slug=PAIRS)
    found = agreement_in(queue, now.replace(year=now.year - 1), timezone.now())
    assert found.overall.is_measured and found.whole.is_measured
    assert CalibrationAnswer.objects.count() >= 3
    states = set(Feedback.objects.values_list("state", flat=True))
    assert states >= {"kept", "in_review", "second_look", "confirmed", "overturned", "corrected"}
    assert EvaluationCase.objects.exists() and EvaluationRun.objects.exists()
    late = ReviewItem.objects.filter(queue__slug__in=(PAIRS, COMPLAINED), state="waiting")
    assert late.exists()
    client = signed_in(here.people.users["safety"])
    for path in ("/reviews/feedback/", f"/reviews/{PAIRS}/", "/reviews/feedback/rules/"):
        assert client.get(path).status_code == 200
