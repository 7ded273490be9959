"""How a starting set is written down: rules, each with texts that it must find. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from governance.policy.rule_content import Rule, RuleSetContent, RuleTest

BOTH = ("user", "tool")


class Tested(NamedTuple):
    """A rule, what it must find, and near misses that no rule of its set may find."""

    rule: Rule
    finds: Sequence[str]
    spares: Sequence[str] = ()


@dataclass(frozen=True)
class StartingSet:
    """A set with what it is for."""

    slug: str
    title: str
    screen: str
    purpose: str
    content: RuleSetContent


def content_of(rules: Sequence[Tested], innocent: Sequence[str]) -> RuleSetContent:
    tests = [RuleTest(text, one.rule.key, one.rule.reads[0]) for one in rules for text in one.finds]
    spared = [RuleTest(text, "", one.rule.reads[0]) for one in rules for text in one.spares]
    reads = rules[0].rule.reads[0]
    return RuleSetContent(
        tuple(one.rule for one in rules),
        (*tests, *spared, *(RuleTest(one, "", reads) for one in innocent)),
    )


def injection(key: str, title: str, pattern: str, *tests: str) -> Tested:
    return Tested(Rule(key, title, pattern, "hold", BOTH, category="LLM01"), tests)


def said(
    key: str,
    title: str,
    pattern: str,
    finds: Sequence[str],
    spares: Sequence[str],
    category: str = "LLM01",
    reads: tuple[str, ...] = BOTH,
    action: str = "hold",
) -> Tested:
    """A rule with texts on both sides of its border."""
    return Tested(Rule(key, title, pattern, action, reads, category=category), finds, spares)


# Put into what a tool fetches.
planted = partial(said, reads=("tool",))
