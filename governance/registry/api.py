"""Use cases over the API: register, change, score, propose, hand over, suspend."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import ShortReasonInput, valid
from governance.access.models import Team, User
from governance.access.selectors import teams_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.registry import assessments, services
from governance.registry.models import Score, UseCase
from governance.registry.pilot import LEAST_DAYS, LONGEST_SUCCESS, MOST_DAYS
from governance.registry.selectors import gate_facts, gates_of, use_cases_visible_to

TEXT = 5000
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag that was read."
)


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
            "stakeholders",
            "framework_answers",
            "pattern",
            "serving",
            "override_reason",
            "topology",
            "is_user_facing",
            "sensitivity",
            "oversight",
            "sample_share",
            "tier",
            "act_class",
            "stage",
            "is_draft",
            "suspended_at",
            "suspension_reason",
            "disclosure_text",
            "fallback_text",
            "datasets",
            "version",
        ]


class UseCaseChange(serializers.Serializer[Any]):
    """The fields that may be changed; all are optional."""

    title = serializers.CharField(max_length=150, required=False, validators=[plain_name])
    feature = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    outcome = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    benefit = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    stakeholders = serializers.CharField(max_length=300, required=False, allow_blank=True)
    framework_answers = serializers.DictField(child=serializers.BooleanField(), required=False)
    pattern = serializers.CharField(max_length=20, required=False, allow_blank=True)
    serving = serializers.CharField(max_length=15, required=False, allow_blank=True)
    override_reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    topology = serializers.CharField(max_length=15, required=False)
    is_user_facing = serializers.BooleanField(required=False)
    sensitivity = serializers.CharField(max_length=12, required=False)
    oversight = serializers.CharField(max_length=15, required=False)
    sample_share = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False
    )
    disclosure_text = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    fallback_text = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)


class UseCaseInput(UseCaseChange):
    """A new use case, by its title and the team that pays."""

    title = serializers.CharField(max_length=150, validators=[plain_name])
    team = serializers.PrimaryKeyRelatedField(queryset=Team.objects.all())


class ScoreSerializer(serializers.ModelSerializer[Score]):
    quadrant = serializers.CharField(read_only=True)

    class Meta:
        model = Score
        fields = [
            "id",
            "assessor",
            "impact",
            "effort",
            "rationales",
            "rationale",
            "impact_total",
            "effort_total",
            "quadrant",
            "model_version",
            "round",
            "assessor_count",
            "at",
        ]


class ScoreInput(serializers.Serializer[Any]):
    """Each dimension from 1 to 5, with a sentence of its own."""

    impact = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    effort = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=5))
    rationales = serializers.DictField(child=serializers.CharField(max_length=500))
    rationale = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    model_version = serializers.IntegerField(min_value=1, required=False)


class StageInput(serializers.Serializer[Any]):
    """The next stage and why; a pilot says how many days it lasts and what counts as success."""

    target = serializers.CharField(max_length=12)
    reason = serializers.CharField(max_length=TEXT)
    pilot_days = serializers.IntegerField(
        min_value=LEAST_DAYS, max_value=MOST_DAYS, required=False, allow_null=True, default=None
    )
    pilot_success = serializers.CharField(
        max_length=LONGEST_SUCCESS, required=False, allow_blank=True, default=""
    )


class ProposedStage(serializers.Serializer[Any]):
    """The change request that was opened."""

    change = serializers.IntegerField()
    state = serializers.CharField()


class RequirementSerializer(serializers.Serializer[Any]):
    """One thing that a gate asks for, and where it is mended."""

    text = serializers.CharField()
    is_met = serializers.BooleanField()
    url = serializers.CharField()


class GateSerializer(serializers.Serializer[Any]):
    """A next stage with everything that its gate asks for."""

    target = serializers.CharField()
    is_open = serializers.BooleanField()
    requirements = RequirementSerializer(many=True)


class OwnerInput(serializers.Serializer[Any]):
    """Who owns it from now on, and why."""

    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    reason = serializers.CharField(max_length=1000)


def found_use_case(request: Request, slug: str) -> UseCase:
    """The use case of that name, within what the person may see."""
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found


def version_of(request: Request) -> int:
    """The version that a change was made from, out of If-Match."""
    version = request.headers.get("If-Match", "").strip('"')
    if not version.isdecimal():
        raise Invalid(
            "Nothing was saved: send the version you read in If-Match, as its ETag gave it.",
            code="version_required",
        )
    return int(version)


def use_case_answer(use_case: UseCase, status: int = 200) -> Response:
    """The use case with its version as ETag."""
    headers = {"ETag": f'"{use_case.version}"'}
    return Response(UseCaseSerializer(use_case).data, status, headers=headers)


class UseCaseList(generics.ListAPIView[UseCase]):
    """Use cases in the person's reach; a POST registers one as a draft."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": Permission.USE_CASE_MANAGE,
    }
    serializer_class = UseCaseSerializer
    queryset = UseCase.objects.all()

    def get_queryset(self) -> Any:
        visible = use_cases_visible_to(self.request.user)  # type: ignore[arg-type]  # signed in
        return visible.prefetch_related("datasets")

    @extend_schema(request=UseCaseInput, responses={201: UseCaseSerializer})
    def post(self, request: Request) -> Response:
        sent = valid(UseCaseInput(data=request.data))
        mine = teams_for(cast(User, request.user), Permission.USE_CASE_MANAGE)
        team = mine.filter(pk=sent.pop("team").pk).first()
        if team is None:
            fields = {"team": ["Choose a team whose use cases you manage."]}
            raise Invalid("Nothing was saved.", fields=fields)
        made = services.start_use_case(
            actor=actor_of(request), team=team, now=timezone.now(), **sent
        )
        return use_case_answer(made, 201)


