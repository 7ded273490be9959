"""Pages of questions: ask while reviewing, read, answer, withdraw."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires
from reviews.questions import services
from reviews.questions.models import Question
from reviews.questions.rules import LONGEST_QUESTION
from reviews.queues.models import Queue, ReviewItem

RELATED = ("asked", "asked_by", "ended_by", "item__queue", "item__call__use_case")


@requires(Permission.REVIEW_WORK)
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form, for the person who holds the item."""
    user, now = cast(User, request.user), timezone.now()
    item: ReviewItem = get_or_404(
        ReviewItem.objects.filter(queue__in=Queue.objects.workable_by(user)).select_related(
            "queue", "call__use_case__owner", "call__requester"
        ),
        pk=pk,
    )
    error, status = None, 200
    if request.method == "POST":
        whom, text = request.POST.get("whom", ""), request.POST.get("text", "")
        try:
            made = services.ask(actor=actor_of(request), item_id=pk, whom=whom, text=text, now=now)
        except Invalid as refused:
            error, status = refused, 422
        else:
            messages.success(request, f"{made.asked.name} is asked. The clock stands until then.")
            return redirect("questions:question", pk=made.pk)
    context = {
        "item": item,
        "is_mine": item.is_held_by(user, now),
        "people": services.people_to_ask(item),
        "error": error,
        "values": request.POST,
        "longest": LONGEST_QUESTION,
    }
    return page(request, "reviews/questions/ask.html", context, status=status)


@requires(SIGNED_IN)
def question_list(request: HttpRequest) -> HttpResponse:
    """Questions in the person's reach, newest first; `?show=mine` those that wait for them."""
    user = cast(User, request.user)
    found = Question.objects.visible_to(user)
    if request.GET.get("show") == "mine":
        found = Question.objects.waiting_for(user)
    listed = Paginator(found.select_related(*RELATED), 50).get_page(request.GET.get("page"))
    context = {"page": listed, "shows_mine": request.GET.get("show") == "mine"}
    return page(request, "reviews/questions/list.html", context)


@requires(SIGNED_IN)
def question(request: HttpRequest, pk: int) -> HttpResponse:
    """One question; who may answer it does so here."""
    user, actor = cast(User, request.user), actor_of(request)
    found: Question = get_or_404(Question.objects.visible_to(user).select_related(*RELATED), pk=pk)
    error, status = None, 200
    if request.method == "POST":
        text = request.POST.get("answer", "")
        try:
            services.answer(actor=actor, question_id=pk, text=text, now=timezone.now())
        except Invalid as refused:
            error, status = refused, 422
        else:
            messages.success(request, "Answered. The item waits for a reviewer again.")
            return redirect("questions:question", pk=pk)
    context: dict[str, Any] = {
        "question": found,
        "may_answer": found.state == "open" and services.can_answer(actor, found),
        "may_withdraw": found.state == "open" and services.can_withdraw(actor, found),
        "error": error,
        "values": request.POST,
        "longest": LONGEST_QUESTION,
    }
    return page(request, "reviews/questions/question.html", context, status=status)


@requires(SIGNED_IN)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    get_or_404(Question.objects.visible_to(cast(User, request.user)), pk=pk)
    services.withdraw(actor=actor_of(request), question_id=pk, now=timezone.now())
    messages.success(request, "Withdrawn. The item waits for a reviewer again.")
    return redirect("questions:question", pk=pk)
