"""Approval policies over the API: read, try out, propose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import Team, User
from governance.access.selectors import teams_for
from governance.approvals.api import ChangeSerializer
from governance.approvals.models import ApprovalPolicy, ApprovalPolicyQuerySet
from governance.approvals.planning import Outlook, SlotOutlook, StandIn, simulate
from governance.approvals.policies import APPROVABLE
from governance.approvals.registries import change_subjects
from governance.approvals.rules import SIGNING
from governance.approvals.subjects import propose_policy
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import actor_of, get_or_404


class SignOffSerializer(serializers.Serializer[Any]):
    """How many of one kind of sign-off, or with `share` what percentage of all who may give it.

    One of `permission` and `any_of` signs; a step opens when all smaller ones are signed.
    """

    permission = serializers.ChoiceField(choices=[one.value for one in SIGNING])
    count = serializers.IntegerField(allow_null=True, default=None)
    share = serializers.IntegerField(allow_null=True, default=None)
    any_of = serializers.ListField(
        child=serializers.CharField(max_length=30), default=list, max_length=10
    )
    step = serializers.IntegerField(default=1)


class PolicySerializer(serializers.ModelSerializer[ApprovalPolicy]):
    """One version of a policy; `change` is the request that made it."""

    sign_offs = SignOffSerializer(many=True)
    veto = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApprovalPolicy
        fields = [
            "id",
            "kind",
            "tier",
            "version",
            "sign_offs",
            "veto",
            "decision_hours",
            "validity_days",
            "active",
            "change",
            "made_at",
        ]


class PolicyInput(serializers.Serializer[Any]):
    """What the next version of which policy shall say, and why."""

    kind = serializers.CharField(max_length=30)
    tier = serializers.CharField(max_length=15)
    sign_offs = SignOffSerializer(many=True, max_length=20)  # type: ignore[call-arg]  # many=True takes it
    veto = serializers.ListField(
        child=serializers.CharField(max_length=30), default=list, max_length=10
    )
    decision_hours = serializers.IntegerField()
    validity_days = serializers.IntegerField()
    reason = serializers.CharField(max_length=2000)


class SimulationInput(serializers.Serializer[Any]):
    """What would be proposed; the proposer is oneself, the team none, unless given."""

    kind = serializers.CharField(max_length=30)
    tier = serializers.CharField(max_length=15)
    team = serializers.SlugField(required=False, max_length=60)
    proposer = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True), required=False
    )


class SignatorySerializer(serializers.Serializer[Any]):
    """Somebody by number and name."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class UntrainedSerializer(SignatorySerializer):
    """Somebody who holds the role and whom a missing training keeps from signing."""

    why = serializers.CharField()


class StandInSerializer(serializers.Serializer[Any]):
    """Who may sign in whose place; `why_not` is empty if nothing keeps them from it."""

    delegate = SignatorySerializer()
    delegator = SignatorySerializer()
    until = serializers.DateTimeField()
    why_not = serializers.CharField()


class SlotSerializer(serializers.Serializer[Any]):
    """One sign-off: who may give it, who may not for a conflict, who stands in."""

    permission = serializers.CharField()
    any_of = serializers.ListField(child=serializers.CharField())
    step = serializers.IntegerField()
    signs_as = serializers.CharField()
    eligible = SignatorySerializer(many=True)
    left_out = SignatorySerializer(many=True)
    untrained = UntrainedSerializer(many=True)
    stand_ins = StandInSerializer(many=True)


class OutlookSerializer(serializers.Serializer[Any]):
    """What would happen; `blocked` says why nothing could be opened, empty if it could."""

    policy = PolicySerializer()
    due_at = serializers.DateTimeField()
    blocked = serializers.CharField()
    slots = SlotSerializer(many=True)


def _person(person: User) -> dict[str, Any]:
    return {"id": person.pk, "name": person.name}


def _stand_in(one: StandIn) -> dict[str, Any]:
    return {
        "delegate": _person(one.delegation.delegate),
        "delegator": _person(one.delegation.delegator),
        "until": one.delegation.ends_at,
        "why_not": one.why_not,
    }


def _slot(one: SlotOutlook) -> dict[str, Any]:
    return {
        "permission": one.slot.permission.value,
        "any_of": list(one.slot.roles[1:]),
        "step": one.slot.step,
        "signs_as": one.slot.label,
        "eligible": [_person(person) for person in one.slot.people],
        "left_out": [_person(person) for person in one.slot.left_out],
        "untrained": [
            {**_person(left_out.person), "why": left_out.why} for left_out in one.slot.untrained
        ],
        "stand_ins": [_stand_in(stand_in) for stand_in in one.stand_ins],
    }


def _written(outlook: Outlook) -> dict[str, Any]:
    return {
        "policy": outlook.policy,
        "due_at": outlook.due_at,
        "blocked": outlook.blocked,
        "slots": [_slot(one) for one in outlook.slots],
    }


class PolicyList(generics.ListAPIView[ApprovalPolicy]):
    """The policies in force; with `versions=all` also those they replaced."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class = PolicySerializer
    queryset = ApprovalPolicy.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR),
            OpenApiParameter("tier", OpenApiTypes.STR),
            OpenApiParameter("versions", OpenApiTypes.STR, enum=["active", "all"]),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> ApprovalPolicyQuerySet:
        asked = self.request.query_params
        given = {name: asked[name] for name in ("kind", "tier") if asked.get(name)}
        found = ApprovalPolicy.objects.filter(**given)
        return found if asked.get("versions") == "all" else found.filter(active=True)


class PolicySimulate(generics.GenericAPIView[ApprovalPolicy]):
    """Who would have to sign this, and by when? Writes nothing."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class: Any = SimulationInput
    queryset = ApprovalPolicy.objects.all()

    @extend_schema(request=SimulationInput, responses=OutlookSerializer)
    def post(self, request: Request) -> Response:
        given, user = valid(SimulationInput(data=request.data)), cast(User, request.user)
        _check_known("kind", given["kind"], change_subjects)
        _check_known("tier", given["tier"], APPROVABLE)
        outlook = simulate(
            kind=given["kind"],
            tier=RiskTier(given["tier"]),
            team=_team(user, given.get("team")),
            proposer=given.get("proposer", user),
            now=timezone.now(),
        )
        return Response(OutlookSerializer(_written(outlook)).data)


def _check_known(name: str, given: str, known: Iterable[str]) -> None:
    offered = list(known)
    if given not in offered:
        raise Invalid(f"There is no such {name}.", fields={name: [f"One of {', '.join(offered)}."]})


def _team(user: User, slug: str | None) -> Team | None:
    if slug is None:
        return None
    found: Team = get_or_404(teams_for(user, Permission.CHANGE_VIEW), slug=slug)
    return found


class PolicyPropose(generics.GenericAPIView[ApprovalPolicy]):
    """Put the next version of a policy before its signatories."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class: Any = PolicyInput
    queryset = ApprovalPolicy.objects.all()

    @extend_schema(request=PolicyInput, responses={201: ChangeSerializer})
    def post(self, request: Request) -> Response:
        given = valid(PolicyInput(data=request.data))
        change = propose_policy(
            actor=actor_of(request),
            kind=given.pop("kind"),
            tier=given.pop("tier"),
            reason=given.pop("reason"),
            proposal=given,
            now=timezone.now(),
        )
        return Response(ChangeSerializer(change).data, 201)
