"""Suites, cases and runs over the API; the same services as the pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, plain_name
from prompts.catalogue.rendering import ROLES
from prompts.catalogue.selectors import prompt_for, version_for
from prompts.evaluation import services
from prompts.evaluation.models import (
    EvaluationCase,
    EvaluationResult,
    EvaluationRun,
    EvaluationSuite,
)
from prompts.evaluation.rules import TAGS
from prompts.evaluation.scorers import LONGEST_EXPECTED, SCORERS
from prompts.evaluation.selectors import (
    deployments_for,
    results_of,
    run_for,
    runs_visible_to,
    suite_for,
    suites_of,
)
from prompts.gateway.opinion_models import SAID

WRITE: dict[str, Permission] = {"GET": Permission.PROMPT_VIEW, "POST": Permission.PROMPT_AUTHOR}
RUN: dict[str, Permission] = {"GET": Permission.PROMPT_VIEW, "POST": Permission.CALL_TRY}


class EvaluationSuiteSerializer(serializers.ModelSerializer[EvaluationSuite]):
    """A suite, and how many cases stand in it."""

    prompt = serializers.CharField(source="prompt.slug", read_only=True)
    case_count = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = EvaluationSuite
        fields: ClassVar[list[str]] = [
            "id",
            "prompt",
            "name",
            "purpose",
            "case_count",
            "created_at",
        ]
        read_only_fields = fields


class SuiteInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, validators=[plain_name])
    purpose = serializers.CharField(max_length=500, default="", allow_blank=True)


class EvaluationCaseSerializer(serializers.ModelSerializer[EvaluationCase]):
    """A case without its texts: those stay sealed."""

    tags = serializers.ListField(child=serializers.ChoiceField(choices=TAGS), read_only=True)

    class Meta:
        model = EvaluationCase
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "tags",
            "content_sha256",
            "sensitivity",
            "call",
            "decision",
            "created_at",
            "keep_until",
            "destroyed_at",
        ]
        read_only_fields = fields


class ExpectationInput(serializers.Serializer[Any]):
    """A scorer, what it expects, and its option where it has one (a number's tolerance)."""

    scorer = serializers.ChoiceField(choices=list(SCORERS))
    expected = serializers.CharField(
        max_length=LONGEST_EXPECTED, default="", allow_blank=True, trim_whitespace=False
    )
    option = serializers.CharField(max_length=100, required=False, allow_blank=True)


class CaseMessage(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=list(ROLES))
    content = serializers.CharField(max_length=100_000, trim_whitespace=False)


class CaseInput(serializers.Serializer[Any]):
    """What is asked, and what is expected of the answer."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    tags = serializers.ListField(
        child=serializers.ChoiceField(choices=TAGS), min_length=1, max_length=len(TAGS)
    )
    variables = serializers.JSONField(default=dict)
    messages = serializers.ListField(child=CaseMessage(), required=False, max_length=100)
    expectations = serializers.ListField(child=ExpectationInput(), max_length=50)


class EvaluationRunSerializer(serializers.ModelSerializer[EvaluationRun]):
    """A run with how far it is, and what it takes to run it again."""

    suite = serializers.CharField(source="suite.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    deployment: Any = serializers.SlugRelatedField("slug", read_only=True)
    cases = serializers.DictField(source="tally", child=serializers.IntegerField(), read_only=True)
    spent = serializers.DecimalField(18, 9, read_only=True)
    facts = serializers.DictField(read_only=True)

    class Meta:
        model = EvaluationRun
        fields: ClassVar[list[str]] = [
            "id",
            "suite",
            "version",
            "deployment",
            "state",
            "because",
            "cases",
            "budget",
            "spent",
            "currency",
            "facts",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


class RunInput(serializers.Serializer[Any]):
    """A version by its number on a deployment, within a budget."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    deployment = serializers.CharField(max_length=80)
    budget = serializers.DecimalField(18, 9, min_value=Decimal(0))
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class CaseScoreSerializer(serializers.Serializer[Any]):
    scorer = serializers.CharField()
    version = serializers.IntegerField()
    passed = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True)


class EvaluationResultSerializer(serializers.ModelSerializer[EvaluationResult]):
    """What one case came to; the answer stands in its call."""

    name = serializers.CharField(source="case.name", read_only=True)
    tags = serializers.ListField(
        source="case.tags", child=serializers.ChoiceField(choices=TAGS), read_only=True
    )
    scores = CaseScoreSerializer(many=True, read_only=True)
    verdict = serializers.SerializerMethodField(
        help_text="What a second model said of the answer; null where none was asked."
    )

    @extend_schema_field(serializers.ChoiceField(choices=SAID, allow_null=True))
    def get_verdict(self, result: EvaluationResult) -> str | None:
        opinion = getattr(result.call, "second_opinion", None)
        return opinion.verdict if opinion else None

    class Meta:
        model = EvaluationResult
        fields: ClassVar[list[str]] = [
            "id",
            "case",
            "name",
            "tags",
            "state",
            "scores",
            "verdict",
            "fault",
            "call",
            "cost",
        ]
        read_only_fields = fields


class ByNumber(CursorPagination):
    ordering = ("pk",)  # type: ignore[assignment]  # a tuple is fine too


class NewestRuns(CursorPagination):
    ordering = ("-created_at", "-pk")  # type: ignore[assignment]  # several are fine too


