"""A rule by its name: the locked one, or a new one with an address of its own."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from django.utils.text import slugify

from governance.kernel.errors import Invalid
from governance.kernel.web import get_or_404

KEPT = "Nothing was saved. What you typed is still here."


def locked_or_new(
    model: type[Any], slug: str, name: str, now: datetime, *, reserved: Container[str]
) -> Any:
    """The rule with that slug, its name changed if it was; without one a new rule.

    `model` has slug, name and made_at. In the caller's transaction; raises Invalid with fields.
    """
    name = name.strip()
    if model.objects.filter(name=name).exclude(slug=slug).exists():
        raise Invalid(KEPT, fields={"name": ["Give it a name that no other rule has."]})
    if slug:
        rule = get_or_404(model.objects.select_for_update(), slug=slug)
        if rule.name != name:
            rule.name = name
            rule.save(update_fields=["name"])
        return rule
    new = slugify(name)[:60]
    if not new or new in reserved or model.objects.filter(slug=new).exists():
        raise Invalid(KEPT, fields={"name": ["Its address is taken; use other words."]})
    return model.objects.create(slug=new, name=name, made_at=now)
