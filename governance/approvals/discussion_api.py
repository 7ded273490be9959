"""Comments, threads and points over the API: the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.approvals import services
from governance.approvals.discussing import settle_thread
from governance.approvals.discussion_models import POINT_ACTION_CHOICES
from governance.approvals.models import ChangePoint, ChangeRequest, Comment, PointAnswer
from governance.approvals.selectors import changes_visible_to
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class CommentSerializer(serializers.ModelSerializer[Comment]):
    """A word in the discussion; `quote` keeps the words of the line it was said on."""

    class Meta:
        model = Comment
        fields: ClassVar[list[str]] = [
            "id",
            "person",
            "text",
            "at",
            "parent",
            "revision",
            "line",
            "line_label",
            "quote",
            "mentioned",
            "resolved_by",
            "resolved_at",
        ]


class SaidSerializer(CommentSerializer):
    """A comment that was added, and the mentions that named nobody who may see the change."""

    unknown_mentions = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(CommentSerializer.Meta):
        fields: ClassVar[list[str]] = [*CommentSerializer.Meta.fields, "unknown_mentions"]


class CommentInput(serializers.Serializer[Any]):
    """What is said, and where: on a line of the diff, in answer to a thread, or on all of it."""

    text = serializers.CharField(max_length=10_000)
    line = serializers.CharField(
        max_length=300,
        required=False,
        help_text="The path of the field in the snapshot with slashes, a colon, and the number "
        "of the line in the diff, as in `segments/1/text:3`.",
    )
    revision = serializers.IntegerField(
        required=False, min_value=1, help_text="The revision that the line was read in."
    )
    answer_to = serializers.IntegerField(
        required=False, min_value=1, help_text="The comment whose thread this belongs to."
    )


class SettleInput(serializers.Serializer[Any]):
    """Whether the thread is dealt with."""

    resolved = serializers.BooleanField()


class PointAnswerSerializer(serializers.ModelSerializer[PointAnswer]):
    """What was done about a point, or why it is open again."""

    class Meta:
        model = PointAnswer
        fields: ClassVar[list[str]] = ["action", "text", "revision", "person", "at"]


class PointSerializer(serializers.ModelSerializer[ChangePoint]):
    """One thing that a decision asked to be changed."""

    asked_by = serializers.IntegerField(source="decision.person_id", read_only=True)
    asked_at = serializers.DateTimeField(source="decision.at", read_only=True)
    revision = serializers.IntegerField(source="decision.revision", read_only=True)
    answers = PointAnswerSerializer(many=True, read_only=True)

    class Meta:
        model = ChangePoint
        fields: ClassVar[list[str]] = [
            "id",
            "text",
            "state",
            "asked_by",
            "asked_at",
            "revision",
            "answers",
        ]


class AnswerInput(serializers.Serializer[Any]):
    """`resolve` with what was done, `reopen` with what is missing."""

    action = serializers.ChoiceField(choices=POINT_ACTION_CHOICES)
    answer = serializers.CharField(max_length=1000)


def change_of(view: generics.GenericAPIView[Any]) -> ChangeRequest:
    """The change of the address, if the person may see it; raises NotFound."""
    visible = changes_visible_to(cast(User, view.request.user))
    return cast(ChangeRequest, get_or_404(visible, pk=view.kwargs["pk"]))


class CommentList(generics.ListAPIView[Comment]):
    """The discussion of a change, newest first."""

    required_permission = SIGNED_IN
    serializer_class = CommentSerializer
    queryset = Comment.objects.all()

    def get_queryset(self) -> Any:
        return Comment.objects.filter(change=change_of(self)).prefetch_related("mentioned")

    @extend_schema(request=CommentInput, responses={201: SaidSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say something. Who is mentioned and may see the change gets a notice."""
        given = valid(CommentInput(data=request.data))
        said = services.comment(
            actor=actor_of(request),
            change_id=self.kwargs["pk"],
            text=given["text"],
            line=given.get("line", ""),
            revision=given.get("revision"),
            parent_id=given.get("answer_to"),
            now=timezone.now(),
        )
        said.comment.unknown_mentions = list(said.told.unknown)  # type: ignore[attr-defined]  # for this reply only
        return Response(SaidSerializer(said.comment).data, 201)


class CommentSettle(generics.GenericAPIView[Comment]):
    """Mark a thread as resolved, or open it again."""

    required_permission = SIGNED_IN
    serializer_class = CommentSerializer
    queryset = Comment.objects.all()

    @extend_schema(request=SettleInput, responses=CommentSerializer)
    def post(self, request: Request, pk: int, comment: int) -> Response:
        change = change_of(self)
        given = valid(SettleInput(data=request.data))
        thread = settle_thread(
            actor=actor_of(request),
            change_id=change.pk,
            comment_id=comment,
            is_resolved=given["resolved"],
            now=timezone.now(),
        )
        return Response(CommentSerializer(thread).data)


class PointList(generics.ListAPIView[ChangePoint]):
    """The points that decisions on a change asked for, newest first, with their answers."""

    required_permission = SIGNED_IN
    serializer_class = PointSerializer
    queryset = ChangePoint.objects.all()

    def get_queryset(self) -> Any:
        points = ChangePoint.objects.of_change(change_of(self).pk)
        return points.select_related("decision").prefetch_related("answers")


class PointAnswerView(generics.GenericAPIView[ChangePoint]):
    """Answer a point, or open it again."""

    required_permission = SIGNED_IN
    serializer_class = PointSerializer
    queryset = ChangePoint.objects.all()

    @extend_schema(request=AnswerInput, responses=PointSerializer)
    def post(self, request: Request, pk: int, point: int) -> Response:
        change = change_of(self)
        given = valid(AnswerInput(data=request.data))
        answered = services.answer_point(
            actor=actor_of(request),
            change_id=change.pk,
            point_id=point,
            action=given["action"],
            text=given["answer"],
            now=timezone.now(),
        )
        return Response(PointSerializer(answered).data)
