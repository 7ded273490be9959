"""The worth of a metric, and what a use case saved against what it cost, over the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.registry import worth
from governance.registry.api import found_use_case
from governance.registry.api_metrics import READ_AND_ADD
from governance.registry.models import MetricWorth, SuccessMetric


class WorthSerializer(serializers.ModelSerializer[MetricWorth]):
    class Meta:
        model = MetricWorth
        fields = ["id", "amount", "currency", "per", "rationale", "estimated_by", "at"]


class WorthInput(serializers.Serializer[Any]):
    """Money saved by one unit of improvement: for each call, or once a month."""

    amount = serializers.DecimalField(18, 6)
    per = serializers.CharField(max_length=5)
    rationale = serializers.CharField(max_length=500)


class ReturnMonth(serializers.Serializer[Any]):
    """`saved` is an estimate, null when it cannot be said; `cost` is booked."""

    month = serializers.DateField()
    saved = serializers.DecimalField(24, 2, allow_null=True)
    cost = serializers.DecimalField(24, 10)
    net = serializers.DecimalField(24, 10, allow_null=True)


class ReturnSerializer(serializers.Serializer[Any]):
    """The last three months, this one first."""

    currency = serializers.CharField()
    is_valued = serializers.BooleanField()
    months = ReturnMonth(many=True)


class WorthList(generics.ListAPIView[MetricWorth]):
    """What an improvement was estimated to be worth, the last first; a POST estimates anew."""

    required_permission = READ_AND_ADD
    serializer_class = WorthSerializer
    queryset = MetricWorth.objects.none()

    def get_queryset(self) -> Any:
        return self._metric(self.request).worths.all()

    def _metric(self, request: Request) -> SuccessMetric:
        use_case = found_use_case(request, self.kwargs["slug"])
        found: SuccessMetric = get_or_404(
            use_case.metrics.select_related("use_case__team"), pk=self.kwargs["metric"]
        )
        return found

    @extend_schema(request=WorthInput, responses={201: WorthSerializer})
    def post(self, request: Request, slug: str, metric: int) -> Response:
        made = worth.declare_worth(
            actor=actor_of(request),
            metric=self._metric(request),
            now=timezone.now(),
            **valid(WorthInput(data=request.data)),
        )
        return Response(WorthSerializer(made).data, status=201)


class ReturnNow(APIView):
    """Money saved, as estimated, against cost booked."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(responses=ReturnSerializer)
    def get(self, request: Request, slug: str) -> Response:
        found = worth.return_of(found_use_case(request, slug), timezone.now())
        return Response(ReturnSerializer(found).data)
