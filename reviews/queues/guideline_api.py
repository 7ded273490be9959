"""Guidelines over the API; the same services as the page."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import Count, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404
from reviews.queues.guideline_views import SEES
from reviews.queues.models import GuidelineVersion, Queue
from reviews.queues.qualifying import acknowledge, readiness


class GuidelineSerializer(serializers.ModelSerializer[GuidelineVersion]):
    """What a queue judged by from `at` on; `readers` acknowledged it."""

    readers = serializers.IntegerField(read_only=True)

    class Meta:
        model = GuidelineVersion
        fields: ClassVar[list[str]] = ["number", "text", "by_label", "at", "readers"]
        read_only_fields = fields


class ReadinessSerializer(serializers.Serializer[Any]):
    """Whether the person who asks may claim here, and what is missing in words."""

    ready = serializers.BooleanField()
    missing = serializers.ListField(child=serializers.CharField())


class GuidelineList(generics.ListAPIView[GuidelineVersion]):
    """The versions of a queue's guideline, newest first."""

    required_permission: ClassVar[Any] = SEES
    serializer_class = GuidelineSerializer
    queryset = GuidelineVersion.objects.all()

    def get_queryset(self) -> QuerySet[GuidelineVersion]:
        if "slug" not in self.kwargs:
            return GuidelineVersion.objects.none()
        user = cast(User, self.request.user)
        queue = get_or_404(Queue.objects.visible_to(user), slug=self.kwargs["slug"])
        found = GuidelineVersion.objects.filter(queue=queue)
        return found.annotate(readers=Count("acknowledgements")).order_by("-number")


class GuidelineAcknowledge(generics.GenericAPIView[GuidelineVersion]):
    """Say that one read a version."""

    required_permission = Permission.REVIEW_WORK
    serializer_class = ReadinessSerializer

    @extend_schema(request=None, responses=ReadinessSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """409 when a newer version has come."""
        user, now = cast(User, request.user), timezone.now()
        queue = get_or_404(Queue.objects.visible_to(user), slug=slug)
        acknowledge(actor=actor_of(request), queue=queue, number=number, now=now)
        lacks = readiness(user, queue, now)
        return Response({"ready": bool(lacks), "missing": lacks.words})
