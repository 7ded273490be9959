"""The checklist over the API: read it, give items to people, finish and waive them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from governance.registry import checking
from governance.registry.api import found_use_case
from governance.registry.checklist import ItemState
from governance.registry.checklist_standing import WAIVES, today_of
from governance.registry.models import ChecklistItem


class ChecklistSerializer(serializers.ModelSerializer[ChecklistItem]):
    """An item, the stage whose gate needs it, and where it stands today."""

    state = serializers.SerializerMethodField()

    class Meta:
        model = ChecklistItem
        fields = [
            "id",
            "key",
            "phase",
            "text",
            "stage",
            "state",
            "owner",
            "evidence",
            "evidence_link",
            "done_at",
            "done_by",
            "waived_by",
            "waived_at",
            "waived_until",
            "waiver_reason",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=[one.value for one in ItemState]))
    def get_state(self, item: ChecklistItem) -> str:
        return item.state(today_of(timezone.now())).value


class ChecklistEvidenceInput(serializers.Serializer[Any]):
    """What shows that it is done: a note, a link, or both."""

    evidence = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    link = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        help_text="A page of this product, as /calls/7/, or an address under https.",
    )


class ChecklistOwnerInput(serializers.Serializer[Any]):
    """Who answers for it from now on."""

    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())


class ChecklistWaiverInput(serializers.Serializer[Any]):
    """Why it may wait, and until when: at most 180 days from today."""

    reason = serializers.CharField(max_length=500)
    until = serializers.DateField()


class ChecklistList(generics.ListAPIView[ChecklistItem]):
    """The checklist of a use case."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = ChecklistSerializer
    queryset = ChecklistItem.objects.none()

    def get_queryset(self) -> Any:
        return found_use_case(self.request, self.kwargs["slug"]).checklist.all()


def _found(request: Request, slug: str, item: int) -> ChecklistItem:
    found: ChecklistItem = get_or_404(found_use_case(request, slug).checklist.all(), pk=item)
    return found


class ChecklistDone(APIView):
    """Mark an item done, with its evidence."""

    required_permission = Permission.USE_CASE_VIEW

    @extend_schema(request=ChecklistEvidenceInput, responses=ChecklistSerializer)
    def post(self, request: Request, slug: str, item: int) -> Response:
        done = checking.finish_item(
            actor=actor_of(request),
            item_id=_found(request, slug, item).pk,
            now=timezone.now(),
            **valid(ChecklistEvidenceInput(data=request.data)),
        )
        return Response(ChecklistSerializer(done).data)


class ChecklistOwner(APIView):
    """Give an item to somebody who sees the use case; they are told."""

    required_permission = Permission.USE_CASE_MANAGE

    @extend_schema(request=ChecklistOwnerInput, responses=ChecklistSerializer)
    def post(self, request: Request, slug: str, item: int) -> Response:
        given = checking.assign_item(
            actor=actor_of(request),
            item_id=_found(request, slug, item).pk,
            now=timezone.now(),
            **valid(ChecklistOwnerInput(data=request.data)),
        )
        return Response(ChecklistSerializer(given).data)


class ChecklistWaiver(APIView):
    """Do without an item until a day; it opens again by itself after it."""

    required_permission = WAIVES

    @extend_schema(request=ChecklistWaiverInput, responses=ChecklistSerializer)
    def post(self, request: Request, slug: str, item: int) -> Response:
        waived = checking.waive_item(
            actor=actor_of(request),
            item_id=_found(request, slug, item).pk,
            now=timezone.now(),
            **valid(ChecklistWaiverInput(data=request.data)),
        )
        return Response(ChecklistSerializer(waived).data)
