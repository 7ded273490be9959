"""Packs over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import FileResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.audit import packs
from governance.audit.models import AuditPack, AuditPackQuerySet
from governance.audit.selectors import teams_to_pack
from governance.audit.tasks import enqueue
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404


class PackSerializer(serializers.ModelSerializer[AuditPack]):
    """A pack; `steps_done` of `steps_total`, `step_label` and `rows_done` tell how far it is."""

    starts_on = serializers.DateField(source="first_day", read_only=True)
    ends_on = serializers.DateField(source="last_day", read_only=True)
    requested_by: Any = serializers.CharField(source="requested_by.name", read_only=True)
    scope = serializers.SerializerMethodField(help_text="A team's name, or the organisation.")
    expires_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = AuditPack
        fields = [
            "id",
            "starts_on",
            "ends_on",
            "scope",
            "requested_by",
            "requested_at",
            "state",
            "steps_done",
            "steps_total",
            "step_label",
            "rows_done",
            "attempts",
            "failure",
            "file_name",
            "size_bytes",
            "sha256",
            "finished_at",
            "expires_at",
        ]
        read_only_fields = fields

    def get_scope(self, pack: AuditPack) -> str:
        return pack.team_label or "organisation"


class PackRequest(serializers.Serializer[Any]):
    """Whole days in UTC, both included, and a team's slug, or none for everything."""

    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    team = serializers.SlugField(required=False, max_length=60, allow_null=True, default=None)


class PackQueries(generics.GenericAPIView[AuditPack]):
    serializer_class = PackSerializer
    queryset = AuditPack.objects.all()

    def get_queryset(self) -> AuditPackQuerySet:
        return AuditPack.objects.visible_to(self.request.user).select_related("requested_by")


class PackList(PackQueries, generics.ListAPIView[AuditPack]):
    """Packs in reach, newest first; compliance asks for new ones."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.AUDIT_VIEW,
        "POST": Permission.AUDIT_PACK_BUILD,
    }

    @extend_schema(
        request=PackRequest,
        responses={202: PackSerializer},
        parameters=[
            OpenApiParameter(
                "Location",
                OpenApiTypes.URI,
                OpenApiParameter.HEADER,
                description="Where to ask how far it is.",
                response=[202],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """A worker builds it; ask again at `Location`."""
        asked = PackRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        pack = self._ask(request, **asked.validated_data)
        headers = {
            "Location": request.build_absolute_uri(reverse("api-audit-pack", args=[pack.pk]))
        }
        return Response(PackSerializer(pack).data, status.HTTP_202_ACCEPTED, headers=headers)

    @transaction.atomic
    def _ask(self, request: Request, *, team: str | None, **days: Any) -> AuditPack:
        team_ids = {one.slug: one.team_id for one in teams_to_pack(request.user)}
        if team is not None and team not in team_ids:
            problem = {"team": [f"You build no packs of a team {team}."]}
            raise Invalid("No pack was asked for.", fields=problem)
        pack = packs.request_pack(
            actor=actor_of(request),
            now=timezone.now(),
            team_id=team_ids[team] if team is not None else None,
            **days,
        )
        enqueue(pack)
        return pack


class PackDetail(PackQueries, generics.RetrieveAPIView[AuditPack]):
    """One pack with its progress."""

    required_permission = Permission.AUDIT_VIEW


class PackCancel(PackQueries):
    """Ask no more for it."""

    required_permission = Permission.AUDIT_PACK_BUILD

    @extend_schema(request=None, responses=PackSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        found = get_or_404(self.get_queryset(), pk=pk)
        pack = packs.cancel_pack(actor=actor_of(request), pack_id=found.pk, now=timezone.now())
        return Response(PackSerializer(pack).data)


class PackDownload(PackQueries):
    """The file; that it was taken is recorded."""

    required_permission = Permission.AUDIT_PACK_BUILD

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: UUID) -> FileResponse:
        found: AuditPack = get_or_404(self.get_queryset(), pk=pk)
        path = packs.record_download(actor=actor_of(request), pack=found, now=timezone.now())
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=path.name,
            content_type="application/zip",
        )
