"""Exchange rates over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.model_cards import rates
from governance.model_cards.api import valid
from governance.model_cards.models import ExchangeRate


class RateSerializer(serializers.ModelSerializer[ExchangeRate]):
    """What one unit of `currency` is in `to_currency` from `day` on; `corrects` is a row's id."""

    class Meta:
        model = ExchangeRate
        fields = [
            *("id", "currency", "to_currency", "day", "rate"),
            *("source", "corrects", "entered_at"),
        ]
        read_only_fields = fields


class RateInput(serializers.Serializer[Any]):
    """A rate into the ledger's currency."""

    currency = serializers.CharField(max_length=3)
    day = serializers.DateField()
    rate = serializers.DecimalField(max_digits=18, decimal_places=9)
    source: Any = serializers.CharField(max_length=200)


class RateCorrectionInput(serializers.Serializer[Any]):
    """The right rate of the same day."""

    rate = serializers.DecimalField(max_digits=18, decimal_places=9)
    source: Any = serializers.CharField(max_length=200)


class RateList(generics.ListAPIView[ExchangeRate]):
    """Exchange rates, newest first."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": Permission.MODEL_VIEW,
        "POST": Permission.PRICE_MANAGE,
    }
    serializer_class = RateSerializer
    queryset = ExchangeRate.objects.all()

    @extend_schema(request=RateInput, responses={201: RateSerializer})
    def post(self, request: Request) -> Response:
        """Enter the rate of a day."""
        asked = valid(RateInput(data=request.data))
        made = rates.enter_rate(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(RateSerializer(made).data, status.HTTP_201_CREATED)


class RateCorrection(generics.GenericAPIView[ExchangeRate]):
    """The correction of a rate."""

    required_permission = Permission.PRICE_MANAGE
    serializer_class = RateCorrectionInput
    queryset = ExchangeRate.objects.all()

    @extend_schema(request=RateCorrectionInput, responses={201: RateSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Another row for the same day; what was booked keeps its rate."""
        asked = valid(RateCorrectionInput(data=request.data))
        made = rates.correct_rate(actor=actor_of(request), rate_id=pk, now=timezone.now(), **asked)
        return Response(RateSerializer(made).data, status.HTTP_201_CREATED)
