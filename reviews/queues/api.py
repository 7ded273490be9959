"""Queues and their items over the API; the same services as the pages.

Bodies are in an item only for the person who holds it under a live lease, as on the review
screen. Everybody else sees that it waits, not what it says.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from reviews.queues import services
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.pulling import claim_anywhere
from reviews.queues.rules import ItemState
from reviews.queues.selectors import queues_with_counts
from telemetry.ledger import services as ledger

SEES_QUEUES = (Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)


class QueueSerializer(serializers.ModelSerializer[Queue]):
    """A queue, its SLA in business minutes, and what waits in it now."""

    escalates_to: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    first_touch_minutes = serializers.IntegerField(source="sla.first_touch_minutes", read_only=True)
    decision_minutes = serializers.IntegerField(source="sla.decision_minutes", read_only=True)
    warn_share = serializers.IntegerField(source="sla.warn_share", read_only=True)
    time_zone = serializers.CharField(source="sla.calendar.time_zone", read_only=True)
    labels = serializers.ListField(child=serializers.CharField(), read_only=True)
    rationale_templates = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Reasons to begin with."
    )
    waiting = serializers.IntegerField(read_only=True)
    claimed = serializers.IntegerField(read_only=True)
    asked = serializers.IntegerField(
        read_only=True, help_text="Their clock stands until somebody outside the queue replies."
    )
    overdue = serializers.IntegerField(read_only=True)
    near = serializers.IntegerField(read_only=True)
    decided_lately = serializers.IntegerField(read_only=True, help_text="In the last 24 hours.")
    next_due_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Queue
        fields = [
            "slug",
            "name",
            "guideline",
            "labels",
            "rationale_templates",
            "undo_seconds",
            "needs_acknowledgement",
            "most_claimed",
            "is_default",
            "escalates_to",
            "first_touch_minutes",
            "decision_minutes",
            "warn_share",
            "time_zone",
            "waiting",
            "claimed",
            "asked",
            "overdue",
            "near",
            "decided_lately",
            "next_due_at",
        ]
        read_only_fields = fields


class QueueQueries(generics.GenericAPIView[Queue]):
    required_permission: ClassVar[Any] = SEES_QUEUES
    serializer_class = QueueSerializer
    queryset = Queue.objects.all()
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Queue]:
        return queues_with_counts(cast(User, self.request.user), timezone.now())


class QueueList(QueueQueries, generics.ListAPIView[Queue]):
    """Queues in the person's reach."""


class QueueDetail(QueueQueries, generics.RetrieveAPIView[Queue]):
    """One queue."""


class SeenMessageSerializer(serializers.Serializer[Any]):
    """One message; a turn that called tools may have no content."""

    role = serializers.CharField()
    content = serializers.CharField(allow_null=True)
    tool_calls = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Tools that this turn called."
    )
    tool_call_id = serializers.CharField(
        required=False, help_text="The call that a message of the role tool answers."
    )


class BodySerializer(serializers.Serializer[Any]):
    """The redacted input as the model saw it, and what it answered."""

    input = SeenMessageSerializer(many=True)
    output = serializers.CharField()


class ItemSerializer(serializers.ModelSerializer[ReviewItem]):
    """An item without its bodies."""

    queue: Any = serializers.SlugRelatedField("slug", read_only=True)
    use_case = serializers.CharField(source="call.use_case.slug", read_only=True)
    claimed_by = serializers.CharField(
        source="claimed_by.name", read_only=True, allow_null=True, default=None
    )

    confidence = serializers.DecimalField(
        source="call.confidence", max_digits=5, decimal_places=4, read_only=True, allow_null=True
    )
    confidence_method = serializers.CharField(source="call.confidence_method", read_only=True)

    class Meta:
        model = ReviewItem
        fields = [
            "id",
            "queue",
            "call",
            "use_case",
            "reason",
            "priority",
            "state",
            "created_at",
            "first_touch_due_at",
            "warn_at",
            "due_at",
            "first_touched_at",
            "first_touch_breached_at",
            "is_after_delivery",
            "decided_at",
            "breached_at",
            "escalated_at",
            "claimed_by",
            "lease_until",
            "confidence",
            "confidence_method",
        ]
        read_only_fields = fields


