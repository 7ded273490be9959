"""What this edition's starting rules would change in a set that an earlier one installed. Pure.

Three are compared, rule by rule: what was installed, what is in force, what this edition brings.
What an organisation changed or took out stays as it made it.
"""

from __future__ import annotations

from dataclasses import dataclass

from governance.policy.rule_content import Rule, RuleSetContent, RuleTest


@dataclass(frozen=True)
class NewerRules:
    """The set in force with what is newer; which rules are added, and which have other words."""

    content: RuleSetContent
    added: tuple[Rule, ...]
    reworded: tuple[Rule, ...]


def newer_rules(
    installed: RuleSetContent, live: RuleSetContent, latest: RuleSetContent
) -> NewerRules | None:
    """None where nothing is newer."""
    was = {one.key: one for one in installed.rules}
    now = {one.key: one for one in live.rules}
    added = tuple(one for one in latest.rules if one.key not in was and one.key not in now)
    reworded = tuple(
        one
        for one in latest.rules
        if one.key in now and now[one.key] == was.get(one.key) and now[one.key] != one
    )
    if not added and not reworded:
        return None
    fresh = {one.key: one for one in reworded}
    rules = (*(fresh.get(one.key, one) for one in live.rules), *added)
    brought = {one.key for one in (*added, *reworded)}
    tests = _tests(installed, live, latest, brought)
    return NewerRules(RuleSetContent(rules, tests), added, reworded)


def _tests(
    installed: RuleSetContent, live: RuleSetContent, latest: RuleSetContent, brought: set[str]
) -> tuple[RuleTest, ...]:
    """Those in force but what this edition gave up, and its own of the rules that it brings."""
    given_up = set(installed.tests) - set(latest.tests)
    kept = [one for one in live.tests if one not in given_up or not _is_of(one, brought)]
    known = {*installed.tests, *live.tests}
    new = [one for one in latest.tests if one not in known and _is_of(one, brought)]
    return (*kept, *new)


def _is_of(test: RuleTest, keys: set[str]) -> bool:
    """Of one of these rules, or of all."""
    return not test.rule or test.rule in keys
