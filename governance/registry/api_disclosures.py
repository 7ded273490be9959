"""Notices over the API: the one in force for an application, the register for people."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.registry import disclosures
from governance.registry.api import found_use_case
from governance.registry.models import Disclosure

LANGUAGE = OpenApiParameter("language", str, description="A language code; else Accept-Language.")


class NoticeSerializer(serializers.ModelSerializer[Disclosure]):
    """What an application shows its users."""

    class Meta:
        model = Disclosure
        fields = ["language", "version", "text", "place", "effective_from"]


class DisclosureSerializer(serializers.ModelSerializer[Disclosure]):
    """One version of a notice; in force is the newest approved one that has taken effect."""

    use_case = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)

    class Meta:
        model = Disclosure
        fields = [
            "id",
            "use_case",
            "language",
            "version",
            "text",
            "place",
            "effective_from",
            "state",
            "approved_at",
            "fetched_at",
        ]


class DisclosureInput(serializers.Serializer[Any]):
    """A notice in one language; it takes effect today unless a later day is given."""

    language = serializers.CharField(max_length=12)
    text = serializers.CharField(max_length=disclosures.LONGEST_TEXT)
    place = serializers.CharField(max_length=disclosures.LONGEST_PLACE)
    effective_from = serializers.DateField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=5000)


class ProposedDisclosure(serializers.Serializer[Any]):
    """The change request that carries it."""

    change = serializers.IntegerField()
    state = serializers.CharField()


class CurrentDisclosure(APIView):
    """The notice in force for the key's use case, to be shown to its users.

    With an ETag: who sends it back as If-None-Match is told 304 while nothing has changed. Each
    answer counts as shown; when that was last is kept to the hour.
    """

    required_permission = "key"

    @extend_schema(responses=NoticeSerializer, parameters=[LANGUAGE])
    def get(self, request: Request) -> Response:
        key, now = cast(ApiKey, request.auth), timezone.now()
        notice = disclosures.notice_for(
            key.use_case_id,
            request.query_params.get("language", ""),
            request.headers.get("accept-language", ""),
            now,
        )
        disclosures.note_fetch(notice, now)
        tag = f'"{notice.pk}-{notice.version}"'
        headers = {
            "ETag": tag,
            "Content-Language": notice.language,
            "Cache-Control": "private, no-cache",
        }
        known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
        if tag in known or f"W/{tag}" in known:
            return _varied(Response(status=304, headers=headers))
        return _varied(Response(NoticeSerializer(notice).data, headers=headers))


def _varied(response: Response) -> Response:
    response["Vary"] = "Accept-Language, Authorization"
    return response


class DisclosureList(generics.ListAPIView[Disclosure]):
    """Every version of every notice in reach, newest first."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = DisclosureSerializer
    queryset = Disclosure.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Disclosure.objects.none()
        user = cast(User, self.request.user)
        return Disclosure.objects.visible_to(user).select_related("use_case")


class UseCaseDisclosures(generics.ListAPIView[Disclosure]):
    """The notices of a use case, newest first; a POST proposes the next in a language."""

    required_permission: ClassVar = {
        "GET": Permission.USE_CASE_VIEW,
        "POST": Permission.USE_CASE_MANAGE,
    }
    serializer_class = DisclosureSerializer
    queryset = Disclosure.objects.none()

    def get_queryset(self) -> Any:
        use_case = found_use_case(self.request, self.kwargs["slug"])
        return use_case.disclosures.select_related("use_case")

    @extend_schema(request=DisclosureInput, responses={201: ProposedDisclosure})
    def post(self, request: Request, slug: str) -> Response:
        change = disclosures.propose_disclosure(
            actor=actor_of(request),
            use_case=found_use_case(request, slug),
            now=timezone.now(),
            **valid(DisclosureInput(data=request.data)),
        )
        return Response({"change": change.pk, "state": change.state}, status=201)
