"""Absences over the API; the same services as the page."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.home.absence_views import visible_absences
from governance.home.absences import end_absence, people_spoken_for, state_absence
from governance.home.models import Absence, AbsenceQuerySet
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class AbsenceSerializer(serializers.ModelSerializer[Absence]):
    """Who is away from and until, and who stands in."""

    person_name = serializers.CharField(source="person.name", read_only=True)
    stand_in_name = serializers.CharField(
        source="stand_in.name", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Absence
        fields: ClassVar[list[str]] = [
            "id",
            "person",
            "person_name",
            "starts_at",
            "ends_at",
            "stand_in",
            "stand_in_name",
            "made_at",
            "ended_at",
        ]
        read_only_fields = fields


class AbsenceInput(serializers.Serializer[Any]):
    """Who (oneself where left out), from and until with their offset, and who stands in."""

    person = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    stand_in = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True), allow_null=True, default=None
    )


class AbsenceQueries(generics.GenericAPIView[Absence]):
    required_permission: ClassVar[Any] = SIGNED_IN
    serializer_class = AbsenceSerializer
    queryset = Absence.objects.all()

    def get_queryset(self) -> AbsenceQuerySet:
        return visible_absences(cast(User, self.request.user))


class AbsenceList(AbsenceQueries, generics.ListAPIView[Absence]):
    """Absences of oneself, of those one stands in for, and of those whose work one gives out."""

    @extend_schema(request=AbsenceInput, responses={201: AbsenceSerializer})
    def post(self, request: Request) -> Response:
        """What waits for the person is given back when it begins."""
        user, now = cast(User, request.user), timezone.now()
        given = valid(AbsenceInput(data=request.data))
        wanted = given.pop("person", user.pk)
        person = people_spoken_for(user, now).filter(pk=wanted).first()
        if person is None:
            words = "Choose yourself, or somebody whose work you give out."
            raise Invalid("Nothing was saved.", fields={"person": [words]})
        made = state_absence(actor=actor_of(request), person=person, now=now, **given)
        return Response(AbsenceSerializer(made).data, 201)


class AbsenceEnd(AbsenceQueries):
    """End it before its time, or take it back."""

    @extend_schema(request=None, responses=AbsenceSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """409 when it has ended already."""
        get_or_404(self.get_queryset(), pk=pk)
        ended = end_absence(actor=actor_of(request), absence_id=pk, now=timezone.now())
        return Response(AbsenceSerializer(ended).data)
