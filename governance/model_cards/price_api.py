"""Prices over the API; amounts are strings, per million tokens (or per call)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.model_cards import price_table, services
from governance.model_cards.api import valid
from governance.model_cards.models import Deployment, Price
from governance.model_cards.price_services import check_currency
from governance.model_cards.rules import PRICE_KINDS

MAY_SET = (Permission.PRICE_MANAGE, Permission.MODEL_AUTHOR)


class PriceSerializer(serializers.ModelSerializer[Price]):
    """One amount for one kind, from a day until (not including) another."""

    deployment: Any = serializers.SlugRelatedField("slug", read_only=True)
    kind = serializers.CharField(read_only=True)
    source: Any = serializers.CharField(read_only=True)

    class Meta:
        model = Price
        fields = [
            "id",
            "deployment",
            "kind",
            "amount",
            "currency",
            "starts_on",
            "ends_on",
            "source",
        ]
        read_only_fields = fields


class PriceInput(serializers.Serializer[Any]):
    """A price in the ledger's currency, from a day on."""

    deployment = serializers.SlugRelatedField("slug", queryset=Deployment.objects.all())
    kind = serializers.CharField(max_length=15, help_text=f"One of {', '.join(PRICE_KINDS)}.")
    amount = serializers.DecimalField(max_digits=18, decimal_places=9, min_value=0)
    starts_on = serializers.DateField()
    source: Any = serializers.CharField(max_length=200)


class ImportInput(serializers.Serializer[Any]):
    """An entry of litellm's price table; with `dry_run` it is shown and nothing is set."""

    deployment = serializers.SlugRelatedField("slug", queryset=Deployment.objects.all())
    model = serializers.CharField(max_length=200)
    starts_on = serializers.DateField()
    dry_run = serializers.BooleanField(default=False)


class ImportAnswer(serializers.Serializer[Any]):
    """What the table says, and its prices that have no kind here."""

    model = serializers.CharField()
    currency = serializers.CharField()
    amounts = serializers.DictField(child=serializers.CharField())
    not_imported = serializers.ListField(child=serializers.CharField())
    is_set = serializers.BooleanField()


class PriceList(generics.ListAPIView[Price]):
    """The prices of all deployments, newest first; `deployment` narrows to one."""

    required_permission: ClassVar[dict[str, Any]] = {"GET": Permission.MODEL_VIEW, "POST": MAY_SET}
    serializer_class = PriceSerializer
    queryset = Price.objects.all()

    def get_queryset(self) -> QuerySet[Price]:
        prices = Price.objects.select_related("deployment")
        slug = self.request.query_params.get("deployment")
        return prices.filter(deployment__slug=slug) if slug else prices

    @extend_schema(parameters=[OpenApiParameter("deployment", str, description="Its short name.")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(request=PriceInput, responses={201: PriceSerializer})
    def post(self, request: Request) -> Response:
        """Set a price; the one before ends on that day."""
        price = services.set_price(
            actor=actor_of(request), now=timezone.now(), **valid(PriceInput(data=request.data))
        )
        return Response(PriceSerializer(price).data, status.HTTP_201_CREATED)


class PriceImport(generics.GenericAPIView[Price]):
    """Prices from the table that litellm ships."""

    required_permission = MAY_SET
    serializer_class = ImportInput
    queryset = Price.objects.all()

    @extend_schema(request=ImportInput, responses={200: ImportAnswer, 201: ImportAnswer})
    def post(self, request: Request) -> Response:
        """Set every price that the table knows of a model, or only show them."""
        asked = valid(ImportInput(data=request.data))
        is_set = not asked.pop("dry_run")
        check_currency()
        entry = price_table.look_up(asked["model"])
        if is_set:
            services.import_litellm_prices(actor=actor_of(request), now=timezone.now(), **asked)
        body = {
            "model": entry.model,
            "currency": price_table.CURRENCY,
            "amounts": {kind: format(amount, "f") for kind, amount in entry.amounts.items()},
            "not_imported": list(entry.not_imported),
            "is_set": is_set,
        }
        return Response(body, status.HTTP_201_CREATED if is_set else status.HTTP_200_OK)
