"""How a starting set is written down: rules, each with texts that it must find. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from governance.policy.rule_content import Rule, RuleSetContent, RuleTest

Tested = tuple[Rule, list[str]]
BOTH = ("user", "tool")


@dataclass(frozen=True)
class StartingSet:
    """A set with what it is for."""

    slug: str
    title: str
    screen: str
    purpose: str
    content: RuleSetContent


def content_of(rules: list[tuple[Rule, list[str]]], innocent: list[str]) -> RuleSetContent:
    tests = [RuleTest(text, rule.key, rule.reads[0]) for rule, texts in rules for text in texts]
    reads = rules[0][0].reads[0]
    return RuleSetContent(
        tuple(rule for rule, _ in rules), (*tests, *(RuleTest(one, "", reads) for one in innocent))
    )


def injection(key: str, title: str, pattern: str, *tests: str) -> Tested:
    return Rule(key, title, pattern, "hold", BOTH, category="LLM01"), list(tests)
