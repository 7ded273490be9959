"""Releases over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ShortReasonInput
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.terms import Environment
from governance.kernel.web import actor_of, get_or_404
from governance.model_cards.models import Deployment
from prompts.catalogue.selectors import prompt_for, version_for
from prompts.releases import services
from prompts.releases.checks import ACTIONS, LONGEST_INSTRUCTION
from prompts.releases.models import Release
from prompts.releases.selectors import releases_visible_to

STOPS = (Permission.RELEASE_PROPOSE, Permission.INCIDENT_COMMAND)


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A version where it runs, and the approval that it stands on."""

    prompt = serializers.CharField(source="prompt.slug")
    version = serializers.IntegerField(source="version.number")
    use_case = serializers.CharField(source="use_case.slug")
    deployment_ids = serializers.ListField(child=serializers.IntegerField())
    checks = serializers.DictField(help_text="What is asked beside the answer; empty: nothing.")
    approval_state = serializers.CharField(source="approval.state")
    approval_valid_until = serializers.DateTimeField(source="approval.valid_until")
    change_request = serializers.IntegerField(source="approval.change_id")

    class Meta:
        model = Release
        fields = [
            "id",
            "prompt",
            "version",
            "use_case",
            "environment",
            "deployment_ids",
            "checks",
            "digest",
            "approval_state",
            "approval_valid_until",
            "change_request",
            "starts_at",
            "ended_at",
            "end_reason",
            "rolled_back_to",
        ]
        read_only_fields = fields


class ReleaseQueries(generics.GenericAPIView[Release]):
    serializer_class = ReleaseSerializer
    queryset = Release.objects.all()

    def get_queryset(self) -> QuerySet[Release]:
        return releases_visible_to(cast(User, self.request.user))


@extend_schema(
    parameters=[
        OpenApiParameter("prompt", str, description="A prompt's slug."),
        OpenApiParameter("environment", str, enum=[one.value for one in Environment]),
        OpenApiParameter("live", str, enum=["yes", "no"], description="Running or ended."),
    ]
)
class ReleaseList(ReleaseQueries, generics.ListAPIView[Release]):
    """Releases in the person's reach, newest first."""

    required_permission = Permission.PROMPT_VIEW

    def get_queryset(self) -> QuerySet[Release]:
        found, asked = super().get_queryset(), self.request.query_params
        if prompt := asked.get("prompt"):
            found = found.filter(prompt__slug=prompt)
        if environment := asked.get("environment"):
            found = found.filter(environment=environment)
        if asked.get("live") in ("yes", "no"):
            found = found.filter(ended_at__isnull=asked["live"] == "yes")
        return found


class ReleaseDetail(ReleaseQueries):
    """One release."""

    required_permission = Permission.PROMPT_VIEW

    def get(self, request: Request, pk: int) -> Response:
        return Response(ReleaseSerializer(get_or_404(self.get_queryset(), pk=pk)).data)


class ChecksInput(serializers.Serializer[Any]):
    """What is asked beside the answer: a second model's verdict, and how sure the model was."""

    judge = serializers.SlugField(
        max_length=80, required=False, help_text="The deployment that judges; none: no verdict."
    )
    judge_instruction = serializers.CharField(
        max_length=LONGEST_INSTRUCTION, required=False, help_text="By what the answer is judged."
    )
    judge_on_doubt = serializers.ChoiceField(choices=ACTIONS, required=False)
    judge_on_fail = serializers.ChoiceField(choices=ACTIONS, required=False)
    judge_without_verdict = serializers.ChoiceField(choices=ACTIONS, required=False)
    token_probabilities = serializers.BooleanField(
        required=False, help_text="Ask the provider how likely each token was."
    )
    hold_below_percent = serializers.IntegerField(
        min_value=0,
        max_value=100,
        required=False,
        help_text="A person looks at answers that are less sure, or of which nobody knows.",
    )


class ReleaseInput(serializers.Serializer[Any]):
    """Which version runs on which deployments, in their order, and why."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    deployments = serializers.ListField(
        child=serializers.SlugField(max_length=80),
        max_length=20,
        help_text="Slugs; the first is asked first.",
    )
    environment = serializers.ChoiceField(choices=[one.value for one in Environment])
    reason = serializers.CharField(max_length=5000)
    checks = ChecksInput(required=False)


class ReleaseProposed(serializers.Serializer[Any]):
    """The change request that now waits for its signatories."""

    change_request = serializers.IntegerField()
    state = serializers.CharField()


class ReleasePropose(generics.GenericAPIView[Release]):
    """Propose a release; it starts when the last sign-off is given."""

    required_permission = Permission.RELEASE_PROPOSE
    queryset = Release.objects.all()
    serializer_class = ReleaseInput

    @extend_schema(request=ReleaseInput, responses={201: ReleaseProposed})
    def post(self, request: Request, slug: str) -> Response:
        prompt_for(cast(User, request.user), slug)
        given = ReleaseInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        change = services.propose_release(
            actor=actor_of(request),
            version=version_for(cast(User, request.user), slug, asked["version"]),
            deployments=_deployments(asked["deployments"]),
            environment=asked["environment"],
            reason=asked["reason"],
            checks=_checks(asked.get("checks", {})),
            now=timezone.now(),
        )
        return Response({"change_request": change.pk, "state": change.state}, 201)


def _deployments(slugs: list[str]) -> list[Deployment]:
    found = {one.slug: one for one in Deployment.objects.filter(slug__in=slugs)}
    unknown = [slug for slug in slugs if slug not in found]
    if unknown:
        raise serializers.ValidationError(
            {"deployments": [f"There is no deployment “{unknown[0]}”."]}
        )
    return [found[slug] for slug in dict.fromkeys(slugs)]


def _checks(given: dict[str, Any]) -> dict[str, Any]:
    if "judge" not in given:
        return dict(given)
    return given | {"judge": _deployments([given["judge"]])[0].pk}


class ReleaseEnd(ReleaseQueries):
    """End a release: its calls are refused until another one is approved."""

    required_permission = STOPS

    @extend_schema(request=ShortReasonInput, responses=ReleaseSerializer)
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(self.get_queryset(), pk=pk)
        services.end_release(
            actor=actor_of(request), release_id=pk, reason=_reason(request), now=timezone.now()
        )
        return Response(ReleaseSerializer(self.get_queryset().get(pk=pk)).data)


class ReleaseRollBack(ReleaseQueries):
    """Put the release before this one back; the answer is the one that runs now."""

    required_permission = STOPS

    @extend_schema(request=ShortReasonInput, responses={201: ReleaseSerializer})
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(self.get_queryset(), pk=pk)
        revived = services.roll_back_release(
            actor=actor_of(request), release_id=pk, reason=_reason(request), now=timezone.now()
        )
        return Response(ReleaseSerializer(revived).data, 201)


def _reason(request: Request) -> str:
    given = ShortReasonInput(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data["reason"])
