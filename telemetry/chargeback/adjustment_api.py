"""Corrections of the ledger over the API."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.chargeback import adjusting
from telemetry.chargeback.adjustment_models import KINDS
from telemetry.chargeback.models import Adjustment
from telemetry.ledger.models import LedgerEntry


class AdjustmentSerializer(serializers.ModelSerializer[Adjustment]):
    """A correction; `entry` is what was booked of it, null while a signature is missing."""

    kind = serializers.CharField(read_only=True)
    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    deployment: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    period = serializers.DateField(source="entry.period", read_only=True, default=None)

    class Meta:
        model = Adjustment
        fields = [
            *("id", "kind", "corrects", "team", "use_case", "deployment", "day"),
            *("amount", "currency", "reason", "asked_at", "entry", "period"),
        ]
        read_only_fields = fields


class AdjustmentInput(serializers.Serializer[Any]):
    """The entry that is corrected; without one, the team and the day that the amount is of."""

    corrects = serializers.PrimaryKeyRelatedField(
        queryset=LedgerEntry.objects.all(), required=False, allow_null=True
    )
    team = serializers.SlugRelatedField("slug", queryset=Team.objects.all(), required=False)
    use_case = serializers.SlugRelatedField(
        "slug", queryset=UseCase.objects.all(), required=False, allow_null=True
    )
    deployment = serializers.SlugRelatedField(
        "slug", queryset=Deployment.objects.all(), required=False, allow_null=True
    )
    day = serializers.DateField(required=False)
    kind = serializers.ChoiceField(choices=KINDS, default="adjustment")
    amount = serializers.DecimalField(max_digits=18, decimal_places=9)
    reason = serializers.CharField(max_length=adjusting.LONGEST_REASON)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("corrects"):
            missing = [name for name in ("team", "day") if not attrs.get(name)]
            if missing:
                words = ["Give it, or the entry that is corrected."]
                raise serializers.ValidationError(dict.fromkeys(missing, words))
        return attrs


class AdjustmentList(generics.ListAPIView[Adjustment]):
    """Corrections in reach, newest first. A large one waits for a second person of finance."""

    required_permission: ClassVar[dict[str, Any]] = {
        "GET": Permission.CHARGEBACK_VIEW,
        "POST": Permission.STATEMENT_CLOSE,
    }
    serializer_class = AdjustmentSerializer
    queryset = Adjustment.objects.all()

    def get_queryset(self) -> QuerySet[Adjustment]:
        rows = Adjustment.objects.visible_to(cast(User, self.request.user))
        return rows.select_related("team", "use_case", "deployment", "entry")

    @extend_schema(request=AdjustmentInput, responses={201: AdjustmentSerializer})
    def post(self, request: Request) -> Response:
        """Book a correction, or propose it where it is large."""
        asked = AdjustmentInput(data=request.data)
        asked.is_valid(raise_exception=True)
        facts = dict(asked.validated_data)
        entry = facts.pop("corrects", None)
        told: dict[str, Any] = {"actor": actor_of(request), "now": timezone.now()}
        if entry is not None:
            own = {name: facts[name] for name in ("kind", "amount", "reason")}
            made = adjusting.correct_entry(entry=entry, **own, **told)
        else:
            made = adjusting.adjust_day(**facts, **told)
        return Response(AdjustmentSerializer(made).data, status.HTTP_201_CREATED)
