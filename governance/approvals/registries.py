"""The kinds of change that the engine knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from django.db.models import Model

from governance.access.models import Team
from governance.kernel.authority import Actor
from governance.kernel.registries import Registry
from governance.kernel.terms import RiskTier

if TYPE_CHECKING:
    from governance.approvals.models import Approval, ChangeRequest


@dataclass(frozen=True)
class Evidence:
    """One figure for the board: the proposal's value beside what is live; None is missing."""

    label: str
    value: str | None
    live_value: str | None = None
    url: str = ""
    note: str = ""


class ChangeSubject(Protocol):
    """How one kind of change is snapshot, tiered, evidenced, applied and ended."""

    kind: str
    label: str

    def find(self, subject_id: int) -> Model: ...
    def snapshot(self, subject: Any, proposal: dict[str, Any]) -> dict[str, Any]: ...
    def base(self, subject: Any, proposal: dict[str, Any]) -> dict[str, Any]: ...
    def tier(self, subject: Any, proposal: dict[str, Any]) -> RiskTier: ...
    def team(self, subject: Any) -> Team | None: ...
    def authors(self, subject: Any, proposal: dict[str, Any]) -> set[int]: ...
    def missing(self, subject: Any, proposal: dict[str, Any]) -> list[str]: ...
    def evidence(self, subject: Any, proposal: dict[str, Any]) -> list[Evidence]: ...
    def apply(
        self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime
    ) -> None: ...
    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None: ...
    def url(self, subject: Any) -> str: ...
    def check_can_propose(self, actor: Actor, subject: Any) -> None: ...


@runtime_checkable
class Resumable(Protocol):
    """A kind whose thing comes back when its suspended approval does.

    Kinds that only ask for the approval when they are used need nothing.
    """

    def resume(self, approval: Approval, actor: Actor, now: datetime) -> None: ...


@runtime_checkable
class Openable(Protocol):
    """A kind that anybody who may propose it can open by its plain facts, as over the API.

    Other kinds are proposed where their content is written.
    """

    def read_proposal(self, subject: Any, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Title and proposal from facts that are not trusted; raises Invalid."""
        ...


@dataclass(frozen=True)
class Consequence:
    """What stops when an approval does: how many of what, and where to see them."""

    label: str
    count: int
    url: str = ""


change_subjects: Registry[ChangeSubject] = Registry("change subjects")
consequences: Registry[Callable[[Approval, datetime], list[Consequence]]] = Registry("consequences")
