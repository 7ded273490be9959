"""What questions plug into the shell, the audit log and the keeping of texts."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, inbox
from governance.kernel.registries import transition_tables
from reviews.questions import keeping
from reviews.questions.models import Question
from reviews.questions.rules import QUESTION_STATES
from telemetry.ledger.registries import BodyStore, body_stores

transition_tables.add("Question.state", QUESTION_STATES)
for action, sentence in {
    "review.asked": "{actor} asked about {subject}; its clock stands",
    "review.answered": "{actor} answered a question about {subject}; its clock runs",
    "review.question_withdrawn": "{actor} withdrew a question about {subject}",
}.items():
    audit_actions.add(action, sentence)
body_stores.add(
    "review questions",
    BodyStore(
        "Questions of reviewers",
        keeping.count_questions,
        keeping.erase_questions,
        keeping.destroy_due,
    ),
)


def questions_waiting(user: User, now: datetime) -> list[InboxItem]:
    """Each question that this person may answer."""
    found = Question.objects.waiting_for(user).exclude(asked_by=user)
    return [
        InboxItem(
            title=f"{one.asked_by.name} asks about an answer of {one.item.call.use_case.title}",
            detail="The answer is held, and the clock of its review stands, until you reply.",
            url=reverse("questions:question", args=[one.pk]),
            due_at=None,
            kind="review question",
        )
        for one in found.select_related("asked_by", "item__call__use_case").order_by("asked_at")[
            :50
        ]
    ]


inbox.add("review-questions", questions_waiting)
