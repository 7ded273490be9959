"""Bundles over the API: the same services as the pages."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.approvals.api import ChangeQueries, ChangeSerializer
from governance.approvals.bundle_rules import LEAST_PARTS, MOST_PARTS
from governance.approvals.bundling import make_bundle
from governance.kernel.web import SIGNED_IN, actor_of, plain_name


class BundleInput(serializers.Serializer[Any]):
    """Open requests of one's own, in the order in which they shall be applied."""

    changes = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=LEAST_PARTS, max_length=MOST_PARTS
    )
    title = serializers.CharField(max_length=200, validators=[plain_name])
    reason = serializers.CharField(max_length=5000)


class BundleList(ChangeQueries):
    """Several changes that are decided as one."""

    required_permission = SIGNED_IN

    @extend_schema(request=BundleInput, responses={201: ChangeSerializer})
    def post(self, request: Request) -> Response:
        """Fold open requests into one, applied all or none; withdraw it to take it apart."""
        given = valid(BundleInput(data=request.data))
        made = make_bundle(
            actor=actor_of(request),
            change_ids=given["changes"],
            title=given["title"],
            reason=given["reason"],
            now=timezone.now(),
        )
        return self.answer(made.pk, 201)
