"""Success metrics and measurements over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.registry import metrics
from governance.registry.api import found_use_case
from governance.registry.models import Measurement, SuccessMetric

READ_AND_ADD = {"GET": Permission.USE_CASE_VIEW, "POST": Permission.USE_CASE_MANAGE}


class MetricSerializer(serializers.ModelSerializer[SuccessMetric]):
    class Meta:
        model = SuccessMetric
        fields = ["id", "name", "unit", "ledger_figure", "baseline", "target"]


class MetricInput(serializers.Serializer[Any]):
    """What success is measured by; a pilot needs one with baseline and target."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    ledger_figure = serializers.CharField(
        max_length=30, required=False, allow_blank=True, default=""
    )
    unit = serializers.CharField(max_length=30, required=False, allow_blank=True, default="")
    baseline = serializers.DecimalField(18, 4, required=False, allow_null=True, default=None)
    target = serializers.DecimalField(18, 4, required=False, allow_null=True, default=None)


class MeasurementSerializer(serializers.ModelSerializer[Measurement]):
    class Meta:
        model = Measurement
        fields = ["id", "value", "on", "source", "origin"]


class MeasurementInput(serializers.Serializer[Any]):
    """One measured value, of today unless another day is given."""

    value = serializers.DecimalField(18, 4)
    on = serializers.DateField(required=False)
    source = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")  # type: ignore[assignment]  # a field named source


class MetricList(generics.ListAPIView[SuccessMetric]):
    """Success metrics of a use case; a POST adds one."""

    required_permission: ClassVar = READ_AND_ADD
    serializer_class = MetricSerializer
    queryset = SuccessMetric.objects.none()

    def get_queryset(self) -> Any:
        return found_use_case(self.request, self.kwargs["slug"]).metrics.all()

    @extend_schema(request=MetricInput, responses={201: MetricSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = metrics.add_metric(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(MetricInput(data=request.data)),
        )
        return Response(MetricSerializer(made).data, status=201)


class MeasurementList(generics.ListAPIView[Measurement]):
    """Measured values of a metric, newest first; a POST notes one."""

    required_permission: ClassVar = READ_AND_ADD
    serializer_class = MeasurementSerializer
    queryset = Measurement.objects.none()

    def get_queryset(self) -> Any:
        return self._metric(self.request).measurements.all()

    def _metric(self, request: Request) -> SuccessMetric:
        use_case = found_use_case(request, self.kwargs["slug"])
        found: SuccessMetric = get_or_404(
            use_case.metrics.select_related("use_case__team"), pk=self.kwargs["metric"]
        )
        return found

    @extend_schema(request=MeasurementInput, responses={201: MeasurementSerializer})
    def post(self, request: Request, slug: str, metric: int) -> Response:
        measured = self._metric(request)
        sent = {"on": timezone.localdate()} | valid(MeasurementInput(data=request.data))
        actor, now = actor_of(request), timezone.now()
        made = metrics.measure(actor=actor, metric=measured, now=now, origin="api", **sent)
        return Response(MeasurementSerializer(made).data, status=201)