class HeldItemSerializer(ItemSerializer):
    """An item; `body` is null for everybody but the person who holds it."""

    body = serializers.SerializerMethodField()

    class Meta(ItemSerializer.Meta):
        fields = [*ItemSerializer.Meta.fields, "output_contract", "body"]
        read_only_fields = fields

    @extend_schema_field(BodySerializer(allow_null=True))
    def get_body(self, item: ReviewItem) -> dict[str, Any] | None:
        if not item.is_held_by(self.context["request"].user, timezone.now()):
            return None
        return {
            "input": json.loads(ledger.held_input(item.call) or "[]"),
            "output": ledger.held_text(item.call) or "",
        }


class ItemQueries(generics.GenericAPIView[ReviewItem]):
    required_permission: ClassVar[Any] = SEES_QUEUES
    serializer_class = HeldItemSerializer
    queryset = ReviewItem.objects.all()

    def get_queryset(self) -> QuerySet[ReviewItem]:
        user = cast(User, self.request.user)
        visible = ReviewItem.everything.visible_to(user).with_exercises_of(user)
        return visible.select_related("queue", "call__use_case", "call__payload", "claimed_by")

    def shown(self, item_id: UUID) -> Response:
        """The item as it stands now, for the person who asks."""
        item = get_or_404(self.get_queryset(), pk=item_id)
        return Response(HeldItemSerializer(item, context=self.get_serializer_context()).data)


class ItemList(ItemQueries, generics.ListAPIView[ReviewItem]):
    """Items in the person's reach, newest first, without bodies."""

    serializer_class = ItemSerializer  # type: ignore[assignment]  # without bodies

    def get_queryset(self) -> QuerySet[ReviewItem]:
        items = super().get_queryset()
        if slug := self.request.query_params.get("queue"):
            items = items.filter(queue__slug=slug)
        if state := self.request.query_params.get("state"):
            items = items.filter(state=_state(state))
        return items

    @extend_schema(
        parameters=[
            OpenApiParameter("queue", str, description="The slug of a queue."),
            OpenApiParameter("state", str, enum=[one.value for one in ItemState]),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def _state(word: str) -> ItemState:
    try:
        return ItemState(word)
    except ValueError:
        offered = ", ".join(ItemState)
        raise Invalid(
            f"“{word}” is no state of an item.", fields={"state": [f"One of {offered}."]}
        ) from None


class ItemDetail(ItemQueries):
    """One item, with its bodies for the person who holds it."""

    @extend_schema(responses=HeldItemSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return self.shown(pk)


class QueueClaim(ItemQueries):
    """Claim the most urgent free item of a queue, or get the one that is held already."""

    required_permission = Permission.REVIEW_WORK

    @extend_schema(request=None, responses={200: HeldItemSerializer, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        """204 when nothing waits for this person."""
        queue = get_or_404(Queue.objects.workable_by(cast(User, request.user)), slug=slug)
        item = services.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
        return Response(status=204) if item is None else self.shown(item.pk)


class ItemNext(ItemQueries):
    """Claim the next item across all of the person's queues, or get what is held already."""

    required_permission = Permission.REVIEW_WORK

    @extend_schema(request=None, responses={200: HeldItemSerializer, 204: None})
    def post(self, request: Request) -> Response:
        """204 when nothing waits for this person."""
        item = claim_anywhere(actor=actor_of(request), now=timezone.now())
        return Response(status=204) if item is None else self.shown(item.pk)


class ItemRenew(ItemQueries):
    """A sign of life from the person who holds it."""

    required_permission = Permission.REVIEW_WORK

    @extend_schema(request=None, responses=HeldItemSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when the claim has ended."""
        get_or_404(self.get_queryset(), pk=pk)
        services.renew_lease(actor=actor_of(request), item_id=pk, now=timezone.now())
        return self.shown(pk)


class SkipSerializer(serializers.Serializer[Any]):
    """Why it is put back."""

    reason = serializers.CharField(max_length=300)


class ItemSkip(ItemQueries):
    """Put it back with a reason."""

    required_permission = Permission.REVIEW_WORK

    @extend_schema(request=SkipSerializer, responses=HeldItemSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when the claim has ended."""
        get_or_404(self.get_queryset(), pk=pk)
        asked = SkipSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.skip(
            actor=actor_of(request), item_id=pk, now=timezone.now(), **asked.validated_data
        )
        return self.shown(pk)
