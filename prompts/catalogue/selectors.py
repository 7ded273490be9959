"""Reads that pages and the API share."""

from __future__ import annotations

from django.db.models import Max, Q, QuerySet

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.terms import Environment
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from governance.registry.rules import Stage
from prompts.catalogue.models import Prompt, PromptQuerySet, PromptVersion


def prompts_visible_to(user: User) -> PromptQuerySet:
    """Prompts in reach with their latest version and the one that is live, by number."""
    return (
        Prompt.objects.visible_to(user)
        .select_related("use_case__team")
        .annotate(
            latest_version=Max("versions__number"),
            live_in_production=_live(Environment.PRODUCTION),
            live_in_staging=_live(Environment.STAGING),
        )
        .order_by("name", "pk")
    )


def _live(environment: Environment) -> Max:
    """At most one release runs in an environment: the maximum is its version."""
    running = Q(releases__ended_at=None, releases__environment=environment)
    return Max("releases__version__number", filter=running)


def prompt_for(user: User, slug: str) -> Prompt:
    found: Prompt = get_or_404(prompts_visible_to(user), slug=slug)
    return found


def version_for(user: User, slug: str, number: int) -> PromptVersion:
    versions = PromptVersion.objects.select_related("prompt__use_case__team", "author")
    found: PromptVersion = get_or_404(versions, prompt=prompt_for(user, slug), number=number)
    return found


def authored_use_cases(user: User) -> QuerySet[UseCase]:
    """Use cases that the person may write prompts for."""
    reach = user.reach(Permission.PROMPT_AUTHOR)
    use_cases = UseCase.objects.exclude(stage=Stage.RETIRED).select_related("team")
    return use_cases if reach.everywhere else use_cases.filter(team_id__in=reach.team_ids)


def authored_use_case(user: User, slug: str) -> UseCase:
    """The one of that short name; Invalid beside the field for any other."""
    found = authored_use_cases(user).filter(slug=slug).first()
    if found is None:
        raise Invalid(
            "Nothing was saved: choose a use case of a team whose prompts you write.",
            fields={"use_case": ["Choose one of a team whose prompts you write."]},
        )
    return found
