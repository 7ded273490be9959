"""Take feedback: check it, redact it, seal it, and have people look at it where a rule says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from governance.access.models import ApiKey
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier, Sensitivity, cannot_be_kept
from governance.policy import output_contract
from governance.policy.matching import raised
from governance.policy.screening import replaced
from reviews.decisions.rules import LONGEST_TEXT
from reviews.feedback.models import Feedback, FeedbackRule, FeedbackRuleVersion
from reviews.feedback.registries import contract_of, screening_at_hand
from reviews.feedback.rules import (
    FEEDBACK_STATES,
    LONGEST_COMMENT,
    LONGEST_KEY,
    MOST_PER_CALL,
    FeedbackFacts,
    Thumb,
    taking,
)
from reviews.feedback.selectors import active_versions
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from reviews.queues.services import open_item
from telemetry.ledger.bodies import DEFAULT_RETENTION
from telemetry.ledger.models import Call, Payload
from telemetry.ledger.rules import ANSWERED_STATES, end_user_hash

LONGEST_END_USER = 200
NOTHING = "Nothing was kept of this feedback."


class AnswerNotGiven(WrongState):
    """Nobody was given this call's answer, so there is nothing to say of it."""

    code = "answer_not_given"


class TooMuchFeedback(WrongState):
    """A call takes so many feedbacks and no more."""

    code = "feedback_limit"


class KeyReused(Conflict):
    """The idempotency key came with another feedback before."""

    code = "idempotency_key_reused"


@dataclass(frozen=True)
class Said:
    """What was sent. `correction` is the whole answer as it should have been; None: none."""

    thumb: str
    text: str = ""
    correction: str | None = None
    end_user: str = ""

    @property
    def digest(self) -> str:
        parts = (self.thumb, self.text, str(self.correction is None), self.correction or "")
        return text_digest("\x1f".join((*parts, self.end_user)))


@dataclass(frozen=True)
class Given:
    """The row, what the correction breaks of the contract, and whether the row is new."""

    feedback: Feedback
    problems: Sequence[str] = field(default=())
    is_new: bool = True


@transaction.atomic
def give(
    *,
    actor: Actor,
    call_id: UUID,
    said: Said,
    now: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str = "",
) -> Given:
    """Keep it, and put the answer before people where a rule takes it.

    A correction that breaks the contract is kept all the same. The same key gives what it gave
    before. Raises Invalid with fields, AnswerNotGiven, TooMuchFeedback and KeyReused.
    """
    _check(said, idempotency_key)
    # Items before calls, as who decides locks them.
    item = _locked_item(call_id)
    call = Call.objects.select_related("use_case").select_for_update(of=("self",)).get(pk=call_id)
    _check_may(actor, call, api_key)
    contract = contract_of(call)
    problems = _problems(contract, said)
    if earlier := _earlier(call, said, idempotency_key):
        return Given(earlier, problems, is_new=False)
    if call.state not in ANSWERED_STATES:
        raise AnswerNotGiven(f"{NOTHING} The call is {call.state}: nobody was given its answer.")
    if call.feedback.count() >= MOST_PER_CALL:
        raise TooMuchFeedback(
            f"{NOTHING} This call has {MOST_PER_CALL} feedbacks, the most it takes."
        )
    payload = Payload.objects.filter(pk=call.pk, destroyed_at=None).first()
    made = Feedback(
        call=call,
        use_case=call.use_case,
        thumb=said.thumb,
        has_text=bool(said.text),
        has_correction=said.correction is not None,
        breaks_contract=bool(problems) if said.correction is not None and contract else None,
        end_user_hash=end_user_hash(said.end_user) or call.end_user_hash,
        idempotency_key=idempotency_key,
        idempotency_hash=said.digest,
        api_key=api_key,
        person=actor.user if actor.kind == "person" else None,
        given_at=now,
        keep_until=payload.keep_until if payload else now + DEFAULT_RETENTION,
    )
    if payload is not None:
        _seal(made, said, call)
        if payload.response_sealed is not None:
            _have_looked_at(made, contract, item, now)
    made.save(force_insert=True)
    _record(actor, made, call, now)
    return Given(made, problems)


def _check(said: Said, key: str) -> None:
    faults: dict[str, list[str]] = {}
    if said.thumb not in set(Thumb):
        faults["thumb"] = ["“up” or “down”."]
    for name, sent, longest in (
        ("text", said.text, LONGEST_COMMENT),
        ("correction", said.correction or "", LONGEST_TEXT),
        ("user", said.end_user, LONGEST_END_USER),
        ("idempotency_key", key, LONGEST_KEY),
    ):
        if len(sent) > longest:
            faults[name] = [f"At most {longest:,} characters; this has {len(sent):,}."]
        elif cannot_be_kept(sent):
            faults[name] = ["It holds a character that cannot be kept (NUL, or half of a pair)."]
    if said.correction is not None and not said.correction.strip():
        faults["correction"] = ["Write the whole answer as it should be, or leave it out."]
    if faults:
        told = " ".join(f"{name}: {one}" for name, found in faults.items() for one in found)
        raise Invalid(f"{NOTHING} {told}", fields=faults)


