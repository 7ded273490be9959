"""Begin a use case beside those that are like it: why another, and whose answers to start from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db import transaction

from governance.access.models import Team, User
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.web import get_or_404
from governance.registry.datasets import name_datasets
from governance.registry.models import IntakeOrigin, UseCase
from governance.registry.services import save_step, start_use_case, write_event
from governance.registry.similar import Similar, similar_to

LONGEST_REASON = 300
# Answers about how it is built and watched. What it is, its scores and its risk are its own.
COPIED = {
    "pattern": ("framework_answers", "pattern", "serving", "override_reason"),
    "data": (
        "sensitivity",
        "oversight",
        "sample_share",
        "disclosure_text",
        "fallback_text",
        "is_user_facing",
    ),
}


@transaction.atomic
def begin_use_case(
    *,
    actor: Actor,
    title: str,
    team: Team,
    reason: str,
    source_slug: str,
    now: datetime,
    **facts: Any,
) -> UseCase:
    """Start a draft; when it looks like one that the person sees, only with a reason.

    With a `source_slug` its answers are copied and marked until somebody has looked at them.
    """
    found = similar_to(
        _user(actor),
        title=title,
        feature=str(facts.get("feature", "")),
        outcome=str(facts.get("outcome", "")),
    )
    twin = next((one for one in found if one.is_duplicate), None)
    _check_reason(twin, reason.strip())
    source = _source(actor, source_slug)
    use_case = start_use_case(actor=actor, title=title, team=team, now=now, **facts)
    if twin is None and source is None:
        return use_case
    IntakeOrigin.objects.create(
        use_case=use_case,
        source=source,
        prefilled=list(COPIED) if source else [],
        resembles=twin.use_case if twin else None,
        reason=reason.strip() if twin else "",
    )
    if twin is not None:
        after = {"resembles": twin.use_case.slug}
        action = "use_case.registered_beside"
        write_event(actor, action, use_case, now, after=after, reason=reason.strip())
    return _prefill(actor, use_case, source, now) if source else use_case


def _user(actor: Actor) -> User:
    if actor.user is None:
        raise NotFound("Only a person registers use cases.")
    return cast(User, actor.user)


def _check_reason(twin: Similar | None, reason: str) -> None:
    if len(reason) > LONGEST_REASON or "\x00" in reason:
        words = f"At most {LONGEST_REASON} characters."
        raise Invalid("Nothing was saved yet.", fields={"reason": [words]})
    if twin is not None and not reason:
        raise Invalid(
            f"Nothing was saved yet: this looks like {twin.use_case}. If it is something else, "
            "say in a word what, and save again.",
            fields={"reason": ["Say why another one is needed."]},
        )


def _source(actor: Actor, slug: str) -> UseCase | None:
    if not slug:
        return None
    visible = UseCase.objects.visible_to(_user(actor)).select_related("team")
    found: UseCase = get_or_404(visible, slug=slug[:80])
    return found


def _prefill(actor: Actor, use_case: UseCase, source: UseCase, now: datetime) -> UseCase:
    facts = {name: getattr(source, name) for names in COPIED.values() for name in names}
    if not source.framework_answers:
        # Without answers nothing is recommended, and another pattern could not be explained.
        facts = {name: facts[name] for name in COPIED["data"]}
    saved = save_step(actor=actor, use_case=use_case, version=use_case.version, now=now, **facts)
    dataset_ids = list(source.datasets.values_list("pk", flat=True))
    name_datasets(actor=actor, use_case=saved, dataset_ids=dataset_ids, now=now)
    after = {"source": source.slug, "fields": sorted(facts), "datasets": len(dataset_ids)}
    write_event(actor, "use_case.prefilled", saved, now, after=after)
    return saved


def origin_of(use_case: UseCase, user: User) -> dict[str, Any] | None:
    """What it was begun from; names only what this person may see."""
    origin = IntakeOrigin.objects.filter(use_case=use_case).first()
    if origin is None:
        return None
    wanted = [pk for pk in (origin.source_id, origin.resembles_id) if pk is not None]
    seen = {one.pk: one for one in UseCase.objects.visible_to(user).filter(pk__in=wanted)}
    return {
        "source": seen.get(origin.source_id or 0),
        "has_source": bool(origin.prefilled) or origin.source_id is not None,
        "prefilled": origin.prefilled,
        "resembles": seen.get(origin.resembles_id or 0),
        "reason": origin.reason,
    }


def mark_looked_at(use_case: UseCase, step: str) -> None:
    """A saved step is the person's own from now on."""
    origin = IntakeOrigin.objects.select_for_update().filter(use_case=use_case).first()
    if origin is not None and step in origin.prefilled:
        origin.prefilled = [one for one in origin.prefilled if one != step]
        origin.save(update_fields=["prefilled"])
