"""Statements as files over the API."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import get_or_404
from telemetry.chargeback.models import Statement
from telemetry.documents.files import STATEMENT_FORMATS, XLSX, statement_file
from telemetry.documents.views import streamed


class StatementFile(APIView):
    """A statement as CSV, XLSX, FOCUS 1.2 or PDF."""

    required_permission = Permission.CHARGEBACK_VIEW

    @extend_schema(
        parameters=[
            OpenApiParameter("as", str, enum=list(STATEMENT_FORMATS), default="csv"),
        ],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR),
            (200, XLSX): OpenApiResponse(OpenApiTypes.BINARY),
            (200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY),
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        mine = Statement.objects.visible_to(cast(User, request.user)).select_related("team")
        found: Statement = get_or_404(mine, pk=pk)
        kind = request.query_params.get("as", "csv")
        return streamed(statement_file(found.team, found.period, kind, timezone.now()))
