"""Which controls are answered: by what is kept, else each query runs once for all its controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.access.models import User
from governance.compliance.confirming import confirmations_of
from governance.compliance.frameworks import FRAMEWORKS, NOT_RECORDED
from governance.compliance.keeping import kept_evidence
from governance.compliance.models import (
    VIEWING,
    ComplianceAction,
    ComplianceActionQuerySet,
    Confirmation,
)
from governance.compliance.registries import control_evidence
from governance.compliance.rules import (
    Control,
    ControlState,
    Evidence,
    Framework,
    control_state,
    coverage,
    evidence_state,
)
from governance.kernel.errors import NotFound


@dataclass(frozen=True)
class Answer:
    """One evidence as it was when asked, its state now, and whether this reader opens the records."""

    key: str
    title: str
    evidence: Evidence
    state: ControlState
    may_open: bool
    asked_at: datetime


@dataclass(frozen=True)
class ControlAnswer:
    """A control, its state, and what answers it."""

    control: Control
    state: ControlState
    answers: list[Answer]
    actions: list[ComplianceAction]
    confirmation: Confirmation | None = None

    @property
    def is_gap(self) -> bool:
        return self.state != ControlState.ANSWERED

    @property
    def freshness(self) -> datetime | None:
        """Of its oldest evidence; nothing when some has no age."""
        times = [one.evidence.freshness for one in self.answers]
        known = [one for one in times if one is not None]
        return min(known) if known and len(known) == len(times) else None


def framework_named(slug: str) -> Framework:
    """Raises NotFound."""
    if slug not in FRAMEWORKS:
        raise NotFound("There is no such framework.")
    return FRAMEWORKS[slug]


def answers_for(
    frameworks: Iterable[Framework],
    now: datetime,
    user: User | None,
    kept: Mapping[str, tuple[Evidence, datetime]] | None = None,
) -> dict[str, Answer]:
    """Every evidence that the frameworks name, asked once each unless it is kept."""
    keys = {key for one in frameworks for control in one.controls for key in control.evidence}
    return {key: _answer(key, now, user, kept or {}) for key in sorted(keys)}


def _answer(
    key: str, now: datetime, user: User | None, kept: Mapping[str, tuple[Evidence, datetime]]
) -> Answer:
    if key in NOT_RECORDED:
        absent = Evidence(NOT_RECORDED[key], 0, 0, None, "")
        return Answer(key, key.capitalize(), absent, ControlState.NONE, False, now)
    source = control_evidence[key]
    evidence, asked_at = kept[key] if key in kept else (source.query(now, user), now)
    state = evidence_state(evidence, at_least=source.at_least, fresh_for=source.fresh_for, now=now)
    may_open = bool(evidence.url) and (user is None or user.may(source.permission))
    return Answer(key, source.title, evidence, state, may_open, asked_at)


def controls_of(framework: Framework, now: datetime, user: User | None) -> list[ControlAnswer]:
    """Each control of it as it stands, with the open actions on it."""
    answers = answers_for([framework], now, user, kept_evidence(now))
    actions: dict[str, list[ComplianceAction]] = {}
    opened = ComplianceAction.objects.open().filter(framework=framework.slug)
    for action in opened.select_related("owner"):
        actions.setdefault(action.control, []).append(action)
    confirmed = confirmations_of(framework)
    return [
        _control(one, answers, actions.get(one.ref, []), confirmed.get(one.ref))
        for one in framework.controls
    ]


def _control(
    control: Control,
    answers: dict[str, Answer],
    actions: list[ComplianceAction],
    confirmation: Confirmation | None = None,
) -> ControlAnswer:
    its = [answers[key] for key in control.evidence]
    state = control_state(one.state for one in its)
    return ControlAnswer(control, state, its, actions, confirmation)


def asked_at(controls: Iterable[ControlAnswer]) -> datetime | None:
    """When the oldest of what they show was asked."""
    return min((one.asked_at for control in controls for one in control.answers), default=None)


def coverage_of_all(
    now: datetime, user: User | None
) -> tuple[list[tuple[Framework, dict[str, int]]], datetime]:
    """Every framework with how many of its controls are in which state, and as of when."""
    answers = answers_for(FRAMEWORKS.values(), now, user, kept_evidence(now))
    counted = [
        (one, coverage([_control(control, answers, []).state for control in one.controls]))
        for one in FRAMEWORKS.values()
    ]
    return counted, min((one.asked_at for one in answers.values()), default=now)


_SHOWN: dict[str, Callable[[ComplianceActionQuerySet], ComplianceActionQuerySet]] = {
    "open": lambda actions: actions.open(),
    "all": lambda actions: actions,
}
ACTION_FILTERS = tuple(_SHOWN)


def actions_listed(user: User, show: str) -> ComplianceActionQuerySet:
    """Those that the person may see, with owner and author; an unknown filter shows open ones."""
    seen = ComplianceAction.objects.visible_to(user).select_related("owner", "made_by")
    return _SHOWN.get(show, _SHOWN["open"])(seen)


def may_view(user: User) -> bool:
    return any(user.may(one) for one in VIEWING)
