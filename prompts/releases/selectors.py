"""Which release answers."""

from __future__ import annotations

from datetime import datetime

from governance.registry.models import UseCase
from prompts.releases.models import Release


def running_releases(use_case: UseCase, environment: str, now: datetime) -> list[Release]:
    """All that run for the use case, with prompt, version and approval."""
    return list(
        Release.objects.running(now)
        .filter(use_case=use_case, environment=environment)
        .select_related("prompt", "version__prompt", "approval")
    )
