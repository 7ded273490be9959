"""How much each person takes, by API; the same service as the page."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from reviews.board import capacity
from reviews.board.capacity import Limits
from reviews.board.views import queue_of
from reviews.queues.models import Queue


class CapacitySerializer(serializers.Serializer[Any]):
    """Of one person, or with null of everybody who has no line of their own; null: any number."""

    person = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, allow_null=True, default=None
    )
    at_once = serializers.IntegerField(
        min_value=1, max_value=capacity.MOST, allow_null=True, default=None
    )
    a_day = serializers.IntegerField(
        min_value=1, max_value=capacity.MOST, allow_null=True, default=None
    )


class CapacitiesSerializer(serializers.Serializer[Any]):
    """All of a queue's; who is not named takes what holds for everybody."""

    people = serializers.ListField(child=CapacitySerializer(), max_length=capacity.MOST_PEOPLE)


class QueueCapacities(generics.GenericAPIView[Queue]):
    """How many answers of a queue each person has at a time and decides a day."""

    required_permission: ClassVar[Any] = Permission.REVIEW_MANAGE
    serializer_class = CapacitiesSerializer
    queryset = Queue.objects.all()

    @extend_schema(responses=CapacitiesSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The limits as they stand."""
        queue = queue_of(cast(User, request.user), slug)
        return self._shown(capacity.limits_in(queue))

    @extend_schema(request=CapacitiesSerializer, responses=CapacitiesSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """All of them at once."""
        queue = queue_of(cast(User, request.user), slug)
        sent = valid(CapacitiesSerializer(data=request.data))["people"]
        set_now = capacity.set_capacities(
            actor=actor_of(request),
            queue=queue,
            wanted=[Limits(**one) for one in sent],
            now=timezone.now(),
        )
        return self._shown(set_now)

    def _shown(self, limits: dict[int | None, Limits]) -> Response:
        return Response(CapacitiesSerializer({"people": list(limits.values())}).data)
