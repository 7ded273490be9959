"""What one version of a rule set says, and how untrusted facts become one. Pure.

Patterns are RE2's: matched in linear time whatever the text, so that none can be made to run
away. They have no look-around and no back-references, and `\\b` knows ASCII letters alone; texts
are matched without accents on Latin letters (unfolding.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2

from governance.kernel.errors import Invalid
from governance.kernel.terms import Sensitivity

SCREENS = {
    "injection": "Attempts to take over",
    "block_list": "What is not taken",
    "personal_data": "Personal data",
    "answer": "What an answer must not hold",
}
ACTIONS = ("note", "hold", "block")
SOURCES = ("user", "tool", "answer")
# A row of the form has ten inputs at most, and Django takes a thousand of them.
MOST_RULES, MOST_TESTS, MOST_NEAR = 90, 400, 20
LONGEST_PATTERN, LONGEST_TITLE, LONGEST_TEST, LONGEST_NEAR = 1000, 120, 500, 40
# Characters before and after a match in which one of the words must stand.
NEAR = 60
_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
_PATTERN_MEMORY = 2**20
_LEVELS = ("", *Sensitivity)


@dataclass(frozen=True)
class Rule:
    """One pattern, what is done when it is found, and where it is looked for.

    With `near`, a match counts only if one of these words stands close to it. `raises_to` is the
    least sensitivity of a call that holds it. In a set about personal data the key in capitals
    is the type that placeholders bear.
    """

    key: str
    title: str
    pattern: str
    action: str = "hold"
    reads: tuple[str, ...] = ("user", "tool")
    near: tuple[str, ...] = ()
    raises_to: str = ""
    category: str = ""

    @property
    def entity(self) -> str:
        return self.key.upper()

    def as_facts(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "pattern": self.pattern,
            "action": self.action,
            "reads": list(self.reads),
            "near": list(self.near),
            "raises_to": self.raises_to,
            "category": self.category,
        }


@dataclass(frozen=True)
class RuleTest:
    """A text, and the rule that must find something in it; none when all must leave it alone."""

    text: str
    rule: str = ""
    reads: str = "user"

    def as_facts(self) -> dict[str, Any]:
        return {"text": self.text, "rule": self.rule, "reads": self.reads}


@dataclass(frozen=True)
class RuleSetContent:
    """The rules with the tests that they keep."""

    rules: tuple[Rule, ...]
    tests: tuple[RuleTest, ...]

    def as_proposal(self) -> dict[str, Any]:
        return {
            "rules": [one.as_facts() for one in self.rules],
            "tests": [one.as_facts() for one in self.tests],
        }

    def weaker_than(self, other: RuleSetContent) -> list[str]:
        """What the other has and this has not, or does less strictly, in words."""
        mine = {one.key: one for one in self.rules}
        return [words for old in other.rules if (words := _weaker(mine.get(old.key), old))]


def _weaker(new: Rule | None, old: Rule) -> str:
    if new is None:
        return f"“{old.key}” is taken out."
    if ACTIONS.index(new.action) < ACTIONS.index(old.action):
        return f"“{old.key}” only does “{new.action}” where it did “{old.action}”."
    if set(old.reads) - set(new.reads):
        return f"“{old.key}” reads less."
    if new.pattern != old.pattern or new.near != old.near:
        return f"“{old.key}” looks for something else."
    is_less = _LEVELS.index(new.raises_to) < _LEVELS.index(old.raises_to)
    return f"“{old.key}” raises the sensitivity less." if is_less else ""


def compiled(pattern: str) -> Any:
    """The pattern, without regard to case; raises re2.error."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    return re2.compile(pattern, options=options)


