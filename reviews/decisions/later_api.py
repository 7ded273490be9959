"""Undo, many alike, and overturning over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from reviews.decisions import alike, overturning, undoing
from reviews.decisions.api import ReviewDecisionSerializer
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import FINAL_VERDICT_CHOICES, LONGEST_RATIONALE, LONGEST_TEXT
from reviews.queues.api import ItemSerializer
from reviews.queues.models import Queue, ReviewItem


class ItemUndo(generics.GenericAPIView[ReviewItem]):
    """Take one's own decision back while it can be."""

    required_permission = Permission.REVIEW_WORK
    serializer_class = ItemSerializer
    queryset = ReviewItem.objects.all()

    @extend_schema(request=None, responses=ItemSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when it is final; the item is with this person again otherwise."""
        get_or_404(ReviewItem.objects.visible_to(cast(User, request.user)), pk=pk)
        item = undoing.undo(actor=actor_of(request), item_id=pk, now=timezone.now())
        return Response(ItemSerializer(item).data)


class AlikeSerializer(serializers.Serializer[Any]):
    """The other items to decide with the one that is held, and the verdict on all of them."""

    others = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=alike.MOST_AT_ONCE
    )
    verdict = serializers.ChoiceField(
        choices=[one.value for one in alike.VERDICTS], help_text="Many at once are not corrected."
    )
    rationale = serializers.CharField(
        allow_blank=True, default="", max_length=LONGEST_RATIONALE, trim_whitespace=False
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=50
    )


class AlikeDoneSerializer(serializers.Serializer[Any]):
    """How many were decided."""

    decided = serializers.IntegerField()


class ItemAlike(generics.GenericAPIView[ReviewItem]):
    """Decide on low-risk items of identical content together, each with its own record."""

    required_permission = Permission.REVIEW_WORK
    serializer_class = AlikeSerializer
    queryset = ReviewItem.objects.all()

    @extend_schema(request=AlikeSerializer, responses={201: AlikeDoneSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when one is not identical, not of minimal risk, or taken meanwhile; then none is."""
        get_or_404(ReviewItem.objects.visible_to(cast(User, request.user)), pk=pk)
        given = AlikeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = alike.decide_alike(
            actor=actor_of(request), item_id=pk, now=timezone.now(), **given.validated_data
        )
        return Response({"decided": len(made)}, 201)


class OverturnSerializer(serializers.Serializer[Any]):
    """The verdict that shall stand, and why; `corrected_text` to correct."""

    verdict = serializers.ChoiceField(choices=FINAL_VERDICT_CHOICES)
    rationale = serializers.CharField(max_length=LONGEST_RATIONALE)
    corrected_text = serializers.CharField(
        allow_null=True,
        allow_blank=True,
        default=None,
        max_length=LONGEST_TEXT,
        trim_whitespace=False,
    )


class DecisionOverturn(generics.GenericAPIView[ReviewDecision]):
    """Decide otherwise afterwards, as a lead of the queue; whoever called is told."""

    required_permission = Permission.REVIEW_MANAGE
    serializer_class = OverturnSerializer
    queryset = ReviewDecision.objects.all()

    @extend_schema(request=OverturnSerializer, responses={201: ReviewDecisionSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """409 when it was overturned already. A delivered answer cannot be unsaid."""
        reach = cast(User, request.user).reach(Permission.REVIEW_MANAGE)
        queues = Queue.objects.all()
        if not reach.everywhere:
            queues = queues.filter(pk__in=reach.queue_ids)
        get_or_404(ReviewDecision.objects.filter(item__queue__in=queues), pk=pk)
        given = OverturnSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = overturning.overturn(
            actor=actor_of(request), decision_id=pk, now=timezone.now(), **given.validated_data
        )
        shown = ReviewDecision.objects.select_related("item__queue", "person").get(pk=made.pk)
        return Response(ReviewDecisionSerializer(shown).data, 201)
