"""What access plugs into the kernel and the audit log."""

from governance.access import api_schema  # noqa: F401  # registers with the schema generator
from governance.access.models import Organisation, Team, User
from governance.access.registries import grant_scopes
from governance.access.selectors import teams_for
from governance.audit.registries import PackTeam, audit_actions, pack_teams
from governance.kernel.authority import Permission

grant_scopes.add("organisation", Organisation)
grant_scopes.add("team", Team)

for action, sentence in {
    "organisation.created": "{actor} set up {subject}",
    "team.created": "{actor} created the team {subject}",
    "team.changed": "{actor} changed the team {subject}",
    "user.created": "{actor} added {subject}",
    "user.changed": "{actor} changed the account of {subject}",
    "user.deactivated": "{actor} deactivated {subject}",
    "user.reactivated": "{actor} reactivated {subject}",
    "user.password_changed": "{actor} changed their password",
    "user.password_reset": "{actor} chose a new password by a code that was mailed",
    "user.password_given": "{actor} gave {subject} a new first password",
    "role.granted": "{actor} granted a role: {subject}",
    "role.revoked": "{actor} revoked a role: {subject}",
    "api_key.created": "{actor} made the API key {subject}",
    "role.ran_out": "{actor} ended a role that ran out: {subject}",
    "api_key.limited": "{actor} changed how much {subject} may call in a minute",
    "api_key.rotated": "{actor} rotated the API key {subject}",
    "training.defined": "{actor} defined the training {subject}",
    "training.required": "{actor} changed for whom {subject} is required",
    "training.recorded": "{actor} recorded a training: {subject}",
    "training.revoked": "{actor} revoked a training record: {subject}",
    "api_key.revoked": "{actor} revoked the API key {subject}",
}.items():
    audit_actions.add(action, sentence)


def teams_to_pack(user: User) -> list[PackTeam]:
    """Teams that this person may build audit packs of."""
    teams = teams_for(user, Permission.AUDIT_PACK_BUILD)
    return [PackTeam(team.pk, team.slug, team.name) for team in teams]


pack_teams.add("teams", teams_to_pack)