def _check_may(actor: Actor, call: Call, api_key: ApiKey | None) -> None:
    """An application for its own use case; a person where they see reviews."""
    if api_key is not None:
        may = call.use_case_id == api_key.use_case_id
    elif actor.kind == "person":
        may = actor.may(Permission.REVIEW_VIEW, call.team)
    else:
        may = actor.kind == "system"
    if not may:
        raise NotAllowed(f"{NOTHING} This call is not yours to speak of.")


def _locked_item(call_id: UUID) -> ReviewItem | None:
    return ReviewItem.objects.select_for_update(of=("self",)).filter(gates_id=call_id).first()


def _earlier(call: Call, said: Said, key: str) -> Feedback | None:
    """What this key gave before; raises KeyReused when something else came with it."""
    found = call.feedback.filter(idempotency_key=key).first() if key else None
    # What was destroyed since is still the same one: nobody can compare it.
    if found is not None and found.idempotency_hash not in ("", said.digest):
        raise KeyReused(f"{NOTHING} This idempotency key came with another feedback before.")
    return found


def _problems(contract: dict[str, Any], said: Said) -> Sequence[str]:
    if said.correction is None or not contract:
        return ()
    return tuple(output_contract.check(contract, said.correction).errors)


def _seal(made: Feedback, said: Said, call: Call) -> None:
    """As policy asks of what a model sees: rules noted, personal data replaced, the rest sealed.

    A rule that blocks keeps the texts out, and says so; the thumb counts.
    """
    texts = {"text": said.text, "correction": said.correction or ""}
    texts = {name: one for name, one in texts.items() if one}
    if not texts:
        return
    screening = screening_at_hand()
    matches = {
        (match.rule_set, match.rule.key): match
        for one in texts.values()
        for match in screening.scan(one, "user")
    }
    made.findings = [
        {"rule": match.rule.key, "set": match.rule_set, "action": match.rule.action}
        for match in matches.values()
    ]
    if any(match.rule.action == "block" for match in matches.values()):
        return
    tier = RiskTier(call.use_case.tier or RiskTier.HIGH)
    sensitivity = raised(matches.values(), Sensitivity(call.sensitivity))
    shown = replaced(screening, list(texts.values()), sensitivity, tier)
    made.redactions = dict(shown.redactor.counts)
    for name, redacted in zip(texts, shown.texts, strict=True):
        made.seal(name, redacted)


def _have_looked_at(
    made: Feedback, contract: dict[str, Any], item: ReviewItem | None, now: datetime
) -> None:
    """By the first rule that takes it: in the item that its call has, or in one of its own."""
    versions = {one.as_rule().name: one for one in active_versions()}
    facts = FeedbackFacts(
        made.call_id, made.use_case.slug, made.thumb, made.has_text, made.has_correction
    )
    rule = taking([one.as_rule() for one in versions.values()], facts)
    if rule is None:
        return
    version = versions[rule.name]
    if item is None:
        item = _opened(made, contract, version, now)
    if item is None:
        return
    # Of a call that several feedbacks are about, there is one item.
    action = "look_again" if item.state == ItemState.DECIDED else "take"
    made.state = FEEDBACK_STATES.target(made.state, action)
    made.item, made.taken_by = item, version


def _opened(
    made: Feedback, contract: dict[str, Any], version: FeedbackRuleVersion, now: datetime
) -> ReviewItem | None:
    """A review after delivery; None where as many of the rule wait as may."""
    # Two at the same instant must not both get the last place.
    FeedbackRule.objects.select_for_update(no_key=True).get(pk=version.rule_id)
    waiting = Feedback.objects.open().filter(taken_by__rule=version.rule_id)
    if waiting.values("item").distinct().count() >= version.most_open:
        return None
    said = "a thumb up" if made.thumb == Thumb.UP else "a thumb down"
    suggested = " and a suggested correction" if made.has_correction else ""
    try:
        with transaction.atomic():
            return open_item(
                call=made.call,
                reason=f"Feedback: {said}{suggested}, taken by “{version.rule}”, version "
                f"{version.number}.",
                output_contract=contract,
                now=now,
                priority=version.priority,
                queue=Queue.objects.select_related("sla__calendar").get(pk=version.queue_id),
                is_after_delivery=True,
            )
    except IntegrityError:  # a sample drew the same call at the same moment
        return ReviewItem.objects.filter(gates=made.call).first()


def _record(actor: Actor, made: Feedback, call: Call, now: datetime) -> None:
    after = {
        "call": str(call.pk),
        "thumb": made.thumb,
        "has_text": made.has_text,
        "has_correction": made.has_correction,
        "state": made.state,
    }
    record(
        actor=actor,
        action="feedback.given",
        subject=made,
        now=now,
        after=after,
        team_id=call.team_id,
    )