class UseCaseDetail(APIView):
    """One use case. Its ETag is its version; a change names the version it was made from."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "PATCH": Permission.USE_CASE_MANAGE,
    }

    @extend_schema(responses=UseCaseSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return use_case_answer(found_use_case(request, slug))

    @extend_schema(request=UseCaseChange, responses=UseCaseSerializer, parameters=[IF_MATCH])
    def patch(self, request: Request, slug: str) -> Response:
        """Change some fields; 409 when somebody else changed it since that version."""
        use_case = found_use_case(request, slug)
        saved = services.save_step(
            actor=actor_of(request),
            use_case=use_case,
            version=version_of(request),
            now=timezone.now(),
            **valid(UseCaseChange(data=request.data)),
        )
        return use_case_answer(saved)


class ScoreList(generics.ListAPIView[Score]):
    """Scores of a use case, newest first; a POST records one assessor's."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": (Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS),
    }
    serializer_class = ScoreSerializer
    queryset = Score.objects.none()

    def get_queryset(self) -> Any:
        return found_use_case(self.request, self.kwargs["slug"]).scores.all()

    @extend_schema(request=ScoreInput, responses={201: ScoreSerializer})
    def post(self, request: Request, slug: str) -> Response:
        made = assessments.record_score(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(ScoreInput(data=request.data)),
        )
        return Response(ScoreSerializer(made).data, status=201)


class StageProposal(APIView):
    """What the next stages ask for; a POST proposes one and answers with its change request."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": Permission.USE_CASE_MANAGE,
    }

    @extend_schema(responses=GateSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        use_case = found_use_case(request, slug)
        gates = gates_of(use_case, gate_facts(use_case, timezone.now()))
        return Response(GateSerializer(gates, many=True).data)

    @extend_schema(request=StageInput, responses={201: ProposedStage})
    def post(self, request: Request, slug: str) -> Response:
        change = services.propose_stage(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(StageInput(data=request.data)),
        )
        return Response({"change": change.pk, "state": change.state}, status=201)


class OwnerChange(APIView):
    """Hand it over to a colleague of the team."""

    required_permission = Permission.USE_CASE_MANAGE

    @extend_schema(request=OwnerInput, responses=UseCaseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        use_case = found_use_case(request, slug)
        sent = valid(OwnerInput(data=request.data))
        handed = services.hand_over(
            actor=actor_of(request),
            use_case=use_case,
            to=sent["owner"],
            reason=sent["reason"],
            now=timezone.now(),
        )
        return use_case_answer(handed)


class Suspension(APIView):
    """The kill switch: no call of it is answered from the next one on."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=ShortReasonInput, responses=UseCaseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        suspended = services.suspend_use_case(
            actor=actor_of(request),
            use_case_id=found_use_case(request, slug).pk,
            reason=valid(ShortReasonInput(data=request.data))["reason"],
            now=timezone.now(),
        )
        return use_case_answer(suspended)


class Resumption(APIView):
    """Take the kill switch back."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=ShortReasonInput, responses=UseCaseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        resumed = services.resume_use_case(
            actor=actor_of(request),
            use_case_id=found_use_case(request, slug).pk,
            reason=valid(ShortReasonInput(data=request.data))["reason"],
            now=timezone.now(),
        )
        return use_case_answer(resumed)