def fault_of(pattern: str) -> str:
    """Why a pattern cannot be used, in words; empty when it can."""
    if not 1 <= len(pattern) <= LONGEST_PATTERN or "\x00" in pattern:
        return f"1 to {LONGEST_PATTERN} characters."
    try:
        is_everywhere = compiled(pattern).search("") is not None
    except (re2.error, UnicodeEncodeError) as error:
        return f"RE2 does not take it: {_said(error)[:150]}. It has no look-around and no \\1."
    return "It finds the empty text, so it would find everything." if is_everywhere else ""


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def read_content(given: Mapping[str, Any]) -> RuleSetContent:
    """The content from facts that are not trusted; raises Invalid with all that does not fit.

    Fields are named `rules-<place>-<name>`, so that a page finds the input again.
    """
    problems: dict[str, list[str]] = {}
    rules = [
        _rule(row, f"rules-{place}", problems)
        for place, row in enumerate(_rows(given, "rules", MOST_RULES, problems))
    ]
    keys = [one.key for one in rules]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            problems.setdefault(f"rules-{place}-key", ["Another rule has this key."])
    tests = [
        _test(row, f"tests-{place}", keys, problems)
        for place, row in enumerate(_rows(given, "tests", MOST_TESTS, problems))
    ]
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return RuleSetContent(tuple(rules), tuple(tests))


def _rows(
    given: Mapping[str, Any], name: str, most: int, problems: dict[str, list[str]]
) -> list[Any]:
    rows = given.get(name)
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        problems[name] = [f"1 to {most} of them."]
        return []
    return rows


def _rule(row: Any, name: str, problems: dict[str, list[str]]) -> Rule:
    facts = row if isinstance(row, Mapping) else {}
    text = {one: _text(facts.get(one)) for one in ("key", "title", "pattern", "category")}
    action, raises = _text(facts.get("action")) or "hold", _text(facts.get("raises_to"))
    reads, near = _texts(facts.get("reads")), _texts(facts.get("near"))
    fault = fault_of(text["pattern"])
    wrong = {
        "key": not _KEY.fullmatch(text["key"]) and "2 to 40 small letters, digits or _.",
        "title": not 1 <= len(text["title"]) <= LONGEST_TITLE and f"1 to {LONGEST_TITLE} letters.",
        "pattern": fault,
        "category": len(text["category"]) > 20 and "At most 20 characters.",
        "action": action not in ACTIONS and f"One of {', '.join(ACTIONS)}.",
        "raises_to": raises not in ("", *Sensitivity) and f"One of {', '.join(Sensitivity)}.",
        "reads": not (reads and set(reads) <= set(SOURCES)) and f"Some of {', '.join(SOURCES)}.",
        "near": not _are_words(near) and f"At most {MOST_NEAR} words of {LONGEST_NEAR} letters.",
    }
    problems |= {f"{name}-{field}": [words] for field, words in wrong.items() if words}
    return Rule(**text, action=action, raises_to=raises, reads=tuple(reads), near=tuple(near))


def _are_words(near: list[str]) -> bool:
    return len(near) <= MOST_NEAR and all(0 < len(one) <= LONGEST_NEAR for one in near)


def _test(row: Any, name: str, keys: list[str], problems: dict[str, list[str]]) -> RuleTest:
    facts = row if isinstance(row, Mapping) else {}
    given, rule = facts.get("text"), _text(facts.get("rule"))
    text, reads = given if isinstance(given, str) else "", _text(facts.get("reads")) or "user"
    if not 1 <= len(text) <= LONGEST_TEST or "\x00" in text:
        problems[f"{name}-text"] = [f"1 to {LONGEST_TEST} characters."]
    if rule and rule not in keys:
        problems[f"{name}-rule"] = ["There is no such rule in this set."]
    if reads not in SOURCES:
        problems[f"{name}-reads"] = [f"One of {', '.join(SOURCES)}."]
    return RuleTest(text, rule, reads)


def _text(given: Any) -> str:
    return given.strip() if isinstance(given, str) else ""


def _texts(given: Any) -> list[str]:
    listed = given if isinstance(given, list | tuple) else []
    return [one.strip() if isinstance(one, str) else "" for one in listed]
