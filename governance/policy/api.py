"""Rule sets of the screens over the API: reading, beginning, proposing, trying."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.approvals.api import ChangeSerializer
from governance.kernel.authority import Permission
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.policy.models import RuleSet, RuleSetVersion
from governance.policy.rule_content import (
    ACTIONS,
    LONGEST_NEAR,
    LONGEST_PATTERN,
    LONGEST_TEST,
    LONGEST_TITLE,
    MOST_NEAR,
    MOST_RULES,
    MOST_TESTS,
    SCREENS,
    SOURCES,
)
from governance.policy.rule_forms import LONGEST_TRIAL
from governance.policy.rule_selectors import approvers, rule_sets, versions
from governance.policy.rule_sets import begin_rule_set, propose_rules
from governance.policy.screening import Shown, screening_in_force, tried


class RuleSerializer(serializers.Serializer[Any]):
    """One RE2 pattern, what is done when it is found, and where it is looked for."""

    key = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=LONGEST_TITLE, validators=[plain_name])
    pattern = serializers.CharField(max_length=LONGEST_PATTERN, trim_whitespace=False)
    action = serializers.ChoiceField(choices=list(ACTIONS), default="hold")
    reads = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SOURCES)), min_length=1, max_length=3
    )
    near = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NEAR), max_length=MOST_NEAR, required=False
    )
    # Empty for nothing; which sensitivities there are is checked with the rest of the rule.
    raises_to = serializers.CharField(max_length=12, allow_blank=True, default="")
    category = serializers.CharField(max_length=20, allow_blank=True, default="")


class RuleTestSerializer(serializers.Serializer[Any]):
    """A text and the rule that must find something in it; none when all must leave it alone."""

    text = serializers.CharField(max_length=LONGEST_TEST, trim_whitespace=False)
    rule = serializers.CharField(max_length=40, allow_blank=True, default="")
    reads = serializers.ChoiceField(choices=list(SOURCES), default="user")


class RuleSetVersionSerializer(serializers.ModelSerializer[RuleSetVersion]):
    """One version; `change` is the request that made it."""

    rules = RuleSerializer(many=True)
    tests = RuleTestSerializer(many=True)
    approved_by = serializers.SerializerMethodField()

    class Meta:
        model = RuleSetVersion
        fields = ["version", "active", "rules", "tests", "change", "approved_by", "made_at"]

    def get_approved_by(self, version: RuleSetVersion) -> list[str]:
        return approvers(version)


class RuleSetSerializer(serializers.ModelSerializer[RuleSet]):
    """A set; its version in force is null before the first one is signed."""

    in_force = serializers.SerializerMethodField()

    class Meta:
        model = RuleSet
        fields = ["id", "slug", "title", "screen", "purpose", "made_at", "in_force"]

    @extend_schema_field(RuleSetVersionSerializer(allow_null=True))
    def get_in_force(self, rule_set: RuleSet) -> Any:
        found = rule_set.in_force  # type: ignore[attr-defined]  # prefetched
        return RuleSetVersionSerializer(found[0]).data if found else None


class RuleSetInput(serializers.Serializer[Any]):
    """A set that is yet to get its rules."""

    slug = serializers.SlugField(max_length=60)
    title = serializers.CharField(max_length=LONGEST_TITLE, validators=[plain_name])
    screen = serializers.ChoiceField(choices=list(SCREENS))
    purpose = serializers.CharField(max_length=500)


class RulesInput(serializers.Serializer[Any]):
    """What the next version shall say, and why. Every rule has a test, and every test is kept."""

    rules = RuleSerializer(many=True, max_length=MOST_RULES)  # type: ignore[call-arg]  # many=True takes it
    tests = RuleTestSerializer(many=True, max_length=MOST_TESTS)  # type: ignore[call-arg]  # many=True takes it
    reason = serializers.CharField(max_length=2000)


class TrialInput(serializers.Serializer[Any]):
    """A text to try; nothing of it is kept."""

    text = serializers.CharField(max_length=LONGEST_TRIAL, trim_whitespace=False)
    reads = serializers.ChoiceField(choices=list(SOURCES), default="user")
    sensitivity = serializers.ChoiceField(choices=list(Sensitivity), default="internal")


class MatchSerializer(serializers.Serializer[Any]):
    """A rule that found something; `read_as` says how the text was decoded, if it was."""

    rule_set = serializers.CharField()
    version = serializers.IntegerField()
    rule = serializers.CharField(source="rule.key")
    action = serializers.CharField(source="rule.action")
    read_as = serializers.CharField(source="how")


class TrialSerializer(serializers.Serializer[Any]):
    """What would happen to the text."""

    model_sees = serializers.SerializerMethodField()
    sensitivity = serializers.CharField()
    replaced = serializers.SerializerMethodField()
    matches = MatchSerializer(many=True)

    def get_model_sees(self, shown: Shown) -> str:
        return shown.texts[0]

    def get_replaced(self, shown: Shown) -> dict[str, int]:
        return dict(shown.redactor.counts)


class RuleSetList(generics.ListAPIView[RuleSet]):
    """Every set with its version in force; a POST begins one without rules."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": Permission.USE_CASE_VIEW,
    }
    serializer_class = RuleSetSerializer
    queryset = RuleSet.objects.all()

    def get_queryset(self) -> QuerySet[RuleSet]:
        return rule_sets()

    @extend_schema(request=RuleSetInput, responses={201: RuleSetSerializer})
    def post(self, request: Request) -> Response:
        given = valid(RuleSetInput(data=request.data))
        made = begin_rule_set(actor=actor_of(request), now=timezone.now(), **given)
        return Response(RuleSetSerializer(get_or_404(rule_sets(), pk=made.pk)).data, 201)


class RuleSetDetail(APIView):
    """One set with its version in force."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(responses=RuleSetSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(RuleSetSerializer(get_or_404(rule_sets(), slug=slug)).data)


class VersionList(generics.ListAPIView[RuleSetVersion]):
    """All versions of one set, the latest first."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = RuleSetVersionSerializer
    queryset = RuleSetVersion.objects.all()

    def get_queryset(self) -> QuerySet[RuleSetVersion]:
        found = get_or_404(RuleSet.objects.all(), slug=self.kwargs["slug"])
        return versions().filter(rule_set=found)


class RuleSetPropose(APIView):
    """Put the next version before its signatories."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(request=RulesInput, responses={201: ChangeSerializer})
    def post(self, request: Request, slug: str) -> Response:
        found = get_or_404(RuleSet.objects.all(), slug=slug)
        given = valid(RulesInput(data=request.data))
        change = propose_rules(
            actor=actor_of(request),
            rule_set=found,
            reason=given.pop("reason"),
            proposal=given,
            now=timezone.now(),
        )
        return Response(ChangeSerializer(change).data, 201)


class ScreeningTrial(APIView):
    """What would happen to a text; nothing is sent to a model, and nothing is kept."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(request=TrialInput, responses=TrialSerializer)
    def post(self, request: Request) -> Response:
        given = valid(TrialInput(data=request.data))
        sensitivity = Sensitivity(given["sensitivity"])
        shown = tried(screening_in_force(), given["text"], given["reads"], sensitivity)
        return Response(TrialSerializer(shown).data)
