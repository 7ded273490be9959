"""Risk over the API: the questionnaire, assessments, and whether the last one still holds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.registry import assessments, questionnaire
from governance.registry.api import found_use_case, valid
from governance.registry.models import RiskAssessment

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
