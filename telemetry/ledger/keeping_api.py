"""Legal holds and erasures over the API."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, ShortReasonInput, valid
from governance.access.models import Team
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.registry.models import UseCase
from telemetry.ledger import erasing, legal_holds
from telemetry.ledger.keeping_views import ERASURES, HOLDS
from telemetry.ledger.models import Call, Erasure, LegalHold
from telemetry.ledger.tasks import enqueue


class LegalHoldSerializer(serializers.ModelSerializer[LegalHold]):
    """A hold with its scope; calls that fit all of it are kept."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    team: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    placed_by: Any = serializers.StringRelatedField()
    lifted_by: Any = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = LegalHold
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "reason",
            "use_case",
            "team",
            "call",
            "end_user_hash",
            "starts_at",
            "ends_at",
            "placed_by",
            "placed_at",
            "lifted_by",
            "lifted_at",
            "lifted_because",
        ]
        read_only_fields = fields


class HoldScopeInput(serializers.Serializer[Any]):
    """What a hold covers; what is left out does not narrow it."""

    use_case = serializers.CharField(max_length=80, required=False)
    team = serializers.CharField(max_length=60, required=False)
    call = serializers.UUIDField(required=False)
    end_user = serializers.CharField(
        max_length=legal_holds.LONGEST_END_USER, required=False, trim_whitespace=False
    )
    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField(required=False)


class LegalHoldInput(HoldScopeInput):
    """A new hold."""

    name = serializers.CharField(max_length=120, validators=[plain_name])
    reason = serializers.CharField(max_length=legal_holds.LONGEST_REASON)


class CountedSerializer(serializers.Serializer[Any]):
    """How many calls, and how many texts of them by where they stand."""

    calls = serializers.IntegerField()
    texts = serializers.DictField(child=serializers.IntegerField())


def _scope(asked: dict[str, Any]) -> Any:
    """The rows that the slugs and ids name; raises Invalid for one that is not there."""
    for name, model, column in (
        ("use_case", UseCase, "slug"),
        ("team", Team, "slug"),
        ("call", Call, "pk"),
    ):
        if name in asked:
            found = model._default_manager.filter(**{column: asked[name]}).first()
            if found is None:
                raise Invalid("Nothing was changed.", fields={name: ["There is none like this."]})
            asked[name] = found
    return asked


class LegalHoldList(generics.ListAPIView[LegalHold]):
    """Legal holds, newest first, those that were lifted too."""

    required_permission = Permission.LEGAL_HOLD_MANAGE
    serializer_class = LegalHoldSerializer
    queryset = HOLDS

    @extend_schema(request=LegalHoldInput, responses={201: LegalHoldSerializer})
    def post(self, request: Request) -> Response:
        """Place one: from now on nothing in its scope is destroyed."""
        scope = _scope(valid(LegalHoldInput(data=request.data)))
        hold = legal_holds.place_hold(actor=actor_of(request), now=timezone.now(), **scope)
        return Response(LegalHoldSerializer(hold).data, 201)


class LegalHoldCount(APIView):
    """What a hold would keep back now."""

    required_permission = Permission.LEGAL_HOLD_MANAGE

    @extend_schema(request=HoldScopeInput, responses=CountedSerializer)
    def post(self, request: Request) -> Response:
        scope = _scope(valid(HoldScopeInput(data=request.data)))
        counted = legal_holds.count_scope(actor=actor_of(request), **scope)
        return Response(CountedSerializer(counted).data)


class LegalHoldDetail(generics.RetrieveAPIView[LegalHold]):
    """One hold."""

    required_permission = Permission.LEGAL_HOLD_MANAGE
    serializer_class = LegalHoldSerializer
    queryset = HOLDS


class LegalHoldLift(APIView):
    """What it kept back follows its retention again."""

    required_permission = Permission.LEGAL_HOLD_MANAGE

    @extend_schema(request=ShortReasonInput, responses=LegalHoldSerializer)
    def post(self, request: Request, pk: int) -> Response:
        asked = valid(ShortReasonInput(data=request.data))
        hold = legal_holds.lift_hold(
            actor=actor_of(request), hold_id=pk, now=timezone.now(), **asked
        )
        return Response(LegalHoldSerializer(hold).data)


class RefusedSerializer(serializers.Serializer[Any]):
    """A legal hold and how many of the calls it keeps."""

    hold = serializers.CharField(source="name")
    calls = serializers.IntegerField()


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    """An erasure and how far it is; `event` covers what is gone."""

    requested_by: Any = serializers.StringRelatedField()
    counted = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    erased = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    refused = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Erasure
        fields: ClassVar[list[str]] = [
            "id",
            "end_user_hash",
            "call",
            "reason",
            "requested_by",
            "requested_at",
            "state",
            "calls_total",
            "calls_done",
            "counted",
            "erased",
            "refused",
            "finished_at",
            "event",
        ]
        read_only_fields = fields


class ErasureCountInput(serializers.Serializer[Any]):
    """An end user's identifier as applications send it in `user`, or a call."""

    end_user = serializers.CharField(
        max_length=legal_holds.LONGEST_END_USER, required=False, trim_whitespace=False
    )
    call = serializers.UUIDField(required=False)


class ErasureInput(ErasureCountInput):
    """Whose texts go, and why."""

    reason = serializers.CharField(max_length=legal_holds.LONGEST_REASON)


class ErasureBefore(serializers.Serializer[Any]):
    """What would go, and what legal holds keep back."""

    found = CountedSerializer()
    refused = RefusedSerializer(many=True)


class NewestErasures(CursorPagination):
    ordering = ("-requested_at", "-pk")  # type: ignore[assignment]  # several are fine too


class ErasureList(generics.ListAPIView[Erasure]):
    """Erasures, newest first."""

    required_permission = Permission.ERASURE_MANAGE
    serializer_class = ErasureSerializer
    pagination_class = NewestErasures
    queryset = ERASURES

    @extend_schema(request=ErasureInput, responses={202: ErasureSerializer})
    def post(self, request: Request) -> Response:
        """Ask for one; a worker carries it out."""
        asked = _scope(valid(ErasureInput(data=request.data)))
        erasure = erasing.request_erasure(actor=actor_of(request), now=timezone.now(), **asked)
        enqueue(erasure)
        location = {"Location": f"/api/v1/erasures/{erasure.pk}/"}
        return Response(ErasureSerializer(erasure).data, 202, headers=location)


class ErasureCount(APIView):
    """What an erasure would find."""

    required_permission = Permission.ERASURE_MANAGE

    @extend_schema(request=ErasureCountInput, responses=ErasureBefore)
    def post(self, request: Request) -> Response:
        asked = _scope(valid(ErasureCountInput(data=request.data)))
        before = erasing.count_erasure(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(ErasureBefore(before).data)


class ErasureDetail(generics.RetrieveAPIView[Erasure]):
    """How far an erasure is."""

    required_permission = Permission.ERASURE_MANAGE
    serializer_class = ErasureSerializer
    queryset = ERASURES


class ErasureCertificate(APIView):
    """What was erased, as a note signed with the audit log's key."""

    required_permission = Permission.ERASURE_MANAGE

    @extend_schema(request=None, responses={(200, "text/plain"): OpenApiTypes.STR})
    def post(self, request: Request, pk: UUID) -> HttpResponseBase:
        erasure: Erasure = get_or_404(ERASURES.all(), pk=pk)
        note = erasing.certificate(actor=actor_of(request), erasure=erasure, now=timezone.now())
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(note, content_type="text/plain; charset=utf-8", headers=headers)
