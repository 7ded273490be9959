"""Service levels over the API; the same services as the pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404
from governance.registry.models import UseCase
from telemetry.alerts import levels
from telemetry.alerts.level_views import levels_visible_to
from telemetry.alerts.models import ServiceLevel, ServiceLevelQuerySet


class ServiceLevelSerializer(serializers.ModelSerializer[ServiceLevel]):
    """A level with the figures of its last check; `budget_left` is a share, below 0 overdrawn."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    budget_left = serializers.SerializerMethodField()
    state = serializers.CharField(read_only=True)

    class Meta:
        model = ServiceLevel
        fields = [
            "id",
            "use_case",
            "indicator",
            "threshold",
            "objective",
            "window_days",
            "minimum_events",
            "is_enabled",
            "version",
            "state",
            "total",
            "bad",
            "budget_left",
            "burning",
            "checked_at",
        ]
        read_only_fields = fields

    def get_budget_left(self, level: ServiceLevel) -> str | None:
        return None if level.left is None else f"{level.left:.6f}"


class LevelSettingsSerializer(serializers.Serializer[Any]):
    """What of a level can be changed; all are optional."""

    threshold = serializers.IntegerField(required=False, allow_null=True)
    objective = serializers.DecimalField(max_digits=6, decimal_places=3, required=False)
    window_days = serializers.IntegerField(required=False)
    minimum_events = serializers.IntegerField(required=False)


class LevelChangeSerializer(LevelSettingsSerializer):
    """Settings, and whether it is counted."""

    is_enabled = serializers.BooleanField(required=False)


class NewLevelSerializer(LevelSettingsSerializer):
    """A use case by its slug, and what of it is promised."""

    use_case = serializers.CharField(max_length=80)
    indicator = serializers.CharField(max_length=20)
    objective = serializers.DecimalField(
        max_digits=6, decimal_places=3, min_value=Decimal(50), max_value=Decimal("99.999")
    )


class LevelQueries(generics.GenericAPIView[ServiceLevel]):
    serializer_class = ServiceLevelSerializer
    queryset = ServiceLevel.objects.all()

    def get_queryset(self) -> ServiceLevelQuerySet:
        return levels_visible_to(cast(User, self.request.user))

    def found(self, pk: int) -> ServiceLevel:
        level: ServiceLevel = get_or_404(self.get_queryset(), pk=pk)
        return level

    def answer(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        """The level as it stands; its ETag is its version."""
        level = self.found(pk)
        etag = {"ETag": f'"{level.version}"'}
        return Response(ServiceLevelSerializer(level).data, code, headers=etag)


class ServiceLevelList(LevelQueries, generics.ListAPIView[ServiceLevel]):
    """Service levels in reach; `use_case` narrows. A POST sets one."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.ALERT_VIEW,
        "POST": Permission.USE_CASE_MANAGE,
    }

    def get_queryset(self) -> ServiceLevelQuerySet:
        use_case = self.request.query_params.get("use_case", "")
        found = super().get_queryset()
        return found.filter(use_case__slug=use_case) if use_case else found

    @extend_schema(request=NewLevelSerializer, responses={201: ServiceLevelSerializer})
    def post(self, request: Request) -> Response:
        asked = valid(NewLevelSerializer(data=request.data))
        slug = asked.pop("use_case")
        visible = UseCase.objects.visible_to(cast(User, request.user)).select_related("team")
        use_case = visible.filter(slug=slug).first()
        if use_case is None:
            unknown = "There is no such use case, or it is not yours to see."
            raise Invalid("Nothing was set.", fields={"use_case": [unknown]})
        actor, now = actor_of(request), timezone.now()
        level = levels.set_level(actor=actor, use_case=use_case, now=now, **asked)
        return self.answer(level.pk, status.HTTP_201_CREATED)


class ServiceLevelDetail(LevelQueries):
    """One level. Its ETag is its version; a change names the version it was made from."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.ALERT_VIEW,
        "PATCH": Permission.USE_CASE_MANAGE,
    }

    def get(self, request: Request, pk: int) -> Response:
        return self.answer(pk)

    @extend_schema(request=LevelChangeSerializer, responses=ServiceLevelSerializer)
    @transaction.atomic
    def patch(self, request: Request, pk: int) -> Response:
        """Change some of it, switch it on or off; 409 if it changed since that version."""
        level, actor, now = self.found(pk), actor_of(request), timezone.now()
        levels.check_can_set(actor, level.use_case)
        version = request.headers.get("If-Match", "").strip('"')
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Invalid(
                "Nothing was saved: send the version you read in If-Match, as its ETag gave it.",
                code="version_required",
            )
        asked = valid(LevelChangeSerializer(data=request.data))
        is_enabled = asked.pop("is_enabled", None)
        levels.change_level(actor=actor, level_id=pk, version=int(version), now=now, **asked)
        if is_enabled is not None:
            levels.switch_level(actor=actor, level_id=pk, is_enabled=is_enabled, now=now)
        return self.answer(pk)
