"""Decide over the API; the same service as the review screen."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from reviews.decisions import services
from reviews.decisions.models import ReviewDecision
from reviews.decisions.registries import Kept
from reviews.decisions.rules import LONGEST_RATIONALE, LONGEST_SECONDS, LONGEST_TEXT, Verdict
from reviews.decisions.working_models import PendingDecision
from reviews.queues.models import ReviewItem


class JudgementSerializer(serializers.Serializer[Any]):
    """A verdict; `rationale` is needed to reject and escalate, `corrected_text` to correct."""

    verdict = serializers.ChoiceField(choices=[one.value for one in Verdict])
    rationale = serializers.CharField(
        allow_blank=True, default="", max_length=LONGEST_RATIONALE, trim_whitespace=False
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=50
    )
    corrected_text = serializers.CharField(
        allow_null=True,
        allow_blank=True,
        default=None,
        max_length=LONGEST_TEXT,
        trim_whitespace=False,
    )
    seconds_spent = serializers.IntegerField(min_value=0, max_value=LONGEST_SECONDS, default=0)


class ReviewDecisionSerializer(serializers.ModelSerializer[ReviewDecision]):
    """What was decided; the texts are not in it."""

    person = serializers.CharField(source="person.name", read_only=True)
    item_state = serializers.CharField(source="item.state", read_only=True)
    queue = serializers.CharField(
        source="item.queue.slug", read_only=True, help_text="Where the item is now."
    )

    class Meta:
        model = ReviewDecision
        fields: ClassVar[list[str]] = [
            "id",
            "item",
            "item_state",
            "queue",
            "person",
            "verdict",
            "rationale",
            "labels",
            "seconds_spent",
            "at",
        ]
        read_only_fields = fields


class PendingDecisionSerializer(serializers.ModelSerializer[PendingDecision]):
    """A decision that can still be undone; until `final_at` nothing leaves."""

    person = serializers.CharField(source="person.name", read_only=True)
    item_state = serializers.CharField(source="item.state", read_only=True)
    queue = serializers.CharField(source="item.queue.slug", read_only=True)

    class Meta:
        model = PendingDecision
        fields: ClassVar[list[str]] = [
            "item",
            "item_state",
            "queue",
            "person",
            "verdict",
            "rationale",
            "labels",
            "seconds_spent",
            "at",
            "final_at",
        ]
        read_only_fields = fields


class KeptSerializer(serializers.Serializer[Any]):
    """It is in, and nothing left by it: more is needed, or the item gates no answer."""

    sentence = serializers.CharField(read_only=True)
    url = serializers.CharField(read_only=True, help_text="Where to read on; empty for nowhere.")


class ItemDecide(generics.GenericAPIView[ReviewItem]):
    """Decide on the item that this person holds."""

    required_permission = Permission.REVIEW_WORK
    serializer_class = JudgementSerializer
    queryset = ReviewItem.objects.all()

    @extend_schema(
        request=JudgementSerializer,
        responses={
            201: ReviewDecisionSerializer,
            202: PolymorphicProxySerializer(
                "DecisionNotFinal",
                [PendingDecisionSerializer, KeptSerializer],
                resource_type_field_name=None,
            ),
        },
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """201 when it is final, 202 while it can be undone or others must agree first.

        409 when the claim has ended or somebody has decided it.
        """
        user = cast(User, request.user)
        get_or_404(ReviewItem.everything.visible_to(user).with_exercises_of(user), pk=pk)
        given = JudgementSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.decide(
            actor=actor_of(request), item_id=pk, now=timezone.now(), **given.validated_data
        )
        if isinstance(made, PendingDecision):
            return Response(PendingDecisionSerializer(made).data, 202)
        if isinstance(made, Kept):
            return Response(KeptSerializer(made).data, 202)
        shown = ReviewDecision.objects.select_related("item__queue", "person").get(pk=made.pk)
        return Response(ReviewDecisionSerializer(shown).data, 201)
