"""Trainings, their records and the register over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import models
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access import training
from governance.access.api_foundation import ShortReasonInput, valid
from governance.access.models import ROLE_CHOICES, Training, TrainingRecord, User
from governance.access.training import MAY_RECORD
from governance.access.training_rules import (
    MOST_VALIDITY_DAYS,
    TRAINING_STATE_CHOICES,
    TRAINING_STATES,
)
from governance.access.training_selectors import Standing, register, trainings_of
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, plain_name


class TrainingSerializer(serializers.ModelSerializer[Training]):
    """What is taught, how long it holds, and for which roles it is required."""

    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLE_CHOICES))

    class Meta:
        model = Training
        fields: ClassVar[list[str]] = [
            "id",
            "code",
            "title",
            "covers",
            "validity_days",
            "roles",
            "link",
        ]
        read_only_fields = fields


class TrainingInput(serializers.Serializer[Any]):
    """A new training. For which roles it is required is a change request."""

    title = serializers.CharField(max_length=150, validators=[plain_name])
    covers = serializers.CharField(max_length=5000)
    validity_days = serializers.IntegerField(min_value=1, max_value=MOST_VALIDITY_DAYS)
    link = serializers.CharField(max_length=300, required=False, allow_blank=True)
    code = serializers.SlugField(max_length=60, required=False, allow_blank=True)


class TrainingList(generics.ListAPIView[Training]):
    """Every training."""

    required_permission: ClassVar = {"GET": SIGNED_IN, "POST": Permission.SIGN_COMPLIANCE}
    serializer_class = TrainingSerializer
    queryset = Training.objects.all()

    @extend_schema(request=TrainingInput, responses={201: TrainingSerializer})
    def post(self, request: Request) -> Response:
        """Define one."""
        asked = valid(TrainingInput(data=request.data))
        made = training.define_training(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(TrainingSerializer(made).data, status.HTTP_201_CREATED)


class TrainingRecordSerializer(serializers.ModelSerializer[TrainingRecord]):
    """Somebody completed a training."""

    training: Any = serializers.SlugRelatedField("code", read_only=True)

    class Meta:
        model = TrainingRecord
        fields: ClassVar[list[str]] = [
            "id",
            "person",
            "training",
            "completed_on",
            "valid_until",
            "evidence",
            "recorded_by",
            "recorded_at",
            "revoked_at",
            "revoke_reason",
        ]
        read_only_fields = fields


class TrainingRecordInput(serializers.Serializer[Any]):
    """A completion; nobody records their own."""

    person = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())
    training: Any = serializers.SlugRelatedField("code", queryset=Training.objects.all())
    completed_on = serializers.DateField()
    evidence = serializers.CharField(max_length=300)


class TrainingRecordList(generics.ListAPIView[TrainingRecord]):
    """Records, newest first; of one person with `person`."""

    required_permission: ClassVar = {"GET": Permission.PEOPLE_VIEW, "POST": MAY_RECORD}
    serializer_class = TrainingRecordSerializer
    queryset = TrainingRecord.objects.select_related("training")

    def get_queryset(self) -> models.QuerySet[TrainingRecord]:
        found = super().get_queryset()
        person = self.request.query_params.get("person", "")
        if not person:
            return found
        if not person.isdecimal() or len(person) > 18:
            raise Invalid(
                "This list has no such filter.", fields={"person": ["The id of a person."]}
            )
        return found.filter(person_id=int(person))

    @extend_schema(parameters=[OpenApiParameter("person", OpenApiTypes.INT)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(request=TrainingRecordInput, responses={201: TrainingRecordSerializer})
    def post(self, request: Request) -> Response:
        """Record a completion."""
        asked = valid(TrainingRecordInput(data=request.data))
        made = training.record_training(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(TrainingRecordSerializer(made).data, status.HTTP_201_CREATED)


class TrainingRecordRevoke(APIView):
    """It counts no longer."""

    required_permission = MAY_RECORD

    @extend_schema(request=ShortReasonInput, responses=TrainingRecordSerializer)
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(TrainingRecord.objects.all(), pk=pk)
        asked = valid(ShortReasonInput(data=request.data))
        revoked = training.revoke_training_record(
            actor=actor_of(request), record_id=pk, now=timezone.now(), **asked
        )
        return Response(TrainingRecordSerializer(revoked).data)


class TrainingStandingSerializer(serializers.Serializer[Any]):
    """How one training stands for one person."""

    training = serializers.CharField()
    state = serializers.ChoiceField(choices=TRAINING_STATE_CHOICES)
    valid_until = serializers.DateField(allow_null=True)


class RegisterRowSerializer(serializers.Serializer[Any]):
    """A role that somebody holds, and the trainings required for it."""

    grant = serializers.IntegerField()
    person = serializers.IntegerField()
    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    scope = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    trainings = TrainingStandingSerializer(many=True)


def _standing(one: Standing) -> dict[str, Any]:
    return {"training": one.training.code, "state": one.state, "valid_until": one.valid_until}


class TrainingRegister(APIView):
    """Who holds which role since when, and is trained for it."""

    required_permission = Permission.PEOPLE_VIEW

    @extend_schema(
        parameters=[
            OpenApiParameter("role", OpenApiTypes.STR, enum=list(ROLES)),
            OpenApiParameter("state", OpenApiTypes.STR, enum=list(TRAINING_STATES)),
        ],
        responses=RegisterRowSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        role, state = (request.query_params.get(name, "") for name in ("role", "state"))
        if (role and role not in ROLES) or (state and state not in TRAINING_STATES):
            raise Invalid("The register has no such filter.")
        rows = [
            {
                "grant": row.grant.pk,
                "person": row.grant.user_id,
                "role": row.grant.role,
                "scope": str(row.grant.scope),
                "since": row.grant.starts_at,
                "until": row.grant.ends_at,
                "trainings": [_standing(one) for one in row.trainings],
            }
            for row in register(timezone.now(), role=role, state=state)
        ]
        return Response(RegisterRowSerializer(rows, many=True).data)


class MyTraining(APIView):
    """What one's own roles require, and how each stands."""

    required_permission = SIGNED_IN

    @extend_schema(responses=TrainingStandingSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = trainings_of(cast(User, request.user), timezone.now())
        rows = [_standing(one) for one in found]
        return Response(TrainingStandingSerializer(rows, many=True).data)
