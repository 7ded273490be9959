"""Give a checklist item to somebody, finish it, or waive it for a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.home.services import notify
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.registry import checklist
from governance.registry.checklist_standing import may_finish, may_waive, today_of
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.risk_standing import possible_owners
from governance.registry.rules import Stage
from governance.registry.services import check_can_manage, text_problems, write_event


def _locked(item_id: int) -> ChecklistItem:
    found: ChecklistItem = get_or_404(
        ChecklistItem.objects.select_for_update(of=("self",)).select_related(
            "use_case__team", "use_case__owner", "owner"
        ),
        pk=item_id,
    )
    return found


def _check_lives(use_case: UseCase) -> None:
    if use_case.stage == Stage.RETIRED:
        raise WrongState(f"Nothing was changed: {use_case} is retired.")


@transaction.atomic
def assign_item(*, actor: Actor, item_id: int, owner: User | None, now: datetime) -> ChecklistItem:
    """From now on that person answers for it, and is told."""
    item = _locked(item_id)
    check_can_manage(actor, item.use_case.team)
    _check_lives(item.use_case)
    if owner is None or not possible_owners(item.use_case, now).filter(pk=owner.pk).exists():
        raise Invalid(
            "Nothing was changed: choose its owner.",
            fields={"owner": ["Choose somebody who sees this use case."]},
        )
    if item.waived_by_id == owner.pk:
        raise Invalid(
            "Nothing was changed: nobody owns what they waived.",
            fields={"owner": [f"{owner} waived it; choose somebody else."]},
        )
    before = {"owner": item.owner.email if item.owner else None}
    item.owner = owner
    item.save(update_fields=["owner"])
    after = {"item": item.text, "owner": owner.email}
    write_event(actor, "use_case.item_assigned", item.use_case, now, before=before, after=after)
    if actor.user is None or actor.user.pk != owner.pk:
        _tell([owner], f"Yours on the checklist of {item.use_case}: {item}", item, now)
    return item


@transaction.atomic
def finish_item(
    *, actor: Actor, item_id: int, now: datetime, evidence: str = "", link: str = ""
) -> ChecklistItem:
    """Done, with what shows it: a link, a note in words, or both."""
    item = _locked(item_id)
    if not may_finish(actor, item):
        raise NotAllowed(
            "Nothing was changed: an item's owner, or who manages the use case, finishes it."
        )
    _check_lives(item.use_case)
    if item.done_at is not None:
        raise WrongState("Nothing was changed: this is done already.")
    texts = {"evidence": evidence.strip(), "evidence_link": link.strip()}
    problems = text_problems(ChecklistItem, texts)
    if not any(texts.values()):
        problems["evidence"] = ["Say what shows it, or give a link to it."]
    if texts["evidence_link"] and not checklist.is_link(texts["evidence_link"]):
        problems["evidence_link"] = ["A page here, as /calls/7/, or an address with https://."]
    if problems:
        raise Invalid("It stays open: its evidence does not fit.", fields=problems)
    item.done_at, item.done_by = now, actor.user
    item.evidence, item.evidence_link = texts["evidence"], texts["evidence_link"]
    item.save(update_fields=["done_at", "done_by", *texts])
    after = {"item": item.text} | texts
    write_event(actor, "use_case.item_done", item.use_case, now, after=after)
    return item


@transaction.atomic
def waive_item(
    *, actor: Actor, item_id: int, reason: str, until: date | None, now: datetime
) -> ChecklistItem:
    """Do without it until a day, at most 180 days from now; who waives says why."""
    item = _locked(item_id)
    if not may_waive(actor, item):
        raise NotAllowed(
            "Nothing was waived: who signs for safety, compliance or the board waives an item, "
            "and never their own."
        )
    _check_can_be_waived(item)
    problems = text_problems(ChecklistItem, {"waiver_reason": reason.strip()})
    if not reason.strip():
        problems["waiver_reason"] = ["Say why it may wait."]
    last = checklist.last_waiver_day(today_of(now))
    if until is None or not today_of(now) < until <= last:
        problems["until"] = [f"A day to come, {last} at the latest."]
    if problems or until is None:
        raise Invalid("Nothing was waived: some answers do not fit.", fields=problems)
    item.waived_by, item.waived_at, item.waived_until = actor.user, now, until
    item.waiver_reason, item.run_out_told_at = reason.strip(), None
    item.save(
        update_fields=[
            "waived_by",
            "waived_at",
            "waived_until",
            "waiver_reason",
            "run_out_told_at",
        ]
    )
    after = {"item": item.text, "until": until}
    write_event(actor, "use_case.item_waived", item.use_case, now, reason=reason, after=after)
    _tell([item.owner or item.use_case.owner], f"Waived until {until}: {item}", item, now)
    return item


def _check_can_be_waived(item: ChecklistItem) -> None:
    _check_lives(item.use_case)
    if item.done_at is not None:
        raise WrongState("Nothing was waived: this is done already.")
    if not checklist.is_waivable(item.key):
        raise WrongState("Nothing was waived: nobody goes into production without this.")


def tell_of_waivers(*, now: datetime) -> int:
    """Tell owners, once each, that a waiver ran out and the item is open again; how many."""
    today = today_of(now)
    found = ChecklistItem.objects.run_out(today).filter(run_out_told_at=None)
    return sum(_tell_of_waiver(pk, now) for pk in found.values_list("pk", flat=True))


@transaction.atomic
def _tell_of_waiver(item_id: int, now: datetime) -> bool:
    item = _locked(item_id)
    is_over = item.state(today_of(now)) == checklist.ItemState.RAN_OUT
    if not is_over or item.run_out_told_at is not None:
        return False
    item.run_out_told_at = now
    item.save(update_fields=["run_out_told_at"])
    after = {"item": item.text, "until": item.waived_until}
    system = Actor.system("registry")
    write_event(system, "use_case.waiver_ran_out", item.use_case, now, after=after)
    title = f"The waiver ran out and it is open again: {item} ({item.use_case})"
    people = {one.pk: one for one in (item.owner, item.use_case.owner) if one is not None}
    _tell(people.values(), title, item, now)
    return True


def _tell(people: Iterable[User], title: str, item: ChecklistItem, now: datetime) -> None:
    url = reverse("registry:item", args=[item.use_case.slug, item.pk])
    notify(users=people, title=title, url=url, now=now)