class SuiteList(generics.ListAPIView[EvaluationSuite]):
    """The suites of a prompt."""

    required_permission = WRITE
    serializer_class = EvaluationSuiteSerializer
    pagination_class = ByNumber
    queryset = EvaluationSuite.objects.none()

    def get_queryset(self) -> QuerySet[EvaluationSuite]:
        return suites_of(prompt_for(cast(User, self.request.user), self.kwargs["slug"]))

    @extend_schema(request=SuiteInput, responses={201: EvaluationSuiteSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = services.create_suite(
            actor=actor_of(request),
            prompt=prompt_for(cast(User, request.user), slug),
            now=timezone.now(),
            **valid(SuiteInput(data=request.data)),
        )
        return Response(EvaluationSuiteSerializer(made).data, 201)


class CaseList(generics.ListAPIView[EvaluationCase]):
    """The cases that stand in a suite; a POST writes one."""

    required_permission = WRITE
    serializer_class = EvaluationCaseSerializer
    pagination_class = ByNumber
    queryset = EvaluationCase.objects.none()

    def get_queryset(self) -> QuerySet[EvaluationCase]:
        user = cast(User, self.request.user)
        suite = suite_for(user, self.kwargs["slug"], self.kwargs["suite"])
        return suite.cases.filter(retired_at=None).defer("input_sealed", "expectation_sealed")

    @extend_schema(request=CaseInput, responses={201: EvaluationCaseSerializer})
    def post(self, request: Request, slug: str, suite: int) -> Response:
        suite_for(cast(User, request.user), slug, suite)
        given = valid(CaseInput(data=request.data))
        asked = {"variables": given["variables"], "messages": _plain(given.get("messages", []))}
        made = services.add_case(
            actor=actor_of(request),
            suite=suite_for(cast(User, request.user), slug, suite),
            name=given["name"],
            tags=given["tags"],
            asked=asked,
            expectations=_plain(given["expectations"]),
            now=timezone.now(),
        )
        return Response(EvaluationCaseSerializer(made).data, 201)


def _plain(rows: list[Any]) -> list[dict[str, str]]:
    return [dict(one) for one in rows]


class CaseRetire(APIView):
    """No later run has it."""

    required_permission = Permission.PROMPT_AUTHOR

    @extend_schema(request=None, responses=EvaluationCaseSerializer)
    def post(self, request: Request, slug: str, suite: int, case: int) -> Response:
        found = suite_for(cast(User, request.user), slug, suite)
        one = get_or_404(found.cases.all(), pk=case)
        made = services.retire_case(actor=actor_of(request), case_id=one.pk, now=timezone.now())
        return Response(EvaluationCaseSerializer(made).data)


class RunList(generics.ListAPIView[EvaluationRun]):
    """Runs of a suite, newest first; a POST begins one."""

    required_permission = RUN
    serializer_class = EvaluationRunSerializer
    pagination_class = NewestRuns
    queryset = EvaluationRun.objects.none()

    def get_queryset(self) -> QuerySet[EvaluationRun]:
        user = cast(User, self.request.user)
        suite = suite_for(user, self.kwargs["slug"], self.kwargs["suite"])
        return runs_visible_to(user).filter(suite=suite)

    @extend_schema(request=RunInput, responses={201: EvaluationRunSerializer})
    def post(self, request: Request, slug: str, suite: int) -> Response:
        user = cast(User, request.user)
        found, given = suite_for(user, slug, suite), valid(RunInput(data=request.data))
        deployment = deployments_for(found.prompt).filter(slug=given["deployment"]).first()
        if deployment is None:
            sentence = "There is no such deployment, or it cannot be called now."
            raise Invalid(f"Nothing was begun. {sentence}", fields={"deployment": [sentence]})
        made = services.begin_run(
            actor=actor_of(request),
            suite=found,
            version=version_for(user, slug, given["version"]),
            deployment=deployment,
            budget=given["budget"],
            seed=given["seed"],
            now=timezone.now(),
        )
        headers = {"Location": f"/api/v1/prompts/{slug}/evaluation-runs/{made.pk}/"}
        return Response(EvaluationRunSerializer(made).data, 201, headers=headers)


class RunDetail(APIView):
    """How far a run is, and what came of it."""

    required_permission = Permission.PROMPT_VIEW

    @extend_schema(responses=EvaluationRunSerializer)
    def get(self, request: Request, slug: str, run: UUID) -> Response:
        return Response(EvaluationRunSerializer(run_for(cast(User, request.user), slug, run)).data)


class RunResults(generics.ListAPIView[EvaluationResult]):
    """Case by case."""

    required_permission = Permission.PROMPT_VIEW
    serializer_class = EvaluationResultSerializer
    pagination_class = ByNumber
    queryset = EvaluationResult.objects.none()

    def get_queryset(self) -> QuerySet[EvaluationResult]:
        user = cast(User, self.request.user)
        return results_of(run_for(user, self.kwargs["slug"], self.kwargs["run"]))


class RunCancel(APIView):
    """No further case begins."""

    required_permission = Permission.CALL_TRY

    @extend_schema(request=None, responses=EvaluationRunSerializer)
    def post(self, request: Request, slug: str, run: UUID) -> Response:
        found = run_for(cast(User, request.user), slug, run)
        moved = services.cancel_run(actor=actor_of(request), run_id=found.pk, now=timezone.now())
        return Response(EvaluationRunSerializer(moved).data)


class RunResume(APIView):
    """Go on where it was stopped."""

    required_permission = Permission.CALL_TRY

    @extend_schema(request=None, responses=EvaluationRunSerializer)
    def post(self, request: Request, slug: str, run: UUID) -> Response:
        found = run_for(cast(User, request.user), slug, run)
        moved = services.resume_run(actor=actor_of(request), run_id=found.pk, now=timezone.now())
        return Response(EvaluationRunSerializer(moved).data)
