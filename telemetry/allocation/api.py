"""Allocation rules over the API; the same services as the pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from telemetry.allocation import selectors, services
from telemetry.allocation.content import read_content
from telemetry.allocation.models import AllocationPart, AllocationRule, AllocationRun
from telemetry.allocation.selectors import MAY_SEE
from telemetry.chargeback.api import ChangeOpened
from telemetry.chargeback.closing_api import MonthAsked


class AllocationContentSerializer(serializers.Serializer[Any]):
    """A pool and its split. `amount`, or `source` and `rate`; `figures` by a team's slug."""

    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True, default=None)
    source: Any = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    amount = serializers.DecimalField(
        max_digits=18, decimal_places=9, required=False, default=Decimal(0)
    )
    rate = serializers.DecimalField(
        max_digits=18, decimal_places=9, required=False, default=Decimal(0)
    )
    method = serializers.CharField(max_length=10)
    figures = serializers.DictField(
        child=serializers.DecimalField(max_digits=18, decimal_places=9), required=False
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class AllocationProposal(AllocationContentSerializer):
    """And why; a new rule has a title."""

    title = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=100, validators=[plain_name]
    )
    reason = serializers.CharField(max_length=2000)


class AllocationVersionSerializer(AllocationContentSerializer):
    """A signed version."""

    number = serializers.IntegerField()
    currency = serializers.CharField()


class AllocationRuleSerializer(serializers.ModelSerializer[AllocationRule]):
    """A rule with its versions, newest first."""

    versions = AllocationVersionSerializer(many=True, read_only=True)

    class Meta:
        model = AllocationRule
        fields = ["slug", "title", "versions"]
        read_only_fields = fields


class AllocationPartSerializer(serializers.Serializer[Any]):
    """A team's figure, share in percent, and part."""

    team = serializers.CharField(source="team.slug")
    basis = serializers.DecimalField(max_digits=30, decimal_places=9)
    share = serializers.DecimalField(max_digits=12, decimal_places=6)
    amount = serializers.DecimalField(max_digits=18, decimal_places=9)
    before = serializers.DecimalField(
        max_digits=18, decimal_places=9, allow_null=True, required=False
    )


class AllocationPreviewSerializer(serializers.Serializer[Any]):
    """What booking would give."""

    period = serializers.DateField()
    whole = serializers.DecimalField(max_digits=18, decimal_places=9)
    currency = serializers.CharField()
    basis_total = serializers.DecimalField(max_digits=30, decimal_places=9)
    parts = AllocationPartSerializer(many=True)


class AllocationBookedPart(serializers.ModelSerializer[AllocationPart]):
    """A booked part and its ledger entry."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    share = serializers.DecimalField(max_digits=12, decimal_places=6, read_only=True)

    class Meta:
        model = AllocationPart
        fields = ["team", "basis", "share", "amount", "entry"]
        read_only_fields = fields


class AllocationRunSerializer(serializers.ModelSerializer[AllocationRun]):
    """A booking."""

    version = serializers.IntegerField(source="version.number", read_only=True)
    parts = AllocationBookedPart(many=True, read_only=True)

    class Meta:
        model = AllocationRun
        fields = ["id", "period", "version", "whole", "currency", "basis_total", "state", "parts"]
        read_only_fields = fields


class AllocationReverse(MonthAsked):
    """The month, and why the booking is taken back."""

    reason = serializers.CharField(max_length=300)


class RuleQueries(generics.GenericAPIView[AllocationRule]):
    serializer_class = AllocationRuleSerializer
    queryset = AllocationRule.objects.all()
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[AllocationRule]:
        return AllocationRule.objects.prefetch_related("versions__rule")

    def rule(self, slug: str) -> AllocationRule:
        found: AllocationRule = get_or_404(self.get_queryset(), slug=slug)
        return found


def _proposed(request: Request, rule: AllocationRule | None) -> Response:
    asked = AllocationProposal(data=request.data)
    asked.is_valid(raise_exception=True)
    facts = dict(asked.validated_data)
    title, reason = facts.pop("title"), facts.pop("reason")
    change = services.propose_rule(
        actor=actor_of(request),
        content=read_content(facts),
        reason=reason,
        now=timezone.now(),
        rule=rule,
        title=title,
    )
    return Response({"change_request": change.pk}, status.HTTP_201_CREATED)


class RuleList(RuleQueries, generics.ListAPIView[AllocationRule]):
    """Rules of shared cost. A new one is proposed, and holds when it is signed."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": MAY_SEE,
        "POST": Permission.BUDGET_MANAGE,
    }

    @extend_schema(request=AllocationProposal, responses={201: ChangeOpened})
    def post(self, request: Request) -> Response:
        return _proposed(request, None)


class RuleDetail(RuleQueries, generics.RetrieveAPIView[AllocationRule]):
    """One rule; a next version is proposed by POST."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": MAY_SEE,
        "POST": Permission.BUDGET_MANAGE,
    }

    @extend_schema(
        operation_id="allocation_rules_propose",
        request=AllocationProposal,
        responses={201: ChangeOpened},
    )
    def post(self, request: Request, slug: str) -> Response:
        return _proposed(request, self.rule(slug))


class AllocationSimulation(AllocationContentSerializer, MonthAsked):
    """A content and the month to try it on."""


class Simulate(APIView):
    """What a content would give for a month; nothing is written."""

    required_permission = Permission.BUDGET_MANAGE

    @extend_schema(request=AllocationSimulation, responses=AllocationPreviewSerializer)
    def post(self, request: Request) -> Response:
        asked = AllocationSimulation(data=request.data)
        asked.is_valid(raise_exception=True)
        facts = dict(asked.validated_data)
        period: date = facts.pop("month")
        return Response(
            AllocationPreviewSerializer(selectors.preview(read_content(facts), period)).data
        )


class Book(RuleQueries):
    """Book a rule for an ended month, once."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=MonthAsked, responses={201: AllocationRunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        rule = self.rule(slug)
        asked = MonthAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.book(
            actor=actor_of(request),
            rule_id=rule.pk,
            period=asked.validated_data["month"],
            now=timezone.now(),
        )
        return Response(AllocationRunSerializer(run).data, status.HTTP_201_CREATED)


class Reverse(RuleQueries):
    """Take a booking back while no team's month is closed."""

    required_permission = Permission.STATEMENT_CLOSE

    @extend_schema(request=AllocationReverse, responses=AllocationRunSerializer)
    def post(self, request: Request, slug: str) -> Response:
        rule = self.rule(slug)
        asked = AllocationReverse(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.reverse(
            actor=actor_of(request),
            rule_id=rule.pk,
            period=asked.validated_data["month"],
            reason=asked.validated_data["reason"],
            now=timezone.now(),
        )
        return Response(AllocationRunSerializer(run).data)
