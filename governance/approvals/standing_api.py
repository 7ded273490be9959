"""Approvals that stand, and their conditions, over the API."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput, valid
from governance.access.models import User
from governance.approvals import services
from governance.approvals.models import Approval, ApprovalQuerySet, Condition, ConditionQuerySet
from governance.approvals.rules import CONDITION_STATES
from governance.approvals.selectors import (
    approvals_visible_to,
    conditions_visible_to,
    consequences_of,
    narrowed_approvals,
)
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    """What stands, and how many of its conditions are open and overdue."""

    title = serializers.CharField(source="change.title", read_only=True)
    conditions_open = serializers.IntegerField(read_only=True)
    conditions_overdue = serializers.IntegerField(read_only=True)

    class Meta:
        model = Approval
        fields = [
            "id",
            "change",
            "title",
            "kind",
            "subject_id",
            "digest",
            "environment",
            "state",
            "valid_from",
            "valid_until",
            "ended_at",
            "end_reason",
            "conditions_open",
            "conditions_overdue",
        ]


class ConsequenceSerializer(serializers.Serializer[Any]):
    """What stops while the approval does not stand."""

    label: Any = serializers.CharField()
    count = serializers.IntegerField()


class ApprovalDetailSerializer(ApprovalSerializer):
    consequences = serializers.SerializerMethodField()

    class Meta(ApprovalSerializer.Meta):
        fields = [*ApprovalSerializer.Meta.fields, "consequences"]

    @extend_schema_field(ConsequenceSerializer(many=True))
    def get_consequences(self, approval: Approval) -> Any:
        return ConsequenceSerializer(consequences_of(approval, timezone.now()), many=True).data


class ApprovalQueries(generics.GenericAPIView[Approval]):
    serializer_class: Any = ApprovalDetailSerializer
    queryset = Approval.objects.all()

    def get_queryset(self) -> ApprovalQuerySet:
        return approvals_visible_to(cast(User, self.request.user), timezone.now())

    def found(self) -> Approval:
        return cast(Approval, get_or_404(self.get_queryset(), pk=self.kwargs["pk"]))


class ApprovalList(ApprovalQueries, generics.ListAPIView[Approval]):
    """Approvals in the person's reach, those in force unless a state is asked for."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class = ApprovalSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, description="A kind of change"),
            OpenApiParameter("state", OpenApiTypes.STR, description='A state, or "all"'),
            OpenApiParameter("soon", OpenApiTypes.BOOL, description="Ends within 30 days"),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    def filter_queryset(self, queryset: Any) -> Any:
        asked = self.request.query_params
        return narrowed_approvals(
            queryset,
            kind=asked.get("kind", ""),
            state=asked.get("state", ""),
            ends_soon=asked.get("soon", "") in ("1", "true"),
            now=timezone.now(),
        )


class ApprovalDetail(ApprovalQueries):
    """One approval and what rests on it, in numbers."""

    required_permission = SIGNED_IN

    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.found()).data)


class ApprovalEnd(ApprovalQueries):
    """Suspend, resume or revoke; the subclasses say which."""

    required_permission = SIGNED_IN
    action: ClassVar[str]

    @extend_schema(request=ReasonInput, responses=ApprovalDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        services.end_approval(
            actor=actor_of(request),
            approval_id=self.found().pk,
            action=self.action,
            now=timezone.now(),
            **valid(ReasonInput(data=request.data)),
        )
        return Response(self.get_serializer(self.found()).data)


class ApprovalSuspend(ApprovalEnd):
    """Stop what rests on it, until it is resumed."""

    action = "suspend"


class ApprovalResume(ApprovalEnd):
    """Put a suspended one back in force."""

    action = "resume"


class ApprovalRevoke(ApprovalEnd):
    """End it for good."""

    action = "revoke"


class ConditionSerializer(serializers.ModelSerializer[Condition]):
    """What must be true by when."""

    state = serializers.SerializerMethodField(help_text="open, met or overdue")

    class Meta:
        model = Condition
        fields = ["id", "change", "text", "owner", "due_on", "state", "met_at", "evidence"]

    def get_state(self, condition: Condition) -> str:
        return condition.state(timezone.now())


class ConditionQueries(generics.GenericAPIView[Condition]):
    serializer_class = ConditionSerializer
    queryset = Condition.objects.all()

    def get_queryset(self) -> ConditionQuerySet:
        return conditions_visible_to(cast(User, self.request.user))


class ConditionList(ConditionQueries, generics.ListAPIView[Condition]):
    """Conditions of granted changes."""

    required_permission = SIGNED_IN

    @extend_schema(
        parameters=[OpenApiParameter("state", OpenApiTypes.STR, enum=list(CONDITION_STATES))]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    def filter_queryset(self, queryset: Any) -> Any:
        state, now = self.request.query_params.get("state", ""), timezone.now()
        if state and state not in CONDITION_STATES:
            raise Invalid(
                "This list has no such filter.",
                fields={"state": [f"One of {', '.join(CONDITION_STATES)}."]},
            )
        return {
            "open": queryset.unmet().filter(due_on__gte=now.date()),
            "overdue": queryset.overdue(now),
            "met": queryset.exclude(met_at=None),
        }.get(state, queryset)


class EvidenceInput(serializers.Serializer[Any]):
    """By what it is met."""

    evidence = serializers.CharField(max_length=500)


class ConditionMeet(ConditionQueries):
    """Its owner says that it is met, and by what."""

    required_permission = SIGNED_IN

    @extend_schema(request=EvidenceInput, responses=ConditionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(self.get_queryset(), pk=pk)
        met = services.meet_condition(
            actor=actor_of(request),
            condition_id=pk,
            now=timezone.now(),
            **valid(EvidenceInput(data=request.data)),
        )
        return Response(ConditionSerializer(met).data)
