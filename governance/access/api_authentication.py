"""`Authorization: Bearer plc_…` for applications."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from governance.access.models import ApiKey
from governance.access.selectors import KeyRefused, authenticate_key


class ApiKeyAuthentication(BaseAuthentication):
    """`request.auth` is the key, `request.user` nobody: a key is not a person."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _, presented = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            key = authenticate_key(presented.decode("latin-1").strip(), timezone.now())
        except KeyRefused as refusal:
            raise AuthenticationFailed(refusal.message, code=refusal.code) from None
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
