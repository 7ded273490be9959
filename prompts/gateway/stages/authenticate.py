"""Whose call is this, for which use case?"""

from __future__ import annotations

import structlog

from governance.access.selectors import KeyRefused, authenticate_key
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import InsufficientScope, InvalidApiKey, ModelNotFound


def authenticate(context: CallContext) -> None:
    """The key's own use case, or for a person one of a team in which they may try."""
    slug = context.request.model.partition("/")[0]
    if context.request.person is not None:
        context.use_case = _tried_by_person(context, slug)
        return
    try:
        key = authenticate_key(context.request.presented_key, context.received_at)
    except KeyRefused as refusal:
        raise InvalidApiKey(refusal.message) from None
    context.key = key
    structlog.contextvars.bind_contextvars(actor=f"key:{key.prefix}")
    if "calls:create" not in key.scopes:
        raise InsufficientScope("This API key may read calls, not make them.")
    found = UseCase.objects.select_related("team").filter(pk=key.use_case_id, slug=slug).first()
    if found is None:
        raise ModelNotFound(
            f"The model “{slug}” does not exist or is not this key's. "
            f"This key calls “{key.use_case_slug}”.",
            param="model",
        )
    context.use_case = found


def _tried_by_person(context: CallContext, slug: str) -> UseCase:
    person = context.request.person
    found = UseCase.objects.select_related("team").filter(slug=slug).first()
    if found is None or person is None or not person.may(Permission.CALL_TRY, found.team):
        raise ModelNotFound(f"There is no use case “{slug}” that you may try.", param="model")
    return found
