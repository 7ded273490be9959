"""API keys over the API. A person manages them: a key cannot make keys."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access import keys as services
from governance.access.api_foundation import valid
from governance.access.models import ApiKey, User
from governance.access.rules import KEY_SCOPES, MOST_REQUESTS_PER_MINUTE, MOST_TOKENS_PER_MINUTE
from governance.access.selectors import key_subject_for, keys_visible_to
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, plain_name


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key without its secret, which is kept nowhere."""

    use_case = serializers.CharField(source="use_case_slug", read_only=True)
    team: Any = serializers.SlugRelatedField("slug", read_only=True)
    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.IntegerField(source="created_by_id", read_only=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = ApiKey
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "prefix",
            "use_case",
            "team",
            "scopes",
            "requests_per_minute",
            "tokens_per_minute",
            "created_at",
            "created_by",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "replaces",
            "state",
        ]
        read_only_fields = fields

    def get_state(self, key: ApiKey) -> str:
        """live, expired or revoked."""
        return key.state_at(timezone.now())


class KeyMade(KeySerializer):
    """The key, and its secret: shown in this reply alone."""

    secret = serializers.CharField(read_only=True)

    class Meta(KeySerializer.Meta):
        fields: ClassVar[list[str]] = [*KeySerializer.Meta.fields, "secret"]
        read_only_fields = fields


class KeyInput(serializers.Serializer[Any]):
    """A new key; `use_case` is the short name of what it may call."""

    use_case = serializers.CharField(max_length=80)
    name = serializers.CharField(max_length=100, validators=[plain_name])
    scopes = serializers.ListField(
        child=serializers.ChoiceField([(one, one) for one in KEY_SCOPES]),
        required=False,
        allow_empty=False,
        max_length=10,
    )
    requests_per_minute = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_REQUESTS_PER_MINUTE
    )
    tokens_per_minute = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_TOKENS_PER_MINUTE, allow_null=True
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class KeyLimitsInput(serializers.Serializer[Any]):
    """How much a key may call in a minute; without `tokens_per_minute` any number of tokens."""

    requests_per_minute = serializers.IntegerField(min_value=1, max_value=MOST_REQUESTS_PER_MINUTE)
    tokens_per_minute = serializers.IntegerField(
        min_value=1, max_value=MOST_TOKENS_PER_MINUTE, allow_null=True, default=None
    )


class RevokeInput(serializers.Serializer[Any]):
    """Why the key ends; kept in the audit log."""

    reason = serializers.CharField(max_length=300)


@sensitive_variables("secret")
def _made(key: ApiKey, secret: str) -> Response:
    body = KeySerializer(key).data | {"secret": secret}
    return Response(body, status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class KeyList(generics.ListAPIView[ApiKey]):
    """Keys in the person's reach."""

    required_permission = Permission.API_KEY_MANAGE
    serializer_class = KeySerializer
    queryset = ApiKey.objects.all()

    def get_queryset(self) -> models.QuerySet[ApiKey]:
        return keys_visible_to(cast(User, self.request.user))

    @extend_schema(request=KeyInput, responses={201: KeyMade})
    def post(self, request: Request) -> Response:
        """Make a key; the reply is the only place where its secret is."""
        asked = valid(KeyInput(data=request.data))
        subject = key_subject_for(cast(User, request.user), asked.pop("use_case"))
        if subject is None:
            sentence = "There is no such use case, or you may not make keys for it."
            raise Invalid(f"No key was made. {sentence}", fields={"use_case": [sentence]})
        facts = asked | subject.facts()
        return _made(*services.create_api_key(actor=actor_of(request), now=timezone.now(), **facts))


def _found(request: Request, pk: int) -> ApiKey:
    found: ApiKey = get_or_404(keys_visible_to(cast(User, request.user)), pk=pk)
    return found


class KeyDetail(APIView):
    """One key."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(responses=KeySerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(KeySerializer(_found(request, pk)).data)


class KeyRotate(APIView):
    """A new key of the same kind and lifetime; the old one works for another 24 hours."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=None, responses={201: KeyMade})
    def post(self, request: Request, pk: int) -> Response:
        key_id = _found(request, pk).pk
        return _made(
            *services.rotate_api_key(actor=actor_of(request), key_id=key_id, now=timezone.now())
        )


class KeyLimits(APIView):
    """How much a key may call in a minute, from its next call on."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=KeyLimitsInput, responses=KeySerializer)
    def put(self, request: Request, pk: int) -> Response:
        key_id = _found(request, pk).pk
        asked = valid(KeyLimitsInput(data=request.data))
        limited = services.limit_api_key(
            actor=actor_of(request), key_id=key_id, now=timezone.now(), **asked
        )
        return Response(KeySerializer(limited).data)


class KeyRevoke(APIView):
    """The key's next call is refused."""

    required_permission = Permission.API_KEY_MANAGE

    @extend_schema(request=RevokeInput, responses=KeySerializer)
    def post(self, request: Request, pk: int) -> Response:
        key_id = _found(request, pk).pk
        asked = valid(RevokeInput(data=request.data))
        revoked = services.revoke_api_key(
            actor=actor_of(request), key_id=key_id, now=timezone.now(), **asked
        )
        return Response(KeySerializer(revoked).data)
