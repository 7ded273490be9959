"""What was promised to providers: how far it is used, and what will be left, by page and API."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.kernel.authority import Permission
from governance.kernel.web import page, requires
from governance.model_cards.models import Commitment
from telemetry.chargeback.commitments import CommitmentUse, uses

# A promise is the organisation's, whoever uses it up.
MAY_SEE = (
    Permission.BUDGET_MANAGE,
    Permission.STATEMENT_CLOSE,
    Permission.PRICE_MANAGE,
    Permission.SIGN_BOARD,
    Permission.SIGN_COMPLIANCE,
)


def _newest() -> QuerySet[Commitment]:
    return Commitment.objects.select_related("deployment").order_by("-ends_on", "pk")


@requires(*MAY_SEE)
def commitment_list(request: HttpRequest) -> HttpResponse:
    """Those that end last come first."""
    listed = Paginator(_newest(), 50).get_page(request.GET.get("page"))
    rows = uses(list(listed.object_list), timezone.now().date())
    context = {"page": listed, "rows": rows}
    return page(request, "telemetry/chargeback/commitments.html", context)


class CommitmentUseSerializer(serializers.Serializer[Any]):
    """Amounts in the promise's currency; `shortfall` is expected while it runs, null if unknown."""

    id = serializers.IntegerField(source="commitment.pk")
    deployment = serializers.CharField(source="commitment.deployment.slug")
    starts_on = serializers.DateField(source="commitment.starts_on")
    ends_on = serializers.DateField(source="commitment.ends_on")
    amount = serializers.DecimalField(18, 9, source="commitment.amount")
    currency = serializers.CharField(source="commitment.currency")
    state = serializers.ChoiceField(["ahead", "running", "ended"])
    spent = serializers.DecimalField(18, 9)
    expected = serializers.SerializerMethodField()
    low = serializers.SerializerMethodField()
    high = serializers.SerializerMethodField()
    shortfall = serializers.DecimalField(18, 9, allow_null=True)

    def get_expected(self, use: CommitmentUse) -> str | None:
        return f"{use.forecast.expected:f}" if use.forecast else None

    def get_low(self, use: CommitmentUse) -> str | None:
        return f"{use.forecast.low:f}" if use.forecast else None

    def get_high(self, use: CommitmentUse) -> str | None:
        return f"{use.forecast.high:f}" if use.forecast else None


class Commitments(APIView):
    """Committed spend with what is used of it, those that end last first."""

    required_permission = MAY_SEE

    @extend_schema(responses=CommitmentUseSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The 200 that end last."""
        rows = uses(list(_newest()[:200]), timezone.now().date())
        return Response(CommitmentUseSerializer(rows, many=True).data)
