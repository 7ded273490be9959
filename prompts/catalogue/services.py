"""Write prompts and their versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.text import slugify

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import digest
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import cannot_be_kept, name_fault
from governance.registry.models import UseCase
from governance.registry.rules import Stage
from prompts.catalogue.content import problems_by_field
from prompts.catalogue.models import STYLES, Prompt, PromptVersion
from prompts.catalogue.parameters import exact_parameters
from prompts.catalogue.rendering import Message

RESERVED_SLUGS = frozenset({"new"})  # its page would hide behind the form of a new prompt
_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
TAKEN = "Another prompt has this short name."


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
    use_case: UseCase,
    now: datetime,
    slug: str = "",
    purpose: str = "",
    style: str = "plain",
) -> Prompt:
    """A prompt without a version. An empty short name is made from the name."""
    check_can_author(actor, use_case)
    name, slug = name.strip(), slug.strip()
    problems = _problems_of_prompt(name, slug, purpose, style, use_case)
    if problems:
        sentences = " ".join(sentence for one in problems.values() for sentence in one)
        raise Invalid(f"Nothing was saved. {sentences}", fields=problems)
    prompt = Prompt(
        name=name,
        slug=slug or _free_slug(name),
        use_case=use_case,
        purpose=purpose.strip(),
        style=style,
        created_at=now,
    )
    try:
        with transaction.atomic():
            prompt.save(force_insert=True)
    except IntegrityError:
        raise Invalid(f"Nothing was saved. {TAKEN}", fields={"slug": [TAKEN]}) from None
    _record(actor, "prompt.created", prompt, now, {"use_case": use_case.slug})
    return prompt


def _problems_of_prompt(
    name: str, slug: str, purpose: str, style: str, use_case: UseCase
) -> dict[str, list[str]]:
    found = {
        "name": "Give it a name." if not name else _too_long(name, 150) or name_fault(name),
        "slug": _problem_of_slug(slug) if slug else "",
        "purpose": _too_long(purpose, 5000),
        "style": "" if style in STYLES else f"Choose one of {', '.join(STYLES)}.",
        "use_case": "This use case is retired." if use_case.stage == Stage.RETIRED else "",
    }
    return {field: [sentence] for field, sentence in found.items() if sentence}


def _too_long(text: str, most: int) -> str:
    if cannot_be_kept(text):
        return "There is a null character in it."
    return f"At most {most:,} characters." if len(text) > most else ""


def _problem_of_slug(slug: str) -> str:
    if len(slug) > 80 or not _SLUG.fullmatch(slug) or slug in RESERVED_SLUGS:
        return "Write another: at most 80 letters, digits and hyphens, and not “new”."
    return TAKEN if Prompt.objects.filter(slug=slug).exists() else ""


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "prompt"
    similar = Prompt.objects.filter(slug__regex=rf"^{re.escape(base)}(-\d+)?$")
    taken = set(similar.values_list("slug", flat=True)) | RESERVED_SLUGS
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(one for one in numbered if one not in taken)


@transaction.atomic
def create_version(
    *,
    actor: Actor,
    prompt: Prompt,
    messages: list[Message],
    variables: dict[str, Any],
    output_contract: dict[str, Any],
    parameters: Mapping[str, Any],
    changelog: str,
    now: datetime,
    takes_caller_messages: bool = False,
) -> PromptVersion:
    """The next version. Raises Invalid with every problem beside the field that it is about."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    check_can_author(actor, prompt.use_case)
    content: dict[str, Any] = {
        "messages": messages,
        "variables": variables,
        "output_contract": output_contract,
    }
    problems = problems_by_field(**content, parameters=parameters)
    if not changelog.strip() or "\x00" in changelog:
        problems["changelog"] = ["Say in a line what changed."]
    if problems:
        sentences = " ".join(sentence for one in problems.values() for sentence in one)
        raise Invalid(f"Nothing was saved. {sentences}", fields=problems)
    latest = prompt.versions.aggregate(Max("number"))["number__max"] or 0
    version = PromptVersion(
        prompt=prompt,
        number=latest + 1,
        **content,
        parameters=exact_parameters(parameters),
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
