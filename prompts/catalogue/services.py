"""Write prompts and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import digest, plain
from governance.kernel.errors import Invalid, NotAllowed
from governance.policy import output_contract as contracts
from governance.registry.models import UseCase
from prompts.catalogue.models import STYLES, Prompt, PromptVersion
from prompts.catalogue.rendering import Message, problems_of

PARAMETERS = {"temperature", "top_p", "max_tokens", "seed"}


def check_can_author(actor: Actor, use_case: UseCase) -> None:
    if not actor.may(Permission.PROMPT_AUTHOR, use_case.team):
        raise NotAllowed(
            "Nothing was saved: prompt and ML engineers of the team write its prompts."
        )


@transaction.atomic
def create_prompt(
    *,
    actor: Actor,
    name: str,
    slug: str,
    use_case: UseCase,
    now: datetime,
    purpose: str = "",
    style: str = "plain",
) -> Prompt:
    check_can_author(actor, use_case)
    if style not in STYLES:
        raise Invalid("Nothing was saved: choose a style.", fields={"style": ["Choose one."]})
    if Prompt.objects.filter(slug=slug).exists():
        raise Invalid(
            "Nothing was saved: another prompt has this short name.",
            fields={"slug": ["Another prompt has this short name."]},
        )
    prompt = Prompt.objects.create(
        name=name, slug=slug, use_case=use_case, purpose=purpose, style=style, created_at=now
    )
    _record(actor, "prompt.created", prompt, now, {"use_case": use_case.slug})
    return prompt


@transaction.atomic
def create_version(
    *,
    actor: Actor,
    prompt: Prompt,
    messages: list[Message],
    variables: dict[str, Any],
    output_contract: dict[str, Any],
    parameters: dict[str, Any],
    changelog: str,
    now: datetime,
    takes_caller_messages: bool = False,
) -> PromptVersion:
    """The next version. Raises Invalid with every problem of its template and contract."""
    check_can_author(actor, prompt.use_case)
    problems = problems_of(messages, variables) + contracts.problems_of(output_contract)
    problems += [f"{name} is no parameter." for name in sorted(parameters.keys() - PARAMETERS)]
    if not changelog.strip():
        problems.append("Say in a line what changed.")
    if problems:
        raise Invalid("Nothing was saved. " + " ".join(problems), fields={"messages": problems})
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    latest = prompt.versions.aggregate(Max("number"))["number__max"] or 0
    version = PromptVersion(
        prompt=prompt,
        number=latest + 1,
        messages=messages,
        variables=variables,
        output_contract=output_contract,
        parameters=plain(parameters),
        takes_caller_messages=takes_caller_messages,
        changelog=changelog.strip()[:300],
        author=actor.user,
        created_at=now,
    )
    version.content_hash = digest(version.content())
    version.save(force_insert=True)
    after = {"version": version.number, "hash": version.content_hash}
    _record(actor, "prompt.version_created", prompt, now, after)
    return version


def _record(
    actor: Actor, action: str, prompt: Prompt, now: datetime, after: dict[str, Any]
) -> None:
    team_id = prompt.use_case.team_id
    record(actor=actor, action=action, subject=prompt, now=now, after=after, team_id=team_id)
