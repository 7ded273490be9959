"""Datasets over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.registry import datasets
from governance.registry.api import (
    IF_MATCH,
    TEXT,
    UseCaseSerializer,
    found_use_case,
    use_case_answer,
    version_of,
)
from governance.registry.models import Dataset


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    class Meta:
        model = Dataset
        fields = ["id", *datasets.EDITABLE, "raised_at", "version"]


class DatasetChange(serializers.Serializer[Any]):
    """The fields that may be changed; all are optional."""

    name = serializers.CharField(max_length=150, required=False, validators=[plain_name])
    source = serializers.CharField(max_length=300, required=False)  # type: ignore[assignment]  # a field named source
    owner = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True), required=False
    )
    sensitivity = serializers.CharField(max_length=12, required=False)
    has_personal_data = serializers.BooleanField(required=False)
    lawful_basis = serializers.CharField(max_length=100, required=False, allow_blank=True)
    licence = serializers.CharField(max_length=100, required=False, allow_blank=True)
    retention = serializers.CharField(max_length=100, required=False, allow_blank=True)
    provenance = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    quality_notes = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    labelling_guideline = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    agreement = serializers.CharField(max_length=100, required=False, allow_blank=True)
    allows_training = serializers.BooleanField(required=False)


class DatasetEdit(DatasetChange):
    """Another sensitivity needs its reason; a raise that re-opens something, to be confirmed."""

    reason = serializers.CharField(
        max_length=datasets.LONGEST_REASON, required=False, allow_blank=True
    )
    confirmed = serializers.BooleanField(required=False)


class DatasetInput(DatasetChange):
    """A new dataset; it is its registrar's unless an owner is given."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    source = serializers.CharField(max_length=300)
    sensitivity = serializers.CharField(max_length=12)


class NamedDatasets(serializers.Serializer[Any]):
    """All datasets that the use case rests on, in the place of those named before."""

    datasets = serializers.PrimaryKeyRelatedField(queryset=Dataset.objects.all(), many=True)


def _answer(dataset: Dataset, status: int = 200) -> Response:
    headers = {"ETag": f'"{dataset.version}"'}
    return Response(DatasetSerializer(dataset).data, status, headers=headers)


class DatasetList(generics.ListAPIView[Dataset]):
    """Registered datasets, newest first; a POST registers one."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": Permission.DATASET_MANAGE,
    }
    serializer_class = DatasetSerializer
    queryset = Dataset.objects.all()

    @extend_schema(request=DatasetInput, responses={201: DatasetSerializer})
    def post(self, request: Request) -> Response:
        made = datasets.register_dataset(
            actor=actor_of(request), now=timezone.now(), **valid(DatasetInput(data=request.data))
        )
        return _answer(made, 201)


class DatasetDetail(APIView):
    """One dataset. Its ETag is its version; a change names the version it was made from."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "PATCH": Permission.DATASET_MANAGE,
    }

    @extend_schema(responses=DatasetSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return _answer(get_or_404(Dataset.objects.all(), pk=pk))

    @extend_schema(request=DatasetEdit, responses=DatasetSerializer, parameters=[IF_MATCH])
    def patch(self, request: Request, pk: int) -> Response:
        """Change some fields; 409 when somebody else changed it since that version."""
        saved = datasets.change_dataset(
            actor=actor_of(request),
            dataset_id=pk,
            version=version_of(request),
            now=timezone.now(),
            **valid(DatasetEdit(data=request.data)),
        )
        return _answer(saved)


class DatasetNaming(APIView):
    """Say which datasets the use case rests on."""

    required_permission = (Permission.USE_CASE_MANAGE, Permission.DATASET_MANAGE)

    @extend_schema(request=NamedDatasets, responses=UseCaseSerializer)
    def put(self, request: Request, slug: str) -> Response:
        sent = valid(NamedDatasets(data=request.data))["datasets"]
        named = datasets.name_datasets(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            dataset_ids=[one.pk for one in sent],
            now=timezone.now(),
        )
        return use_case_answer(named)
