"""The scoring model over the API: versions, and proposing the next."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.approvals.api import ChangeSerializer
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, plain_name
from governance.registry.models import ScoringModel
from governance.registry.scoring_content import KINDS, MOST_OF_A_KIND
from governance.registry.scoring_models import propose_scoring_model
from governance.registry.scoring_tables import ScoringModelQuerySet


class DimensionSerializer(serializers.Serializer[Any]):
    """One thing that is scored; `words` say what each point from 1 to 5 means."""

    key = serializers.CharField(max_length=30)
    title = serializers.CharField(max_length=80, validators=[plain_name])
    kind = serializers.ChoiceField(choices=[(one, one) for one in KINDS])
    weight = serializers.DecimalField(max_digits=5, decimal_places=2)
    words = serializers.ListField(
        child=serializers.CharField(max_length=120), min_length=5, max_length=5
    )


class ScoringModelSerializer(serializers.ModelSerializer[ScoringModel]):
    """One version; `change` is the request that made it."""

    dimensions = DimensionSerializer(many=True)

    class Meta:
        model = ScoringModel
        fields = ["id", "version", "dimensions", "threshold", "active", "change", "made_at"]


class ScoringModelInput(serializers.Serializer[Any]):
    """What the next version shall say, and why. Only the share of a weight counts."""

    dimensions = DimensionSerializer(many=True, max_length=2 * MOST_OF_A_KIND)  # type: ignore[call-arg]  # many=True takes it
    threshold = serializers.DecimalField(max_digits=3, decimal_places=2)
    reason = serializers.CharField(max_length=2000)


class ModelList(generics.ListAPIView[ScoringModel]):
    """The version in force; with `versions=all` also those it replaced."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = ScoringModelSerializer
    queryset = ScoringModel.objects.all()

    @extend_schema(
        parameters=[OpenApiParameter("versions", OpenApiTypes.STR, enum=["active", "all"])]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> ScoringModelQuerySet:
        found = ScoringModel.objects.all()
        is_all = self.request.query_params.get("versions") == "all"
        return found if is_all else found.filter(active=True)


class ModelPropose(generics.GenericAPIView[ScoringModel]):
    """Put the next version before its signatories."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class: Any = ScoringModelInput
    queryset = ScoringModel.objects.all()

    @extend_schema(request=ScoringModelInput, responses={201: ChangeSerializer})
    def post(self, request: Request) -> Response:
        given = valid(ScoringModelInput(data=request.data))
        change = propose_scoring_model(
            actor=actor_of(request),
            reason=given.pop("reason"),
            proposal=given,
            now=timezone.now(),
        )
        return Response(ChangeSerializer(change).data, 201)
