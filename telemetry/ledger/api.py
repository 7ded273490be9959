"""Money lines over the API. Calls themselves are the gateway's: it makes them."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from rest_framework import generics, serializers

from governance.access.models import User
from governance.kernel.authority import Permission
from telemetry.ledger.filters import CallFilters
from telemetry.ledger.models import LedgerEntry
from telemetry.ledger.selectors import entries_visible_to


class EntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    """One append-only line; amounts are strings with nine places."""

    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    # Null on lines of a whole team, as a credit is.
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    deployment: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)

    class Meta:
        model = LedgerEntry
        fields = [
            "id",
            "call",
            "attempt",
            "kind",
            "team",
            "use_case",
            "deployment",
            "period",
            "day",
            "tokens_input",
            "tokens_cached",
            "tokens_output",
            "tokens_reasoning",
            "images",
            "amount",
            "currency",
            "priced_amount",
            "priced_currency",
            "rate",
            "source",
            "corrects",
            "description",
            "created_at",
        ]
        read_only_fields = fields


class EntryList(generics.ListAPIView[LedgerEntry]):
    """Ledger entries in reach, newest first; `team`, `use_case`, `source`, `since`, `until` narrow."""

    required_permission = Permission.CHARGEBACK_VIEW
    serializer_class = EntrySerializer
    queryset = LedgerEntry.objects.all()

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        filters = CallFilters.from_query(self.request.query_params)
        exact = {
            "team__slug": filters.team,
            "use_case__slug": filters.use_case,
            "deployment__slug": filters.deployment,
            "source": filters.source,
            "day__gte": filters.since,
            "day__lte": filters.until,
        }
        narrowed = {name: value for name, value in exact.items() if value}
        return entries_visible_to(cast(User, self.request.user)).filter(**narrowed)
