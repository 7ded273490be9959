"""Deliveries over the API. A person sets them up: a key cannot."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import models
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from telemetry.deliveries import services
from telemetry.deliveries.forms import teams_for
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.deliveries.rules import FORMAT_WORDS, LAST_DAY_OF_MONTH, OCCASION_WORDS
from telemetry.deliveries.views import download
from telemetry.documents.files import CSV, PDF, XLSX


class DeliveryScheduleSerializer(serializers.ModelSerializer[DeliverySchedule]):
    """What is sent, when and to whom; `team` is null for the organisation's usage."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    owner: Any = serializers.SlugRelatedField("email", read_only=True)
    recipient: Any = serializers.SlugRelatedField("email", read_only=True, allow_null=True)
    webhook: Any = serializers.PrimaryKeyRelatedField(
        source="endpoint", read_only=True, allow_null=True
    )

    class Meta:
        model = DeliverySchedule
        fields: ClassVar[list[str]] = [
            *("id", "team", "format", "occasion", "day", "time_zone", "recipient", "webhook"),
            *("owner", "is_active", "created_at", "next_at"),
        ]
        read_only_fields = fields


class DeliveryScheduleInput(serializers.Serializer[Any]):
    """Give either `recipient`, an e-mail, or `webhook`, its number."""

    team = serializers.SlugField(max_length=60, allow_null=True, default=None)
    format = serializers.ChoiceField(list(FORMAT_WORDS))
    occasion = serializers.ChoiceField([one.value for one in OCCASION_WORDS])
    day = serializers.IntegerField(
        min_value=1, max_value=LAST_DAY_OF_MONTH, allow_null=True, default=None
    )
    time_zone = serializers.CharField(max_length=50, default="UTC")
    recipient = serializers.EmailField(max_length=254, allow_blank=True, default="")
    webhook = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, allow_null=True, default=None
    )


class TurnInput(serializers.Serializer[Any]):
    """Whether it is to be on."""

    is_active = serializers.BooleanField()


class DocumentDeliverySerializer(serializers.ModelSerializer[DocumentDelivery]):
    """One time that it was carried out; `sha256` is empty until the file is made."""

    class Meta:
        model = DocumentDelivery
        fields: ClassVar[list[str]] = [
            *("id", "period", "created_at", "state", "tries", "next_try_at", "finished_at"),
            *("fault", "file_name", "media_type", "size", "sha256", "has_file", "was_attached"),
        ]
        read_only_fields = fields


def _found(request: Request, pk: int) -> DeliverySchedule:
    visible = DeliverySchedule.objects.visible_to(cast(User, request.user))
    found: DeliverySchedule = get_or_404(
        visible.select_related("team", "owner", "recipient", "endpoint"), pk=pk
    )
    return found


class ScheduleList(generics.ListAPIView[DeliverySchedule]):
    """Of the documents in the person's reach, newest first."""

    required_permission = Permission.CHARGEBACK_VIEW
    serializer_class = DeliveryScheduleSerializer
    queryset = DeliverySchedule.objects.all()

    def get_queryset(self) -> models.QuerySet[DeliverySchedule]:
        visible = DeliverySchedule.objects.visible_to(cast(User, self.request.user))
        return visible.select_related("team", "owner", "recipient", "endpoint")

    @extend_schema(request=DeliveryScheduleInput, responses={201: DeliveryScheduleSerializer})
    def post(self, request: Request) -> Response:
        """Set one up."""
        asked = valid(DeliveryScheduleInput(data=request.data))
        slug, webhook, team = asked.pop("team"), asked.pop("webhook"), None
        if slug is not None:
            team = teams_for(cast(User, request.user)).filter(slug=slug).first()
            if team is None:
                sentence = "There is no such team, or you do not see its statements."
                raise Invalid(f"Nothing was set up. {sentence}", fields={"team": [sentence]})
        made = services.create_schedule(
            actor=actor_of(request), team=team, endpoint=webhook, now=timezone.now(), **asked
        )
        return Response(DeliveryScheduleSerializer(made).data, 201)


class ScheduleDetail(APIView):
    """One standing order."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(responses=DeliveryScheduleSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(DeliveryScheduleSerializer(_found(request, pk)).data)

    @extend_schema(request=TurnInput, responses=DeliveryScheduleSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Turn it on or off."""
        schedule_id = _found(request, pk).pk
        on = valid(TurnInput(data=request.data))["is_active"]
        turned = services.turn(
            actor=actor_of(request), schedule_id=schedule_id, on=on, now=timezone.now()
        )
        return Response(DeliveryScheduleSerializer(turned).data)


class NewestFirst(CursorPagination):
    ordering = ("-created_at", "-pk")  # type: ignore[assignment]  # several are fine too


class History(generics.ListAPIView[DocumentDelivery]):
    """What was sent, newest first."""

    required_permission = Permission.CHARGEBACK_VIEW
    serializer_class = DocumentDeliverySerializer
    pagination_class = NewestFirst
    queryset = DocumentDelivery.objects.none()

    def get_queryset(self) -> models.QuerySet[DocumentDelivery]:
        return _found(self.request, self.kwargs["pk"]).deliveries.all()


class SendNow(APIView):
    """Send the last month that ended, as it stands now."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(request=None, responses={202: DocumentDeliverySerializer})
    def post(self, request: Request, pk: int) -> Response:
        made = services.send_now(
            actor=actor_of(request), schedule_id=_found(request, pk).pk, now=timezone.now()
        )
        return Response(DocumentDeliverySerializer(made).data, 202)


class SendAgain(APIView):
    """Send the same file again."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(request=None, responses={202: DocumentDeliverySerializer})
    def post(self, request: Request, pk: int, delivery: UUID) -> Response:
        found = get_or_404(_found(request, pk).deliveries.all(), pk=delivery)
        again = services.send_again(
            actor=actor_of(request), delivery_id=found.pk, now=timezone.now()
        )
        return Response(DocumentDeliverySerializer(again).data, 202)


class DeliveredFile(APIView):
    """The file as it was sent, for 90 days."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(
        responses={
            (200, CSV.partition(";")[0]): OpenApiResponse(OpenApiTypes.STR),
            (200, XLSX): OpenApiResponse(OpenApiTypes.BINARY),
            (200, PDF): OpenApiResponse(OpenApiTypes.BINARY),
        }
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        return download(cast(User, request.user), pk)
