"""What every page's shell shows: navigation, notices, theme."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from governance.access.models import User
from governance.home.models import Notification
from governance.home.registries import GROUPS, NavigationItem, navigation

THEMES = ("system", "light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context of the shell; asks the database only for a signed-in person's notices."""
    theme = request.COOKIES.get("theme", "system")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "system"}
    user = getattr(request, "user", None)
    if isinstance(user, User) and user.is_authenticated:
        context["navigation"] = _groups(user, request.path)
        context["unread"] = Notification.objects.filter(user=user, read_at=None).count()
    return context


def _groups(user: User, path: str) -> list[tuple[str, list[dict[str, Any]]]]:
    mine = [item for item in navigation.values() if _for(item, user)]
    mine.sort(key=lambda item: (GROUPS.index(item.group), item.order))
    above = [url for item in mine if path.startswith(url := reverse(item.url_name)) and url != "/"]
    here = max(above, key=len, default=path)
    return [
        (group, [_link(item, here) for item in items])
        for group, items in groupby(mine, key=lambda item: item.group)
    ]


def _for(item: NavigationItem, user: User) -> bool:
    return not item.permissions or any(user.may(permission) for permission in item.permissions)


def _link(item: NavigationItem, here: str) -> dict[str, Any]:
    url = reverse(item.url_name)
    return {"label": item.label, "url": url, "icon": item.icon, "here": url == here}
