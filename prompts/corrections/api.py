"""Corrections over the API: found, and exported as JSON Lines."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import CursorPagination, valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from prompts.corrections import services
from prompts.corrections.models import EXPORT_KIND_CHOICES, CorrectionExport
from prompts.corrections.selectors import MAY_SEE, VERDICT_WORDS, Wanted, decisions_visible_to
from prompts.corrections.views import as_file
from prompts.evaluation.promoting import promote
from reviews.decisions.models import ReviewDecision


class CorrectionSerializer(serializers.ModelSerializer[ReviewDecision]):
    """A final decision; its texts are in exports alone."""

    call = serializers.UUIDField(source="item.call_id", read_only=True)
    use_case = serializers.CharField(source="item.call.use_case.slug", read_only=True)
    queue = serializers.CharField(source="item.queue.slug", read_only=True)
    prompt_version = serializers.CharField(source="item.call.prompt_label", read_only=True)
    sensitivity = serializers.CharField(source="item.call.sensitivity", read_only=True)
    person = serializers.CharField(source="person.name", read_only=True)
    characters_changed = serializers.SerializerMethodField()

    class Meta:
        model = ReviewDecision
        fields: ClassVar[list[str]] = [
            "id",
            "call",
            "use_case",
            "queue",
            "prompt_version",
            "sensitivity",
            "person",
            "verdict",
            "labels",
            "characters_changed",
            "at",
        ]
        read_only_fields = fields

    def get_characters_changed(self, decision: ReviewDecision) -> int | None:
        correction = getattr(decision, "correction", None)
        return correction.characters_changed if correction is not None else None


class WantedInput(serializers.Serializer[Any]):
    """The same filters as the page's; days are UTC, both included."""

    use_case = serializers.CharField(max_length=100, default="", allow_blank=True)
    queue = serializers.CharField(max_length=100, default="", allow_blank=True)
    label: Any = serializers.CharField(max_length=100, default="", allow_blank=True)
    verdict = serializers.RegexField(
        f"^({'|'.join(VERDICT_WORDS)})$", default="correct", max_length=20
    )
    since = serializers.DateField(default=None, allow_null=True)
    until = serializers.DateField(default=None, allow_null=True)
    prompt_version = serializers.CharField(max_length=100, default="", allow_blank=True)


class ExportInput(WantedInput):
    """What to export, and in which shape."""

    kind = serializers.ChoiceField(choices=[value for value, _ in EXPORT_KIND_CHOICES])


class LeftOutSerializer(serializers.Serializer[Any]):
    """Why so many decisions are not in the file."""

    code = serializers.CharField()
    says = serializers.CharField()
    count = serializers.IntegerField()


class CorrectionExportSerializer(serializers.ModelSerializer[CorrectionExport]):
    """How far an export is, and what is in it."""

    included = serializers.IntegerField(read_only=True)
    left_out = LeftOutSerializer(many=True, read_only=True)
    wanted = serializers.DictField(child=serializers.CharField(allow_blank=True), read_only=True)

    class Meta:
        model = CorrectionExport
        fields: ClassVar[list[str]] = [
            "id",
            "kind",
            "wanted",
            "state",
            "total",
            "done",
            "included",
            "left_out",
            "requested_at",
            "finished_at",
        ]
        read_only_fields = fields


class NewestDecisions(CursorPagination):
    ordering = ("-at", "-pk")  # type: ignore[assignment]  # several are fine too


FILTERS = [
    OpenApiParameter(name, str, description=says)
    for name, says in {
        "use_case": "Its short name.",
        "queue": "Its short name.",
        "label": "A label that the decision carries.",
        "verdict": f"One of {', '.join(VERDICT_WORDS)}; correct unless it is said.",
        "since": "A day in UTC, included.",
        "until": "A day in UTC, included.",
        "prompt_version": "Such as licence-reader v2.",
    }.items()
]


@extend_schema(parameters=FILTERS)
class CorrectionList(generics.ListAPIView[ReviewDecision]):
    """Final decisions in reach, newest first."""

    required_permission = MAY_SEE
    serializer_class = CorrectionSerializer
    pagination_class = NewestDecisions
    queryset = ReviewDecision.objects.none()

    def get_queryset(self) -> QuerySet[ReviewDecision]:
        wanted = Wanted.from_query(self.request.query_params)
        return wanted.apply(decisions_visible_to(cast(User, self.request.user)))


class ExportCreate(APIView):
    """Ask for an export."""

    required_permission = Permission.CALL_BODY_VIEW

    @extend_schema(request=ExportInput, responses={201: CorrectionExportSerializer})
    def post(self, request: Request) -> Response:
        """A small one is ready at once; ask at its `Location` how far another is."""
        asked = valid(ExportInput(data=request.data))
        made = services.request_export(
            actor=actor_of(request),
            kind=asked.pop("kind"),
            wanted=Wanted.from_query(asked),
            now=timezone.now(),
        )
        headers = {"Location": f"/api/v1/correction-exports/{made.pk}/"}
        return Response(CorrectionExportSerializer(made).data, 201, headers=headers)


def _export(request: Request, pk: UUID) -> CorrectionExport:
    found: CorrectionExport = get_or_404(
        CorrectionExport.objects.visible_to(cast(User, request.user)), pk=pk
    )
    return found


class ExportDetail(APIView):
    """How far an export is."""

    required_permission = Permission.CALL_BODY_VIEW

    @extend_schema(responses=CorrectionExportSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(CorrectionExportSerializer(_export(request, pk)).data)


class ExportCancel(APIView):
    """Build it no further."""

    required_permission = Permission.CALL_BODY_VIEW

    @extend_schema(request=None, responses=CorrectionExportSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        _export(request, pk)
        found = services.cancel_export(actor=actor_of(request), export_id=pk, now=timezone.now())
        return Response(CorrectionExportSerializer(found).data)


class ExportFile(APIView):
    """JSON Lines, and a manifest as the last of them."""

    required_permission = Permission.CALL_BODY_VIEW

    @extend_schema(request=None, responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def post(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Texts are opened as they stand now; every download is in the audit log."""
        _export(request, pk)
        found = services.note_download(actor=actor_of(request), export_id=pk, now=timezone.now())
        return as_file(found, cast(User, request.user))


class PromotedCase(serializers.Serializer[Any]):
    """The case that was made."""

    id = serializers.IntegerField()
    suite = serializers.IntegerField(source="suite_id")
    name = serializers.CharField()
    content_sha256 = serializers.CharField()


class CorrectionPromote(APIView):
    """Make an evaluation case of a decided answer, in its prompt's suite for regressions."""

    required_permission = Permission.PROMPT_AUTHOR

    @extend_schema(request=None, responses={201: PromotedCase})
    def post(self, request: Request, pk: int) -> Response:
        """409 when the suite has this very case already."""
        visible = decisions_visible_to(cast(User, request.user))
        decision = get_or_404(visible.select_related("item__call__payload"), pk=pk)
        made = promote(actor=actor_of(request), decision=decision, now=timezone.now())
        return Response(PromotedCase(made).data, 201)
