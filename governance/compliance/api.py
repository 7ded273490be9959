"""Frameworks, controls and actions over the API: the same selectors and services as the pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.models import User
from governance.compliance import services
from governance.compliance.models import (
    VIEWING,
    ComplianceAction,
    ComplianceActionQuerySet,
    Confirmation,
)
from governance.compliance.rules import CONTROL_STATE_CHOICES
from governance.compliance.selectors import (
    ACTION_FILTERS,
    Answer,
    ControlAnswer,
    actions_listed,
    controls_of,
    coverage_of_all,
    framework_named,
)
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class CoverageSerializer(serializers.Serializer[Any]):
    """How many controls there are, and how many in each state."""

    all = serializers.IntegerField()
    answered = serializers.IntegerField()
    partly_answered = serializers.IntegerField()
    stale = serializers.IntegerField()
    no_evidence = serializers.IntegerField()


class FrameworkSerializer(serializers.Serializer[Any]):
    """`asked_at` is when the oldest of the evidence behind it was asked."""

    slug = serializers.CharField()
    title = serializers.CharField()
    version = serializers.CharField()
    source: Any = serializers.CharField()
    note = serializers.CharField()
    coverage = CoverageSerializer()
    asked_at = serializers.DateTimeField()


class EvidenceSerializer(serializers.Serializer[Any]):
    """What the records said at `asked_at`: n of m; `freshness` is of the newest record."""

    key = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=CONTROL_STATE_CHOICES)
    sentence = serializers.CharField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    freshness = serializers.DateTimeField(allow_null=True)
    asked_at = serializers.DateTimeField()
    url = serializers.CharField(allow_blank=True)


class ConfirmationSerializer(serializers.ModelSerializer[Confirmation]):
    class Meta:
        model = Confirmation
        fields = ["confirmed_by", "confirmed_at", "note"]


class ControlSerializer(serializers.Serializer[Any]):
    """One control, and the evidence that answers it."""

    ref = serializers.CharField()
    code = serializers.CharField()
    title = serializers.CharField()
    asks = serializers.CharField()
    source: Any = serializers.CharField()
    state = serializers.ChoiceField(choices=CONTROL_STATE_CHOICES)
    evidence = EvidenceSerializer(many=True)
    open_actions = serializers.IntegerField()
    confirmation = ConfirmationSerializer(
        allow_null=True, help_text="Who compared these very words with their source, if anybody."
    )


class ComplianceActionSerializer(serializers.ModelSerializer[ComplianceAction]):
    class Meta:
        model = ComplianceAction
        fields = [
            "id",
            "framework",
            "control",
            "text",
            "owner",
            "due_on",
            "made_by",
            "made_at",
            "done_at",
            "note",
        ]


class ComplianceActionInput(serializers.Serializer[Any]):
    """`framework` and `control` as the lists of frameworks and controls name them."""

    framework = serializers.CharField(max_length=40)
    control = serializers.CharField(max_length=40)
    text = serializers.CharField(max_length=300)
    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    due_on = serializers.DateField()


class DoneInput(serializers.Serializer[Any]):
    """By what it is done."""

    note = serializers.CharField(max_length=500)


class FrameworkList(APIView):
    """Every framework and how far our records answer it."""

    required_permission = VIEWING

    @extend_schema(responses=FrameworkSerializer(many=True))
    def get(self, request: Request) -> Response:
        found, as_of = coverage_of_all(timezone.now(), cast(User, request.user))
        rows = [
            {**asdict(framework), "coverage": counts, "asked_at": as_of}
            for framework, counts in found
        ]
        return Response(FrameworkSerializer(rows, many=True).data)


class ControlList(APIView):
    """The controls of a framework with their evidence; `show=gaps` leaves out the answered."""

    required_permission = VIEWING

    @extend_schema(
        parameters=[OpenApiParameter("show", OpenApiTypes.STR, enum=["all", "gaps"])],
        responses=ControlSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        show = request.query_params.get("show", "all")
        _check_filter(show, ("all", "gaps"))
        found = controls_of(framework_named(slug), timezone.now(), cast(User, request.user))
        rows = [_control(one) for one in found if show == "all" or one.is_gap]
        return Response(ControlSerializer(rows, many=True).data)


def _control(one: ControlAnswer) -> dict[str, Any]:
    named = {
        name: getattr(one.control, name) for name in ("ref", "code", "title", "asks", "source")
    }
    return named | {
        "state": one.state.value,
        "evidence": [_evidence(answer) for answer in one.answers],
        "open_actions": len(one.actions),
        "confirmation": one.confirmation,
    }


def _evidence(answer: Answer) -> dict[str, Any]:
    shown = answer.evidence
    return {
        "key": answer.key,
        "title": answer.title,
        "state": answer.state.value,
        "sentence": shown.sentence,
        "numerator": shown.numerator,
        "denominator": shown.denominator,
        "freshness": shown.freshness,
        "asked_at": answer.asked_at,
        "url": shown.url if answer.may_open else "",
    }


def _check_filter(show: str, known: tuple[str, ...]) -> None:
    if show not in known:
        raise Invalid(
            "This list has no such filter.", fields={"show": [f"One of {', '.join(known)}."]}
        )


class ActionList(generics.ListAPIView[ComplianceAction]):
    """Actions, newest first: all for who may read the controls, else one's own."""

    required_permission: ClassVar = {"GET": SIGNED_IN, "POST": Permission.SIGN_COMPLIANCE}
    serializer_class = ComplianceActionSerializer
    queryset = ComplianceAction.objects.all()

    def get_queryset(self) -> ComplianceActionQuerySet:
        show = self.request.query_params.get("show", "all")
        _check_filter(show, ACTION_FILTERS)
        return actions_listed(cast(User, self.request.user), show)

    @extend_schema(
        parameters=[OpenApiParameter("show", OpenApiTypes.STR, enum=list(ACTION_FILTERS))]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(request=ComplianceActionInput, responses={201: ComplianceActionSerializer})
    def post(self, request: Request) -> Response:
        """Give a gap an owner and a day."""
        given = ComplianceActionInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.add_action(
            actor=actor_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(ComplianceActionSerializer(made).data, 201)


class ActionFinish(APIView):
    """Its owner, or compliance, says that it is done and by what."""

    required_permission = SIGNED_IN

    @extend_schema(request=DoneInput, responses=ComplianceActionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(ComplianceAction.objects.visible_to(cast(User, request.user)), pk=pk)
        given = DoneInput(data=request.data)
        given.is_valid(raise_exception=True)
        done = services.finish_action(
            actor=actor_of(request), action_id=pk, now=timezone.now(), **given.validated_data
        )
        return Response(ComplianceActionSerializer(done).data)
