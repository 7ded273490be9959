"""Ask the requester or the owner, answer, withdraw. The clock stands while nobody has answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from governance.access.models import User
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.encryption import encrypt
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.web import get_or_404
from reviews.questions.models import Question, text_context
from reviews.questions.rules import LONGEST_QUESTION, QUESTION_STATES, Whom
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from reviews.queues.pausing import pause, resume


def people_to_ask(item: ReviewItem) -> dict[Whom, User]:
    """Who can be asked about it: who asked for the answer, and the owner of its use case."""
    found: dict[Whom, User | None] = {
        Whom.REQUESTER: item.call.requester,
        Whom.OWNER: item.call.use_case.owner,
    }
    return {whom: one for whom, one in found.items() if one is not None and one.is_active}


@transaction.atomic
def ask(*, actor: Actor, item_id: UUID, whom: str, text: str, now: datetime) -> Question:
    """By the person who holds it: the item is with nobody and its clock stands until the answer.

    Raises Invalid for an empty text or somebody who is not there, Conflict when the claim ended.
    """
    item = queues.held_item(actor, item_id, now)
    text = _text(text, "Say what you want to know.", "text")
    asked = people_to_ask(item).get(Whom(whom)) if whom in set(Whom) else None
    if asked is None:
        words = "Nobody asked for this answer by name; ask the owner of the use case."
        raise Invalid("Nothing was asked. Your text was kept.", fields={"whom": [words]})
    if asked.pk == actor.user.pk:
        raise Invalid(
            "Nothing was asked. Your text was kept.", fields={"whom": ["That is yourself."]}
        )
    made = Question(item=item, asked_by=actor.user, asked=asked, asked_at=now)
    made.text_sealed = encrypt(text, context=text_context("question")(made))
    pause(item, now=now)
    made.save(force_insert=True)
    _record(actor, "review.asked", made, now, {"asked": asked.email, "sha256": text_digest(text)})
    title = f"{actor.user.name} asks you about an answer of {item.call.use_case.title}"
    notify(users=[asked], title=title, url=f"/reviews/questions/{made.pk}/", now=now)
    return made


@transaction.atomic
def answer(*, actor: Actor, question_id: int, text: str, now: datetime) -> Question:
    """By whoever was asked, or the owner of the use case: the item waits again, its clock runs."""
    question = _locked(question_id)
    if not can_answer(actor, question):
        raise NotAllowed(
            f"Nothing was answered: {question.asked} was asked, or the owner of the use case."
        )
    text = _text(text, "Write an answer.", "answer")
    question.state = QUESTION_STATES.target(question.state, "answer")
    question.answer_sealed = encrypt(text, context=text_context("answer")(question))
    _end(actor, question, now)
    resume(question.item, "answer", actor=actor, reason="The question was answered", now=now)
    _record(actor, "review.answered", question, now, {"sha256": text_digest(text)})
    notify(
        users=[question.asked_by],
        title=f"{actor.label} answered your question; the item waits again",
        url=f"/reviews/items/{question.item_id}/",
        now=now,
    )
    return question


@transaction.atomic
def withdraw(*, actor: Actor, question_id: int, now: datetime) -> Question:
    """By who asked, or a review lead: nobody needs to answer any more."""
    question = _locked(question_id)
    if not can_withdraw(actor, question):
        raise NotAllowed("Nothing was withdrawn: who asked does that, or a review lead.")
    question.state = QUESTION_STATES.target(question.state, "withdraw")
    _end(actor, question, now)
    resume(question.item, "withdraw", actor=actor, reason="The question was withdrawn", now=now)
    _record(actor, "review.question_withdrawn", question, now, {})
    return question


def can_answer(actor: Actor, question: Question) -> bool:
    if actor.user is None or actor.user.pk == question.asked_by_id:
        return False
    owner = question.item.call.use_case.owner_id
    return actor.user.pk in (question.asked_id, owner)


def can_withdraw(actor: Actor, question: Question) -> bool:
    if actor.user is None:
        return False
    is_theirs = actor.user.pk == question.asked_by_id
    return is_theirs or actor.may(Permission.REVIEW_MANAGE, question.item.queue)


def _locked(question_id: int) -> Question:
    """The question and, before it, its item: the order in which everybody locks them."""
    found: Question = get_or_404(Question.objects.all(), pk=question_id)
    item = queues.locked_item(found.item_id)
    question: Question = get_or_404(
        Question.objects.select_for_update(of=("self",)).select_related("asked", "asked_by"),
        pk=question_id,
    )
    question.item = item
    return question


def _text(text: str, empty: str, name: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_QUESTION:
        words = empty if not text else f"At most {LONGEST_QUESTION:,} characters."
        raise Invalid("Nothing was sent. Your text was kept.", fields={name: [words]})
    return text


def _end(actor: Actor, question: Question, now: datetime) -> None:
    question.ended_by, question.ended_at = actor.user, now
    question.save(update_fields=["state", "answer_sealed", "ended_by", "ended_at"])


def _record(
    actor: Actor, action: str, question: Question, now: datetime, after: dict[str, Any]
) -> None:
    item = question.item
    record(
        actor=actor,
        action=action,
        subject=item,
        now=now,
        after=after | {"queue": item.queue.slug, "state": item.state, "due_at": item.due_at},
        team_id=item.call.team_id,
    )
