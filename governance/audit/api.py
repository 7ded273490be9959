"""The log over the API."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.audit import services
from governance.audit.models import AuditEvent, Checkpoint
from governance.audit.selectors import events_found, tree_of
from governance.kernel.authority import Permission
from governance.kernel.errors import NotFound
from governance.kernel.web import get_or_404


class EventSerializer(serializers.ModelSerializer[AuditEvent]):
    sentence = serializers.CharField(read_only=True)

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "at",
            "actor_kind",
            "actor_label",
            "action",
            "sentence",
            "subject_type",
            "subject_id",
            "subject_label",
            "before",
            "after",
            "reason",
        ]


class EventFilter(serializers.Serializer[Any]):
    """Narrows the events; days are whole ones in UTC, both included."""

    actor = serializers.CharField(
        required=False, max_length=200, help_text="Part of the name of who did it."
    )
    action = serializers.CharField(required=False, max_length=60)
    subject_type = serializers.CharField(required=False, max_length=60)
    subject_id = serializers.CharField(required=False, max_length=64)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


@extend_schema(parameters=[EventFilter])
class EventList(generics.ListAPIView[AuditEvent]):
    """Events in the person's reach, newest first."""

    required_permission = Permission.AUDIT_VIEW
    serializer_class = EventSerializer
    queryset = AuditEvent.objects.all()

    def get_queryset(self) -> Any:
        asked = EventFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return events_found(self.request.user, **asked.validated_data)


@extend_schema(responses=OpenApiTypes.OBJECT)
class LatestCheckpoint(APIView):
    """The signed size and root of the log, with the key that signs it."""

    required_permission = Permission.AUDIT_VIEW

    def get(self, request: Request) -> Response:
        checkpoint = Checkpoint.objects.first()
        if checkpoint is None:
            raise NotFound("The log has no checkpoint yet; ask again in a minute.")
        return Response({"note": checkpoint.note, "key": services.signer().verifier_key})


@extend_schema(responses=OpenApiTypes.OBJECT)
class Proof(APIView):
    """One event's place in the log under the latest checkpoint."""

    required_permission = Permission.AUDIT_VIEW

    def get(self, request: Request, pk: UUID) -> Response:
        event = get_or_404(
            AuditEvent.objects.visible_to(request.user).filter(leaf__isnull=False), pk=pk
        )
        checkpoint = Checkpoint.objects.first()
        tree = tree_of(checkpoint.size if checkpoint else 0)
        path = [base64.b64encode(one).decode() for one in tree.inclusion(event.leaf.index)]
        body = {
            "index": event.leaf.index,
            "path": path,
            "canonical": bytes(event.canonical).decode(),
        }
        return Response(body | {"checkpoint": checkpoint.note if checkpoint else ""})
