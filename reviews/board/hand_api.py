"""Handing over, by API; the same services as the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from reviews.board import handing, showing
from reviews.board.hand_views import item_of, person_of
from reviews.board.models import HAND_OVER_STATE_CHOICES
from reviews.board.rules import LONGEST_NOTE
from reviews.queues.models import ReviewItem


class HandOverSerializer(serializers.Serializer[Any]):
    """One hand-over; the texts are empty for who may not read them."""

    by = serializers.CharField(source="hand_over.by.name", read_only=True)
    to = serializers.CharField(source="hand_over.to.name", read_only=True)
    state = serializers.ChoiceField(
        source="hand_over.state", choices=HAND_OVER_STATE_CHOICES, read_only=True
    )
    at = serializers.DateTimeField(source="hand_over.at", read_only=True)
    until = serializers.DateTimeField(
        source="hand_over.until", read_only=True, help_text="Free for all from then on."
    )
    ended_at = serializers.DateTimeField(
        source="hand_over.ended_at", read_only=True, allow_null=True
    )
    note = serializers.CharField(read_only=True)
    reply = serializers.CharField(read_only=True)


class ColleagueSerializer(serializers.Serializer[Any]):
    """Somebody of the queue; `why_not` is empty where they take one more."""

    id = serializers.IntegerField(source="person.pk", read_only=True)
    name = serializers.CharField(source="person.name", read_only=True)
    free = serializers.IntegerField(
        source="place.free", read_only=True, allow_null=True, help_text="Null for any number."
    )
    why_not = serializers.CharField(read_only=True)


class HandingSerializer(serializers.Serializer[Any]):
    """To whom it could go, and where it went until now, newest first."""

    colleagues = ColleagueSerializer(many=True, read_only=True)
    hand_overs = HandOverSerializer(many=True, read_only=True)


class HandInput(serializers.Serializer[Any]):
    """To whom, by their number, and a note."""

    to = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    note = serializers.CharField(max_length=LONGEST_NOTE)


class GiveBackInput(serializers.Serializer[Any]):
    """What is said with it, if anything."""

    reply = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")


def handing_of(item: ReviewItem, user: User, now: datetime) -> dict[str, Any]:
    return HandingSerializer(
        {
            "colleagues": showing.colleagues(item, user, now),
            "hand_overs": showing.shown(item, user),
        }
    ).data


class ItemHand(generics.GenericAPIView[ReviewItem]):
    """Hand an item to a colleague of the queue."""

    required_permission: ClassVar[Any] = Permission.REVIEW_WORK
    serializer_class = HandingSerializer
    queryset = ReviewItem.objects.all()

    @extend_schema(responses=HandingSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Who takes one more, and the hand-overs of this item."""
        user = cast(User, request.user)
        return Response(handing_of(item_of(user, pk), user, timezone.now()))

    @extend_schema(request=HandInput, responses={201: HandingSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when the claim has ended or the colleague takes no more."""
        user, now = cast(User, request.user), timezone.now()
        item = item_of(user, pk)
        given = valid(HandInput(data=request.data))
        person = person_of(item, given["to"])
        handing.hand_over(
            actor=actor_of(request), item_id=pk, person=person, note=given["note"], now=now
        )
        return Response(handing_of(item, user, now), 201)


class ItemGiveBack(generics.GenericAPIView[ReviewItem]):
    """Give an item back to who handed it over."""

    required_permission: ClassVar[Any] = Permission.REVIEW_WORK
    serializer_class = HandingSerializer
    queryset = ReviewItem.objects.all()

    @extend_schema(request=GiveBackInput, responses=HandingSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """409 when nobody handed it to this person, or they took it and hold it no more."""
        user, now = cast(User, request.user), timezone.now()
        item = item_of(user, pk)
        given = valid(GiveBackInput(data=request.data))
        handing.give_back(actor=actor_of(request), item_id=pk, now=now, **given)
        return Response(handing_of(item, user, now))
