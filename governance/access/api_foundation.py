"""What every API view stands on: declared rules and cursor pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rest_framework import serializers
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.kernel.authority import Permission
from governance.kernel.web import PUBLIC, SIGNED_IN

if TYPE_CHECKING:
    from rest_framework.views import APIView


class DeclaredPermission(BasePermission):
    """An API view without a `required_permission` is refused: every endpoint declares its rule.

    `required_permission` is one rule, or a mapping from HTTP method to rule. A rule is a
    permission, a tuple of alternatives, SIGNED_IN, PUBLIC, or "key" for applications only.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        rule = getattr(view, "required_permission", None)
        if isinstance(rule, dict):
            rule = rule.get(request.method or "")
        if rule is None:
            return False
        if rule == PUBLIC:
            return True
        if request.auth is not None and hasattr(request.auth, "as_actor"):
            return "key" in (rule if isinstance(rule, tuple) else (rule,))
        if not request.user or not request.user.is_authenticated:
            return False
        rules = rule if isinstance(rule, tuple) else (rule,)
        if SIGNED_IN in rules:
            return True
        user = cast(Any, request.user)
        return any(user.may(Permission(one)) for one in rules if one != "key")


class ReasonInput(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=5000)


class ShortReasonInput(serializers.Serializer[Any]):
    """Why, in a sentence or two."""

    reason = serializers.CharField(max_length=300)


def valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """What was sent, checked; raises the field errors as problem details."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class CursorPagination(BaseCursorPagination):
    """Newest first; `page_size` up to 200."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-pk"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """As OpenAPI 3.1 says it: the base class marks a missing page in the way of 3.0."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "next": link,
                "previous": link,
                "results": schema,
            },
        }
