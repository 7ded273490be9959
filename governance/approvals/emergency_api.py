"""Emergencies over the API: the same services as the pages."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.approvals import emergencies
from governance.approvals.api import ChangeQueries, ChangeSerializer
from governance.kernel.web import SIGNED_IN, actor_of


class EmergencyInput(serializers.Serializer[Any]):
    """Why it cannot wait."""

    why_now = serializers.CharField(max_length=1000)


class VoiceInput(serializers.Serializer[Any]):
    """One of the two voices, on exactly what was seen."""

    rationale = serializers.CharField(max_length=5000)
    digest_seen = serializers.CharField(max_length=64)


class ChangeEmergency(ChangeQueries):
    """The proposer says why it cannot wait for all its sign-offs."""

    required_permission = SIGNED_IN

    @extend_schema(request=EmergencyInput, responses={201: ChangeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        given = valid(EmergencyInput(data=request.data))
        emergencies.ask_emergency(
            actor=actor_of(request), change_id=self.found().pk, now=timezone.now(), **given
        )
        return self.answer(pk, 201)


class ChangeLetThrough(ChangeQueries):
    """Let an emergency through; the second voice applies it at once, to be ratified."""

    required_permission = SIGNED_IN

    @extend_schema(request=VoiceInput, responses={201: ChangeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        given = valid(VoiceInput(data=request.data))
        emergencies.let_through(
            actor=actor_of(request), change_id=self.found().pk, now=timezone.now(), **given
        )
        return self.answer(pk, 201)
