"""Rule sets as they are typed: rows of rules, and tests as lines."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest

from governance.kernel.terms import Sensitivity
from governance.kernel.web import plain_name
from governance.policy.rule_content import (
    LONGEST_TITLE,
    MOST_RULES,
    SCREENS,
    SOURCES,
    RuleSetContent,
)

SPARE_ROWS = 2
LONGEST_TRIAL = 20_000
LONGEST_TESTS = 250_000
PLACES = range(MOST_RULES + SPARE_ROWS)
TEXTS = ("key", "title", "pattern", "action", "near", "raises_to", "category")
NOTHING = "nothing"
_LINE = re.compile(r"(\S+)\s+\((\w+)\)\s*:\s?(.*)")
BREAK = "⏎"


class BeginForm(forms.Form):
    """A set that is yet to get its rules."""

    title = forms.CharField(max_length=LONGEST_TITLE, validators=[plain_name])
    slug = forms.SlugField(
        max_length=60, label="Short name", help_text="Small letters, digits and hyphens; it stays."
    )
    screen = forms.ChoiceField(choices=list(SCREENS.items()), label="What its rules look for")
    purpose = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class TrialForm(forms.Form):
    """A text to try; nothing of it is kept."""

    text = forms.CharField(
        max_length=LONGEST_TRIAL, strip=False, widget=forms.Textarea(attrs={"rows": 8})
    )
    source = forms.ChoiceField(
        choices=[(one, one) for one in SOURCES],
        label="Comes from",
        help_text="“tool” is whatever was fetched: results of tools, retrieved passages.",
    )
    sensitivity = forms.ChoiceField(
        choices=[(one, one) for one in Sensitivity], initial=Sensitivity.INTERNAL
    )


def sent(request: HttpRequest) -> dict[str, Any]:
    """The proposal as typed. A row without key, title and pattern was left empty or taken out."""
    rows = [row for row in typed_rows(request) if row["is_filled"]]
    rules = [
        {name: row[name] for name in TEXTS}
        | {"near": words(row["near"]), "reads": list(row["reads"])}
        for row in rows
    ]
    return {"rules": rules, "tests": tests_of(request.POST.get("tests", "")[:LONGEST_TESTS])}


def words(typed: str) -> list[str]:
    return [one.strip() for one in typed.split(",") if one.strip()]


def tests_of(typed: str) -> list[dict[str, str]]:
    """Lines “rule (source): text”; one that does not read so becomes a test without a text."""
    found = []
    for line in typed.splitlines():
        if not line.strip():
            continue
        read = _LINE.fullmatch(line)
        rule, source, text = read.groups() if read else ("?", "user", "")
        named = "" if rule == NOTHING else rule
        found.append({"rule": named, "reads": source, "text": text.replace(BREAK, "\n")})
    return found


def lines_of(content: RuleSetContent) -> str:
    return "\n".join(
        f"{one.rule or NOTHING} ({one.reads}): {one.text.replace(chr(10), BREAK)}"
        for one in content.tests
    )


def typed_rows(request: HttpRequest) -> list[dict[str, Any]]:
    """Every row of the form; filled ones stand first, so that errors find their place again."""
    read = [_typed_row(request, place) for place in PLACES if f"r{place}-action" in request.POST]
    filled = [row for row in read if row["is_filled"]]
    return _placed([*filled, *(row for row in read if not row["is_filled"])])


def _typed_row(request: HttpRequest, place: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: request.POST.get(f"r{place}-{name}", "").strip()[:1100] for name in TEXTS
    }
    row["reads"] = [one for one in request.POST.getlist(f"r{place}-reads") if one in SOURCES]
    row["is_filled"] = bool(row["key"] or row["title"] or row["pattern"])
    return row


def rows_of(content: RuleSetContent, reads: tuple[str, ...]) -> list[dict[str, Any]]:
    """What is in force, and some empty rows while there is room."""
    rows: list[dict[str, Any]] = [
        one.as_facts() | {"near": ", ".join(one.near), "is_filled": True} for one in content.rules
    ]
    blank: dict[str, Any] = dict.fromkeys(TEXTS, "") | {"action": "hold", "is_filled": False}
    spare = min(SPARE_ROWS, MOST_RULES - len(rows))
    return _placed([*rows, *(blank | {"reads": list(reads)} for _ in range(spare))])


def _placed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the name of each row's inputs, and of the errors for each of them."""
    return [
        row
        | {"name": f"r{place}"}
        | {f"{one}_error": f"rules-{place}-{one}" for one in (*TEXTS, "reads")}
        for place, row in enumerate(rows)
    ]
