"""Risk over the API: the questionnaire, assessments, and whether the last one still holds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.registry import assessments, mitigations, questionnaire
from governance.registry.api import found_use_case
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment
from governance.registry.risk_standing import risk_standing

READ_AND_ASSESS = {
    "GET": Permission.USE_CASE_VIEW,
    "POST": (Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS),
}


class RiskSerializer(serializers.ModelSerializer[RiskAssessment]):
    """Tier and AI Act class with the rules and answers that gave them."""

    ignored = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Questions answered yes that no earlier answer opened; they changed nothing.",
    )
    valid_until = serializers.DateTimeField(source="ends_at", read_only=True)

    class Meta:
        model = RiskAssessment
        fields = [
            "id",
            "assessor",
            "questionnaire_version",
            "answers",
            "ignored",
            "tier",
            "act_class",
            "fired_rules",
            "facts",
            "valid_until",
            "at",
        ]


class RiskInput(serializers.Serializer[Any]):
    """Answers to the questionnaire by question code; one that is missing counts as no."""

    answers = serializers.DictField(child=serializers.BooleanField())


class QuestionSerializer(serializers.Serializer[Any]):
    """One question; with `only_if` it counts only where that one is answered yes."""

    code = serializers.CharField()
    text = serializers.CharField()
    only_if = serializers.CharField()


class QuestionnaireSerializer(serializers.Serializer[Any]):
    """The questions of the current version, in the order of asking."""

    version = serializers.IntegerField()
    questions = QuestionSerializer(many=True)


class RiskQuestionnaire(APIView):
    """What an assessment asks."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(responses=QuestionnaireSerializer)
    def get(self, request: Request) -> Response:
        asked = {"version": questionnaire.VERSION, "questions": questionnaire.SECOND}
        return Response(QuestionnaireSerializer(asked).data)


class RiskList(generics.ListAPIView[RiskAssessment]):
    """Risk assessments of a use case, newest first; a POST answers the questionnaire."""

    required_permission: ClassVar = READ_AND_ASSESS
    serializer_class = RiskSerializer
    queryset = RiskAssessment.objects.none()

    def get_queryset(self) -> Any:
        return found_use_case(self.request, self.kwargs["slug"]).risk_assessments.all()

    @extend_schema(request=RiskInput, responses={201: RiskSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = assessments.assess_risk(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(RiskInput(data=request.data)),
        )
        return Response(RiskSerializer(made).data, status=201)


class MitigationSerializer(serializers.ModelSerializer[Mitigation]):
    class Meta:
        model = Mitigation
        fields = ["id", "risk", "measure", "owner", "due_on", "done_at", "evidence", "created_at"]


class MitigationInput(serializers.Serializer[Any]):
    """What may go wrong, what is done against it, by whom and by when."""

    risk = serializers.CharField(max_length=300)
    measure = serializers.CharField(max_length=500)
    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    due_on = serializers.DateField()


class MitigationEvidenceInput(serializers.Serializer[Any]):
    """What shows that it is done."""

    evidence = serializers.CharField(max_length=500)


class ResidualSerializer(serializers.ModelSerializer[ResidualRisk]):
    class Meta:
        model = ResidualRisk
        fields = [
            "id",
            "assessment",
            "tier",
            "rationale",
            "assessor",
            "at",
            "confirmed_by",
            "confirmed_at",
        ]


class ResidualInput(serializers.Serializer[Any]):
    """The tier that a person judges to be left, and why."""

    tier = serializers.CharField(max_length=15)
    rationale = serializers.CharField(max_length=1000)


class RiskStandingSerializer(serializers.Serializer[Any]):
    """The tiers as they stand; `due` says why the assessment no longer holds."""

    inherent = serializers.CharField(allow_null=True, source="assessment.tier", default=None)
    act_class = serializers.CharField(allow_null=True, source="assessment.act_class", default=None)
    residual = ResidualSerializer(allow_null=True, source="left")
    lowest_residual = serializers.CharField(allow_null=True, source="lowest")
    decides = serializers.CharField(allow_null=True)
    due = serializers.ListField(child=serializers.CharField())
    overdue_mitigations = serializers.IntegerField(source="overdue_count")


class RiskNow(APIView):
    """Inherent and residual risk, which of them decides, and whether it must be assessed again."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(responses=RiskStandingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        use_case = found_use_case(request, slug)
        standing = risk_standing(use_case, actor_of(request), timezone.now())
        return Response(RiskStandingSerializer(standing).data)


class MitigationList(generics.ListAPIView[Mitigation]):
    """Mitigations of a use case, the next due first; a POST adds one."""

    required_permission: ClassVar = READ_AND_ASSESS
    serializer_class = MitigationSerializer
    queryset = Mitigation.objects.none()

    def get_queryset(self) -> Any:
        return found_use_case(self.request, self.kwargs["slug"]).mitigations.all()

    @extend_schema(request=MitigationInput, responses={201: MitigationSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = mitigations.add_mitigation(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(MitigationInput(data=request.data)),
        )
        return Response(MitigationSerializer(made).data, status=201)


class MitigationDone(APIView):
    """Its owner, or who manages the use case, says that it is done."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(request=MitigationEvidenceInput, responses=MitigationSerializer)
    def post(self, request: Request, slug: str, mitigation: int) -> Response:
        found = get_or_404(found_use_case(request, slug).mitigations.all(), pk=mitigation)
        done = mitigations.finish_mitigation(
            actor=actor_of(request),
            mitigation_id=found.pk,
            now=timezone.now(),
            **valid(MitigationEvidenceInput(data=request.data)),
        )
        return Response(MitigationSerializer(done).data)


class ResidualList(generics.ListAPIView[ResidualRisk]):
    """Judgements of what is left, newest first; a POST records one."""

    required_permission: ClassVar = READ_AND_ASSESS
    serializer_class = ResidualSerializer
    queryset = ResidualRisk.objects.none()

    def get_queryset(self) -> Any:
        use_case = found_use_case(self.request, self.kwargs["slug"])
        return ResidualRisk.objects.filter(assessment__use_case=use_case)

    @extend_schema(request=ResidualInput, responses={201: ResidualSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = mitigations.judge_residual(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(ResidualInput(data=request.data)),
        )
        return Response(ResidualSerializer(made).data, status=201)


class ResidualConfirmation(APIView):
    """A safety officer who did not judge it confirms it; from then on it decides."""

    required_permission = Permission.USE_CASE_ASSESS

    @extend_schema(request=None, responses=ResidualSerializer)
    def post(self, request: Request, slug: str, residual: int) -> Response:
        use_case = found_use_case(request, slug)
        found = get_or_404(ResidualRisk.objects.filter(assessment__use_case=use_case), pk=residual)
        confirmed = mitigations.confirm_residual(
            actor=actor_of(request), residual_id=found.pk, now=timezone.now()
        )
        return Response(ResidualSerializer(confirmed).data)
