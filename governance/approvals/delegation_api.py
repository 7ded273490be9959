"""Delegations over the API."""

from __future__ import annotations

from typing import Any, cast

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.approvals.api import OptionalReasonInput
from governance.approvals.delegation import delegate_signing, end_delegation
from governance.approvals.models import Delegation, DelegationQuerySet
from governance.approvals.rules import SIGNING
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    """Who signs in whose place."""

    class Meta:
        model = Delegation
        fields = [
            "id",
            "delegator",
            "delegate",
            "permission",
            "starts_at",
            "ends_at",
            "reason",
            "made_at",
            "ended_at",
        ]


class DelegationInput(serializers.Serializer[Any]):
    """Whom to let sign, what, from and until."""

    delegate = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    permission = serializers.ChoiceField(choices=[one.value for one in SIGNING])
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=300)


class DelegationQueries(generics.GenericAPIView[Delegation]):
    serializer_class = DelegationSerializer
    queryset = Delegation.objects.all()

    def get_queryset(self) -> DelegationQuerySet:
        return Delegation.objects.visible_to(cast(User, self.request.user))


class DelegationList(DelegationQueries, generics.ListAPIView[Delegation]):
    """Delegations given or received; all of them for who sees people."""

    required_permission = SIGNED_IN

    @extend_schema(request=DelegationInput, responses={201: DelegationSerializer})
    def post(self, request: Request) -> Response:
        """Let somebody sign in one's place."""
        made = delegate_signing(
            actor=actor_of(request),
            now=timezone.now(),
            url=reverse("approvals:delegations"),
            **valid(DelegationInput(data=request.data)),
        )
        return Response(DelegationSerializer(made).data, 201)


class DelegationEnd(DelegationQueries):
    """End it before its time."""

    required_permission = SIGNED_IN

    @extend_schema(request=OptionalReasonInput, responses=DelegationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(self.get_queryset(), pk=pk)
        ended = end_delegation(
            actor=actor_of(request),
            delegation_id=pk,
            now=timezone.now(),
            **valid(OptionalReasonInput(data=request.data)),
        )
        return Response(DelegationSerializer(ended).data)
