"""Drift monitors and their checks over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from telemetry.drift import selectors, services
from telemetry.drift.models import DriftCheck, DriftMonitor, DriftMonitorQuerySet
from telemetry.drift.rules import Measure
from telemetry.drift.tasks import run_check


class MonitorSerializer(serializers.ModelSerializer[DriftMonitor]):
    """A monitor; `since` is when it came into the state of its last check."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    last_state = serializers.CharField(read_only=True, allow_null=True, default=None)
    since = serializers.DateTimeField(read_only=True, allow_null=True, default=None)
    last_checked_at = serializers.DateTimeField(read_only=True, allow_null=True, default=None)

    class Meta:
        model = DriftMonitor
        fields = [
            "id",
            "use_case",
            "measure",
            "reference_days",
            "current_days",
            "minimum_sample",
            "threshold",
            "interval_minutes",
            "is_enabled",
            "next_due_at",
            "version",
            "last_state",
            "since",
            "last_checked_at",
        ]
        read_only_fields = fields


class SettingsSerializer(serializers.Serializer[Any]):
    """What of a monitor can be changed; all are optional."""

    reference_days = serializers.IntegerField(required=False)
    current_days = serializers.IntegerField(required=False)
    minimum_sample = serializers.IntegerField(required=False)
    threshold = serializers.DecimalField(max_digits=5, decimal_places=4, required=False)
    interval_minutes = serializers.IntegerField(required=False)


class ChangeSerializer(SettingsSerializer):
    """Settings, and whether the monitor is on."""

    is_enabled = serializers.BooleanField(required=False)


class NewSerializer(SettingsSerializer):
    """A use case by its slug, and what is watched of it."""

    use_case = serializers.CharField(max_length=80)
    measure = serializers.ChoiceField(choices=[one.value for one in Measure])


class CheckSerializer(serializers.ModelSerializer[DriftCheck]):
    """One comparison with all its numbers; `picture` holds those of the chart."""

    class Meta:
        model = DriftCheck
        fields = [
            "id",
            "monitor",
            "state",
            "requested_at",
            "measured_at",
            "reference_from",
            "reference_until",
            "reference_count",
            "reference_replayed",
            "current_from",
            "current_until",
            "current_count",
            "current_replayed",
            "minimum_sample",
            "threshold",
            "test",
            "statistic",
            "p_value",
            "effect",
            "sentence",
            "picture",
            "failure",
        ]
        read_only_fields = fields


class MonitorQueries(generics.GenericAPIView[DriftMonitor]):
    serializer_class = MonitorSerializer
    queryset = DriftMonitor.objects.all()

    def get_queryset(self) -> DriftMonitorQuerySet:
        return selectors.monitors_visible_to(cast(User, self.request.user))

    def found(self, pk: int) -> DriftMonitor:
        monitor: DriftMonitor = get_or_404(self.get_queryset(), pk=pk)
        return monitor

    def answer(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        """The monitor as it stands; its ETag is its version."""
        monitor = self.found(pk)
        return Response(
            MonitorSerializer(monitor).data, code, headers={"ETag": f'"{monitor.version}"'}
        )


class MonitorList(MonitorQueries, generics.ListAPIView[DriftMonitor]):
    """Monitors in reach; `state`, `measure`, `use_case` narrow. A POST makes one."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.DRIFT_VIEW,
        "POST": Permission.DRIFT_MANAGE,
    }

    def get_queryset(self) -> DriftMonitorQuerySet:
        return selectors.narrowed(super().get_queryset(), self.request.query_params)

    @extend_schema(request=NewSerializer, responses={201: MonitorSerializer})
    def post(self, request: Request) -> Response:
        asked = valid(NewSerializer(data=request.data))
        slug = asked.pop("use_case")
        use_case = selectors.use_cases_to_watch(cast(User, request.user)).filter(slug=slug).first()
        if use_case is None:
            unknown = "There is no such use case, or it is not yours to watch."
            raise Invalid("No monitor was made.", fields={"use_case": [unknown]})
        monitor = services.create_monitor(
            actor=actor_of(request), use_case=use_case, now=timezone.now(), **asked
        )
        return Response(MonitorSerializer(monitor).data, status.HTTP_201_CREATED)


class MonitorDetail(MonitorQueries):
    """One monitor. Its ETag is its version; a change names the version it was made from."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.DRIFT_VIEW,
        "PATCH": Permission.DRIFT_MANAGE,
    }

    def get(self, request: Request, pk: int) -> Response:
        return self.answer(pk)

    @extend_schema(request=ChangeSerializer, responses=MonitorSerializer)
    @transaction.atomic
    def patch(self, request: Request, pk: int) -> Response:
        """Change some settings, switch it on or off; 409 if it changed since that version."""
        self.found(pk)
        version = request.headers.get("If-Match", "").strip('"')
        if not version.isdigit():
            raise Invalid(
                "Nothing was saved: send the version you read in If-Match, as its ETag gave it.",
                code="version_required",
            )
        asked = valid(ChangeSerializer(data=request.data))
        is_enabled = asked.pop("is_enabled", None)
        actor, now = actor_of(request), timezone.now()
        services.change_monitor(actor=actor, monitor_id=pk, version=int(version), now=now, **asked)
        if is_enabled is not None:
            services.switch_monitor(actor=actor, monitor_id=pk, is_enabled=is_enabled, now=now)
        return self.answer(pk)


class MonitorRun(MonitorQueries):
    """Ask for a check now; a worker runs it. Read it at `drift-checks/<id>/` until it is over."""

    required_permission = Permission.DRIFT_MANAGE

    @extend_schema(request=None, responses={202: CheckSerializer})
    @transaction.atomic
    def post(self, request: Request, pk: int) -> Response:
        self.found(pk)
        check = services.request_check(actor=actor_of(request), monitor_id=pk, now=timezone.now())
        check_id = check.pk
        transaction.on_commit(lambda: run_check.delay(check_id))
        return Response(CheckSerializer(check).data, status.HTTP_202_ACCEPTED)


class CheckQueries(generics.GenericAPIView[DriftCheck]):
    required_permission = Permission.DRIFT_VIEW
    serializer_class = CheckSerializer
    queryset = DriftCheck.objects.all()

    def get_queryset(self) -> QuerySet[DriftCheck]:
        monitors = DriftMonitor.objects.visible_to(cast(User, self.request.user))
        return DriftCheck.objects.filter(monitor__in=monitors)


class CheckList(CheckQueries, generics.ListAPIView[DriftCheck]):
    """A monitor's checks, newest first."""

    def get_queryset(self) -> QuerySet[DriftCheck]:
        return super().get_queryset().filter(monitor=self.kwargs["pk"])

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        get_or_404(DriftMonitor.objects.visible_to(cast(User, request.user)), pk=self.kwargs["pk"])
        return super().list(request, *args, **kwargs)


class CheckDetail(CheckQueries, generics.RetrieveAPIView[DriftCheck]):
    """One check."""
