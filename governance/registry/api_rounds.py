"""Scoring rounds over the API: what is not shown on the page is not here either."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.registry import rounds
from governance.registry.api import ScoreSerializer, found_use_case
from governance.registry.models import ScoringRound
from governance.registry.round_rules import SHOWN
from governance.registry.spread import spreads

READ_AND_ASSESS = {
    "GET": Permission.USE_CASE_VIEW,
    "POST": (Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS),
}


class SpreadSerializer(serializers.Serializer[Any]):
    """How far the assessors are apart on one dimension."""

    key = serializers.CharField()
    least = serializers.IntegerField()
    most = serializers.IntegerField()
    median = serializers.DecimalField(max_digits=2, decimal_places=1)
    deviation = serializers.DecimalField(max_digits=3, decimal_places=2)


class SeatSerializer(serializers.Serializer[Any]):
    """An invited assessor; points and reasons are empty unless they may be read."""

    assessor = serializers.IntegerField(source="assessor_id")
    submitted_at = serializers.DateTimeField(allow_null=True)
    points = serializers.DictField(child=serializers.IntegerField())
    rationales = serializers.DictField(child=serializers.CharField(allow_blank=True))


class RoundSerializer(serializers.ModelSerializer[ScoringRound]):
    seats = serializers.SerializerMethodField()
    spread = serializers.SerializerMethodField()
    consensus = serializers.SerializerMethodField()

    class Meta:
        model = ScoringRound
        fields = [
            "id",
            "lead",
            "model_version",
            "state",
            "due_on",
            "opened_at",
            "revealed_at",
            "ended_at",
            "reason",
            "seats",
            "spread",
            "consensus",
        ]

    @extend_schema_field(SeatSerializer(many=True))
    def get_seats(self, found: ScoringRound) -> Any:
        seats = rounds.seats_as_read_by(found, self.context["request"].user)
        return SeatSerializer(seats, many=True).data

    @extend_schema_field(SpreadSerializer(many=True))
    def get_spread(self, found: ScoringRound) -> Any:
        if found.state not in SHOWN:
            return []
        points = [one.points for one in found.seats.all() if one.submitted_at]
        keys = sorted(points[0]) if points else []
        return SpreadSerializer(spreads(keys, points), many=True).data

    @extend_schema_field(ScoreSerializer(allow_null=True))
    def get_consensus(self, found: ScoringRound) -> Any:
        consensus = getattr(found, "consensus", None)
        return ScoreSerializer(consensus).data if consensus else None


class RoundInput(serializers.Serializer[Any]):
    """Whom to ask, and until when."""

    assessors = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True), many=True
    )
    due_on = serializers.DateField()


class HandInInput(serializers.Serializer[Any]):
    """One's own points from 1 to 5, each with a sentence."""

    points = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    rationales = serializers.DictField(child=serializers.CharField(max_length=500))


class ConsensusInput(serializers.Serializer[Any]):
    """The points that were agreed on, and how."""

    points = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    rationale = serializers.CharField(max_length=5000)


class RoundReasonInput(serializers.Serializer[Any]):
    """Why it ends before all are in, or without a consensus."""

    reason = serializers.CharField(max_length=500)


def _answer(request: Request, pk: int, status: int = 200) -> Response:
    found = ScoringRound.objects.select_related("consensus").prefetch_related("seats").get(pk=pk)
    return Response(RoundSerializer(found, context={"request": request}).data, status)


def _found(request: Request, slug: str, pk: int) -> ScoringRound:
    rows = ScoringRound.objects.filter(use_case=found_use_case(request, slug))
    return cast(ScoringRound, get_or_404(rows, pk=pk))


class RoundList(generics.ListAPIView[ScoringRound]):
    """Scoring rounds of a use case, newest first; a POST opens one."""

    required_permission: ClassVar = READ_AND_ASSESS
    serializer_class = RoundSerializer
    queryset = ScoringRound.objects.none()

    def get_queryset(self) -> Any:
        rows = found_use_case(self.request, self.kwargs["slug"]).scoring_rounds
        return rows.select_related("consensus").prefetch_related("seats__assessor")

    @extend_schema(request=RoundInput, responses={201: RoundSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = rounds.open_round(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(RoundInput(data=request.data)),
        )
        return _answer(request, made.pk, 201)


class RoundDetail(APIView):
    """One round: who is in, and what was said once it is shown."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(responses=RoundSerializer)
    def get(self, request: Request, slug: str, round: int) -> Response:
        return _answer(request, _found(request, slug, round).pk)


class RoundHandIn(APIView):
    """Hand in one's own score; the last one in shows them all."""

    required_permission = READ_AND_ASSESS["POST"]

    @extend_schema(request=HandInInput, responses=RoundSerializer)
    def post(self, request: Request, slug: str, round: int) -> Response:
        found = _found(request, slug, round)
        sent = valid(HandInInput(data=request.data))
        rounds.hand_in(actor=actor_of(request), round_id=found.pk, now=timezone.now(), **sent)
        return _answer(request, found.pk)


class RoundClose(APIView):
    """Its lead shows what is in, without the rest."""

    required_permission = READ_AND_ASSESS["POST"]

    @extend_schema(request=RoundReasonInput, responses=RoundSerializer)
    def post(self, request: Request, slug: str, round: int) -> Response:
        found = _found(request, slug, round)
        sent = valid(RoundReasonInput(data=request.data))
        rounds.close_early(actor=actor_of(request), round_id=found.pk, now=timezone.now(), **sent)
        return _answer(request, found.pk)


class RoundGiveUp(APIView):
    """Its lead ends it without a consensus."""

    required_permission = READ_AND_ASSESS["POST"]

    @extend_schema(request=RoundReasonInput, responses=RoundSerializer)
    def post(self, request: Request, slug: str, round: int) -> Response:
        found = _found(request, slug, round)
        sent = valid(RoundReasonInput(data=request.data))
        rounds.give_up(actor=actor_of(request), round_id=found.pk, now=timezone.now(), **sent)
        return _answer(request, found.pk)


class RoundConsensus(APIView):
    """Its lead records what was agreed on."""

    required_permission = READ_AND_ASSESS["POST"]

    @extend_schema(request=ConsensusInput, responses={201: ScoreSerializer})
    def post(self, request: Request, slug: str, round: int) -> Response:
        found = _found(request, slug, round)
        sent = valid(ConsensusInput(data=request.data))
        made = rounds.agree(actor=actor_of(request), round_id=found.pk, now=timezone.now(), **sent)
        return Response(ScoreSerializer(made).data, 201)
