"""Calendars and SLA policies over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from reviews.calendars import services
from reviews.calendars.selectors import policies
from reviews.queues.escalation_rules import LONGEST_SHARE, Act
from reviews.queues.models import BusinessCalendar, Retiming, SlaPolicy

SEES = (Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)


class EffectSerializer(serializers.Serializer[Any]):
    """What a change moves, or would move."""

    open_items = serializers.IntegerField()
    moved = serializers.IntegerField()
    become_overdue = serializers.IntegerField()
    no_longer_overdue = serializers.IntegerField()
    retiming = serializers.IntegerField(
        allow_null=True,
        required=False,
        help_text="The job that goes on with it where very many are open; the counts are its own.",
    )


class RetimingSerializer(serializers.ModelSerializer[Retiming]):
    """How far a re-timing is."""

    queue: Any = serializers.SlugRelatedField(
        "slug",
        read_only=True,
        allow_null=True,
        help_text="The queue that chose another SLA; null where a calendar or a policy changed.",
    )

    class Meta:
        model = Retiming
        fields: ClassVar[list[str]] = [
            "id",
            "reason",
            "queue",
            "by_label",
            "at",
            "total",
            "done",
            "moved",
            "become_overdue",
            "no_longer_overdue",
            "failed",
            "finished_at",
        ]
        read_only_fields = fields


class ReviewRetimingList(generics.ListAPIView[Retiming]):
    """Re-timings of very many items and of queues that chose another SLA, newest first."""

    required_permission: ClassVar[Any] = SEES
    serializer_class = RetimingSerializer
    queryset = Retiming.objects.select_related("queue")


class ReviewRetimingDetail(generics.RetrieveAPIView[Retiming]):
    """One re-timing, with its progress."""

    required_permission: ClassVar[Any] = SEES
    serializer_class = RetimingSerializer
    queryset = Retiming.objects.all()


class ReviewCalendarSerializer(serializers.ModelSerializer[BusinessCalendar]):
    """When people are there."""

    hours = serializers.DictField(
        child=serializers.ListField(
            child=serializers.ListField(
                child=serializers.CharField(max_length=5), min_length=2, max_length=2
            ),
            max_length=24,
        ),
        help_text='Weekday ("0" is Monday) to spans such as ["09:00", "17:30"].',
    )
    closures = serializers.SerializerMethodField(help_text="ISO date to the name of the day.")

    class Meta:
        model = BusinessCalendar
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "time_zone",
            "hours",
            "holiday_country",
            "holiday_subdivision",
            "closures",
        ]
        read_only_fields = fields

    def get_closures(self, calendar: BusinessCalendar) -> dict[str, str]:
        return {day: calendar.closure_names.get(day, "") for day in calendar.closures}


class ClosureInput(serializers.Serializer[Any]):
    """A day on which nobody is there."""

    day = serializers.DateField()
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class ReviewCalendarInput(serializers.Serializer[Any]):
    """All of a calendar."""

    name = serializers.CharField(max_length=100, validators=[plain_name])
    time_zone = serializers.CharField(max_length=50)
    hours = serializers.DictField(
        child=serializers.ListField(
            child=serializers.ListField(
                child=serializers.CharField(max_length=5), min_length=2, max_length=2
            ),
            max_length=24,
        )
    )
    holiday_country = serializers.CharField(max_length=2, allow_blank=True, default="")
    holiday_subdivision = serializers.CharField(max_length=10, allow_blank=True, default="")
    closures = serializers.ListField(
        child=ClosureInput(), max_length=services.MOST_CLOSURES, default=list
    )

    def facts(self) -> services.CalendarFacts:
        given = dict(valid(self))
        days = {one["day"].isoformat(): one["name"] for one in given.pop("closures")}
        return services.CalendarFacts(**given, closures=days)


class ChangedCalendarSerializer(serializers.Serializer[Any]):
    """A calendar as it stands now, and what its change moved."""

    calendar = ReviewCalendarSerializer()
    effect = EffectSerializer()


class ReviewCalendarList(generics.ListAPIView[BusinessCalendar]):
    """Every calendar."""

    required_permission: ClassVar = {"GET": SEES, "POST": Permission.REVIEW_MANAGE}
    serializer_class = ReviewCalendarSerializer
    queryset = BusinessCalendar.objects.all()

    @extend_schema(request=ReviewCalendarInput, responses={201: ReviewCalendarSerializer})
    def post(self, request: Request) -> Response:
        """Make one."""
        facts = ReviewCalendarInput(data=request.data).facts()
        made = services.create_calendar(actor=actor_of(request), facts=facts, now=timezone.now())
        return Response(ReviewCalendarSerializer(made).data, status.HTTP_201_CREATED)


class ReviewCalendarDetail(generics.RetrieveAPIView[BusinessCalendar]):
    """One calendar."""

    required_permission: ClassVar = {"GET": SEES, "PUT": Permission.REVIEW_MANAGE}
    serializer_class = ReviewCalendarSerializer
    queryset = BusinessCalendar.objects.all()

    @extend_schema(request=ReviewCalendarInput, responses=ChangedCalendarSerializer)
    def put(self, request: Request, pk: int) -> Response:
        """Change it; the due times of everything open that counts by it move with it."""
        get_or_404(self.get_queryset(), pk=pk)
        changed, effect = services.change_calendar(
            actor=actor_of(request),
            calendar_id=pk,
            facts=ReviewCalendarInput(data=request.data).facts(),
            now=timezone.now(),
        )
        shown = {"calendar": changed, "effect": effect}
        return Response(ChangedCalendarSerializer(shown).data)


class ReviewCalendarPreview(generics.GenericAPIView[BusinessCalendar]):
    """What a change would move."""

    required_permission = Permission.REVIEW_MANAGE
    serializer_class = ReviewCalendarInput
    queryset = BusinessCalendar.objects.all()

    @extend_schema(request=ReviewCalendarInput, responses=EffectSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Nothing is saved."""
        effect = services.preview_calendar(
            actor=actor_of(request),
            calendar=get_or_404(self.get_queryset(), pk=pk),
            facts=ReviewCalendarInput(data=request.data).facts(),
            now=timezone.now(),
        )
        return Response(EffectSerializer(effect).data)


