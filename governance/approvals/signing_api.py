"""Who signs a change over the API: its slots, conflicts of interest, further people."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput, valid
from governance.approvals import services
from governance.approvals.api import ChangeQueries
from governance.approvals.models import ChangeRequest, DeclaredConflict, SignOffSlot
from governance.approvals.policy_api import SignatorySerializer
from governance.approvals.signing import signing_of
from governance.kernel.web import SIGNED_IN, actor_of


class AskedSlotSerializer(serializers.ModelSerializer[SignOffSlot]):
    """One sign-off: one of `permission` and `any_of`; who may give it, who has."""

    signs_as = serializers.CharField(source="label")
    any_of = serializers.ListField(child=serializers.CharField())
    eligible = SignatorySerializer(many=True)
    filled_by = SignatorySerializer(allow_null=True)

    class Meta:
        model = SignOffSlot
        fields = ["permission", "any_of", "signs_as", "eligible", "filled_by"]


class SigningStepSerializer(serializers.Serializer[Any]):
    """Slots that are signed at one time; `state` is done, now or later."""

    number = serializers.IntegerField()
    state = serializers.CharField()
    slots = AskedSlotSerializer(many=True)


class ConflictSerializer(serializers.ModelSerializer[DeclaredConflict]):
    """Who decides nothing of this request, and why."""

    person = SignatorySerializer()

    class Meta:
        model = DeclaredConflict
        fields = ["id", "person", "reason", "at"]


class SigningSerializer(serializers.Serializer[Any]):
    """How a request stands; `blocked` says what is missing, empty if nothing is."""

    steps = SigningStepSerializer(many=True)
    veto = serializers.CharField()
    blocked = serializers.CharField()
    conflicts = ConflictSerializer(many=True)


class ChangeSigning(ChangeQueries):
    """Who signs it, in which step, and who declared a conflict."""

    required_permission = SIGNED_IN
    serializer_class: Any = SigningSerializer

    @extend_schema(responses=SigningSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return self.signing()

    def signing(self, status: int = 200) -> Response:
        change = ChangeRequest.objects.select_related("policy", "team").get(pk=self.found().pk)
        shown = signing_of(change, actor_of(self.request), timezone.now())
        return Response(SigningSerializer(shown).data, status)


class ChangeConflict(ChangeSigning):
    """Declare a conflict of interest: out of all its slots, also in anybody's place."""

    http_method_names = ("post", "options")

    @extend_schema(request=ReasonInput, responses={201: SigningSerializer})
    def post(self, request: Request, pk: int) -> Response:
        services.declare_conflict(
            actor=actor_of(request),
            change_id=self.found().pk,
            now=timezone.now(),
            **valid(ReasonInput(data=request.data)),
        )
        return self.signing(201)


class ChangeReplan(ChangeSigning):
    """Ask those who hold the roles now, where too few of those asked are left."""

    http_method_names = ("post", "options")

    @extend_schema(request=ReasonInput, responses=SigningSerializer)
    def post(self, request: Request, pk: int) -> Response:
        services.replan(
            actor=actor_of(request),
            change_id=self.found().pk,
            now=timezone.now(),
            **valid(ReasonInput(data=request.data)),
        )
        return self.signing()
