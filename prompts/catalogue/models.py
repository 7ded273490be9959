"""Prompts and their versions. A version is written once; the database refuses changes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.registry.models import UseCase

STYLES = ("plain", "few_shot", "stepwise", "structured")
CONTENT_FIELDS = (
    "messages",
    "variables",
    "output_contract",
    "parameters",
    "takes_caller_messages",
)


class PromptQuerySet(models.QuerySet["Prompt"]):
    def visible_to(self, user: User) -> PromptQuerySet:
        reach = user.reach(Permission.PROMPT_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)


class Prompt(models.Model):
    """What is said to a model for one purpose of a use case."""

    name = models.CharField(max_length=150)
    slug = models.SlugField(max_length=80, unique=True)
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="prompts")
    purpose = models.TextField(blank=True)
    style = models.CharField(max_length=12, choices=[(s, s.replace("_", " ")) for s in STYLES])
    created_at = models.DateTimeField()

    objects = PromptQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """One immutable content of a prompt, known by its hash."""

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    messages: Any = models.JSONField()
    variables: Any = models.JSONField(default=dict)
    output_contract: Any = models.JSONField(default=dict)
    parameters: Any = models.JSONField(default=dict)
    takes_caller_messages = models.BooleanField(default=False)
    changelog = models.CharField(max_length=300)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    content_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="version_number")]

    def __str__(self) -> str:
        return f"{self.prompt.slug} v{self.number}"

    def content(self) -> dict[str, Any]:
        """What is hashed and decided on."""
        return {name: getattr(self, name) for name in CONTENT_FIELDS}
