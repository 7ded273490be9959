"""Playbooks and incidents over the API: the same services as the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.incidents import clocks, post_mortem, services
from governance.incidents import serializers as bodies
from governance.incidents.models import Incident, Playbook
from governance.incidents.selectors import INCIDENT_FILTERS, incidents_listed, narrowed_incidents
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404


class PlaybookList(generics.ListAPIView[Playbook]):
    """Playbooks with their steps and legal clocks."""

    required_permission = Permission.INCIDENT_VIEW
    serializer_class = bodies.PlaybookSerializer
    queryset = Playbook.objects.all()


class PlaybookDetail(generics.RetrieveAPIView[Playbook]):
    """One playbook."""

    required_permission = Permission.INCIDENT_VIEW
    serializer_class = bodies.PlaybookSerializer
    queryset = Playbook.objects.all()
    lookup_field = "slug"


class IncidentQueries(generics.GenericAPIView[Incident]):
    serializer_class: Any = bodies.IncidentDetailSerializer
    queryset = Incident.objects.all()

    def get_queryset(self) -> QuerySet[Incident]:
        parts = ("steps", "clocks", "actions", "containments")
        return incidents_listed(cast(User, self.request.user), timezone.now()).prefetch_related(
            *parts
        )

    def answer(self, pk: int, status: int = 200) -> Response:
        found = get_or_404(self.get_queryset(), pk=pk)
        return Response(bodies.IncidentDetailSerializer(found).data, status)

    def take(
        self,
        request: Request,
        kind: type[Any],
        service: Callable[..., Any],
        status: int = 200,
        **part: int,
    ) -> Response:
        """Give the checked body to the service, once incident and part are known to be."""
        pk = self.kwargs["pk"]
        get_or_404(Incident.objects.visible_to(cast(User, request.user)), pk=pk, **part)
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        service(actor=actor_of(request), now=timezone.now(), **given.validated_data)
        return self.answer(pk, status)


class IncidentList(IncidentQueries, generics.ListAPIView[Incident]):
    """Incidents, newest first."""

    required_permission: ClassVar = {
        "GET": Permission.INCIDENT_VIEW,
        "POST": Permission.INCIDENT_DECLARE,
    }
    serializer_class = bodies.IncidentSerializer

    def get_queryset(self) -> QuerySet[Incident]:
        return incidents_listed(cast(User, self.request.user), timezone.now())

    def filter_queryset(self, queryset: Any) -> Any:
        chosen = self.request.query_params.get("show", "all")
        if chosen not in INCIDENT_FILTERS:
            raise Invalid(
                "This list has no such filter.",
                fields={"show": [f"One of {', '.join(INCIDENT_FILTERS)}."]},
            )
        return narrowed_incidents(queryset, chosen)

    @extend_schema(
        parameters=[OpenApiParameter("show", OpenApiTypes.STR, enum=list(INCIDENT_FILTERS))]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(request=bodies.DeclareInput, responses={201: bodies.IncidentDetailSerializer})
    def post(self, request: Request) -> Response:
        """Declare an incident; the playbook's steps stand open and its clocks run."""
        given = bodies.DeclareInput(data=request.data, context={"user": request.user})
        given.is_valid(raise_exception=True)
        made = services.declare(actor=actor_of(request), now=timezone.now(), **given.validated_data)
        found = get_or_404(super().get_queryset(), pk=made.pk)
        return Response(bodies.IncidentDetailSerializer(found).data, 201)


class IncidentDetail(IncidentQueries):
    """One incident with its steps, clocks, actions and containments."""

    required_permission = Permission.INCIDENT_VIEW

    def get(self, request: Request, pk: int) -> Response:
        return self.answer(pk)


class IncidentMove(IncidentQueries):
    """Confirm, dismiss, contain, resolve, review, close or reopen."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.MoveInput, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.take(request, bodies.MoveInput, partial(services.move, incident_id=pk))


class IncidentClassify(IncidentQueries):
    """Say anew how bad it is and what it touched; that may start legal clocks."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.ClassifyInput, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.take(request, bodies.ClassifyInput, partial(clocks.classify, incident_id=pk))


class IncidentCommander(IncidentQueries):
    """Hand it over to another safety officer."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.CommanderInput, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        service = partial(services.assign_commander, incident_id=pk)
        return self.take(request, bodies.CommanderInput, service)


class StepFinish(IncidentQueries):
    """Mark a step done, or skipped with the reason."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.StepInput, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, step: int) -> Response:
        service = partial(services.finish_step, step_id=step)
        return self.take(request, bodies.StepInput, service, steps__pk=step)


class Contain(IncidentQueries):
    """Act at once; it holds from the next call on."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.ContainInput, responses={201: bodies.IncidentDetailSerializer})
    def post(self, request: Request, pk: int) -> Response:
        service = partial(services.contain, incident_id=pk)
        return self.take(request, bodies.ContainInput, service, 201)


class ContainmentUndo(IncidentQueries):
    """Take a containment back."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.ReasonBody, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, containment: int) -> Response:
        service = partial(services.undo_containment, containment_id=containment)
        return self.take(request, bodies.ReasonBody, service, containments__pk=containment)


class ClockMeet(IncidentQueries):
    """The authority was told; the note says whom, and under which reference."""

    required_permission = (Permission.INCIDENT_COMMAND, Permission.SIGN_COMPLIANCE)

    @extend_schema(request=bodies.NoteBody, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, clock: int) -> Response:
        service = partial(clocks.meet_clock, clock_id=clock)
        return self.take(request, bodies.NoteBody, service, clocks__pk=clock)


class ClockWaive(IncidentQueries):
    """A second person finds that the duty does not apply."""

    required_permission = (Permission.INCIDENT_COMMAND, Permission.SIGN_COMPLIANCE)

    @extend_schema(request=bodies.ReasonBody, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, clock: int) -> Response:
        service = partial(clocks.waive_clock, clock_id=clock)
        return self.take(request, bodies.ReasonBody, service, clocks__pk=clock)


class ActionAdd(IncidentQueries):
    """Write down what shall change."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.ActionInput, responses={201: bodies.IncidentDetailSerializer})
    def post(self, request: Request, pk: int) -> Response:
        service = partial(post_mortem.add_action, incident_id=pk)
        return self.take(request, bodies.ActionInput, service, 201)


class ActionAssign(IncidentQueries):
    """Give an action its owner and day."""

    required_permission = Permission.INCIDENT_COMMAND

    @extend_schema(request=bodies.AssignInput, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, action: int) -> Response:
        service = partial(post_mortem.assign_action, action_id=action)
        return self.take(request, bodies.AssignInput, service, actions__pk=action)


class ActionFinish(IncidentQueries):
    """Its owner says that it is done, and by what."""

    required_permission = Permission.INCIDENT_VIEW

    @extend_schema(request=bodies.NoteBody, responses=bodies.IncidentDetailSerializer)
    def post(self, request: Request, pk: int, action: int) -> Response:
        service = partial(post_mortem.finish_action, action_id=action)
        return self.take(request, bodies.NoteBody, service, actions__pk=action)
