"""A month's savings, unit costs and odd days over the API; the same figures as the page."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from telemetry.chargeback.dashboard import View
from telemetry.savings import selectors, services
from telemetry.savings.models import MonthFigures, Saving, UnitCost
from telemetry.savings.tasks import enqueue

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 9}
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


class SavingSerializer(serializers.ModelSerializer[Saving]):
    """One lever for one use case; `facts` say what it was computed from."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    deployment: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)

    class Meta:
        model = Saving
        fields = ["lever", "team", "use_case", "deployment", "calls", "amount", "facts"]
        read_only_fields = fields


class UnitCostSerializer(serializers.ModelSerializer[UnitCost]):
    """What a use case's month came to; tasks and accepted outputs are counted by call."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = UnitCost
        fields = ["team", "use_case", "calls", "tasks", "accepted", "reviewed", "cost"]
        read_only_fields = fields


class OddDaySerializer(serializers.Serializer[Any]):
    """A day whose cost stands out; `usual` is the median of `compared_days` such days before."""

    use_case = serializers.CharField()
    day = serializers.DateField(source="found.day")
    cost = serializers.DecimalField(source="found.cost", **MONEY)
    usual = serializers.DecimalField(source="found.usual", **MONEY)
    compared_days = serializers.IntegerField(source="found.days")


class SavingsSerializer(serializers.Serializer[Any]):
    """A month; `computed_at` is null where nobody has computed it."""

    month = serializers.DateField()
    asked_at = serializers.DateTimeField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    possible = serializers.DecimalField(**MONEY)
    savings = SavingSerializer(many=True)
    units = UnitCostSerializer(many=True)
    odd_days = OddDaySerializer(many=True)


class Savings(APIView):
    """The month's figures within the person's reach; `month` and `team` narrow."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(
        parameters=[OpenApiParameter("month", str), OpenApiParameter("team", str)],
        responses=SavingsSerializer,
    )
    def get(self, request: Request) -> Response:
        user, today = cast(User, request.user), timezone.now().date()
        view = View.from_query(request.query_params, today)
        kept = MonthFigures.objects.filter(month=view.month).first()
        sums = selectors.levers(kept, user, view.team)
        answer = {
            "month": view.month,
            "asked_at": kept.asked_at if kept else None,
            "computed_at": kept.computed_at if kept else None,
            "possible": selectors.possible(sums),
            "savings": [line for one in sums for line in one.lines],
            "units": selectors.units(kept, user, view.team),
            "odd_days": selectors.odd_days(user, view.month, today, view.team),
        }
        return Response(SavingsSerializer(answer).data)


class MonthInput(serializers.Serializer[Any]):
    """A month as YYYY-MM."""

    month = serializers.RegexField(MONTH, max_length=7)


class Asked(serializers.Serializer[Any]):
    """When it was asked for; `computed_at` is later once it stands."""

    month = serializers.DateField()
    asked_at = serializers.DateTimeField()
    computed_at = serializers.DateTimeField(allow_null=True)


class Compute(APIView):
    """Have a month computed again by a worker."""

    required_permission = Permission.BUDGET_MANAGE

    @extend_schema(request=MonthInput, responses={202: Asked})
    def post(self, request: Request) -> Response:
        now = timezone.now()
        asked = View.from_query(valid(MonthInput(data=request.data)), now.date())
        figures = services.ask_for_figures(actor=actor_of(request), month=asked.month, now=now)
        enqueue(figures)
        return Response(Asked(figures).data, status.HTTP_202_ACCEPTED)
