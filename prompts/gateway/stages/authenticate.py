"""Whose call is this, for which use case?"""

from __future__ import annotations

import structlog

from governance.access.models import ApiKey
from governance.access.selectors import KeyRefused
from governance.kernel.authority import Permission
from prompts.gateway.context import CallContext, Outdated, may_go_together
from prompts.gateway.governing import (
    Generation,
    Governing,
    authenticated_key,
    generation_and_time,
    governing,
    is_outdated,
    last_seen,
)
from prompts.gateway.refusals import InsufficientScope, InvalidApiKey, ModelNotFound


def authenticate(context: CallContext) -> None:
    """The key's own use case, or for a person one of a team in which they may try."""
    slug = context.request.model.partition("/")[0]
    if context.must_look or not may_go_together(context.request):
        seen, context.received_at = generation_and_time()
    else:
        context.seen, seen, context.received_at = last_seen()
    if context.request.person is not None:
        found = _tried_by_person(context, slug, seen)
    else:
        found = _of_key(context, slug, seen)
    context.governing, context.use_case = found, found.use_case


def check_seen(context: CallContext) -> None:
    """Before what cannot be taken back; raises Outdated where something changed meanwhile."""
    if is_outdated(context.seen):
        raise Outdated
    context.seen = None


def _of_key(context: CallContext, slug: str, seen: Generation) -> Governing:
    key = _key(context, seen)
    context.key = key
    structlog.contextvars.bind_contextvars(actor=f"key:{key.prefix}")
    if "calls:create" not in key.scopes:
        raise InsufficientScope("This API key may read calls, not make them.")
    found = governing(slug, seen)
    if found is None or found.use_case.pk != key.use_case_id:
        raise ModelNotFound(
            f"The model “{slug}” does not exist or is not this key's. "
            f"This key calls “{key.use_case_slug}”.",
            param="model",
        )
    return found


def _key(context: CallContext, seen: Generation) -> ApiKey:
    request, now = context.request, context.received_at
    if request.key_id is not None:
        live = ApiKey.objects.select_related("team").filter(pk=request.key_id).first()
        if live is None or not live.is_live(now):
            raise InvalidApiKey("The API key of this work has ended.")
        return live
    try:
        return authenticated_key(request.presented_key, now, seen)
    except KeyRefused as refusal:
        raise InvalidApiKey(refusal.message) from None


def _tried_by_person(context: CallContext, slug: str, seen: Generation) -> Governing:
    person = context.request.person
    found = governing(slug, seen)
    team = found.use_case.team if found else None
    if found is None or person is None or not person.may(Permission.CALL_TRY, team):
        raise ModelNotFound(f"There is no use case “{slug}” that you may try.", param="model")
    return found
