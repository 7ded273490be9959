"""The kinds of change that the engine knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from django.db.models import Model

from governance.access.models import Team
from governance.approvals.evidence_rules import Worse
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from governance.kernel.registries import Registry
from governance.kernel.terms import RiskTier

if TYPE_CHECKING:
    from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest


@dataclass(frozen=True)
class Evidence:
    """One figure for the board: the proposal's value beside what is live; None is missing.

    With a `key` it is decisive: it is kept when the request opens, and the request goes stale
    when it is worse later, as `worse` says: its `grade` moved that way, or `members` came in.
    """

    label: str
    value: str | None
    live_value: str | None = None
    url: str = ""
    note: str = ""
    key: str = ""
    worse: Worse = Worse.OTHER
    grade: Decimal | int | None = None
    members: tuple[str, ...] = ()


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
class Revertible(Protocol):
    """A kind whose change can be taken back; only such a one can be an emergency.

    `remember` is asked just before the change is applied; `revert` gets its answer, after the
    engine has ended the change's approval and put those it replaced back in force. What has
    moved on by itself since then is left alone.
    """

    def remember(self, change: ChangeRequest) -> dict[str, Any]: ...
    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None: ...


class PartRefused(WrongState):
    """One part of several could not be applied, so none was."""

    code = "not_applied"

    def __init__(self, number: int, title: str, why: str) -> None:
        super().__init__(
            f"Nothing was applied, and your decision was not counted: part {number}, “{title}”, "
            f"could not be. {why}"
        )


@runtime_checkable
class Parted(Protocol):
    """A kind that consists of other requests, each of which gets its own approval."""

    def policy(self, subject: Any, proposal: dict[str, Any], tier: RiskTier) -> ApprovalPolicy: ...
    def lock_parts(self, change: ChangeRequest) -> None: ...
    def apply_parts(self, change: ChangeRequest, actor: Actor, now: datetime) -> None: ...
    def close_parts(
        self, change: ChangeRequest, action: str, actor: Actor, now: datetime
    ) -> None: ...
    def write_refusal(self, change_id: int, refused: PartRefused, now: datetime) -> None: ...


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
# Why a suspended approval must not be put back by anybody, in words; empty when it may.
resume_obstacles: Registry[Callable[[Approval, datetime], str]] = Registry("resume obstacles")
consequences: Registry[Callable[[Approval, datetime], list[Consequence]]] = Registry("consequences")

# What other apps know about the same subject and a decision rests on, as open incidents.
decisive_evidence: Registry[Callable[[Model], list[Evidence]]] = Registry("decisive evidence")
