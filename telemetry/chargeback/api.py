"""Budgets and statements over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.registry.models import UseCase
from telemetry.chargeback import statements
from telemetry.chargeback.models import Budget, Statement
from telemetry.chargeback.proposals import THRESHOLDS, propose_budget
from telemetry.chargeback.selectors import proposable_teams
from telemetry.chargeback.subjects import propose_limit


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    """A period's budget; `used` is captured and reserved, `change_request` decided on it.

    Without a team it is the organisation's; `rolled` was carried over from the period before.
    """

    team: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    period = serializers.CharField(read_only=True)
    rolled = serializers.DecimalField(max_digits=18, decimal_places=9, read_only=True)
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    limit = serializers.DecimalField(max_digits=11, decimal_places=2, read_only=True)
    change_request: Any = serializers.PrimaryKeyRelatedField(
        source="change", read_only=True, allow_null=True
    )
    used = serializers.DecimalField(max_digits=18, decimal_places=9, read_only=True)

    class Meta:
        model = Budget
        fields = [
            "id",
            "team",
            "use_case",
            "period",
            "starts_on",
            "limit",
            "rolled",
            "carry_percent",
            "currency",
            "hard",
            "renews",
            "soft_thresholds",
            "reserved",
            "captured",
            "overrun",
            "used",
            "version",
            "change_request",
        ]
        read_only_fields = fields


class ProposableTeam(serializers.SlugRelatedField[Team]):
    """A team that the person may propose a budget for; others are unknown here."""

    def get_queryset(self) -> QuerySet[Team]:
        return proposable_teams(self.context["request"].user)


class ProposableUseCase(serializers.SlugRelatedField[UseCase]):
    """A use case that the person sees."""

    def get_queryset(self) -> QuerySet[UseCase]:
        return UseCase.objects.visible_to(self.context["request"].user)


class NewBudgetSerializer(serializers.Serializer[Any]):
    """A budget that is asked for, and why."""

    team = ProposableTeam("slug", queryset=Team.objects.none(), allow_null=True)
    use_case = ProposableUseCase(
        "slug", queryset=UseCase.objects.none(), required=False, allow_null=True
    )
    period = serializers.ChoiceField(choices=["month", "quarter", "year"], default="month")
    starts_on = serializers.DateField()
    carry_percent = serializers.IntegerField(min_value=0, max_value=100, default=0)
    limit = serializers.DecimalField(max_digits=11, decimal_places=2, min_value=0)
    hard = serializers.BooleanField(default=True)
    renews = serializers.BooleanField(default=True)
    soft_thresholds = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100),
        max_length=20,
        default=list(THRESHOLDS),
    )
    reason = serializers.CharField(max_length=2000)


class ChangeOpened(serializers.Serializer[Any]):
    """The change request that now waits for its sign-off."""

    change_request = serializers.IntegerField()


class BudgetQueries(generics.GenericAPIView[Budget]):
    serializer_class = BudgetSerializer
    queryset = Budget.objects.all()

    def get_queryset(self) -> QuerySet[Budget]:
        budgets = Budget.objects.visible_to(cast(User, self.request.user))
        return budgets.select_related("team", "use_case")


class BudgetList(BudgetQueries, generics.ListAPIView[Budget]):
    """Budgets in reach. A new one is proposed, and stands when it is signed."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": Permission.CHARGEBACK_VIEW,
        "POST": (Permission.BUDGET_MANAGE, Permission.USE_CASE_MANAGE),
    }

    @extend_schema(request=NewBudgetSerializer, responses={201: ChangeOpened})
    def post(self, request: Request) -> Response:
        asked = NewBudgetSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        change = propose_budget(actor=actor_of(request), now=timezone.now(), **asked.validated_data)
        return Response({"change_request": change.pk}, status.HTTP_201_CREATED)


class BudgetDetail(BudgetQueries, generics.RetrieveAPIView[Budget]):
    """One budget."""

    required_permission = Permission.CHARGEBACK_VIEW


class LimitSerializer(serializers.Serializer[Any]):
    """Another limit, and why."""

    limit = serializers.DecimalField(max_digits=11, decimal_places=2, min_value=0)
    reason = serializers.CharField(max_length=2000)


class BudgetPropose(BudgetQueries):
    """Propose another limit; it applies when it is signed."""

    required_permission = (Permission.BUDGET_MANAGE, Permission.USE_CASE_MANAGE)

    @extend_schema(request=LimitSerializer, responses={201: ChangeOpened})
    def post(self, request: Request, pk: int) -> Response:
        budget: Budget = get_or_404(self.get_queryset(), pk=pk)
        asked = LimitSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        change = propose_limit(
            actor=actor_of(request), budget=budget, now=timezone.now(), **asked.validated_data
        )
        return Response({"change_request": change.pk}, status.HTTP_201_CREATED)


class StatementSerializer(serializers.ModelSerializer[Statement]):
    """A team's month; `lines` and `sha256` are filled when it is closed."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Statement
        fields = [
            "id",
            "team",
            "period",
            "state",
            "total",
            "currency",
            "entry_count",
            "lines",
            "sha256",
            "closed_at",
        ]
        read_only_fields = fields


class StatementQueries(generics.GenericAPIView[Statement]):
    serializer_class = StatementSerializer
    queryset = Statement.objects.all()

    def get_queryset(self) -> QuerySet[Statement]:
        return Statement.objects.visible_to(cast(User, self.request.user)).select_related("team")


class StatementList(StatementQueries, generics.ListAPIView[Statement]):
    """Statements that closing has begun on, or that are closed."""

    required_permission = Permission.CHARGEBACK_VIEW


class StatementDetail(StatementQueries, generics.RetrieveAPIView[Statement]):
    """One statement."""

    required_permission = Permission.CHARGEBACK_VIEW


class BeginSerializer(serializers.Serializer[Any]):
    """The team and the first day of the month."""

    team = serializers.SlugRelatedField("slug", queryset=Team.objects.all())
    period = serializers.DateField()


class StatementBegin(StatementQueries):
    """Begin to close a team's month."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=BeginSerializer, responses={201: StatementSerializer})
    def post(self, request: Request) -> Response:
        asked = BeginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        begun = statements.begin_closing(
            actor=actor_of(request), now=timezone.now(), **asked.validated_data
        )
        return Response(StatementSerializer(begun).data, status.HTTP_201_CREATED)


class StatementClose(StatementQueries):
    """Close a month for good."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=None, responses=StatementSerializer)
    def post(self, request: Request, pk: int) -> Response:
        closed = statements.close_statement(
            actor=actor_of(request), statement_id=pk, now=timezone.now()
        )
        return Response(StatementSerializer(closed).data)
