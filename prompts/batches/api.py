"""Batches over the API: for the use case's keys, and for people who may call it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import models
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, valid
from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.registry.models import UseCase
from prompts.batches import results, services
from prompts.batches.forms import use_cases_for
from prompts.batches.models import Batch
from prompts.batches.rules import MOST_CALLS_PER_MINUTE
from prompts.batches.views import as_file

CALLERS = ("key", Permission.CALL_TRY)


class BatchTally(serializers.Serializer[Any]):
    """How many lines are in each state."""

    total = serializers.IntegerField()
    over = serializers.IntegerField()
    waiting = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    invalid = serializers.IntegerField()


class BatchSummary(serializers.ModelSerializer[Batch]):
    """A batch as a list shows it."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    team: Any = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Batch
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "use_case",
            "team",
            "model",
            "state",
            "because",
            "calls_per_minute",
            "budget",
            "currency",
            "created_at",
            "started_at",
            "finished_at",
            "keep_until",
        ]
        read_only_fields = fields


class BatchSerializer(BatchSummary):
    """With how far it is and what it has cost."""

    lines = BatchTally(source="tally", read_only=True)
    spent = serializers.DecimalField(18, 9, read_only=True)

    class Meta(BatchSummary.Meta):
        fields: ClassVar[list[str]] = [*BatchSummary.Meta.fields, "lines", "spent"]
        read_only_fields = fields


class BatchInput(serializers.Serializer[Any]):
    """A file of JSON Lines; `model` is the use case's short name, or use-case/prompt."""

    model = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=120, validators=[plain_name])
    calls_per_minute = serializers.IntegerField(
        min_value=1, max_value=MOST_CALLS_PER_MINUTE, default=60
    )
    budget = serializers.DecimalField(18, 9, min_value=Decimal(0))
    file = serializers.FileField()


class BatchResumeInput(serializers.Serializer[Any]):
    """Another budget, or none to keep it."""

    budget = serializers.DecimalField(18, 9, required=False, allow_null=True)


def _visible(request: Request, scope: str = "calls:read") -> models.QuerySet[Batch]:
    """Of the key's use case, or in the person's reach."""
    found = Batch.objects.select_related("use_case", "team", "requester")
    key = request.auth
    if isinstance(key, ApiKey):
        if scope not in key.scopes:
            raise NotAllowed("This API key may not do this. Keys are made with what they may do.")
        return found.filter(use_case_id=key.use_case_id)
    return found.filter(pk__in=Batch.objects.visible_to(cast(User, request.user)).values("pk"))


def _found(request: Request, pk: UUID, scope: str = "calls:read") -> Batch:
    batch: Batch = get_or_404(_visible(request, scope), pk=pk)
    return batch


class NewestBatches(CursorPagination):
    ordering = ("-created_at", "-pk")  # type: ignore[assignment]  # several are fine too


class BatchList(generics.ListAPIView[Batch]):
    """Batches, newest first."""

    required_permission = CALLERS
    serializer_class = BatchSummary
    pagination_class = NewestBatches
    parser_classes = [MultiPartParser]
    queryset = Batch.objects.none()

    def get_queryset(self) -> models.QuerySet[Batch]:
        return _visible(self.request)

    @extend_schema(
        request={"multipart/form-data": BatchInput},
        responses={200: BatchSerializer, 201: BatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """Upload one. With an `Idempotency-Key`, the same upload again is the same batch."""
        asked = valid(BatchInput(data=request.data))
        key = request.auth if isinstance(request.auth, ApiKey) else None
        batch, is_new = services.create_batch(
            actor=actor_of(request),
            use_case=_use_case(request, key, asked["model"].partition("/")[0]),
            chunks=asked.pop("file").chunks(),
            api_key=key,
            idempotency_key=request.headers.get("idempotency-key", ""),
            now=timezone.now(),
            **asked,
        )
        location = {"Location": f"/api/v1/batches/{batch.pk}/"}
        return Response(BatchSerializer(batch).data, 201 if is_new else 200, headers=location)


def _use_case(request: Request, key: ApiKey | None, slug: str) -> UseCase:
    if key is not None:
        found = UseCase.objects.select_related("team").filter(pk=key.use_case_id, slug=slug)
    else:
        found = use_cases_for(cast(User, request.user)).filter(slug=slug)
    use_case: UseCase | None = found.first()
    if use_case is None:
        sentence = "There is no such use case, or you may not call it."
        raise Invalid(f"Nothing was kept. {sentence}", fields={"model": [sentence]})
    return use_case


class BatchDetail(APIView):
    """How far a batch is."""

    required_permission = CALLERS

    @extend_schema(responses=BatchSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(BatchSerializer(_found(request, pk)).data)


class BatchPause(APIView):
    """No further line begins."""

    required_permission = CALLERS

    @extend_schema(request=None, responses=BatchSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        batch_id = _found(request, pk, "calls:create").pk
        batch = services.pause(actor=actor_of(request), batch_id=batch_id, now=timezone.now())
        return Response(BatchSerializer(batch).data)


class BatchResume(APIView):
    """Go on, with another budget if one is given."""

    required_permission = CALLERS

    @extend_schema(request=BatchResumeInput, responses=BatchSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        batch_id = _found(request, pk, "calls:create").pk
        asked = valid(BatchResumeInput(data=request.data))
        batch = services.resume(
            actor=actor_of(request), batch_id=batch_id, now=timezone.now(), **asked
        )
        return Response(BatchSerializer(batch).data)


class BatchCancel(APIView):
    """Lines that have not begun never run; what was answered stays."""

    required_permission = CALLERS

    @extend_schema(request=None, responses=BatchSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        batch_id = _found(request, pk, "calls:create").pk
        batch = services.cancel(actor=actor_of(request), batch_id=batch_id, now=timezone.now())
        return Response(BatchSerializer(batch).data)


class BatchFile(APIView):
    """JSON Lines in the shape of OpenAI's batch output; held lines have their answer later.

    A line whose answer was overturned since has what stands in `body`, with `overturned` as at
    the call's own address.
    """

    required_permission = CALLERS
    what = results.RESULTS

    @extend_schema(responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        batch, actor = _found(request, pk), actor_of(request)
        if self.what == results.RESULTS:
            if request.auth is None and not services.may_read_answers(
                cast(User, request.user), batch
            ):
                raise NotAllowed("Nothing was given out: you may not open bodies of this team.")
            services.note_download(actor=actor, batch=batch, what=self.what, now=timezone.now())
        return as_file(batch, self.what, is_for_its_caller=request.auth is not None)
