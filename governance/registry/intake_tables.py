"""What a new use case was begun from."""

from __future__ import annotations

from typing import Any

from django.db import models


class IntakeOrigin(models.Model):
    """The use case whose answers were taken, which steps show them still, and what it is like."""

    use_case = models.OneToOneField("registry.UseCase", models.CASCADE, related_name="origin")
    source = models.ForeignKey(
        "registry.UseCase", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Steps whose answers nobody has looked at yet.
    prefilled: Any = models.JSONField(default=list, blank=True)
    resembles = models.ForeignKey(
        "registry.UseCase", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Why another one, although that was there.
    reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"Origin of {self.use_case}"
