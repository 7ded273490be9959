"""Rules made ready once, and asked of every text: a linear pass for some of them each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.kernel.terms import Sensitivity, highest
from governance.policy.one_pass import OnePass
from governance.policy.rule_content import NEAR, SOURCES, Rule, RuleSetContent, RuleTest, compiled
from governance.policy.unfolding import folded, readings

# Rules of one pass: the states of a pass multiply with its rules, and on real prose a pass of 60
# took eight times as long as four of 16.
_AT_ONCE = 16


@dataclass(frozen=True)
class NamedSet:
    """One set in force: what it is called, its version, which screen it belongs to."""

    slug: str
    version: int
    screen: str
    content: RuleSetContent


@dataclass(frozen=True)
class RuleMatch:
    """A rule that found something; never what it found."""

    rule_set: str
    version: int
    rule: Rule
    how: str = ""

    @property
    def detail(self) -> str:
        decoded = f", read as {self.how}" if self.how else ""
        return f"rule {self.rule.key} of {self.rule_set}, version {self.version}{decoded}"


class Matcher:
    """Some rules, found in a few passes over a text."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._patterns = [compiled(one.pattern) for one in rules]
        self._passes = [
            OnePass(
                {
                    place: rules[place].pattern
                    for place in range(start, min(start + _AT_ONCE, len(rules)))
                },
                case_sensitive=False,
            )
            for start in range(0, len(rules), _AT_ONCE)
        ]

    def matching(self, text: str) -> Iterator[Rule]:
        """The rules that find something; `text` is folded."""
        for place in self._places(text):
            if next(self._stretches(place, text), None) is not None:
                yield self.rules[place]

    def stretches(self, text: str) -> Iterator[tuple[Rule, int, int]]:
        """Where each rule finds something."""
        for place in self._places(text):
            for start, end in self._stretches(place, text):
                yield self.rules[place], start, end

    def _places(self, text: str) -> list[int]:
        """Of the rules that may find something, in their order."""
        return [place for one in self._passes for place in one.may_find(text)]

    def _stretches(self, place: int, text: str) -> Iterator[tuple[int, int]]:
        near = [one.casefold() for one in self.rules[place].near]
        for found in self._patterns[place].finditer(text):
            start, end = found.span()
            around = text[max(0, start - NEAR) : end + NEAR].casefold() if near else ""
            if end > start and (not near or any(one in around for one in near)):
                yield start, end


class Screening:
    """All sets in force, made ready: what a call and the “try it” box ask."""

    def __init__(self, sets: Iterable[NamedSet]) -> None:
        self.sets = tuple(sets)
        scanned = [one for one in self.sets if one.screen != "personal_data"]
        self._by_source = {source: _Scanner(scanned, source) for source in SOURCES}
        self._blocking = Matcher(
            [
                rule
                for one in scanned
                for rule in one.content.rules
                if rule.action == "block" and "answer" in rule.reads
            ]
        )
        self._personal = Matcher(
            [
                rule
                for one in self.sets
                if one.screen == "personal_data"
                for rule in one.content.rules
            ]
        )

    @property
    def recognised(self) -> tuple[str, ...]:
        """The types of personal data that custom recognisers add."""
        return tuple(one.entity for one in self._personal.rules)

    def raises_to(self, entity: str) -> Sensitivity:
        raised = (one.raises_to for one in self._personal.rules if one.entity == entity)
        return Sensitivity(next(raised, "") or Sensitivity.INTERNAL)

    def personal_data(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Type, start and end of what the custom recognisers find, in the text as it stands."""
        for rule, start, end in self._personal.stretches(text):
            yield rule.entity, start, end

    def blocks_answer(self, text: str) -> Rule | None:
        """The first rule for which an answer that is being streamed must stop."""
        return next(self._blocking.matching(folded(text)), None)

    def scan(self, text: str, source: str) -> list[RuleMatch]:
        """Every rule that finds something in any reading of it, once."""
        return self._by_source[source].scan(text)


class _Scanner:
    def __init__(self, sets: Sequence[NamedSet], source: str) -> None:
        self._source = source
        self._known: Mapping[int, NamedSet]
        pairs = [(one, rule) for one in sets for rule in one.content.rules if source in rule.reads]
        self._known = {id(rule): one for one, rule in pairs}
        self._matcher = Matcher([rule for _, rule in pairs])

    def scan(self, text: str) -> list[RuleMatch]:
        if not self._matcher.rules or not text:
            return []
        found: dict[int, RuleMatch] = {}
        for reading in readings(text):
            for rule in self._matcher.matching(reading.text):
                named = self._known[id(rule)]
                match = RuleMatch(named.slug, named.version, rule, reading.how)
                found.setdefault(id(rule), match)
        return list(found.values())


def raised(matches: Iterable[RuleMatch], at_least: Sensitivity) -> Sensitivity:
    """The highest of what is known and what the rules that matched say."""
    sensitivity = at_least
    for one in matches:
        if one.rule.raises_to:
            sensitivity = highest(sensitivity, Sensitivity(one.rule.raises_to))
    return sensitivity


@dataclass(frozen=True)
class FailedTest:
    """A test that the rules do not keep."""

    place: int
    test: RuleTest
    found: tuple[str, ...]

    @property
    def words(self) -> str:
        found = ", ".join(self.found) or "nothing"
        wanted = f"“{self.test.rule}” to find something" if self.test.rule else "no rule to"
        return f"test {self.place + 1} wants {wanted}; found by: {found}."


def failing_tests(screen: str, content: RuleSetContent) -> list[FailedTest]:
    """The tests that these rules do not keep, asked the way a call asks."""
    screening = Screening([NamedSet("proposed", 1, screen, content)])
    return [
        FailedTest(place, test, found)
        for place, test in enumerate(content.tests)
        if not _is_kept(test, found := found_by(screening, screen, test.text, test.reads))
    ]


def found_by(screening: Screening, screen: str, text: str, source: str) -> tuple[str, ...]:
    """Keys of the rules that find something in a text."""
    if screen == "personal_data":
        entities = {entity for entity, _, _ in screening.personal_data(text)}
        return tuple(sorted(one.lower() for one in entities))
    return tuple(sorted(one.rule.key for one in screening.scan(text, source)))


def _is_kept(test: RuleTest, found: tuple[str, ...]) -> bool:
    return test.rule in found if test.rule else not found


def untested(content: RuleSetContent) -> list[str]:
    """Rules that no test asks for; nobody would notice if they found nothing."""
    asked = {one.rule for one in content.tests}
    return [one.key for one in content.rules if one.key not in asked]


def shown_pattern(rule: Rule) -> dict[str, Any]:
    """A rule as a line of a comparison."""
    return {
        "pattern": rule.pattern,
        "action": rule.action,
        "reads": ", ".join(rule.reads),
        "near": ", ".join(rule.near) or "anywhere",
        "raises to": rule.raises_to or "nothing",
        "category": rule.category or "none",
    }
