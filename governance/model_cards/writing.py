"""What the services of cards and deployments begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.web import get_or_404


def check_author(actor: Actor) -> None:
    if not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("Nothing was saved: ML engineers write cards and deployments.")


def locked(rows: models.QuerySet[Any], **lookup: Any) -> Any:
    """The row, locked; calls that only point at it are still written meanwhile."""
    return get_or_404(rows.select_for_update(of=("self",), no_key=True), **lookup)


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, as they were and as they are."""
    names = [name for name in after if after[name] != before[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}
