"""Intake rules over the API; the same services as the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from reviews.intake import services
from reviews.intake.models import IntakeRuleVersion
from reviews.intake.rules import Effect
from reviews.intake.sampling import prove
from reviews.intake.selectors import newest_versions
from reviews.intake.trying import trial
from reviews.queues.models import Queue

SEES = (Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)


def _names(most: int = 100) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=most
    )


class ConditionsSerializer(serializers.Serializer[Any]):
    """All that are named must hold; of each list any one is enough."""

    use_cases = _names()
    tiers = _names()
    sensitivities = _names()
    modes = _names()
    findings = _names()
    finding_rules = _names()
    confidence_below = serializers.DecimalField(
        max_digits=6, decimal_places=5, required=False, allow_null=True
    )


class IntakeRuleSerializer(serializers.ModelSerializer[IntakeRuleVersion]):
    """The newest version of a rule."""

    slug = serializers.CharField(source="rule.slug", read_only=True)
    name = serializers.CharField(source="rule.name", read_only=True)
    queue: Any = serializers.SlugRelatedField("slug", read_only=True)
    conditions = ConditionsSerializer()

    class Meta:
        model = IntakeRuleVersion
        fields: ClassVar[list[str]] = [
            "slug",
            "name",
            "number",
            "is_active",
            "position",
            "conditions",
            "effect",
            "share",
            "queue",
            "priority",
            "by_label",
            "reason",
            "at",
        ]
        read_only_fields = fields


class IntakeRuleInput(serializers.Serializer[Any]):
    """All that a version says."""

    name = serializers.CharField(max_length=100, validators=[plain_name])
    queue: Any = serializers.SlugRelatedField("slug", queryset=Queue.objects.all())
    effect = serializers.ChoiceField(choices=[one.value for one in Effect])
    conditions = ConditionsSerializer(required=False)
    share = serializers.DecimalField(
        max_digits=6, decimal_places=3, min_value=0, max_value=100, default=Decimal(100)
    )
    priority = serializers.IntegerField(min_value=-100, max_value=100, default=0)
    position = serializers.IntegerField(min_value=0, max_value=999, default=50)
    reason = serializers.CharField(max_length=300, required=False, default="")

    def parts(self) -> tuple[services.RuleFacts, str]:
        given = dict(valid(self))
        reason = given.pop("reason")
        return services.RuleFacts(**given), reason


class IntakeTrialSerializer(serializers.Serializer[Any]):
    """What the rule would have done with the latest calls."""

    looked_at = serializers.IntegerField()
    matched = serializers.IntegerField()
    taken = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.UUIDField())


class ProofSerializer(serializers.Serializer[Any]):
    """Whether exactly the derived calls were taken."""

    holds = serializers.BooleanField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    looked_at = serializers.IntegerField()
    derived = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.UUIDField())
    surplus = serializers.ListField(child=serializers.UUIDField())


class RuleQueries(generics.GenericAPIView[IntakeRuleVersion]):
    serializer_class = IntakeRuleSerializer
    queryset = IntakeRuleVersion.objects.all()

    def get_queryset(self) -> QuerySet[IntakeRuleVersion]:
        return newest_versions()

    def written(self, request: Request, slug: str, code: int) -> Response:
        facts, reason = IntakeRuleInput(data=request.data).parts()
        made = services.write_rule(
            actor=actor_of(request), facts=facts, reason=reason, slug=slug, now=timezone.now()
        )
        return Response(IntakeRuleSerializer(made).data, code)


class IntakeRuleList(RuleQueries, generics.ListAPIView[IntakeRuleVersion]):
    """Every rule, in the order in which they are asked."""

    required_permission: ClassVar = {"GET": SEES, "POST": Permission.REVIEW_MANAGE}

    @extend_schema(request=IntakeRuleInput, responses={201: IntakeRuleSerializer})
    def post(self, request: Request) -> Response:
        """Write one; it holds for calls that are admitted from now on."""
        services.check_can_write(actor_of(request))
        return self.written(request, "", status.HTTP_201_CREATED)


class IntakeRuleDetail(RuleQueries):
    """One rule."""

    required_permission: ClassVar = {
        "GET": SEES,
        "PUT": Permission.REVIEW_MANAGE,
        "DELETE": Permission.REVIEW_MANAGE,
    }

    @extend_schema(responses=IntakeRuleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(IntakeRuleSerializer(get_or_404(self.get_queryset(), rule__slug=slug)).data)

    @extend_schema(request=IntakeRuleInput, responses=IntakeRuleSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Write its next version."""
        services.check_can_write(actor_of(request))
        get_or_404(self.get_queryset(), rule__slug=slug)
        return self.written(request, slug, status.HTTP_200_OK)

    @extend_schema(
        parameters=[OpenApiParameter("reason", str, description="Why it ends.")],
        responses=IntakeRuleSerializer,
    )
    def delete(self, request: Request, slug: str) -> Response:
        """It takes nothing from now on; its history stays."""
        services.check_can_write(actor_of(request))
        reason = request.query_params.get("reason", "")
        ended = services.end_rule(
            actor=actor_of(request), slug=slug, reason=reason, now=timezone.now()
        )
        return Response(IntakeRuleSerializer(ended).data)


class IntakeTry(APIView):
    """Try a rule on the latest calls."""

    required_permission = Permission.REVIEW_MANAGE

    @extend_schema(request=IntakeRuleInput, responses=IntakeTrialSerializer)
    def post(self, request: Request) -> Response:
        """Nothing is saved."""
        services.check_can_write(actor_of(request))
        facts, _ = IntakeRuleInput(data=request.data).parts()
        found = trial(cast(User, request.user), facts, timezone.now())
        return Response(IntakeTrialSerializer(found).data)


class PeriodInput(serializers.Serializer[Any]):
    """Days in UTC, both included; after the last one another has to follow."""

    first = serializers.DateField()
    last = serializers.DateField()

    def validate_last(self, last: date) -> date:
        if last == date.max:
            raise serializers.ValidationError("There is no day after this one: choose an earlier.")
        return last


class IntakeVerify(APIView):
    """Derive the samples of a period again."""

    required_permission = SEES

    @extend_schema(
        parameters=[
            OpenApiParameter("first", {"type": "string", "format": "date"}, required=True),
            OpenApiParameter("last", {"type": "string", "format": "date"}, required=True),
        ],
        responses=ProofSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = valid(PeriodInput(data=request.query_params))
        proof = prove(
            starts_at=datetime.combine(asked["first"], time(), UTC),
            ends_at=datetime.combine(asked["last"], time(), UTC) + timedelta(days=1),
        )
        return Response(ProofSerializer(proof).data)
