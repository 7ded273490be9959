"""Who may get what; asked when a schedule is made, and again at every delivery."""

from __future__ import annotations

from governance.access.models import Team, User
from governance.kernel.authority import Actor, Permission
from telemetry.deliveries.models import DeliverySchedule
from telemetry.webhooks.models import WebhookEndpoint


def sees(user: User, team: Team | None) -> bool:
    """Whether the person sees the team's statement, or everything where there is no team."""
    if not user.is_active:
        return False
    if team is None:
        return user.reach(Permission.CHARGEBACK_VIEW).everywhere
    return user.may(Permission.CHARGEBACK_VIEW, team)


def keeps(user: User, endpoint: WebhookEndpoint) -> bool:
    return user.is_active and user.may(Permission.API_KEY_MANAGE, endpoint.team)


def may_change(actor: Actor, schedule: DeliverySchedule) -> bool:
    """Its owner, while they see the document; else finance."""
    if actor.user is None:
        return False
    user: User = actor.user
    owns = schedule.owner_id == user.pk and sees(user, schedule.team)
    return owns or user.may(Permission.STATEMENT_CLOSE, schedule.team)


def refusal(schedule: DeliverySchedule) -> str:
    """Why it may not be delivered now; empty where it may. Grants are read anew."""
    if schedule.recipient is not None:
        schedule.recipient.forget_reaches()
        if not sees(schedule.recipient, schedule.team):
            return "The recipient may not see this document any more."
        return ""
    owner, endpoint = schedule.owner, schedule.endpoint
    owner.forget_reaches()
    if endpoint is None or not (sees(owner, schedule.team) and keeps(owner, endpoint)):
        return "Whoever set this up may not see the document, or keep the webhook, any more."
    if not endpoint.is_active:
        return "The webhook is turned off."
    return ""
