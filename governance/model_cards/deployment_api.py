"""Deployments over the API. A secret goes in and never comes out."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput
from governance.access.late_saves import seen_of
from governance.kernel.authority import Permission
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.model_cards import services
from governance.model_cards.api import ChangeReference, valid
from governance.model_cards.models import Deployment, ModelCard, Vendor
from governance.model_cards.rules import HOSTING
from governance.model_cards.selectors import deployments_with_facts, obstacles, rates_in_force


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """A place to call a model; `obstacles` says why it cannot be called, and is empty if it can."""

    state = serializers.CharField(read_only=True)
    hosting = serializers.CharField(read_only=True)
    sensitivity_ceiling = serializers.CharField(read_only=True)
    vendor: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    has_secret = serializers.BooleanField(read_only=True)
    obstacles = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = [
            "id",
            "slug",
            "name",
            "card",
            "vendor",
            "litellm_model",
            "endpoint",
            "region",
            "hosting",
            "sensitivity_ceiling",
            "context_tokens",
            "takes_images",
            "timeout_seconds",
            "total_seconds",
            "concurrency_limit",
            "requests_per_minute",
            "tokens_per_minute",
            "replay_only",
            "has_secret",
            "state",
            "obstacles",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_obstacles(self, deployment: Deployment) -> list[str]:
        today = timezone.now().date()
        # Read once for a whole list.
        if "rates" not in self.context:
            cast(dict[str, Any], self.context)["rates"] = list(rates_in_force())
        return [one.sentence for one in obstacles(deployment, today, self.context["rates"])]


class DecidedFacts(serializers.Serializer[Any]):
    """What the board decides on; all are optional."""

    name = serializers.CharField(max_length=150, required=False, validators=[plain_name])
    litellm_model = serializers.CharField(max_length=200, required=False)
    endpoint = serializers.CharField(max_length=300, allow_blank=True, required=False)
    region = serializers.CharField(max_length=100, allow_blank=True, required=False)
    hosting = serializers.CharField(
        max_length=10, required=False, help_text=f"One of {', '.join(HOSTING)}."
    )
    sensitivity_ceiling = serializers.CharField(
        max_length=12, required=False, help_text=f"One of {', '.join(Sensitivity)}."
    )
    context_tokens = serializers.IntegerField(min_value=1, max_value=100_000_000, required=False)
    takes_images = serializers.BooleanField(required=False)
    vendor: Any = serializers.SlugRelatedField(
        "slug", queryset=Vendor.objects.all(), required=False, allow_null=True
    )


class DeploymentChange(DecidedFacts):
    """The facts to change; decided ones only before approval, the others at any time."""

    card = serializers.PrimaryKeyRelatedField(queryset=ModelCard.objects.all(), required=False)
    timeout_seconds = serializers.IntegerField(min_value=1, max_value=3600, required=False)
    total_seconds = serializers.IntegerField(
        min_value=1, max_value=7200, required=False, allow_null=True
    )
    concurrency_limit = serializers.IntegerField(min_value=1, max_value=10_000, required=False)
    requests_per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    tokens_per_minute = serializers.IntegerField(
        min_value=1, max_value=2_000_000_000, required=False, allow_null=True
    )
    secret = serializers.CharField(max_length=4000, required=False, write_only=True)


class NewDeployment(DeploymentChange):
    """A place to call a model."""

    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=150, validators=[plain_name])
    card = serializers.PrimaryKeyRelatedField(queryset=ModelCard.objects.all())
    litellm_model = serializers.CharField(max_length=200)
    hosting = serializers.CharField(max_length=10, help_text=f"One of {', '.join(HOSTING)}.")
    sensitivity_ceiling = serializers.CharField(
        max_length=12, help_text=f"One of {', '.join(Sensitivity)}."
    )


class DeploymentProposalInput(ReasonInput):
    """Why, and the decided facts to change of a deployment that is approved already."""

    changes = DecidedFacts(required=False)


class DeploymentQueries(generics.GenericAPIView[Deployment]):
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.all()
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Deployment]:
        return deployments_with_facts()

    def found(self, slug: str) -> Deployment:
        deployment: Deployment = get_or_404(self.get_queryset(), slug=slug)
        return deployment

    def answer(self, slug: str, code: int = status.HTTP_200_OK) -> Response:
        found = self.found(slug)
        headers = {"ETag": f'"{seen_of(services.all_facts(found))}"'}
        return Response(DeploymentSerializer(found).data, code, headers=headers)


class DeploymentList(DeploymentQueries, generics.ListAPIView[Deployment]):
    """Every deployment, with what stands in its way; ML engineers describe new ones."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.MODEL_VIEW,
        "POST": Permission.MODEL_AUTHOR,
    }

    @extend_schema(request=NewDeployment, responses={201: DeploymentSerializer})
    def post(self, request: Request) -> Response:
        """Describe one; it is not called before it is approved."""
        facts = valid(NewDeployment(data=request.data))
        made = services.create_deployment(actor=actor_of(request), now=timezone.now(), **facts)
        return self.answer(made.slug, status.HTTP_201_CREATED)


class DeploymentDetail(DeploymentQueries):
    """One deployment."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.MODEL_VIEW,
        "PATCH": Permission.MODEL_AUTHOR,
    }

    @extend_schema(responses=DeploymentSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return self.answer(slug)

    @extend_schema(request=DeploymentChange, responses=DeploymentSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change what nobody has approved; 409 for approved facts, which need a proposal.

        With If-Match, 409 too when it is no longer what was read.
        """
        facts = valid(DeploymentChange(data=request.data))
        secret, seen = facts.pop("secret", None), request.headers.get("If-Match", "").strip('"')
        found, actor, now = self.found(slug), actor_of(request), timezone.now()
        with transaction.atomic():
            services.change_deployment(
                actor=actor, deployment_id=found.pk, now=now, seen=seen, **facts
            )
            if secret is not None:
                services.replace_secret(actor=actor, deployment_id=found.pk, secret=secret, now=now)
        return self.answer(slug)


class DeploymentProposal(DeploymentQueries):
    """Ask for the approval of a deployment, or of other facts for an approved one."""

    required_permission = Permission.MODEL_AUTHOR

    @extend_schema(request=DeploymentProposalInput, responses={201: ChangeReference})
    def post(self, request: Request, slug: str) -> Response:
        change = services.propose_deployment(
            actor=actor_of(request),
            deployment=self.found(slug),
            now=timezone.now(),
            **valid(DeploymentProposalInput(data=request.data)),
        )
        return Response({"change_request": change.pk}, status.HTTP_201_CREATED)


class Switch(DeploymentQueries):
    required_permission = Permission.INCIDENT_COMMAND
    action = ""

    @extend_schema(request=ReasonInput, responses=DeploymentSerializer)
    def post(self, request: Request, slug: str) -> Response:
        reason = valid(ReasonInput(data=request.data))["reason"]
        services.switch_deployment(
            actor=actor_of(request),
            deployment_id=self.found(slug).pk,
            action=self.action,
            reason=reason,
            now=timezone.now(),
        )
        return self.answer(slug)


class Suspension(Switch):
    """Stop calls to it, from the next one on."""

    action = "suspend"


class Resumption(Switch):
    """Let it be called again; needs an approval in force."""

    action = "resume"
