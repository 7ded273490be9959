"""Rule sets as governed data: installed, begun, proposed, replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence, change_subjects
from governance.approvals.services import open_change
from governance.approvals.standing import supersede_others
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.policy.matching import failing_tests, shown_pattern, untested
from governance.policy.models import RuleSet, RuleSetVersion
from governance.policy.newer_rules import NewerRules, newer_rules
from governance.policy.rule_content import SCREENS, RuleSetContent, read_content
from governance.policy.starting_rules import STARTING_SETS

# Who assesses and answers for safety, who builds, and who keeps data.
PROPOSE = (
    Permission.USE_CASE_ASSESS,
    Permission.SIGN_COMPLIANCE,
    Permission.SIGN_DATA,
    Permission.SIGN_TECHNICAL,
)
MOST_SETS = 50
# An address beside those of the sets.
RESERVED = ("try",)
MOST_NAMED = 5
NOTHING = RuleSetContent((), ())


@transaction.atomic
def install_starting_rule_sets(*, actor: Actor, now: datetime) -> int:
    """Version 1 of each starting set that is not there yet; how many were written."""
    known = set(RuleSet.objects.values_list("slug", flat=True))
    missing = [one for one in STARTING_SETS if one.slug not in known]
    for one in missing:
        made = RuleSet.objects.create(
            slug=one.slug, title=one.title, screen=one.screen, purpose=one.purpose, made_at=now
        )
        RuleSetVersion.objects.create(
            rule_set=made, version=1, made_at=now, **one.content.as_proposal()
        )
        record(actor=actor, action="rule_set.installed", subject=made, now=now)
    return len(missing)


@transaction.atomic
def begin_rule_set(
    *, actor: Actor, slug: str, title: str, screen: str, purpose: str, now: datetime
) -> RuleSet:
    """A set without rules: it screens nothing before its first version is signed."""
    check_may_propose(actor)
    _check_beginning(slug, title, screen, purpose)
    made = RuleSet.objects.create(
        slug=slug, title=title.strip(), screen=screen, purpose=purpose.strip(), made_at=now
    )
    after = {"slug": slug, "screen": screen, "purpose": made.purpose}
    record(actor=actor, action="rule_set.begun", subject=made, now=now, after=after)
    return made


def _check_beginning(slug: str, title: str, screen: str, purpose: str) -> None:
    problems: dict[str, list[str]] = {}
    if slug in RESERVED or RuleSet.objects.filter(slug=slug).exists():
        problems["slug"] = ["Another rule set has this name."]
    if RuleSet.objects.count() >= MOST_SETS:
        problems["slug"] = [f"There are {MOST_SETS} rule sets already; add rules to one of them."]
    if screen not in SCREENS:
        problems["screen"] = [f"One of {', '.join(SCREENS)}."]
    if not title.strip() or not purpose.strip():
        problems["title"] = ["Say what it is called and what it is for."]
    if problems:
        raise Invalid("Nothing was begun: some fields do not fit.", fields=problems)


def check_may_propose(actor: Actor) -> None:
    if not any(actor.may(one) for one in PROPOSE):
        raise NotAllowed(
            "Nothing was opened: safety officers, compliance, data stewards and ML engineers "
            "propose rules of the screens."
        )


def content_in_force(rule_set: RuleSet) -> tuple[int, RuleSetContent]:
    """Version and content; 0 and nothing before the first version is signed."""
    found = rule_set.versions.filter(active=True).first()
    return (found.version, found.content) if found else (0, NOTHING)


def newer_starting_rules(rule_set: RuleSet) -> NewerRules | None:
    """What this edition brings into a set that an earlier one installed; None for nothing.

    `rule_set` is one of `rule_selectors.rule_sets()`.
    """
    latest = next((one.content for one in STARTING_SETS if one.slug == rule_set.slug), None)
    installed: list[RuleSetVersion] = rule_set.as_installed  # type: ignore[attr-defined]  # prefetched
    live: list[RuleSetVersion] = rule_set.in_force  # type: ignore[attr-defined]  # prefetched
    if latest is None or not installed or not live:
        return None
    return newer_rules(installed[0].content, live[0].content, latest)


class RuleSetSubject:
    """One rule set; a granted change makes its next version."""

    kind = "rule_set"
    label = "Rule set of the screens"

    def find(self, subject_id: int) -> RuleSet:
        found: RuleSet = get_or_404(RuleSet.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: RuleSet, proposal: dict[str, Any]) -> dict[str, Any]:
        version, _ = content_in_force(subject)
        return _shown(read_content(proposal), version + 1)

    def base(self, subject: RuleSet, proposal: dict[str, Any]) -> dict[str, Any]:
        version, content = content_in_force(subject)
        return _shown(content, version)

    def tier(self, subject: RuleSet, proposal: dict[str, Any]) -> RiskTier:
        """What makes a screen see less is a high risk: it opens what was closed."""
        _, live = content_in_force(subject)
        weaker = read_content(proposal).weaker_than(live)
        return RiskTier.HIGH if weaker else RiskTier.LIMITED

    def team(self, subject: RuleSet) -> Team | None:
        return None

    def authors(self, subject: RuleSet, proposal: dict[str, Any]) -> set[int]:
        """The proposer writes all of it, and is in conflict anyway."""
        return set()

    def missing(self, subject: RuleSet, proposal: dict[str, Any]) -> list[str]:
        try:
            content = read_content(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        if content == content_in_force(subject)[1]:
            return ["rules or tests that differ from those in force."]
        return _gaps(subject.screen, content)

    def evidence(self, subject: RuleSet, proposal: dict[str, Any]) -> list[Evidence]:
        new, (_, old) = read_content(proposal), content_in_force(subject)
        kept = len(new.tests) - len(failing_tests(subject.screen, new))
        weaker = new.weaker_than(old)
        return [
            Evidence("Rules", str(len(new.rules)), str(len(old.rules))),
            Evidence("Tests kept", f"{kept} of {len(new.tests)}", f"{len(old.tests)} asked"),
            Evidence(
                "Of the tests in force kept by the new rules",
                str(_kept_by(subject.screen, new, old)),
                str(len(old.tests)),
                note="Tests of rules that are taken out count as not kept.",
            ),
            Evidence("Sees less than before", " ".join(weaker[:MOST_NAMED]) or "in nothing"),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        _replace(change, approval, actor, now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops: without its rules a screen would let more through."""

    def url(self, subject: RuleSet) -> str:
        return reverse("policy:rule-set", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: RuleSet) -> None:
        check_may_propose(actor)

    def read_proposal(self, subject: RuleSet, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return _title(subject), read_content(given).as_proposal()


def _title(rule_set: RuleSet) -> str:
    return f"Rules of “{rule_set.title}”"[:200]


def _gaps(screen: str, content: RuleSetContent) -> list[str]:
    """Rules without a test, and tests that these rules do not keep."""
    missing = [f"a test in which {key} finds something." for key in untested(content)]
    if all(one.rule for one in content.tests):
        missing.append("a test of a text that all rules leave alone.")
    failed = failing_tests(screen, content)
    missing += [one.words for one in failed[:MOST_NAMED]]
    if len(failed) > MOST_NAMED:
        missing.append(f"{len(failed) - MOST_NAMED} more tests that are not kept.")
    return missing


def _kept_by(screen: str, new: RuleSetContent, old: RuleSetContent) -> int:
    keys = {one.key for one in new.rules}
    known = tuple(one for one in old.tests if not one.rule or one.rule in keys)
    return len(known) - len(failing_tests(screen, RuleSetContent(new.rules, known)))


def _shown(content: RuleSetContent, version: int) -> dict[str, Any]:
    """A line per fact, for the comparison; the version makes it stale when another came first."""
    shown: dict[str, Any] = {"version": version}
    for rule in content.rules:
        shown[f"rule {rule.key}"] = {"title": rule.title} | shown_pattern(rule)
    for test in content.tests:
        shown[f"test ({test.reads}) {test.text}"] = test.rule or "left alone"
    return shown


def propose_rules(
    *, actor: Actor, rule_set: RuleSet, proposal: dict[str, Any], reason: str, now: datetime
) -> ChangeRequest:
    """Open the change to the next version; `proposal` is not trusted."""
    change_subjects[RuleSetSubject.kind].check_can_propose(actor, rule_set)
    return open_change(
        actor=actor,
        kind=RuleSetSubject.kind,
        subject_id=rule_set.pk,
        proposal=read_content(proposal).as_proposal(),
        title=_title(rule_set),
        reason=reason,
        now=now,
    )


def _replace(change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
    """The next version takes the place of the one in force, for the next call of every process."""
    rule_set = RuleSet.objects.select_for_update(no_key=True).get(pk=change.subject_id)
    version, old = content_in_force(rule_set)
    content = read_content(change.proposal)
    if gaps := _gaps(rule_set.screen, content):
        raise WrongState(f"Nothing was changed. Still missing: {gaps[0]}")
    rule_set.versions.filter(active=True).update(active=False)
    new = RuleSetVersion.objects.create(
        rule_set=rule_set,
        version=version + 1,
        change=change,
        made_at=now,
        **content.as_proposal(),
    )
    supersede_others(approval, [rule_set.pk], now)
    record(
        actor=actor,
        action="rule_set.replaced",
        subject=rule_set,
        now=now,
        before={"version": version, **old.as_proposal()},
        after={"version": new.version, **content.as_proposal()},
        reason=change.reason,
    )
