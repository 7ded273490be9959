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
from governance.kernel.web import actor_of, get_or_404
from governance.model_cards import price_table, services
from governance.model_cards.api import valid
from governance.model_cards.models import Deployment, Price
from governance.model_cards.price_changes import propose_prices
from governance.model_cards.price_compare import compared
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
            "from_tokens",
            "source",
        ]
        read_only_fields = fields


class PriceInput(serializers.Serializer[Any]):
    """A price in the ledger's currency, from a day on."""

    deployment = serializers.SlugRelatedField("slug", queryset=Deployment.objects.all())
    kind = serializers.CharField(max_length=15, help_text=f"One of {', '.join(PRICE_KINDS)}.")
    amount = serializers.DecimalField(max_digits=18, decimal_places=9, min_value=0)
    currency = serializers.CharField(max_length=3, required=False)
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
        """Set a price of a deployment that nobody has approved yet; the one before ends then."""
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


class ProposedPrice(serializers.Serializer[Any]):
    """One kind; without an amount the price there is ends that day."""

    kind = serializers.CharField(max_length=15, help_text=f"One of {', '.join(PRICE_KINDS)}.")
    amount = serializers.DecimalField(
        max_digits=18, decimal_places=9, min_value=0, allow_null=True, required=False
    )
    from_tokens = serializers.IntegerField(
        min_value=0,
        max_value=10**15 - 1,
        default=0,
        help_text="The tier: tokens that the deployment had in the calendar month before the call.",
    )


class CommitmentInput(serializers.Serializer[Any]):
    """What was promised to be spent, until that day and with it."""

    amount = serializers.DecimalField(max_digits=18, decimal_places=9, min_value=0)
    ends_on = serializers.DateField()


class ProposalInput(serializers.Serializer[Any]):
    """Prices from one day on, for finance to decide."""

    deployment = serializers.SlugRelatedField("slug", queryset=Deployment.objects.all())
    prices = serializers.ListField(child=ProposedPrice(), max_length=20)
    currency = serializers.CharField(max_length=3, required=False)
    starts_on = serializers.DateField()
    source: Any = serializers.CharField(max_length=200)
    commitment = CommitmentInput(required=False, allow_null=True)
    reason = serializers.CharField(max_length=5000)


class ProposalAnswer(serializers.Serializer[Any]):
    """The change request, by its number."""

    change = serializers.IntegerField()
    state = serializers.CharField()


class PriceProposals(generics.GenericAPIView[Price]):
    """Prices of a deployment that is in use."""

    required_permission = MAY_SET
    serializer_class = ProposalInput
    queryset = Price.objects.all()

    @extend_schema(request=ProposalInput, responses={201: ProposalAnswer})
    def post(self, request: Request) -> Response:
        """Open the change; finance decides on it."""
        asked = valid(ProposalInput(data=request.data))
        promised = asked.pop("commitment", None)
        if promised:
            promised = {name: str(value) for name, value in promised.items()}
        prices = [
            one | {"amount": None if one.get("amount") is None else str(one["amount"])}
            for one in asked.pop("prices")
        ]
        change = propose_prices(
            actor=actor_of(request),
            now=timezone.now(),
            prices=prices,
            commitment=promised,
            **asked,
        )
        answer = {"change": change.pk, "state": change.state}
        return Response(answer, status.HTTP_201_CREATED)


class ComparedSerializer(serializers.Serializer[Any]):
    """One kind; null is unknown."""

    kind = serializers.CharField()
    ours = serializers.CharField(allow_null=True)
    table = serializers.CharField(allow_null=True)
    verdict = serializers.CharField()


class ComparisonAnswer(serializers.Serializer[Any]):
    """Our prices today beside litellm's table; nothing is converted."""

    deployment = serializers.CharField()
    model = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    table_currency = serializers.CharField()
    kinds = ComparedSerializer(many=True)
    not_imported = serializers.ListField(child=serializers.CharField())


class PriceComparison(generics.GenericAPIView[Price]):
    """One deployment's prices beside those of litellm's table."""

    required_permission = Permission.MODEL_VIEW
    serializer_class = ComparisonAnswer
    queryset = Price.objects.all()

    @extend_schema(responses=ComparisonAnswer)
    def get(self, request: Request, slug: str) -> Response:
        """Kind by kind; no kinds where the currencies differ or the table has no such model."""
        deployment = get_or_404(Deployment.objects.all(), slug=slug)
        entry = price_table.figures_of(deployment.litellm_model)
        currency, rows = compared(deployment, entry)
        kinds = [
            {
                "kind": one.kind,
                "ours": None if one.ours is None else format(one.ours, "f"),
                "table": None if one.table is None else format(one.table, "f"),
                "verdict": one.verdict,
            }
            for one in rows
        ]
        return Response(
            {
                "deployment": deployment.slug,
                "model": entry.model if entry else None,
                "currency": currency,
                "table_currency": price_table.CURRENCY,
                "kinds": kinds,
                "not_imported": list(entry.not_imported) if entry else [],
            }
        )
