"""Webhooks over the API. A person keeps them: a key cannot."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from telemetry.webhooks import services
from telemetry.webhooks.addresses import LONGEST_URL
from telemetry.webhooks.forms import use_cases_for
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint without its secret, which is kept sealed."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    events = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar[list[str]] = [
            "id",
            "use_case",
            "team",
            "url",
            "events",
            "is_active",
            "turned_off_because",
            "failing_since",
            "previous_until",
            "created_at",
        ]
        read_only_fields = fields


class WebhookMade(WebhookSerializer):
    """The endpoint, and its secret: shown in this reply alone."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields: ClassVar[list[str]] = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class WebhookChange(serializers.Serializer[Any]):
    """Where to send, what, and whether."""

    url = serializers.CharField(max_length=LONGEST_URL)
    events = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50)
    is_active = serializers.BooleanField(default=True)


class WebhookInput(serializers.Serializer[Any]):
    """A new endpoint of a use case."""

    use_case = serializers.CharField(max_length=80)
    url = serializers.CharField(max_length=LONGEST_URL)
    events = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50)


class WebhookTrySerializer(serializers.ModelSerializer[WebhookTry]):
    class Meta:
        model = WebhookTry
        fields: ClassVar[list[str]] = ["at", "status_code", "took_ms", "fault"]
        read_only_fields = fields


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """A message with its tries, the last first."""

    attempts = WebhookTrySerializer(many=True, read_only=True)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[list[str]] = [
            "id",
            "kind",
            "occurred_at",
            "state",
            "tries",
            "next_try_at",
            "finished_at",
            "attempts",
        ]
        read_only_fields = fields


def _found(request: Request, pk: int) -> WebhookEndpoint:
    endpoints = WebhookEndpoint.objects.visible_to(cast(User, request.user))
    found: WebhookEndpoint = get_or_404(endpoints.select_related("use_case", "team"), pk=pk)
    return found


@sensitive_variables("secret")
def _made(endpoint: WebhookEndpoint, secret: str, status: int) -> Response:
    body = WebhookSerializer(endpoint).data | {"secret": secret}
    return Response(body, status, headers={"Cache-Control": "no-store"})


class EndpointList(generics.ListAPIView[WebhookEndpoint]):
    """Webhooks in the person's reach, newest first."""

    required_permission = Permission.API_KEY_MANAGE
    serializer_class = WebhookSerializer
    queryset = WebhookEndpoint.objects.all()

    def get_queryset(self) -> models.QuerySet[WebhookEndpoint]:
        found = WebhookEndpoint.objects.visible_to(cast(User, self.request.user))
        return found.select_related("use_case", "team")

    @extend_schema(request=WebhookInput, responses={201: WebhookMade})
    def post(self, request: Request) -> Response:
        """Make one; the reply is the only place where its secret is."""
        asked = valid(WebhookInput(data=request.data))
        slug = asked.pop("use_case")
        use_case = use_cases_for(cast(User, request.user)).filter(slug=slug).first()
        if use_case is None:
            sentence = "There is no such use case, or you may not keep its webhooks."
            raise Invalid(f"No webhook was made. {sentence}", fields={"use_case": [sentence]})
        made = services.create_endpoint(
            actor=actor_of(request), use_case=use_case, now=timezone.now(), **asked
        )
        return _made(*made, 201)


class EndpointDetail(APIView):
    """One webhook."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(WebhookSerializer(_found(request, pk)).data)

    @extend_schema(request=WebhookChange, responses=WebhookSerializer)
    def put(self, request: Request, pk: int) -> Response:
        endpoint_id = _found(request, pk).pk
        asked = valid(WebhookChange(data=request.data))
        changed = services.change_endpoint(
            actor=actor_of(request), endpoint_id=endpoint_id, now=timezone.now(), **asked
        )
        return Response(WebhookSerializer(changed).data)


class EndpointRotate(APIView):
    """A new secret; messages carry both signatures for another 24 hours."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=None, responses=WebhookMade)
    def post(self, request: Request, pk: int) -> Response:
        endpoint_id = _found(request, pk).pk
        made = services.rotate_secret(
            actor=actor_of(request), endpoint_id=endpoint_id, now=timezone.now()
        )
        return _made(*made, 200)


class EndpointTest(APIView):
    """Send an event that means nothing."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    def post(self, request: Request, pk: int) -> Response:
        sent = services.send_test(
            actor=actor_of(request), endpoint_id=_found(request, pk).pk, now=timezone.now()
        )
        return Response(WebhookDeliverySerializer(sent).data, 202)


class NewestDeliveries(CursorPagination):
    ordering = ("-occurred_at", "-pk")  # type: ignore[assignment]  # several are fine too


class DeliveryList(generics.ListAPIView[WebhookDelivery]):
    """What was sent to it, newest first, with every try."""

    required_permission = Permission.API_KEY_MANAGE
    serializer_class = WebhookDeliverySerializer
    pagination_class = NewestDeliveries
    queryset = WebhookDelivery.objects.none()

    def get_queryset(self) -> models.QuerySet[WebhookDelivery]:
        endpoint = _found(self.request, self.kwargs["pk"])
        return endpoint.deliveries.prefetch_related("attempts")


class DeliveryAgain(APIView):
    """Send a message again under its id."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    def post(self, request: Request, pk: int, delivery: UUID) -> Response:
        found = get_or_404(_found(request, pk).deliveries.all(), pk=delivery)
        again = services.send_again(
            actor=actor_of(request), delivery_id=found.pk, now=timezone.now()
        )
        return Response(WebhookDeliverySerializer(again).data, 202)
