"""Providers' files over the API; the same services as the pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import Team
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from telemetry.chargeback.closing_api import MonthAsked
from telemetry.reconciliation.forms import upload_of
from telemetry.reconciliation.models import ProviderFile, ReconciliationLine
from telemetry.reconciliation.reading import FIELDS, MOST_BYTES
from telemetry.reconciliation.services import resolve, take_file


class ProviderFileSerializer(serializers.ModelSerializer[ProviderFile]):
    """A file that was compared."""

    class Meta:
        model = ProviderFile
        fields = ["id", "provider", "period", "file_name", "sha256", "rows", "uploaded_at"]
        read_only_fields = fields


class ReconciliationLineSerializer(serializers.ModelSerializer[ReconciliationLine]):
    """A day and model: ours, theirs, and theirs less ours."""

    deployment: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    difference = serializers.DecimalField(max_digits=18, decimal_places=9, read_only=True)
    tokens_difference = serializers.IntegerField(read_only=True)

    class Meta:
        model = ReconciliationLine
        fields = [
            *("id", "day", "model", "deployment", "ours_input", "ours_output", "ours_amount"),
            *("theirs_input", "theirs_output", "theirs_amount", "difference"),
            *("tokens_difference", "state", "reason"),
        ]
        read_only_fields = fields


class ProviderUpload(MonthAsked):
    """A CSV as text. `columns` by field, `models` as our deployments by the provider's names."""

    provider = serializers.CharField(max_length=100)
    file_name = serializers.CharField(max_length=255)
    content = serializers.CharField(max_length=MOST_BYTES, trim_whitespace=False)
    columns = serializers.DictField(child=serializers.CharField(max_length=200), default=dict)
    models = serializers.DictField(child=serializers.CharField(max_length=200), default=dict)
    decimal_comma = serializers.BooleanField(default=False)
    tolerance = serializers.DecimalField(
        max_digits=18, decimal_places=9, min_value=0, default=Decimal("0.01")
    )
    tolerance_percent = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=0, max_value=100, default=Decimal("0.5")
    )

    def validate_columns(self, value: dict[str, str]) -> dict[str, str]:
        if set(value) - set(FIELDS):
            raise serializers.ValidationError(f"Fields are {', '.join(FIELDS)}.")
        return value


class Files(generics.ListAPIView[ProviderFile]):
    """Files that were compared. The same file of a month is taken once."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": Permission.STATEMENT_CLOSE,
        "POST": Permission.STATEMENT_CLOSE,
    }
    serializer_class = ProviderFileSerializer
    queryset = ProviderFile.objects.defer("content").order_by("-pk")

    @extend_schema(
        request=ProviderUpload, responses={200: ProviderFileSerializer, 201: ProviderFileSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = ProviderUpload(data=request.data)
        asked.is_valid(raise_exception=True)
        facts = dict(asked.validated_data)
        facts |= {"period": facts.pop("month"), "content": facts["content"].encode()}
        file, is_new = take_file(
            actor=actor_of(request), upload=upload_of(**facts), now=timezone.now()
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(ProviderFileSerializer(file).data, code)


class Lines(generics.ListAPIView[ReconciliationLine]):
    """A file's lines."""

    required_permission = Permission.STATEMENT_CLOSE
    serializer_class = ReconciliationLineSerializer
    queryset = ReconciliationLine.objects.none()

    def get_queryset(self) -> Any:
        lines = ReconciliationLine.objects.filter(file=self.kwargs["pk"])
        return lines.select_related("file", "deployment")


class ReconciliationResolve(serializers.Serializer[Any]):
    """Adjust, accept or dispute, and why; a team where none used the model on that day."""

    action = serializers.ChoiceField(choices=["adjust", "accept", "dispute"])
    reason = serializers.CharField(max_length=300)
    team = serializers.SlugRelatedField(
        "slug", queryset=Team.objects.all(), required=False, allow_null=True
    )


class Resolve(generics.GenericAPIView[ReconciliationLine]):
    """Resolve a difference."""

    required_permission = Permission.STATEMENT_CLOSE
    serializer_class = ReconciliationLineSerializer
    queryset = ReconciliationLine.objects.all()

    @extend_schema(request=ReconciliationResolve, responses=ReconciliationLineSerializer)
    def post(self, request: Request, pk: int) -> Response:
        asked = ReconciliationResolve(data=request.data)
        asked.is_valid(raise_exception=True)
        line = resolve(
            actor=actor_of(request), line_id=pk, now=timezone.now(), **asked.validated_data
        )
        return Response(ReconciliationLineSerializer(line).data)
