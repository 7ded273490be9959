"""Change requests over the API: the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput, valid
from governance.access.models import User
from governance.approvals import services
from governance.approvals.models import ChangeRequest, ChangeRequestQuerySet, Emergency
from governance.approvals.pointing import LONGEST_POINT, MOST_POINTS
from governance.approvals.registries import Openable, change_subjects
from governance.approvals.rules import ORDINARY
from governance.approvals.selectors import changes_visible_to
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class EmergencySerializer(serializers.ModelSerializer[Emergency]):
    """Why it could not wait; applied at once if it was let through, to be ratified by when."""

    class Meta:
        model = Emergency
        fields: ClassVar[list[str]] = ["why_now", "asked_at", "applied_at", "ratify_by"]


class ChangeSerializer(serializers.ModelSerializer[ChangeRequest]):
    emergency = EmergencySerializer(read_only=True, allow_null=True)
    bundled_in = serializers.IntegerField(
        source="bundle.change_id", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = ChangeRequest
        fields = [
            "id",
            "kind",
            "subject_id",
            "title",
            "reason",
            "tier",
            "state",
            "revision",
            "digest",
            "snapshot",
            "base",
            "proposer",
            "opened_at",
            "due_at",
            "closed_at",
            "stale_because",
            "stale_voids",
            "emergency",
            "bundled_in",
        ]


class ConditionInput(serializers.Serializer[Any]):
    """What must be true, who answers for it, by when."""

    text = serializers.CharField(max_length=500)
    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    due_on = serializers.DateField()


class DecisionSerializer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=[one.value for one in ORDINARY])
    rationale = serializers.CharField(allow_blank=True, default="", max_length=5000)
    digest_seen = serializers.CharField(max_length=64)
    conditions = ConditionInput(many=True, required=False, max_length=20)  # type: ignore[call-arg]  # many=True takes it
    points = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_POINT),
        max_length=MOST_POINTS,
        required=False,
        help_text="What shall change, one by one; at least one with request_changes.",
    )


class ChangeInput(serializers.Serializer[Any]):
    """A proposal by its plain facts: `proposal` holds what the kind needs."""

    kind = serializers.CharField(max_length=30)
    subject_id = serializers.IntegerField(min_value=1)
    proposal = serializers.DictField()
    reason = serializers.CharField(max_length=5000)


class OptionalReasonInput(serializers.Serializer[Any]):
    """Why, if there is something to say."""

    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class ChangeQueries(generics.GenericAPIView[ChangeRequest]):
    serializer_class: Any = ChangeSerializer
    queryset = ChangeRequest.objects.all()

    def get_queryset(self) -> ChangeRequestQuerySet:
        return changes_visible_to(cast(User, self.request.user))

    def found(self) -> ChangeRequest:
        return cast(ChangeRequest, get_or_404(self.get_queryset(), pk=self.kwargs["pk"]))

    def answer(self, pk: int, status: int = 200) -> Response:
        return Response(ChangeSerializer(ChangeRequest.objects.get(pk=pk)).data, status)


class ChangeList(ChangeQueries, generics.ListAPIView[ChangeRequest]):
    """Change requests in the person's reach."""

    required_permission: ClassVar = {"GET": Permission.CHANGE_VIEW, "POST": SIGNED_IN}

    @extend_schema(request=ChangeInput, responses={201: ChangeSerializer})
    def post(self, request: Request) -> Response:
        """Open a change of a kind that is proposed by its plain facts."""
        given, now = valid(ChangeInput(data=request.data)), timezone.now()
        kind = change_subjects[given["kind"]] if given["kind"] in change_subjects else None
        if not isinstance(kind, Openable):
            raise Invalid(
                "Nothing was opened: this kind is proposed where its content is written.",
                fields={"kind": ["Cannot be opened here."]},
            )
        subject = kind.find(given["subject_id"])
        kind.check_can_propose(actor_of(request), subject)
        title, proposal = kind.read_proposal(subject, given["proposal"])
        change = services.open_change(
            actor=actor_of(request),
            kind=kind.kind,
            subject_id=given["subject_id"],
            proposal=proposal,
            title=title,
            reason=given["reason"],
            now=now,
        )
        return self.answer(change.pk, 201)


class ChangeDetail(ChangeQueries):
    """One change request with exactly what is decided on."""

    required_permission = SIGNED_IN

    def get(self, request: Request, pk: int) -> Response:
        return self.answer(self.found().pk)


class ChangeDecide(ChangeQueries):
    """Decide on the digest that was seen."""

    required_permission = SIGNED_IN

    @extend_schema(request=DecisionSerializer, responses={201: ChangeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        given = valid(DecisionSerializer(data=request.data))
        conditions = [services.NewCondition(**one) for one in given.pop("conditions", [])]
        services.decide(
            actor=actor_of(request),
            change_id=self.found().pk,
            now=timezone.now(),
            conditions=conditions,
            **given,
        )
        return self.answer(pk, 201)


class ChangeRevise(ChangeQueries):
    """Put it before its signatories again as it is now; earlier decisions are void."""

    required_permission = SIGNED_IN

    @extend_schema(request=ReasonInput, responses=ChangeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        given = valid(ReasonInput(data=request.data))
        services.revise(
            actor=actor_of(request), change_id=self.found().pk, now=timezone.now(), **given
        )
        return self.answer(pk)


class ChangeWithdraw(ChangeQueries):
    """Take it back while it is undecided."""

    required_permission = SIGNED_IN

    @extend_schema(request=OptionalReasonInput, responses=ChangeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        given = valid(OptionalReasonInput(data=request.data))
        services.withdraw(
            actor=actor_of(request), change_id=self.found().pk, now=timezone.now(), **given
        )
        return self.answer(pk)
