"""Meetings and their minutes over the API, to read."""

from __future__ import annotations

from typing import ClassVar, cast

from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.approvals.meeting_models import MeetingQuerySet
from governance.approvals.models import AgendaItem, Meeting
from governance.kernel.authority import Permission
from governance.kernel.web import get_or_404


class AgendaItemSerializer(serializers.ModelSerializer[AgendaItem]):
    """One request on the agenda and what became of it."""

    class Meta:
        model = AgendaItem
        fields: ClassVar[list[str]] = [
            "id",
            "change",
            "position",
            "state",
            "note",
            "deferred_because",
            "ended_at",
        ]


class MeetingSerializer(serializers.ModelSerializer[Meeting]):
    """A meeting; `event` is the audit event whose digest seals the minutes."""

    class Meta:
        model = Meeting
        fields: ClassVar[list[str]] = [
            "id",
            "title",
            "held_on",
            "chaired_by",
            "state",
            "opened_at",
            "closed_at",
            "digest",
            "event",
        ]


class MeetingWithMinutesSerializer(MeetingSerializer):
    """With agenda, who was there, and the minutes: canonical JSON whose SHA-256 is `digest`."""

    items = AgendaItemSerializer(many=True, read_only=True)
    present = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta(MeetingSerializer.Meta):
        fields: ClassVar[list[str]] = [
            *MeetingSerializer.Meta.fields,
            "items",
            "present",
            "minutes",
        ]


class MeetingQueries(generics.GenericAPIView[Meeting]):
    serializer_class = MeetingSerializer
    queryset = Meeting.objects.all()
    required_permission = Permission.CHANGE_VIEW

    def get_queryset(self) -> MeetingQuerySet:
        return Meeting.objects.visible_to(cast(User, self.request.user))


class MeetingList(MeetingQueries, generics.ListAPIView[Meeting]):
    """Meetings, newest first, for those who see every change."""


class MeetingDetail(MeetingQueries):
    """One meeting with its agenda and minutes."""

    serializer_class = MeetingWithMinutesSerializer

    def get(self, request: Request, pk: int) -> Response:
        found = get_or_404(self.get_queryset().prefetch_related("items"), pk=pk)
        found.present = [one.person_id for one in found.attendances.all()]
        return Response(MeetingWithMinutesSerializer(found).data)
