"""The end of a month over the API; the same services as the pages."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from telemetry.chargeback import closing
from telemetry.chargeback.api import ChangeOpened
from telemetry.chargeback.models import ClosingRun, Statement, StatementVersion
from telemetry.chargeback.reopening import propose_reopening
from telemetry.chargeback.tasks import enqueue

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


class ClosingFindingSerializer(serializers.Serializer[Any]):
    """Something to look at before the month is closed; `warns` asks to be acknowledged."""

    label: Any = serializers.CharField()
    count = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=30, decimal_places=9, allow_null=True)
    warns = serializers.BooleanField()
    detail = serializers.CharField()
    url = serializers.CharField()


class TeamMonthSerializer(serializers.Serializer[Any]):
    """A team's month."""

    team = serializers.CharField(source="team.slug")
    state = serializers.CharField()
    total = serializers.DecimalField(max_digits=30, decimal_places=9)
    findings = ClosingFindingSerializer(many=True)


class MonthEndSerializer(serializers.Serializer[Any]):
    """All teams' months; `total_to_close` is what a request to close must name."""

    period = serializers.DateField()
    has_ended = serializers.BooleanField()
    total = serializers.DecimalField(max_digits=30, decimal_places=9)
    total_to_close = serializers.DecimalField(max_digits=30, decimal_places=9)
    warnings = serializers.IntegerField()
    rows = TeamMonthSerializer(many=True)
    general = ClosingFindingSerializer(many=True)


class MonthAsked(serializers.Serializer[Any]):
    """A month as YYYY-MM."""

    month = serializers.RegexField(MONTH, max_length=7)

    def validate_month(self, value: str) -> date:
        try:
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            raise serializers.ValidationError("A month is written 2026-11.") from None


class MonthCloseAsked(MonthAsked):
    """The month again as `confirm`, the total that was seen, and that warnings were."""

    confirm = serializers.CharField(max_length=7)
    total = serializers.DecimalField(max_digits=30, decimal_places=9)
    acknowledged = serializers.BooleanField(default=False)


class ClosingRunSerializer(serializers.ModelSerializer[ClosingRun]):
    """How far a closing is; `failures` are sentences by statement id."""

    teams = serializers.IntegerField(read_only=True)
    failures = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ClosingRun
        fields = ["id", "period", "state", "teams", "done", "failures", "requested_at"]
        read_only_fields = fields


class StatementSealSerializer(serializers.ModelSerializer[StatementVersion]):
    """One seal a month has had."""

    class Meta:
        model = StatementVersion
        fields = ["id", "number", "total", "currency", "entry_count", "sha256", "closed_at"]
        read_only_fields = fields


def _month(data: Any, serializer: type[MonthAsked] = MonthAsked) -> dict[str, Any]:
    asked = serializer(data=data)
    asked.is_valid(raise_exception=True)
    return cast(dict[str, Any], asked.validated_data)


class MonthEnd(APIView):
    """What every team's month is at, and what to look at first."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(
        parameters=[OpenApiParameter("month", str, required=True, pattern=MONTH)],
        responses=MonthEndSerializer,
    )
    def get(self, request: Request) -> Response:
        period = _month(request.query_params)["month"]
        month = closing.closing_month(cast(User, request.user), period, timezone.now())
        return Response(MonthEndSerializer(month).data)


class MonthEndBegin(APIView):
    """Begin closing for every team that is open."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=MonthAsked, responses=MonthEndSerializer)
    def post(self, request: Request) -> Response:
        period, now = _month(request.data)["month"], timezone.now()
        closing.begin_closing_all(actor=actor_of(request), period=period, now=now)
        month = closing.closing_month(cast(User, request.user), period, now)
        return Response(MonthEndSerializer(month).data)


class MonthEndClose(APIView):
    """Close what is in closing; a worker does it."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=MonthCloseAsked, responses={202: ClosingRunSerializer})
    def post(self, request: Request) -> Response:
        asked = _month(request.data, MonthCloseAsked)
        run = closing.request_closing(
            actor=actor_of(request),
            period=asked["month"],
            confirm=asked["confirm"],
            total=str(asked["total"]),
            acknowledged=asked["acknowledged"],
            now=timezone.now(),
        )
        enqueue(run)
        return Response(ClosingRunSerializer(run).data, status.HTTP_202_ACCEPTED)


class Run(generics.RetrieveAPIView[ClosingRun]):
    """How far a closing is."""

    required_permission = Permission.STATEMENT_CLOSE
    serializer_class = ClosingRunSerializer
    queryset = ClosingRun.objects.all()


class Seals(generics.ListAPIView[StatementVersion]):
    """Every seal that a month has had, newest first."""

    required_permission = Permission.CHARGEBACK_VIEW
    serializer_class = StatementSealSerializer
    queryset = StatementVersion.objects.none()

    def get_queryset(self) -> QuerySet[StatementVersion]:
        mine = Statement.objects.visible_to(cast(User, self.request.user))
        statement: Statement = get_or_404(mine, pk=self.kwargs["pk"])
        return statement.versions.all()


class StatementReopenAsked(serializers.Serializer[Any]):
    """Why a closed month must be opened."""

    reason = serializers.CharField(max_length=2000)


class Reopen(APIView):
    """Ask for a closed month to be opened again; others sign, or let it through at once."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=StatementReopenAsked, responses={201: ChangeOpened})
    def post(self, request: Request, pk: int) -> Response:
        mine = Statement.objects.visible_to(cast(User, request.user)).select_related("team")
        statement: Statement = get_or_404(mine, pk=pk)
        asked = StatementReopenAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        if not statement.sha256:
            raise Invalid("Nothing was opened: this month is not closed.")
        change = propose_reopening(
            actor=actor_of(request),
            statement=statement,
            reason=asked.validated_data["reason"],
            now=timezone.now(),
        )
        return Response({"change_request": change.pk}, status.HTTP_201_CREATED)
