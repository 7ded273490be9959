"""Try it: one call through the governed gateway, as the application would make it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import digest
from governance.kernel.terms import cannot_be_kept
from governance.kernel.web import page, requires
from prompts.gateway import pipeline, shapes
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from prompts.gateway.trying import LONGEST, MESSAGE, Filled, as_curl, as_python, body_of, filled
from prompts.releases.models import Release

MOST_OFFERED = 300
NO_KEY = "plc_…"


@dataclass(frozen=True)
class Shown:
    """A reply as an application would get it."""

    status: int
    headers: dict[str, str]
    body: str
    reply: GovernedReply


@requires(Permission.CALL_TRY)
def try_it(request: HttpRequest) -> HttpResponse:
    """Choose a release, fill in its variables, see the same call as code and what comes back."""
    releases = _offered(cast(User, request.user))
    wanted = request.POST.get("release") or request.GET.get("release")
    use_case = request.GET.get("use_case", "")
    chosen = next((one for one in releases if str(one.pk) == wanted), None)
    chosen = chosen or next((one for one in releases if one.use_case.slug == use_case), None)
    chosen = chosen or (releases[0] if releases else None)
    context: dict[str, Any] = {"releases": releases, "chosen": chosen, "most_text": LONGEST}
    context["may_make_keys"] = cast(User, request.user).may(Permission.API_KEY_MANAGE)
    if chosen is not None:
        context |= _tried(request, chosen, releases)
    status = 422 if request.method == "POST" and not context.get("shown") else 200
    return page(request, "prompts/gateway/try.html", context, status=status)


def _offered(user: User) -> list[Release]:
    """Releases in force in the person's reach."""
    reach = user.reach(Permission.CALL_TRY)
    running = Release.objects.running(timezone.now())
    if not reach.everywhere:
        running = running.filter(use_case__team_id__in=reach.team_ids)
    named = running.select_related("use_case", "version__prompt")
    return list(named.order_by("use_case__title", "environment", "pk")[:MOST_OFFERED])


def _tried(request: HttpRequest, chosen: Release, releases: list[Release]) -> dict[str, Any]:
    is_sent = request.method == "POST"
    found = filled(chosen.version.variables, request.POST if is_sent else None)
    message = request.POST.get(MESSAGE, "")[:LONGEST]
    message = message if chosen.version.takes_caller_messages else ""
    unkept = is_sent and any(map(cannot_be_kept, (message, *(one.typed for one in found.fields))))
    body = body_of(_model(chosen, releases), _shown_values(found), message, chosen.environment)
    key = _key_of(chosen)
    shown_key = f"plc_{key.prefix}…" if key else NO_KEY
    address = request.build_absolute_uri("/v1")
    context: dict[str, Any] = {
        "form_token": uuid.uuid4(),
        "fields": found.fields,
        "message": message,
        "unkept": unkept,
        "key": key,
        "curl": as_curl(address, shown_key, body),
        "python": as_python(address, shown_key, body),
    }
    if is_sent and found.is_valid and not unkept:
        context["shown"] = _run(request, chosen, found.values, message)
    return context


def _model(chosen: Release, releases: list[Release]) -> str:
    """The use case, and with several prompts in force there, which of them."""
    beside = [
        one
        for one in releases
        if (one.use_case_id, one.environment) == (chosen.use_case_id, chosen.environment)
    ]
    slug = chosen.use_case.slug
    return slug if len(beside) == 1 else f"{slug}/{chosen.version.prompt.slug}"


def _shown_values(found: Filled) -> dict[str, Any]:
    """What is typed so far, or a place for it."""
    return {
        one.name: found.values.get(one.name, "…") for one in found.fields if one.is_required
    } | (found.values)


def _key_of(chosen: Release) -> ApiKey | None:
    """The newest live key of the use case; of its secret nothing is known but the prefix."""
    now = timezone.now()
    keys = ApiKey.objects.filter(use_case_id=chosen.use_case_id, revoked_at=None)
    return next((one for one in keys[:20] if one.is_live(now)), None)


def _run(request: HttpRequest, chosen: Release, values: dict[str, Any], message: str) -> Shown:
    """A governed call of the person: it is booked, and marked as tried inside Placet."""
    model = f"{chosen.use_case.slug}/{chosen.version.prompt.slug}"
    token = request.POST.get("form_token", "")[:100]
    asked = digest([chosen.pk, json.dumps(values, sort_keys=True), message])
    reply = pipeline.run(
        GovernedRequest(
            model=model,
            person=cast(User, request.user),
            variables=values,
            messages=[{"role": "user", "content": message}] if message else [],
            environment=chosen.environment,
            # Sent twice by a double click it is one call; an edited text is another.
            idempotency_key=f"try:{token}:{asked[:32]}" if token else "",
            body_hash=asked,
        )
    )
    headers = shapes.governing_headers(reply)
    if reply.refusal is not None:
        headers |= shapes.error_headers(reply.refusal)
        said, status = shapes.error_body(reply.refusal), reply.refusal.status
    else:
        said, status = shapes.completion(reply, model), 200
    return Shown(status, headers, json.dumps(said, indent=2, ensure_ascii=False), reply)
