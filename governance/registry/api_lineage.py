"""What rests on a dataset, and what raising it would re-open, over the API."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404
from governance.registry import datasets
from governance.registry.models import Dataset
from governance.registry.reopening import (
    Reopened,
    cards_trained_on,
    is_flagged,
    is_raised,
    what_reopens,
)
from governance.registry.selectors import use_cases_naming

SENSITIVITY = OpenApiParameter("sensitivity", str, required=True, description="One above its own.")


class LineageSerializer(serializers.Serializer[Any]):
    """What rests on a dataset, by short names; flagged cards were written before it was raised."""

    use_cases = serializers.ListField(child=serializers.CharField())
    cards = serializers.ListField(child=serializers.CharField())
    flagged_cards = serializers.ListField(child=serializers.CharField())


class ReopenedSerializer(serializers.Serializer[Any]):
    """How much a raise re-opens: to assess, to revise, suspended, flagged."""

    use_cases = serializers.IntegerField()
    changes = serializers.IntegerField()
    approvals = serializers.IntegerField()
    cards = serializers.IntegerField()


class NamedCards(serializers.Serializer[Any]):
    """All model cards that were trained on it, by short name, in the place of those before."""

    cards = serializers.ListField(child=serializers.SlugField(max_length=80), max_length=200)


class DatasetLineage(APIView):
    """The use cases in reach and the model cards that rest on it; a PUT names the cards."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "PUT": Permission.DATASET_MANAGE,
    }

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return self._answer(request, get_or_404(Dataset.objects.all(), pk=pk))

    @extend_schema(request=NamedCards, responses=LineageSerializer)
    def put(self, request: Request, pk: int) -> Response:
        named = datasets.name_cards(
            actor=actor_of(request),
            dataset_id=pk,
            slugs=valid(NamedCards(data=request.data))["cards"],
            now=timezone.now(),
        )
        return self._answer(request, named)

    def _answer(self, request: Request, dataset: Dataset) -> Response:
        user = cast(User, request.user)
        cards = cards_trained_on(dataset)
        lineage = {
            "use_cases": [one.slug for one in use_cases_naming(dataset, user)],
            "cards": [one.slug for one in cards],
            "flagged_cards": [one.slug for one in cards if is_flagged(one, dataset)],
        }
        return Response(LineageSerializer(lineage).data)


class DatasetReopening(APIView):
    """What raising it to `?sensitivity=` would re-open, before anything is changed."""

    required_permission = Permission.DATASET_MANAGE

    @extend_schema(responses=ReopenedSerializer, parameters=[SENSITIVITY])
    def get(self, request: Request, pk: int) -> Response:
        dataset: Dataset = get_or_404(Dataset.objects.all(), pk=pk)
        wanted = request.query_params.get("sensitivity", "")
        if wanted not in list(Sensitivity):
            raise Invalid(
                "Nothing was looked up: name a sensitivity.",
                fields={"sensitivity": [f"One of {', '.join(Sensitivity)}."]},
            )
        is_raise = is_raised(dataset.sensitivity, wanted)
        found = what_reopens(dataset, wanted) if is_raise else Reopened((), (), (), ())
        return Response(ReopenedSerializer(found.told()).data)
