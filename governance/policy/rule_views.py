"""The rules of the screens: which hold, since when, by whom; trying them; proposing others."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.approvals.selectors import open_change_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.policy.matching import failing_tests
from governance.policy.models import RuleSet
from governance.policy.person_names import installed
from governance.policy.rule_content import ACTIONS, LONGEST_PATTERN, SCREENS, SOURCES
from governance.policy.rule_forms import (
    BeginForm,
    TrialForm,
    lines_of,
    rows_of,
    sent,
    typed_rows,
)
from governance.policy.rule_selectors import approvers, rule_sets, versions
from governance.policy.rule_sets import (
    PROPOSE,
    RuleSetSubject,
    begin_rule_set,
    content_in_force,
    newer_starting_rules,
    propose_rules,
)
from governance.policy.screening import Shown, screening_in_force, tried


@requires(Permission.USE_CASE_VIEW)
def rule_set_list(request: HttpRequest) -> HttpResponse:
    """What do the screens look for? And the way to a set that is not there yet."""
    may_propose = _may_propose(request)
    form = BeginForm(request.POST or None) if may_propose else None
    if request.method == "POST":
        made = _begin(request, form)
        if made is not None:
            messages.success(request, "Begun. It screens nothing before its rules are signed.")
            return redirect("policy:rule-set", slug=made.slug)
    rows = [
        {
            "set": one,
            "screen": SCREENS[one.screen],
            "newer": may_propose and newer_starting_rules(one),
            **_standing(one.in_force),  # type: ignore[attr-defined]  # prefetched
        }
        for one in rule_sets()
    ]
    context = {"rows": rows, "form": form, "trial": TrialForm(), "name_models": installed()}
    status = 422 if form is not None and form.errors else 200
    return page(request, "governance/policy/rule_sets.html", context, status=status)


def _may_propose(request: HttpRequest) -> bool:
    user = cast(User, request.user)
    return any(user.may(one) for one in PROPOSE)


def _begin(request: HttpRequest, form: BeginForm | None) -> RuleSet | None:
    if form is None:
        # It refuses, and says who may.
        begin_rule_set(actor=actor_of(request), **_NO_FACTS, now=timezone.now())
        return None
    if not form.is_valid():
        return None
    try:
        return begin_rule_set(actor=actor_of(request), now=timezone.now(), **form.cleaned_data)
    except Invalid as refused:
        for name, words in refused.fields.items():
            form.add_error(name, words)
    return None


_NO_FACTS = {"slug": "", "title": "", "screen": "", "purpose": ""}


def _standing(found: list[Any]) -> dict[str, Any]:
    if not found:
        return {"version": None, "rules": 0, "tests": 0, "approvers": []}
    version = found[0]
    counts = {"rules": len(version.rules), "tests": len(version.tests)}
    return {"version": version, "approvers": approvers(version), **counts}


@requires(Permission.USE_CASE_VIEW)
def rule_set(request: HttpRequest, slug: str) -> HttpResponse:
    """Which rules, which tests do they keep, what was it before, and what should it be?"""
    found = get_or_404(rule_sets(), slug=slug)
    number, content = content_in_force(found)
    error: Invalid | Conflict | None = None
    if request.method == "POST":
        try:
            change = propose_rules(
                actor=actor_of(request),
                rule_set=found,
                proposal=sent(request),
                reason=request.POST.get("reason", "")[:2000],
                now=timezone.now(),
            )
            messages.success(request, "Proposed. The version in force stays until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
        except (Invalid, Conflict) as refused:
            error = refused
    newer = newer_starting_rules(found)
    is_filled = newer is not None and "newer" in request.GET
    typed = newer.content if newer is not None and is_filled else content
    failed = {one.place for one in failing_tests(found.screen, content)} if number else set()
    listed = versions().filter(rule_set=found).order_by("-version")
    history = Paginator(listed, 20).get_page(request.GET.get("page"))
    context = {
        "found": found,
        "screen": SCREENS[found.screen],
        "number": number,
        "content": content,
        "tests": [(one, place not in failed) for place, one in enumerate(content.tests)],
        "may_propose": _may_propose(request),
        "open_change": open_change_for(RuleSetSubject.kind, found.pk),
        "rows": typed_rows(request) if error else rows_of(typed, _usual_reads(found.screen)),
        "typed_tests": request.POST.get("tests", "") if error else lines_of(typed),
        "reason": request.POST.get("reason", ""),
        "newer": newer,
        "is_filled": is_filled and error is None,
        "newer_keys": {one.key for one in (*newer.added, *newer.reworded)} if newer else set(),
        "test_errors": _test_errors(error),
        "actions": ACTIONS,
        "sources": SOURCES,
        "sensitivities": list(Sensitivity),
        "longest_pattern": LONGEST_PATTERN,
        "error": error,
        "page": history,
        "history": [(one, approvers(one)) for one in history],
        "trial": TrialForm(),
    }
    return page(request, "governance/policy/rule_set.html", context, status=_status(error))


def _status(error: Invalid | Conflict | None) -> int:
    if error is None:
        return 200
    return 409 if isinstance(error, Conflict) else 422


def _usual_reads(screen: str) -> tuple[str, ...]:
    return ("answer",) if screen == "answer" else ("user", "tool")


def _test_errors(error: Invalid | Conflict | None) -> list[str]:
    """What is wrong with lines of the tests, by their number."""
    fields = getattr(error, "fields", {})
    found = list(fields.get("tests", []))
    for name, words in fields.items():
        kind, _, rest = name.partition("-")
        if kind == "tests" and rest:
            place, _, field = rest.partition("-")
            found.append(f"Line {int(place) + 1}, {field}: {words[0]}")
    return found


@requires(Permission.USE_CASE_VIEW)
def try_rules(request: HttpRequest) -> HttpResponse:
    """What would happen to this text? Nothing is sent to a model, and nothing is kept."""
    form = TrialForm(request.POST or None)
    shown: Shown | None = None
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        shown = tried(
            screening_in_force(), facts["text"], facts["source"], Sensitivity(facts["sensitivity"])
        )
    context = {"form": form, "shown": shown, "counts": _counts(shown)}
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "governance/policy/try_rules.html", context, status=status)


def _counts(shown: Shown | None) -> list[tuple[str, int]]:
    if shown is None:
        return []
    counted = sorted(shown.redactor.counts.items())
    return [(name.replace("_", " ").lower(), count) for name, count in counted]
