"""What apps above know of a version that shall be released."""

from __future__ import annotations

from collections.abc import Callable

from governance.approvals.registries import Evidence
from governance.kernel.registries import Registry
from prompts.catalogue.models import PromptVersion

# (the proposed version, the one that is live there) → figures for the board.
release_evidence: Registry[Callable[[PromptVersion, PromptVersion | None], list[Evidence]]] = (
    Registry("evidence of releases")
)
