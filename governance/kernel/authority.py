"""Permissions, roles and actors: who may do what, as data. No tables here.

A role is a named set of permissions (domain table, section 4). Grants give a person a role
in a scope; `User.may` answers from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


class Permission(StrEnum):
    """Every permission there is, in alphabetical order."""

    ALERT_MANAGE = "alert_manage"
    ALERT_VIEW = "alert_view"
    API_KEY_MANAGE = "api_key_manage"
    AUDIT_PACK_BUILD = "audit_pack_build"
    AUDIT_VIEW = "audit_view"
    BUDGET_MANAGE = "budget_manage"
    CALL_BODY_VIEW = "call_body_view"
    CALL_TRY = "call_try"
    CALL_VIEW = "call_view"
    CHANGE_VIEW = "change_view"
    CHARGEBACK_VIEW = "chargeback_view"
    DATASET_MANAGE = "dataset_manage"
    DRIFT_MANAGE = "drift_manage"
    DRIFT_VIEW = "drift_view"
    ERASURE_MANAGE = "erasure_manage"
    INCIDENT_COMMAND = "incident_command"
    INCIDENT_DECLARE = "incident_declare"
    INCIDENT_VIEW = "incident_view"
    LEGAL_HOLD_MANAGE = "legal_hold_manage"
    MODEL_AUTHOR = "model_author"
    MODEL_VIEW = "model_view"
    PEOPLE_MANAGE = "people_manage"
    PEOPLE_VIEW = "people_view"
    PRICE_MANAGE = "price_manage"
    PROMPT_AUTHOR = "prompt_author"
    PROMPT_VIEW = "prompt_view"
    RELEASE_PROPOSE = "release_propose"
    REVIEW_MANAGE = "review_manage"
    REVIEW_VIEW = "review_view"
    REVIEW_WORK = "review_work"
    SIGN_BOARD = "sign_board"
    SIGN_BUDGET = "sign_budget"
    SIGN_COMPLIANCE = "sign_compliance"
    SIGN_DATA = "sign_data"
    SIGN_SAFETY = "sign_safety"
    SIGN_TECHNICAL = "sign_technical"
    STATEMENT_CLOSE = "statement_close"
    USE_CASE_ASSESS = "use_case_assess"
    USE_CASE_MANAGE = "use_case_manage"
    USE_CASE_VIEW = "use_case_view"


ScopeKind = Literal["organisation", "team", "queue"]


@dataclass(frozen=True)
class Role:
    """A named set of permissions, each at the widest scope at which the role may hold it.

    `organisation` permissions reach everything even when the grant's scope is one team or
    queue; `scoped` ones reach only what the grant's scope holds.
    """

    code: str
    title: str
    purpose: str
    granted_on: ScopeKind
    organisation: frozenset[Permission] = field(default_factory=frozenset)
    scoped: frozenset[Permission] = field(default_factory=frozenset)

    @property
    def permissions(self) -> frozenset[Permission]:
        return self.organisation | self.scoped


P = Permission
_REGISTER_VIEW = {P.USE_CASE_VIEW, P.MODEL_VIEW, P.PROMPT_VIEW, P.CHANGE_VIEW}
_EVERYONE = {P.INCIDENT_DECLARE, P.INCIDENT_VIEW}
_SEES_RUNNING = {P.CALL_VIEW, P.REVIEW_VIEW, P.DRIFT_VIEW, P.ALERT_VIEW}


def _role(
    code: str,
    title: str,
    purpose: str,
    granted_on: ScopeKind,
    organisation: set[Permission],
    scoped: set[Permission] | None = None,
) -> Role:
    return Role(
        code,
        title,
        purpose,
        granted_on,
        frozenset(organisation | _EVERYONE),
        frozenset(scoped or ()),
    )


ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        _role(
            "administrator",
            "Administrator",
            "Keeps people, teams and keys; decides nothing.",
            "organisation",
            _REGISTER_VIEW
            | _SEES_RUNNING
            | {
                P.PEOPLE_MANAGE,
                P.PEOPLE_VIEW,
                P.API_KEY_MANAGE,
                P.AUDIT_VIEW,
                P.CHARGEBACK_VIEW,
            },
        ),
        _role(
            "board",
            "Board member",
            "Decides what may run.",
            "organisation",
            _REGISTER_VIEW | _SEES_RUNNING | {P.SIGN_BOARD, P.CHARGEBACK_VIEW, P.AUDIT_VIEW},
        ),
        _role(
            "owner",
            "Product owner",
            "Registers use cases of their team and answers for them.",
            "team",
            {P.MODEL_VIEW},
            {
                P.USE_CASE_VIEW,
                P.USE_CASE_MANAGE,
                P.PROMPT_VIEW,
                P.RELEASE_PROPOSE,
                P.CHANGE_VIEW,
                P.REVIEW_VIEW,
                P.CALL_VIEW,
                P.CALL_TRY,
                P.CHARGEBACK_VIEW,
                P.DRIFT_VIEW,
                P.ALERT_VIEW,
                P.AUDIT_VIEW,
                P.API_KEY_MANAGE,
            },
        ),
        _role(
            "prompt_engineer",
            "Prompt engineer",
            "Writes prompts and proposes releases for their team.",
            "team",
            {P.MODEL_VIEW},
            {
                P.USE_CASE_VIEW,
                P.PROMPT_VIEW,
                P.PROMPT_AUTHOR,
                P.RELEASE_PROPOSE,
                P.CHANGE_VIEW,
                P.REVIEW_VIEW,
                P.CALL_VIEW,
                P.CALL_BODY_VIEW,
                P.CALL_TRY,
                P.CHARGEBACK_VIEW,
                P.DRIFT_VIEW,
                P.ALERT_VIEW,
            },
        ),
        _role(
            "ml_engineer",
            "ML engineer",
            "Documents models, runs deployments, signs the technical slot.",
            "team",
            {
                P.USE_CASE_VIEW,
                P.MODEL_VIEW,
                P.MODEL_AUTHOR,
                P.CHANGE_VIEW,
                P.SIGN_TECHNICAL,
            },
            {
                P.PROMPT_VIEW,
                P.PROMPT_AUTHOR,
                P.RELEASE_PROPOSE,
                P.REVIEW_VIEW,
                P.CALL_VIEW,
                P.CALL_BODY_VIEW,
                P.CALL_TRY,
                P.CHARGEBACK_VIEW,
                P.DRIFT_VIEW,
                P.DRIFT_MANAGE,
                P.ALERT_VIEW,
                P.ALERT_MANAGE,
            },
        ),
        _role(
            "data_steward",
            "Data steward",
            "Answers for the data that use cases rest on, signs the data slot.",
            "organisation",
            _REGISTER_VIEW
            | {
                P.DATASET_MANAGE,
                P.SIGN_DATA,
                P.CALL_VIEW,
                P.CALL_BODY_VIEW,
                P.AUDIT_VIEW,
                P.ERASURE_MANAGE,
            },
        ),
        _role(
            "safety",
            "Safety officer",
            "Assesses risk, signs the safety slot, commands incidents.",
            "organisation",
            _REGISTER_VIEW
            | _SEES_RUNNING
            | {
                P.USE_CASE_ASSESS,
                P.SIGN_SAFETY,
                P.REVIEW_MANAGE,
                P.CALL_BODY_VIEW,
                P.CHARGEBACK_VIEW,
                P.INCIDENT_COMMAND,
                P.AUDIT_VIEW,
                P.DRIFT_MANAGE,
                P.ALERT_MANAGE,
            },
        ),
        _role(
            "reviewer",
            "Reviewer",
            "Decides on held answers in their queues.",
            "queue",
            set(),
            {P.REVIEW_WORK},
        ),
        _role(
            "review_lead",
            "Review lead",
            "Answers for a queue and its SLA.",
            "queue",
            {P.USE_CASE_VIEW, P.CHANGE_VIEW, P.CALL_VIEW, P.ALERT_VIEW},
            {P.REVIEW_WORK, P.REVIEW_MANAGE, P.REVIEW_VIEW, P.CALL_BODY_VIEW},
        ),
        _role(
            "finance",
            "Finance",
            "Keeps budgets and prices, closes months, signs the budget slot.",
            "organisation",
            {
                P.CALL_VIEW,
                P.CHARGEBACK_VIEW,
                P.BUDGET_MANAGE,
                P.STATEMENT_CLOSE,
                P.PRICE_MANAGE,
                P.SIGN_BUDGET,
                P.USE_CASE_VIEW,
                P.MODEL_VIEW,
                P.CHANGE_VIEW,
                P.AUDIT_VIEW,
                P.ALERT_VIEW,
            },
        ),
        _role(
            "compliance",
            "Compliance",
            "Proves what happened, signs the compliance slot.",
            "organisation",
            _REGISTER_VIEW
            | _SEES_RUNNING
            | {
                P.SIGN_COMPLIANCE,
                P.CHARGEBACK_VIEW,
                P.AUDIT_VIEW,
                P.AUDIT_PACK_BUILD,
                P.PEOPLE_VIEW,
                P.LEGAL_HOLD_MANAGE,
                P.ERASURE_MANAGE,
            },
        ),
    )
}


class Person(Protocol):
    """What an actor needs to know of a user."""

    pk: Any

    def may(self, permission: Permission, scope: Any = None) -> bool: ...


@dataclass(frozen=True)
class Actor:
    """Who does it: a person, an application's key, the system, or a versioned policy.

    `identifier` is the row's primary key as text (or the job's name), `label` what people
    read in the audit log.
    """

    kind: Literal["person", "key", "system", "policy"]
    identifier: str
    label: str
    user: Any = None

    @classmethod
    def person(cls, user: Any) -> Actor:
        return cls("person", str(user.pk), str(user), user)

    @classmethod
    def system(cls, job: str) -> Actor:
        """The product itself, running `job`; may do everything a service lets it."""
        return cls("system", job, f"Placet ({job})")

    @classmethod
    def key(cls, identifier: str, label: str) -> Actor:
        return cls("key", identifier, label)

    def may(self, permission: Permission, scope: Any = None) -> bool:
        """Whether the actor holds `permission` on `scope` (a team or queue; None: anywhere)."""
        if self.kind == "person":
            return bool(self.user.may(permission, scope))
        return self.kind in ("system", "policy")
