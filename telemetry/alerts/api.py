"""Alerts over the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from telemetry.alerts import services
from telemetry.alerts.models import Alert, AlertQuerySet


class AlertSerializer(serializers.ModelSerializer[Alert]):
    class Meta:
        model = Alert
        fields = [
            "id",
            "cause",
            "title",
            "severity",
            "state",
            "team",
            "since",
            "last_seen_at",
            "count",
            "acknowledged_at",
            "resolved_at",
        ]


class AlertList(generics.ListAPIView[Alert]):
    """Alerts in the person's reach, newest first."""

    required_permission = Permission.ALERT_VIEW
    serializer_class = AlertSerializer
    queryset = Alert.objects.all()

    def get_queryset(self) -> AlertQuerySet:
        return Alert.objects.visible_to(self.request.user)  # type: ignore[arg-type]  # signed in


class AlertAcknowledge(generics.GenericAPIView[Alert]):
    """Say that somebody looks after it."""

    required_permission = Permission.ALERT_MANAGE
    serializer_class = AlertSerializer
    queryset = Alert.objects.all()

    @extend_schema(request=None)
    def post(self, request: Request, pk: int, **kwargs: Any) -> Response:
        get_or_404(Alert.objects.visible_to(request.user), pk=pk)  # type: ignore[arg-type]  # signed in
        alert = services.acknowledge_alert(actor=actor_of(request), alert_id=pk, now=timezone.now())
        return Response(AlertSerializer(alert).data)
