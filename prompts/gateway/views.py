"""Try it: one call through the governed gateway, as the application would make it."""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.canonical import digest
from governance.kernel.web import page, requires
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.releases.models import Release


@requires(Permission.CALL_TRY)
def try_it(request: HttpRequest) -> HttpResponse:
    """Choose a release, fill in its variables, see what comes back and what it cost."""
    reach = cast(User, request.user).reach(Permission.CALL_TRY)
    running = Release.objects.filter(ended_at=None).select_related("use_case", "version__prompt")
    if not reach.everywhere:
        running = running.filter(use_case__team_id__in=reach.team_ids)
    releases = list(running)
    wanted = request.POST.get("release") or request.GET.get("release")
    chosen = next((one for one in releases if str(one.pk) == wanted), None)
    chosen = chosen or (releases[0] if releases else None)
    names = list(chosen.version.variables.get("properties", {})) if chosen else []
    context: dict[str, Any] = {
        "form_token": uuid.uuid4(),
        "releases": releases,
        "chosen": chosen,
        "fields": [(name, request.POST.get(f"variable-{name}", "")) for name in names],
        "example": _example(chosen, names) if chosen else "",
    }
    if request.method == "POST" and chosen is not None:
        token = request.POST.get("form_token", "")[:100]
        variables = {name: request.POST.get(f"variable-{name}", "") for name in names}
        asked = digest([chosen.pk, variables])
        context["reply"] = pipeline.run(
            GovernedRequest(
                model=f"{chosen.use_case.slug}/{chosen.version.prompt.slug}",
                person=cast(User, request.user),
                variables=variables,
                environment=chosen.environment,
                # Sent twice by a double click it is one call; an edited text is another.
                idempotency_key=f"try:{token}:{asked[:32]}" if token else "",
                body_hash=asked,
            )
        )
    return page(request, "prompts/gateway/try.html", context)


def _example(release: Release, names: list[str]) -> str:
    """The same call with the OpenAI client."""
    variables = json.dumps(dict.fromkeys(names, "…"), ensure_ascii=False)
    return (
        "from openai import OpenAI\n"
        'client = OpenAI(base_url="https://placet.example/v1", api_key="plc_…")\n'
        "reply = client.chat.completions.create(\n"
        f'    model="{release.use_case.slug}", messages=[],\n'
        f'    extra_body={{"variables": {variables}}},\n'
        ")\n"
        "print(reply.choices[0].message.content)"
    )
