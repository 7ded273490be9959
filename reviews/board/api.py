"""The board over the API; the same selectors and services as the page."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from reviews.board import selectors
from reviews.board.services import MOST_AT_ONCE
from reviews.board.views import queue_of, rebalance
from reviews.quality.api import FigureSerializer
from reviews.quality.views import SEES
from reviews.queues.models import Queue


class AgeSerializer(serializers.Serializer[Any]):
    """How many have used so much of their time."""

    label: Any = serializers.CharField(read_only=True)
    count = serializers.IntegerField(read_only=True)


class ExpectedSerializer(serializers.Serializer[Any]):
    """Answers that pass their due time in the next business hours; eight plays of ten between."""

    hours = serializers.IntegerField(read_only=True)
    median = serializers.IntegerField(read_only=True)
    low = serializers.IntegerField(read_only=True)
    high = serializers.IntegerField(read_only=True)


class LoadSerializer(serializers.Serializer[Any]):
    """What a person has and did; the median is of a month, null for too few."""

    person = serializers.CharField(source="person.name", read_only=True)
    claimed = serializers.IntegerField(read_only=True)
    given = serializers.IntegerField(read_only=True)
    decided_today = serializers.IntegerField(read_only=True)
    median_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    takes_at_once = serializers.IntegerField(
        source="place.at_once", read_only=True, allow_null=True, help_text="Null for any number."
    )
    takes_a_day = serializers.IntegerField(source="place.a_day", read_only=True, allow_null=True)
    free = serializers.IntegerField(
        source="place.free",
        read_only=True,
        allow_null=True,
        help_text="How many more may come to them now; null for any number.",
    )
    away_until: Any = serializers.DateTimeField(
        source="absence.ends_at", read_only=True, allow_null=True, default=None
    )


class BoardSerializer(serializers.Serializer[Any]):
    """The figures of a queue's board."""

    ages = AgeSerializer(many=True, read_only=True)
    rates = serializers.CharField(source="rates.text", read_only=True)
    expected = ExpectedSerializer(many=True, read_only=True)
    loads = LoadSerializer(many=True, read_only=True)
    hit_rate = FigureSerializer(read_only=True)
    overruled = FigureSerializer(read_only=True)
    overturned = FigureSerializer(read_only=True)
    agreement = FigureSerializer(read_only=True)
    cost_per_call = serializers.DecimalField(
        max_digits=18, decimal_places=9, read_only=True, allow_null=True
    )


class QueueBoard(generics.GenericAPIView[Queue]):
    required_permission: ClassVar[Any] = SEES
    serializer_class = BoardSerializer
    queryset = Queue.objects.all()

    @extend_schema(responses=BoardSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """What waits by age, the forecast, the load, and how well the SLA was held."""
        queue = queue_of(cast(User, request.user), slug)
        return Response(BoardSerializer(_rounded(selectors.board(queue, timezone.now()))).data)


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    cost = figures["cost_per_call"]
    return figures | {"cost_per_call": None if cost is None else round(cost, 9)}


class RebalanceSerializer(serializers.Serializer[Any]):
    """Items that wait, and `person:<id>` or `queue:<slug>`."""

    items = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_AT_ONCE)
    to = serializers.RegexField(r"^(person:[0-9]{1,18}|queue:[-a-zA-Z0-9_]{1,60})$", max_length=70)


class DoneSerializer(serializers.Serializer[Any]):
    sentence = serializers.CharField(read_only=True)


class QueueRebalance(generics.GenericAPIView[Queue]):
    required_permission = Permission.REVIEW_MANAGE
    serializer_class = RebalanceSerializer
    queryset = Queue.objects.all()

    @extend_schema(request=RebalanceSerializer, responses=DoneSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """All of them or none; 409 when one waits no more."""
        queue = queue_of(cast(User, request.user), slug)
        given = RebalanceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        ids = [str(one) for one in given.validated_data["items"]]
        done = rebalance(actor_of(request), queue, ids, given.validated_data["to"])
        return Response(DoneSerializer({"sentence": done}).data)
