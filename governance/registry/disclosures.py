"""Write, propose and serve the notice that a use case shows its end users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from governance.access.late_saves import check_seen
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.moving import locked_change
from governance.approvals.rules import UNDECIDED
from governance.approvals.services import open_change, revise
from governance.approvals.standing import supersede_others
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotFound
from governance.registry import language as languages
from governance.registry.disclosure_models import DISCLOSURE_STATES, Disclosure
from governance.registry.models import UseCase
from governance.registry.services import check_can_manage, locked_use_case

KIND = "disclosure"
LONGEST_TEXT = 2000
LONGEST_PLACE = 200
FETCH_GRAIN = timedelta(hours=1)


def today_of(now: datetime) -> date:
    return now.astimezone(UTC).date()


@transaction.atomic
def propose_disclosure(
    *,
    actor: Actor,
    use_case: UseCase,
    language: str,
    text: str,
    place: str,
    effective_from: date | None,
    reason: str,
    now: datetime,
    seen: str = "",
) -> ChangeRequest:
    """Write the next version in that language and put it before its signatories.

    While its change is undecided the same draft is written again, which makes a new revision:
    its proposer alone can do that. `seen` is what the newest in that language said when somebody
    began to write (`stands`).
    """
    locked = locked_use_case(use_case.pk)
    check_can_manage(actor, locked.team)
    language = languages.normalised(language)
    facts = {"text": text.strip(), "place": place.strip()}
    begins = effective_from or today_of(now)
    _check(language, facts, begins, now)
    check_seen(seen, stands(locked, language), f"a notice of {locked} in {language}")
    undecided = _locked_change_of(locked, language)
    drafts = Disclosure.objects.select_for_update().filter(use_case=locked, language=language)
    draft = drafts.filter(state="draft").first() or Disclosure(
        use_case=locked,
        language=language,
        version=_next_version(locked, language),
        created_at=now,
    )
    draft.text, draft.place, draft.effective_from = facts["text"], facts["place"], begins
    draft.author = actor.user
    draft.save()
    if undecided is not None:
        return revise(actor=actor, change_id=undecided.pk, reason=reason, now=now)
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=draft.pk,
        proposal={},
        title=f"Notice of {locked} in {language}, version {draft.version}"[:200],
        reason=reason,
        now=now,
    )


def stands(use_case: UseCase, language: str) -> dict[str, Any]:
    """What the newest version in that language says, approved or not."""
    newest = use_case.disclosures.filter(language=languages.normalised(language)).first()
    return facts_of(newest)


def facts_of(notice: Disclosure | None) -> dict[str, Any]:
    if notice is None:
        return {"version": 0, "text": "", "place": "", "effective_from": None}
    names = ("version", "text", "place", "effective_from")
    return {name: getattr(notice, name) for name in names}


def _locked_change_of(use_case: UseCase, language: str) -> ChangeRequest | None:
    """The undecided request of the draft, locked before the draft as a decision locks them."""
    drafts = use_case.disclosures.filter(language=language, state="draft").values("pk")
    found = ChangeRequest.objects.undecided().filter(kind=KIND, subject_id__in=drafts).first()
    if found is None:
        return None
    locked = locked_change(found.pk)
    return locked if locked.state in UNDECIDED else None


def _next_version(use_case: UseCase, language: str) -> int:
    last = use_case.disclosures.filter(language=language).first()
    return last.version + 1 if last else 1


def _check(language: str, facts: Mapping[str, str], begins: date, now: datetime) -> None:
    problems: dict[str, list[str]] = {}
    if not language or language == languages.UNDETERMINED:
        problems["language"] = ["Give a language code, as en or pt-br."]
    for name, limit in (("text", LONGEST_TEXT), ("place", LONGEST_PLACE)):
        if not facts[name]:
            problems[name] = ["Fill this in."]
        elif len(facts[name]) > limit:
            problems[name] = [f"At most {limit} characters; this has {len(facts[name])}."]
        elif "\x00" in facts[name]:
            problems[name] = ["It holds a character that cannot be kept (NUL)."]
    if begins < today_of(now):
        problems["effective_from"] = ["It cannot take effect in the past."]
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)


def apply_disclosure(*, disclosure_id: int, approval: Approval, now: datetime) -> Disclosure:
    """The draft is approved; from its day on it takes the place of the one before."""
    notice = Disclosure.objects.select_for_update().get(pk=disclosure_id)
    notice.state = DISCLOSURE_STATES.target(notice.state, "approve")
    notice.approved_at = now
    # Decided later than it was meant to begin: it could not be in force before.
    notice.effective_from = max(notice.effective_from or today_of(now), today_of(now))
    notice.save(update_fields=["state", "approved_at", "effective_from"])
    if notice.stands(today_of(now)):
        _replace_older(notice, approval, now)
    return notice


def _replace_older(notice: Disclosure, approval: Approval, now: datetime) -> None:
    older = Disclosure.objects.select_for_update().filter(
        use_case=notice.use_case_id, language=notice.language, version__lt=notice.version
    )
    ids = []
    for one in older.filter(state="approved"):
        one.state = DISCLOSURE_STATES.target(one.state, "replace")
        one.save(update_fields=["state"])
        ids.append(one.pk)
    supersede_others(approval, ids, now)


@transaction.atomic
def replace_those_past(*, now: datetime) -> int:
    """Replace those whose successor has taken effect since it was approved; how many had one."""
    in_force = list(Disclosure.objects.in_force(today_of(now)))
    newest = {(one.use_case_id, one.language): one for one in in_force}
    past = [
        newest[key]
        for one in Disclosure.objects.filter(state="approved")
        if (key := (one.use_case_id, one.language)) in newest and one.version < newest[key].version
    ]
    for notice in {one.pk: one for one in past}.values():
        approval = Approval.objects.filter(kind=KIND, subject_id=notice.pk).first()
        if approval is not None:
            _replace_older(notice, approval, now)
    return len(past)


def change_state(*, disclosure_id: int, action: str) -> None:
    """Withdraw it when its approval ends, put it back when that is resumed."""
    notice = Disclosure.objects.select_for_update().get(pk=disclosure_id)
    if DISCLOSURE_STATES.allows(notice.state, action):
        notice.state = DISCLOSURE_STATES.target(notice.state, action)
        notice.save(update_fields=["state"])


def notice_for(use_case_id: int, asked: str, accepted: str, now: datetime) -> Disclosure:
    """The notice in force that an application shows; raises NotFound.

    A language that is asked for by name is given or refused; one that a reader merely accepts
    gives way to the notice that has been in force longest, since some notice must be shown.
    """
    found = list(Disclosure.objects.filter(use_case_id=use_case_id).in_force(today_of(now)))
    found.sort(key=lambda one: (one.effective_from, one.pk))
    there = [one.language for one in found]
    if not found:
        raise NotFound(
            "No approved notice of this use case is in force. Its owner proposes one and "
            "compliance signs it; until then there is nothing to show.",
            code="no_disclosure",
        )
    chosen = languages.best(_asked(asked, accepted), there)
    if not chosen and asked:
        raise NotFound(
            f"No notice is in force in that language. There is one in {', '.join(there)}.",
            code="no_disclosure_in_language",
        )
    return found[there.index(chosen)] if chosen else found[0]


def _asked(asked: str, accepted: str) -> Iterable[str]:
    if asked:
        tag = languages.normalised(asked)
        return [tag] if tag else []
    return languages.wanted(accepted)


def note_fetch(notice: Disclosure, now: datetime) -> None:
    """An application has it; written at most once an hour, whoever asks how often."""
    since = now - FETCH_GRAIN
    if notice.is_fetched_lately(since):
        return
    late = Q(fetched_at=None) | Q(fetched_at__lte=since)
    Disclosure.objects.filter(late, pk=notice.pk).update(fetched_at=now)
