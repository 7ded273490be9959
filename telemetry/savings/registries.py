"""Which other deployments did as well in an evaluation. Whoever evaluates adds it in its hooks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from governance.kernel.registries import Registry


@dataclass(frozen=True)
class PassedElsewhere:
    """A version that is asked at `deployment_id` passed as much at `other_id`, in the same cases.

    `score` and `other_score` are in words; `path` leads to the run at the other deployment.
    """

    version_id: int
    deployment_id: int
    other_id: int
    suite: str
    ran_on: date
    score: str
    other_score: str
    path: str


evaluations_elsewhere: Registry[Callable[[], list[PassedElsewhere]]] = Registry(
    "evaluations elsewhere"
)