class SlaStepSerializer(serializers.Serializer[Any]):
    """At so many percent of the time to decide, what happens."""

    share = serializers.IntegerField(min_value=1, max_value=LONGEST_SHARE)
    act = serializers.ChoiceField(choices=[one.value for one in Act])


class SlaPolicySerializer(serializers.ModelSerializer[SlaPolicy]):
    """What is promised, in business minutes of the calendar."""

    calendar_name = serializers.CharField(source="calendar.name", read_only=True)
    steps = SlaStepSerializer(many=True)
    queues: Any = serializers.SlugRelatedField("slug", read_only=True, many=True)

    class Meta:
        model = SlaPolicy
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "calendar",
            "calendar_name",
            "first_touch_minutes",
            "decision_minutes",
            "warn_share",
            "steps",
            "queues",
        ]
        read_only_fields = fields


class SlaPolicyInput(serializers.Serializer[Any]):
    """All of a policy."""

    name = serializers.CharField(max_length=100, validators=[plain_name])
    calendar = serializers.PrimaryKeyRelatedField(queryset=BusinessCalendar.objects.all())
    first_touch_minutes = serializers.IntegerField(min_value=1, max_value=services.LONGEST_MINUTES)
    decision_minutes = serializers.IntegerField(min_value=1, max_value=services.LONGEST_MINUTES)
    warn_share = serializers.IntegerField(min_value=1, max_value=99)
    steps = serializers.ListField(child=SlaStepSerializer(), required=False, max_length=20)

    def facts(self) -> services.PolicyFacts:
        return services.PolicyFacts(**valid(self))


class ChangedPolicySerializer(serializers.Serializer[Any]):
    """A policy as it stands now, and what its change moved."""

    policy = SlaPolicySerializer()
    effect = EffectSerializer()


class PolicyQueries(generics.GenericAPIView[SlaPolicy]):
    serializer_class = SlaPolicySerializer
    queryset = SlaPolicy.objects.all()

    def get_queryset(self) -> QuerySet[SlaPolicy]:
        return policies()


class SlaPolicyList(PolicyQueries, generics.ListAPIView[SlaPolicy]):
    """Every SLA policy."""

    required_permission: ClassVar = {"GET": SEES, "POST": Permission.REVIEW_MANAGE}

    @extend_schema(request=SlaPolicyInput, responses={201: SlaPolicySerializer})
    def post(self, request: Request) -> Response:
        """Make one."""
        facts = SlaPolicyInput(data=request.data).facts()
        made = services.create_policy(actor=actor_of(request), facts=facts, now=timezone.now())
        return Response(SlaPolicySerializer(made).data, status.HTTP_201_CREATED)


class SlaPolicyDetail(PolicyQueries, generics.RetrieveAPIView[SlaPolicy]):
    """One SLA policy."""

    required_permission: ClassVar = {"GET": SEES, "PUT": Permission.REVIEW_MANAGE}

    @extend_schema(request=SlaPolicyInput, responses=ChangedPolicySerializer)
    def put(self, request: Request, pk: int) -> Response:
        """Change it; the due times of everything open under it move with it."""
        get_or_404(self.get_queryset(), pk=pk)
        changed, effect = services.change_policy(
            actor=actor_of(request),
            policy_id=pk,
            facts=SlaPolicyInput(data=request.data).facts(),
            now=timezone.now(),
        )
        return Response(ChangedPolicySerializer({"policy": changed, "effect": effect}).data)


class SlaPolicyPreview(PolicyQueries):
    """What a change would move."""

    required_permission = Permission.REVIEW_MANAGE

    @extend_schema(request=SlaPolicyInput, responses=EffectSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Nothing is saved."""
        effect = services.preview_policy(
            actor=actor_of(request),
            sla=get_or_404(self.get_queryset(), pk=pk),
            facts=SlaPolicyInput(data=request.data).facts(),
            now=timezone.now(),
        )
        return Response(EffectSerializer(effect).data)
