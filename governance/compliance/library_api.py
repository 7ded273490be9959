"""The policy library over the API. The next version is opened as a change request."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import ROLE_CHOICES, User
from governance.compliance import library
from governance.compliance.library_models import PolicyDocument
from governance.compliance.library_selectors import Shelved, library_for, readers_of
from governance.compliance.library_views import SEES_READERS
from governance.kernel.authority import Permission
from governance.kernel.errors import NotFound
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, plain_name


class PolicyDocumentSerializer(serializers.Serializer[Any]):
    """A document; `version` and what follows it are null while none is in force."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    body = serializers.CharField(allow_null=True)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLE_CHOICES))
    effective_from = serializers.DateField(allow_null=True)
    is_asked_of_me = serializers.BooleanField()
    is_acknowledged_by_me = serializers.BooleanField()


class PolicyDocumentInput(serializers.Serializer[Any]):
    """A new document. What it says is proposed as a change request."""

    title = serializers.CharField(max_length=150, validators=[plain_name])
    slug = serializers.SlugField(max_length=80, required=False, allow_blank=True)


class AcknowledgeInput(serializers.Serializer[Any]):
    """The version that was read."""

    version = serializers.IntegerField(min_value=1, max_value=1_000_000)


class ReaderSerializer(serializers.Serializer[Any]):
    """Somebody who is asked to acknowledge it."""

    person = serializers.IntegerField()
    name = serializers.CharField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    reminders = serializers.IntegerField()


def _row(one: Shelved) -> dict[str, Any]:
    version = one.version
    return {
        "id": one.document.pk,
        "slug": one.document.slug,
        "title": one.document.title,
        "version": version.number if version else None,
        "body": version.body if version else None,
        "roles": version.roles if version else [],
        "effective_from": version.effective_from if version else None,
        "is_asked_of_me": one.is_asked,
        "is_acknowledged_by_me": one.is_acknowledged,
    }


def _shelved(request: Request) -> list[Shelved]:
    user = cast(User, request.user)
    drafts = user.may(Permission.SIGN_COMPLIANCE)
    return library_for(user, timezone.now(), with_drafts=drafts)


def _one(request: Request, slug: str) -> dict[str, Any]:
    found = [one for one in _shelved(request) if one.document.slug == slug]
    if not found:
        raise NotFound("There is no such document.")
    return _row(found[0])


class DocumentList(APIView):
    """Every policy in force; who writes the library also sees what is not signed yet."""

    required_permission: ClassVar = {"GET": SIGNED_IN, "POST": Permission.SIGN_COMPLIANCE}

    @extend_schema(responses=PolicyDocumentSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = [_row(one) for one in _shelved(request)]
        return Response(PolicyDocumentSerializer(rows, many=True).data)

    @extend_schema(request=PolicyDocumentInput, responses={201: PolicyDocumentSerializer})
    def post(self, request: Request) -> Response:
        """Begin a document."""
        asked = valid(PolicyDocumentInput(data=request.data))
        made = library.start_document(actor=actor_of(request), now=timezone.now(), **asked)
        row = _one(request, made.slug)
        return Response(PolicyDocumentSerializer(row).data, status.HTTP_201_CREATED)


class DocumentDetail(APIView):
    """One policy as it is in force."""

    required_permission = SIGNED_IN

    @extend_schema(responses=PolicyDocumentSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(PolicyDocumentSerializer(_one(request, slug)).data)


class DocumentAcknowledge(APIView):
    """Say that one has read the version in force."""

    required_permission = SIGNED_IN

    @extend_schema(request=AcknowledgeInput, responses=PolicyDocumentSerializer)
    def post(self, request: Request, slug: str) -> Response:
        found = _one(request, slug)
        asked = valid(AcknowledgeInput(data=request.data))
        library.acknowledge(
            actor=actor_of(request),
            document_id=found["id"],
            number=asked["version"],
            now=timezone.now(),
        )
        return Response(PolicyDocumentSerializer(_one(request, slug)).data)


class DocumentReaders(APIView):
    """Who has acknowledged the version in force, who has not, and how often they were told."""

    required_permission = SEES_READERS

    @extend_schema(responses=ReaderSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        now = timezone.now()
        found: PolicyDocument = get_or_404(PolicyDocument.objects.all(), slug=slug)
        version = library.in_force(found, now)
        rows = [
            {
                "person": one.person.pk,
                "name": one.person.name,
                "acknowledged_at": one.acknowledged_at,
                "reminders": one.reminders,
            }
            for one in (readers_of(version, now) if version else [])
        ]
        return Response(ReaderSerializer(rows, many=True).data)
