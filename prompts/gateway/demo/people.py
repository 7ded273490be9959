"""One person per role, three teams."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from governance.access import services as access
from governance.access.models import Organisation, Team, User
from governance.kernel.authority import ROLES, Actor

TEAMS = (
    ("Legal", "legal", "CC-100"),
    ("Engineering", "engineering", "CC-200"),
    ("Customer support", "support", "CC-300"),
)
NAMES = {
    "administrator": "Ada Admin",
    "board": "Bea Board",
    "owner": "Otto Owner",
    "prompt_engineer": "Pia Prompt",
    "ml_engineer": "Milo Model",
    "data_steward": "Dora Data",
    "safety": "Sam Safety",
    "reviewer": "Rosa Reviewer",
    "review_lead": "Leo Lead",
    "finance": "Fay Finance",
    "compliance": "Cora Compliance",
}


@dataclass
class People:
    """Users by role, teams by slug, and the passwords that were made for them."""

    organisation: Organisation
    teams: dict[str, Team] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    def actor(self, role: str) -> Actor:
        return Actor.person(self.users[role])


def make(now: datetime) -> People:
    system = Actor.system("demo")
    people = People(access.create_organisation(actor=system, name="Placet demo", now=now))
    for name, slug, code in TEAMS:
        people.teams[slug] = access.create_team(
            actor=system, name=name, slug=slug, code=code, now=now
        )
    for role, name in NAMES.items():
        password = secrets.token_urlsafe(12)
        email = f"{role.replace('_', '-')}@placet.example"
        people.users[role] = access.create_user(
            actor=system, email=email, name=name, password=password, now=now
        )
        people.passwords[role] = password
        for scope in _scopes(role, people):
            access.grant_role(
                actor=system, user=people.users[role], role=role, scope=scope, now=now
            )
    return people


def _scopes(role: str, people: People) -> list[Organisation | Team]:
    """Team roles hold in all three teams; queue roles are granted when the queue is there."""
    granted_on = ROLES[role].granted_on
    if granted_on == "organisation":
        return [people.organisation]
    return list(people.teams.values()) if granted_on == "team" else []
