"""The health of deployments, their circuits, and the limits of use cases over the API."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to
from prompts.gateway.circuits import BY_HAND, move_by_hand
from prompts.gateway.health import as_plain, health_of, last_moves
from prompts.gateway.limits import MOST_REQUESTS, MOST_TOKENS, check_can_limit, set_use_case_limits
from prompts.gateway.models import CircuitMove, UseCaseLimit


class FailureSerializer(serializers.Serializer[Any]):
    failure = serializers.CharField()
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class HealthSerializer(serializers.Serializer[Any]):
    """A deployment now; answers, latencies and failures are those of the last hour."""

    deployment = serializers.SlugField()
    circuit = serializers.CharField()
    open_until = serializers.DateTimeField(allow_null=True)
    times_opened = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    concurrency_limit = serializers.IntegerField()
    answers = serializers.IntegerField()
    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
    failures = FailureSerializer(many=True)
    requests_limit = serializers.IntegerField(allow_null=True)
    requests_used = serializers.IntegerField(allow_null=True)
    tokens_limit = serializers.IntegerField(allow_null=True)
    tokens_used = serializers.IntegerField(allow_null=True)


class MoveSerializer(serializers.ModelSerializer[CircuitMove]):
    """One transition of a circuit; `by_label` is empty where the gateway moved it."""

    class Meta:
        model = CircuitMove
        fields = ["at", "action", "source", "target", "by_label", "reason"]
        read_only_fields = fields


class HealthDetailSerializer(HealthSerializer):
    moves = MoveSerializer(many=True)


class CircuitInput(serializers.Serializer[Any]):
    """`hold_open` keeps every call away until somebody closes it again."""

    action = serializers.ChoiceField(choices=[(one, one) for one in BY_HAND])
    reason = serializers.CharField(max_length=300)


class LimitsSerializer(serializers.Serializer[Any]):
    """What a use case may in a minute over all its keys; null is no limit of its own."""

    requests_per_minute = serializers.IntegerField(
        min_value=1, max_value=MOST_REQUESTS, allow_null=True
    )
    tokens_per_minute = serializers.IntegerField(
        min_value=1, max_value=MOST_TOKENS, allow_null=True
    )


class HealthList(generics.GenericAPIView[Deployment]):
    """Every deployment that can be called, or could be."""

    required_permission = Permission.MODEL_VIEW
    serializer_class = HealthSerializer
    queryset = Deployment.objects.all()

    def get_queryset(self) -> QuerySet[Deployment]:
        return Deployment.objects.filter(replay_only=False).exclude(state="retired")

    @extend_schema(responses=HealthSerializer(many=True))
    def get(self, request: Request) -> Response:
        listed = self.paginate_queryset(self.get_queryset()) or []
        rows = [as_plain(one) for one in health_of(listed, timezone.now())]
        return self.get_paginated_response(HealthSerializer(rows, many=True).data)


class DeploymentHealth(APIView):
    """One deployment, with the last transitions of its circuit."""

    required_permission = Permission.MODEL_VIEW

    @extend_schema(responses=HealthDetailSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return _answer(_deployment(slug))


class DeploymentCircuit(APIView):
    """Keep every call away from a deployment, or let calls reach it again."""

    required_permission: ClassVar[tuple[Permission, ...]] = (
        Permission.MODEL_AUTHOR,
        Permission.INCIDENT_COMMAND,
    )

    @extend_schema(request=CircuitInput, responses=HealthDetailSerializer)
    def post(self, request: Request, slug: str) -> Response:
        deployment = _deployment(slug)
        asked = valid(CircuitInput(data=request.data))
        move_by_hand(actor=actor_of(request), deployment=deployment, now=timezone.now(), **asked)
        return _answer(deployment)


def _deployment(slug: str) -> Deployment:
    found: Deployment = get_or_404(Deployment.objects.all(), slug=slug)
    return found


def _answer(deployment: Deployment) -> Response:
    (found,) = health_of([deployment], timezone.now())
    body = as_plain(found) | {"moves": last_moves(deployment)}
    return Response(HealthDetailSerializer(body).data)


class UseCaseLimits(APIView):
    """How much a use case may call in a minute, over all its keys."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.USE_CASE_VIEW,
        "PUT": Permission.USE_CASE_MANAGE,
    }

    @extend_schema(responses=LimitsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        use_case = _use_case(request, slug)
        limits = UseCaseLimit.objects.filter(use_case=use_case).first() or UseCaseLimit()
        return Response(LimitsSerializer(limits).data)

    @extend_schema(request=LimitsSerializer, responses=LimitsSerializer)
    def put(self, request: Request, slug: str) -> Response:
        # Whose it is comes before what was sent.
        use_case, actor = _use_case(request, slug), actor_of(request)
        check_can_limit(actor, use_case)
        asked = valid(LimitsSerializer(data=request.data))
        limits = set_use_case_limits(actor=actor, use_case=use_case, now=timezone.now(), **asked)
        return Response(LimitsSerializer(limits).data)


def _use_case(request: Request, slug: str) -> UseCase:
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found
