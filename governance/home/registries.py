"""Navigation and inbox: what the apps put into the shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from governance.access.models import User
from governance.kernel.authority import Actor, Permission
from governance.kernel.registries import Registry

GROUPS = ("Work", "Decide", "Govern", "Build", "Run", "Money", "Prove", "People")


@dataclass(frozen=True)
class NavigationItem:
    """One link of the sidebar, for whoever holds any of the permissions (none: everyone)."""

    group: str
    label: str
    url_name: str
    icon: str
    permissions: tuple[Permission, ...] = ()
    order: int = 50


@dataclass(frozen=True)
class InboxItem:
    """Something that waits for a person."""

    title: str
    detail: str
    url: str
    due_at: datetime | None
    kind: str
    count: int = 1
    # Somebody waits for this very person; it stands before what is only due.
    is_personal: bool = False


@dataclass(frozen=True)
class RuleTable:
    """Rules that an app goes by: name → sentence, from the very table that it uses."""

    title: str
    rules: Mapping[str, str]


rule_tables: Registry[RuleTable] = Registry("rule tables")
navigation: Registry[NavigationItem] = Registry("navigation")
inbox: Registry[Callable[[User, datetime], list[InboxItem]]] = Registry("inbox")

# Whose absences this person may state besides their own: people whose work they give out.
spoken_for: Registry[Callable[[User, datetime], QuerySet[User]]] = Registry("people spoken for")
# Gives back what waited for this person, in the transaction in which their absence begins.
leaving_for_a_while: Registry[Callable[[User, Actor, datetime], object]] = Registry(
    "what an absence gives back"
)
