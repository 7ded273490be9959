"""Use cases over the API."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from governance.registry import services
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to


class UseCaseSerializer(serializers.ModelSerializer[UseCase]):
    class Meta:
        model = UseCase
        fields = [
            "id",
            "slug",
            "title",
            "team",
            "owner",
            "feature",
            "outcome",
            "benefit",
            "pattern",
            "serving",
            "sensitivity",
            "oversight",
            "tier",
            "stage",
            "suspended_at",
            "disclosure_text",
            "fallback_text",
            "version",
        ]


class UseCaseList(generics.ListAPIView[UseCase]):
    """Use cases in the person's reach."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = UseCaseSerializer
    queryset = UseCase.objects.all()

    def get_queryset(self) -> Any:
        return use_cases_visible_to(self.request.user)  # type: ignore[arg-type]  # signed in


class UseCaseChange(serializers.Serializer[Any]):
    """The fields that may be changed; all are optional."""

    title = serializers.CharField(max_length=150, required=False)
    feature = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    outcome = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    benefit = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    sensitivity = serializers.CharField(max_length=12, required=False)
    oversight = serializers.CharField(max_length=15, required=False)
    disclosure_text = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    fallback_text = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ScoreInput(serializers.Serializer[Any]):
    """Each dimension from 1 to 5, and why."""

    impact = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    effort = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    rationale = serializers.CharField(max_length=5000)


class RiskInput(serializers.Serializer[Any]):
    """Answers to the questionnaire by question code; one that is missing counts as no."""

    answers = serializers.DictField(child=serializers.BooleanField())


class StageInput(serializers.Serializer[Any]):
    """The next stage and why."""

    target = serializers.CharField(max_length=12)
    reason = serializers.CharField(max_length=5000)


def _found(request: Request, slug: str) -> UseCase:
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found


def _valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class UseCaseDetail(APIView):
    """One use case. Its ETag is its version; a change names the version it was made from."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "PATCH": Permission.USE_CASE_MANAGE,
    }

    @extend_schema(responses=UseCaseSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return self._answer(_found(request, slug))

    @extend_schema(request=UseCaseChange, responses=UseCaseSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change some fields; 409 when somebody else changed it since that version."""
        use_case = _found(request, slug)
        version = request.headers.get("If-Match", "").strip('"')
        if not version.isdigit():
            raise Invalid(
                "Nothing was saved: send the version you read in If-Match, as its ETag gave it.",
                code="version_required",
            )
        saved = services.save_step(
            actor=actor_of(request),
            use_case=use_case,
            version=int(version),
            now=timezone.now(),
            **_valid(UseCaseChange(data=request.data)),
        )
        return self._answer(saved)

    def _answer(self, use_case: UseCase) -> Response:
        return Response(UseCaseSerializer(use_case).data, headers={"ETag": f'"{use_case.version}"'})


class ScoreCreate(APIView):
    """Record one assessor's scores."""

    required_permission = (Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)

    @extend_schema(request=ScoreInput, responses={201: dict})
    def post(self, request: Request, slug: str) -> Response:
        made = services.record_score(
            actor=actor_of(request),
            use_case=_found(request, slug),
            now=timezone.now(),
            **_valid(ScoreInput(data=request.data)),
        )
        totals = {"impact": made.impact_total, "effort": made.effort_total}
        return Response({"id": made.pk, "quadrant": made.quadrant} | totals, status=201)


class RiskCreate(APIView):
    """Answer the risk questionnaire."""

    required_permission = (Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)

    @extend_schema(request=RiskInput, responses={201: dict})
    def post(self, request: Request, slug: str) -> Response:
        made = services.assess_risk(
            actor=actor_of(request),
            use_case=_found(request, slug),
            now=timezone.now(),
            **_valid(RiskInput(data=request.data)),
        )
        return Response(
            {"id": made.pk, "tier": made.tier, "fired_rules": made.fired_rules}, status=201
        )


class StageProposal(APIView):
    """Propose the next stage; the answer is the change request's number."""

    required_permission = Permission.USE_CASE_MANAGE

    @extend_schema(request=StageInput, responses={201: dict})
    def post(self, request: Request, slug: str) -> Response:
        change = services.propose_stage(
            actor=actor_of(request),
            use_case=_found(request, slug),
            now=timezone.now(),
            **_valid(StageInput(data=request.data)),
        )
        return Response({"change": change.pk, "state": change.state}, status=201)
