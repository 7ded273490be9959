"""Questions over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404
from reviews.questions import services
from reviews.questions.models import Question
from reviews.questions.rules import LONGEST_QUESTION, Whom
from reviews.questions.views import RELATED
from reviews.queues.models import ReviewItem


class ReviewQuestionSerializer(serializers.ModelSerializer[Question]):
    """A question with its texts; they are null once they are destroyed."""

    asked_by = serializers.CharField(source="asked_by.name", read_only=True)
    asked = serializers.CharField(source="asked.name", read_only=True)
    text = serializers.CharField(read_only=True, allow_null=True)
    answer = serializers.CharField(read_only=True, allow_null=True)
    item_state = serializers.CharField(source="item.state", read_only=True)
    due_at = serializers.DateTimeField(source="item.due_at", read_only=True)

    class Meta:
        model = Question
        fields: ClassVar[list[str]] = [
            "id",
            "item",
            "item_state",
            "due_at",
            "state",
            "asked_by",
            "asked",
            "asked_at",
            "text",
            "answer",
            "ended_at",
        ]
        read_only_fields = fields


class AskInput(serializers.Serializer[Any]):
    """Whom, and what."""

    whom = serializers.ChoiceField(choices=[one.value for one in Whom])
    text = serializers.CharField(max_length=LONGEST_QUESTION)


class QuestionAnswerInput(serializers.Serializer[Any]):
    """What is said to it."""

    text = serializers.CharField(max_length=LONGEST_QUESTION)


class QuestionQueries(generics.GenericAPIView[Question]):
    required_permission: ClassVar[Any] = SIGNED_IN
    serializer_class = ReviewQuestionSerializer
    queryset = Question.objects.all()

    def get_queryset(self) -> QuerySet[Question]:
        user = cast(User, self.request.user)
        return Question.objects.visible_to(user).select_related(*RELATED)

    def shown(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        found = get_or_404(self.get_queryset(), pk=pk)
        return Response(ReviewQuestionSerializer(found).data, code)


class QuestionList(QuestionQueries, generics.ListAPIView[Question]):
    """Questions in the person's reach, newest first."""


class QuestionDetail(QuestionQueries):
    """One question."""

    @extend_schema(responses=ReviewQuestionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return self.shown(pk)


class ItemAsk(QuestionQueries):
    """Ask the requester or the owner; the clock of the item stands until the answer."""

    required_permission: ClassVar[Any] = Permission.REVIEW_WORK

    @extend_schema(request=AskInput, responses={201: ReviewQuestionSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when the claim has ended."""
        get_or_404(ReviewItem.objects.visible_to(cast(User, request.user)), pk=pk)
        asked = valid(AskInput(data=request.data))
        made = services.ask(actor=actor_of(request), item_id=pk, now=timezone.now(), **asked)
        return self.shown(made.pk, status.HTTP_201_CREATED)


class QuestionAnswer(QuestionQueries):
    """Answer it; the item waits again and its due times move by what the clock stood."""

    @extend_schema(request=QuestionAnswerInput, responses=ReviewQuestionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """409 when it has ended."""
        get_or_404(self.get_queryset(), pk=pk)
        given = valid(QuestionAnswerInput(data=request.data))
        services.answer(actor=actor_of(request), question_id=pk, now=timezone.now(), **given)
        return self.shown(pk)


class QuestionWithdraw(QuestionQueries):
    """Nobody needs to answer it any more."""

    @extend_schema(request=None, responses=ReviewQuestionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """409 when it has ended."""
        get_or_404(self.get_queryset(), pk=pk)
        services.withdraw(actor=actor_of(request), question_id=pk, now=timezone.now())
        return self.shown(pk)
