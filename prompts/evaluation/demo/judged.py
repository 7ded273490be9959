"""A past in which people judged: in pairs, against known answers, and after feedback.

Made once, beside the running demo, through the services that people use.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from governance.access import services as access
from governance.access.models import ApiKey, Grant, User
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.rendering import render
from prompts.evaluation.demo.answers import COMPLAINTS, PRAISE, Answer, answers
from prompts.evaluation.promoting import promote
from prompts.evaluation.services import begin_run
from prompts.releases.models import Release
from reviews.decisions.models import ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.decisions.services import decide
from reviews.feedback.deciding import confirm
from reviews.feedback.giving import Said, give
from reviews.feedback.rule_services import RuleFacts, write_rule
from reviews.quality.calibrations import make_calibration
from reviews.quality.upkeep import change_settings
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next, open_item
from reviews.queues.upkeep import create_queue
from telemetry.ledger import services as ledger
from telemetry.ledger.bodies import Body
from telemetry.ledger.models import Call

SYSTEM = Actor.system("demo")
PAIRS, COMPLAINED = "licence-pairs", "complaints"
JUDGED, SPOKEN_OF, CASES = 36, 24, 6
WAITING, KNOWN, TURNS = 6, 6, 5
DAYS = 35


@dataclass
class Past:
    """Who and what the past is made of."""

    now: datetime
    release: Release
    version: PromptVersion
    key: ApiKey
    people: dict[str, User]
    reviewers: list[User]
    made: dict[object, Answer]

    def actor(self, role: str) -> Actor:
        return Actor.person(self.people[role])


def judge(
    now: datetime,
    say: Callable[[str], None],
    *,
    judged: int = JUDGED,
    spoken_of: int = SPOKEN_OF,
) -> bool:
    """The whole past; False where it stands already, or where there is no demo to make it in.

    `judged` answers in pairs (30 decided ones are enough to say how far people agree), of which
    the last still wait, and feedback on `spoken_of` others.
    """
    if Queue.objects.filter(slug=PAIRS).exists():
        return False
    running = Release.objects.running(now).filter(use_case__slug="licence-review")
    release = running.select_related("use_case__team", "version__prompt").first()
    key = ApiKey.objects.filter(use_case_slug="licence-review").first() if release else None
    if release is None or key is None:
        return False
    emails = {user.email: user for user in User.objects.filter(email__endswith="@placet.example")}
    people = {mail.split("@")[0].replace("-", "_"): user for mail, user in emails.items()}
    past = Past(now, release, release.version, key, people, [], {})
    say("answers that two people judged")
    pairs = _queue(past, "Licence answers in pairs", PAIRS)
    _in_pairs(past, pairs, judged)
    say("feedback of end users")
    _feedback(past, _queue(past, "Complaints", COMPLAINED), spoken_of)
    say("cases from corrections")
    _evaluation(past)
    return True


def _queue(past: Past, name: str, slug: str) -> Queue:
    main = Queue.objects.select_related("sla").get(slug="licence-answers")
    queue = create_queue(
        actor=SYSTEM,
        name=name,
        slug=slug,
        guideline=main.guideline,
        labels=main.labels,
        rationale_templates=main.rationale_templates,
        undo_seconds=0,
        sla=main.sla,
        now=past.now,
    )
    if not past.reviewers:
        past.reviewers = [past.people["reviewer"], *(_reviewer(past, name) for name in MORE)]
    for person, role in [
        *((one, "reviewer") for one in past.reviewers),
        (past.people["review_lead"], "review_lead"),
    ]:
        Grant.objects.get_or_create(
            user=person,
            role=role,
            scope_type=ContentType.objects.get_for_model(queue),
            scope_id=queue.pk,
            defaults={"starts_at": past.now - timedelta(days=90), "granted_by_label": "demo"},
        )
        person.forget_reaches()
    return queue


MORE = ("Remy Reader", "Ria Ruiz")


def _reviewer(past: Past, name: str) -> User:
    email = f"{name.lower().replace(' ', '.')}@placet.example"
    password = secrets.token_urlsafe(12)
    return access.create_user(actor=SYSTEM, email=email, name=name, password=password, now=past.now)


def _call(past: Past, answer: Answer, at: datetime, outcome: str, end_user: str = "") -> Call:
    """A call as it was made then; the model is not asked, so nothing is billed."""
    messages = render(past.version.messages, {"licence_text": answer.licence_text})
    kept = past.now + timedelta(days=60)
    call = ledger.admit_call(
        use_case=past.release.use_case,
        mode="sync",
        now=at,
        api_key=past.key,
        release_id=past.release.pk,
        prompt_version_id=past.version.pk,
        prompt_label=str(past.version),
        sensitivity="internal",
        task_id=answer.name,
        end_user_hash=end_user,
        request=Body(json.dumps(messages, ensure_ascii=False), kept),
    )
    deployment = Deployment.objects.get(slug="smollm2-local")
    call = ledger.start_call(call=call, now=at, deployment=deployment)
    call = ledger.settle_call(call=call, outcome=outcome, now=at, response=Body(answer.said, kept))
    past.made[call.pk] = answer
    return call


def _in_pairs(past: Past, queue: Queue, count: int) -> None:
    """Every answer by two of three people; then known answers among the rest."""
    lead = past.actor("review_lead")
    settings = {"double_share": 100, "slots": 2, "is_blind": True, "now": past.now}
    change_settings(actor=lead, queue=queue, calibration_share=0, **settings)  # type: ignore[arg-type]  # of several kinds
    for number, answer in enumerate(answers(count)):
        at = past.now - timedelta(days=DAYS * (count - number) / count)
        if number >= count - WAITING:
            at = past.now  # these still wait, so that nobody finds them late
        call = _call(past, answer, at, "hold")
        item = open_item(
            call=call,
            reason="Every answer is looked at.",
            output_contract=past.version.output_contract,
            now=at,
            queue=queue,
        )
        if number >= count - WAITING:
            continue
        pair = [one for place, one in enumerate(past.reviewers) if place != number % 3]
        for place, person in enumerate(pair):
            _judge(past, item, person, at + timedelta(minutes=6 * (place + 1)), number)
        if number < count // 2:
            _adjudicate(past, item, at + timedelta(minutes=25))
    _calibrate(past, queue, lead)


def _judge(past: Past, item: ReviewItem, person: User, at: datetime, number: int) -> None:
    """What is right; but each of them is wrong now and then."""
    answer = past.made[item.call_id]
    actor = Actor.person(person)
    slips = (number * 7 + past.reviewers.index(person) * 3) % 13 == 0
    if not item.is_held_by(person, at):
        claim_item(actor=actor, item_id=item.pk, now=at)
    verdict, text, label = "approve", None, []
    if slips and answer.is_right:
        verdict, label = "reject", ["incomplete"]
    elif not slips and not answer.is_right:
        verdict, text, label = "correct", answer.right, ["wrong copyleft"]
    decide(
        actor=actor,
        item_id=item.pk,
        verdict=verdict,
        corrected_text=text,
        rationale="An obligation is missing." if verdict == "reject" else "",
        labels=label,
        seconds_spent=70 + number * 3,
        now=at + timedelta(minutes=2),
    )


def _adjudicate(past: Past, item: ReviewItem, at: datetime) -> None:
    """Where two differ, the lead decides on some; others wait for the lead."""
    item.refresh_from_db()
    if item.decided_at is not None:
        return
    lead, answer = past.actor("review_lead"), past.made[item.call_id]
    claim_item(actor=lead, item_id=item.pk, now=at)
    decide(
        actor=lead,
        item_id=item.pk,
        verdict="approve" if answer.is_right else "correct",
        corrected_text=None if answer.is_right else answer.right,
        rationale="The licence text says so.",
        seconds_spent=180,
        now=at + timedelta(minutes=3),
    )


def _calibrate(past: Past, queue: Queue, lead: Actor) -> None:
    """Known answers, offered among what waits; each is answered by who never saw it."""
    decided = list(queue.items.filter(state="decided").order_by("created_at")[:KNOWN])
    for item in decided:
        right = past.made[item.call_id].is_right
        make_calibration(
            actor=lead,
            item_id=item.pk,
            verdict="approve" if right else "correct",
            why="Compare the second paragraph of the licence with “copyleft”.",
            now=past.now,
        )
    settings = {"double_share": 100, "slots": 2, "is_blind": True, "now": past.now}
    change_settings(actor=lead, queue=queue, calibration_share=50, **settings)  # type: ignore[arg-type]  # of several kinds
    for person in past.reviewers:
        for number in range(TURNS):
            offered = claim_next(actor=Actor.person(person), queue=queue, now=past.now)
            if offered is None:
                break
            _judge(past, offered, person, past.now, number)
    change_settings(actor=lead, queue=queue, calibration_share=10, **settings)  # type: ignore[arg-type]  # of several kinds


def _feedback(past: Past, queue: Queue, count: int) -> None:
    """Some weeks of thumbs, two rules, and what people made of what these took."""
    lead = past.actor("review_lead")
    for facts in (
        RuleFacts(name="Thumb down with a better answer", queue=queue, with_correction=True),
        RuleFacts(name="Every third thumb down", queue=queue, share=Decimal("33.333"), position=60),
    ):
        write_rule(actor=SYSTEM, facts=facts, reason="Agreed with the owner.", now=past.now)
    for number, answer in enumerate(answers(count)):
        at = past.now - timedelta(days=DAYS * (count - number) / count)
        is_recent = number >= count - 4
        call = _call(past, answer, at, "deliver")
        _say(past, call, number, past.now if is_recent else at + timedelta(hours=3))
        item = ReviewItem.objects.filter(call=call).first()
        if item is not None and not is_recent:
            person = past.reviewers[number % 3]
            at += timedelta(hours=5)
            claim_item(actor=Actor.person(person), item_id=item.pk, now=at)
            decide(
                actor=Actor.person(person),
                item_id=item.pk,
                verdict="approve" if answer.is_right else ("reject", "correct")[number % 2],
                corrected_text=answer.right if number % 2 and not answer.is_right else None,
                rationale="The licence text says otherwise." if not answer.is_right else "",
                seconds_spent=140,
                now=at + timedelta(minutes=4),
            )
    _second_looks(past, lead)


def _say(past: Past, call: Call, number: int, at: datetime) -> None:
    answer = past.made[call.pk]
    down = not answer.is_right or number % 9 == 4
    words = COMPLAINTS if down else PRAISE
    give(
        actor=past.key.as_actor(),
        call_id=call.pk,
        said=Said(
            "down" if down else "up",
            words[number % len(words)] if number % 3 else "",
            answer.right if not answer.is_right else None,
            f"reader-{number % 7}",
        ),
        now=at,
        api_key=past.key,
    )


def _second_looks(past: Past, lead: Actor) -> None:
    """Of what people had approved: one decision falls, one stands, one waits for the lead."""
    approved = ReviewDecision.objects.filter(
        verdict="approve", item__queue__slug=PAIRS, item__call__state="released"
    ).exclude(person=lead.user)
    for place, decision in enumerate(approved.select_related("item__call").order_by("pk")[:3]):
        answer = past.made[decision.item.call_id]
        text = "Ask the lawyers again: our counsel reads it otherwise."
        given = give(
            actor=past.key.as_actor(),
            call_id=decision.item.call_id,
            said=Said("down", text, answer.right.replace("Keep", "Always keep")),
            now=past.now,
            api_key=past.key,
        ).feedback
        if given.state != "second_look":
            continue
        if place == 0:
            overturn(
                actor=lead,
                decision_id=decision.pk,
                verdict="correct",
                rationale="Counsel is right: the duty holds for every copy.",
                corrected_text=answer.right.replace("Keep", "Always keep"),
                now=past.now,
            )
        elif place == 1:
            confirm(
                actor=lead, feedback_id=given.pk, reason="The text does not say that.", now=past.now
            )


def _evaluation(past: Past) -> None:
    """Corrections become cases, and a worker runs them on the version that answers."""
    engineer = past.actor("prompt_engineer")
    corrected = (
        ReviewDecision.objects.filter(
            verdict="correct",
            overturned_by=None,
            item__call__prompt_version_id=past.version.pk,
            item__queue__slug=PAIRS,
        )
        .select_related("item__call__payload", "item__call__use_case", "correction")
        .order_by("pk")[:CASES]
    )
    cases = [promote(actor=engineer, decision=one, now=past.now) for one in corrected]
    if cases:
        begin_run(
            actor=engineer,
            suite=cases[0].suite,
            version=past.version,
            deployment=Deployment.objects.get(slug="smollm2-local"),
            budget=Decimal("0.01"),
            seed=7,
            now=timezone.now(),
        )
