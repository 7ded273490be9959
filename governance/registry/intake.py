"""The intake: a step at a time, saved as each is left; any step can be come back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.terms import Oversight, Sensitivity
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import assessments, beginning, framework, questionnaire, risk, services
from governance.registry.datasets import name_datasets
from governance.registry.models import Dataset, RiskAssessment, Score, UseCase
from governance.registry.scoring_content import KINDS
from governance.registry.scoring_models import model_in_force
from governance.registry.selectors import (
    facts_of,
    gate_facts,
    gates_of,
    reasons_due,
    use_cases_visible_to,
)
from governance.registry.similar import Similar, similar_to
from governance.registry.views import error_status

STEPS = ("what", "pattern", "data", "scores", "risk", "summary")
# Safety officers assess use cases that they do not manage.
ASSESSED = frozenset({"scores", "risk"})
DESCRIPTIONS = {
    "feature": "What it does",
    "outcome": "Outcome for whom",
    "benefit": "What a model adds",
    "stakeholders": "Who is concerned",
}


@requires(Permission.USE_CASE_MANAGE)
def new(request: HttpRequest) -> HttpResponse:
    """The first step; it makes the draft that later steps fill."""
    teams = teams_for(cast(User, request.user), Permission.USE_CASE_MANAGE)
    error: Invalid | None = None
    is_looking = "look" in request.POST
    if request.method == "POST" and not is_looking:
        chosen = request.POST.get("team", "")
        team = teams.filter(pk=chosen).first() if chosen.isdecimal() else None
        try:
            if team is None:
                raise Invalid("Nothing was saved yet.", fields={"team": ["Choose your team."]})
            use_case = beginning.begin_use_case(
                actor=actor_of(request),
                team=team,
                reason=request.POST.get("reason", ""),
                source_slug=request.POST.get("source", ""),
                now=timezone.now(),
                **_description(request),
            )
            return redirect("registry:step", slug=use_case.slug, step="pattern")
        except Invalid as refused:
            error = refused
    context = {
        "teams": teams,
        "error": error,
        "values": request.POST,
        "steps": [{"name": one, "url": ""} for one in STEPS],
        "step": "what",
        "was_asked": is_looking,
        "similar": _similar(request) if request.method == "POST" else [],
    }
    status = error_status(error)
    fragment = "governance/registry/_similar.html" if is_looking else None
    template = "governance/registry/step_what.html"
    return page(request, template, context, fragment=fragment, status=status)


def _similar(request: HttpRequest) -> list[Similar]:
    """Those in the person's reach that are like what was typed."""
    typed = _description(request)
    return similar_to(
        cast(User, request.user),
        title=typed["title"],
        feature=typed["feature"],
        outcome=typed["outcome"],
    )


def _description(request: HttpRequest) -> dict[str, Any]:
    return {name: request.POST.get(name, "").strip() for name in ("title", *DESCRIPTIONS)}


@requires(Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)
def step(request: HttpRequest, slug: str, step: str) -> HttpResponse:
    """Show one step, or save it and go to the next. `look` shows what follows, unsaved."""
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    if step not in STEPS:
        raise NotFound("The intake has no such step.")
    _check_can_open(request, use_case, step)
    error: Invalid | Conflict | None = None
    is_looking = "look" in request.POST
    if request.method == "POST" and step in _SAVE and not is_looking:
        try:
            with transaction.atomic():
                _SAVE[step](request, use_case)
                beginning.mark_looked_at(use_case, step)
            return _onward(request, use_case, step)
        except (Invalid, Conflict) as refused:
            error = refused
            use_case.refresh_from_db()
    context = _context(request, use_case, step, error)
    template = f"governance/registry/step_{step}.html"
    fragment = "governance/registry/_follows.html" if is_looking else None
    return page(request, template, context, fragment=fragment, status=error_status(error))


def _check_can_open(request: HttpRequest, use_case: UseCase, step: str) -> None:
    if step in ASSESSED:
        assessments.check_can_assess(actor_of(request), use_case)
    else:
        services.check_can_manage(actor_of(request), use_case.team)


def _onward(request: HttpRequest, use_case: UseCase, step: str) -> HttpResponse:
    if not actor_of(request).may(Permission.USE_CASE_MANAGE, use_case.team):
        messages.success(request, "Saved.")
        return redirect("registry:detail", slug=use_case.slug)
    return redirect("registry:step", slug=use_case.slug, step=STEPS[STEPS.index(step) + 1])


def _context(
    request: HttpRequest, use_case: UseCase, step: str, error: Invalid | Conflict | None
) -> dict[str, Any]:
    """What is stored, under what was typed when the step was sent and not saved."""
    typed = request.POST if request.method == "POST" else None
    may_manage = actor_of(request).may(Permission.USE_CASE_MANAGE, use_case.team)
    context = {
        "use_case": use_case,
        "step": step,
        "steps": _steps(use_case, may_manage),
        "error": error,
        "differences": _differences(request, use_case) if isinstance(error, Conflict) else [],
        # After a lost race the next save goes over what is shown as the difference.
        "version": typed.get("version", "")
        if typed and not isinstance(error, Conflict)
        else use_case.version,
        "values": typed if typed is not None else _STORED[step](use_case),
        "may_manage": may_manage,
        "origin": beginning.origin_of(use_case, cast(User, request.user)),
    }
    return context | _SHOWN[step](request, use_case)


def _steps(use_case: UseCase, may_manage: bool) -> list[dict[str, str]]:
    def url(name: str) -> str:
        return reverse("registry:step", args=[use_case.slug, name])

    return [
        {"name": one, "url": url(one) if may_manage or one in ASSESSED else ""} for one in STEPS
    ]


def _differences(request: HttpRequest, use_case: UseCase) -> list[dict[str, str]]:
    """Field by field, what stands now beside what this person typed."""
    names = [name for name in request.POST if name in services.EDITABLE]
    pairs = [(name, str(getattr(use_case, name)), request.POST[name]) for name in names]
    return [
        {"field": name.replace("_", " "), "stands": stands, "typed": typed}
        for name, stands, typed in pairs
        if stands != typed.replace("\r\n", "\n").strip()
    ]


# What each step shows of the use case when nothing was typed.


def _stored_what(use_case: UseCase) -> dict[str, Any]:
    return {name: getattr(use_case, name) for name in ("title", *DESCRIPTIONS)}


def _stored_pattern(use_case: UseCase) -> dict[str, Any]:
    answers = use_case.framework_answers or {}
    found = framework.recommend(answers)
    # Empty says "as recommended", so that other answers bring another recommendation.
    return _yes_or_no(answers) | {
        "pattern": "" if use_case.pattern == found.pattern else use_case.pattern,
        "serving": "" if use_case.serving == found.serving else use_case.serving,
        "override_reason": use_case.override_reason,
    }


def _stored_data(use_case: UseCase) -> dict[str, Any]:
    names = ("sensitivity", "oversight", "sample_share", "disclosure_text", "fallback_text")
    stored = {name: getattr(use_case, name) for name in names}
    return stored | {"is_user_facing": "yes" if use_case.is_user_facing else ""}


def _stored_scores(use_case: UseCase) -> dict[str, Any]:
    latest = use_case.scores.filter(round=None).first()
    if latest is None:
        return {}
    whys = {f"{key}_why": text for key, text in latest.rationales.items()}
    points = {key: str(value) for key, value in latest.points.items()}
    kept = points | whys | {"rationale": latest.rationale}
    version, _ = model_in_force()
    if latest.model_version != version:
        # Points meant something else then: only the sentences are a start.
        return whys | {"rationale": latest.rationale}
    return kept


def _stored_risk(use_case: UseCase) -> dict[str, Any]:
    latest = use_case.risk_assessments.first()
    return _yes_or_no(latest.answers) if latest else {}


def _yes_or_no(answers: dict[str, bool]) -> dict[str, str]:
    return {key: "yes" if value else "no" for key, value in answers.items()}


_STORED: dict[str, Callable[[UseCase], dict[str, Any]]] = {
    "what": _stored_what,
    "pattern": _stored_pattern,
    "data": _stored_data,
    "scores": _stored_scores,
    "risk": _stored_risk,
    "summary": lambda use_case: {},
}


# What each step offers to choose from, and what follows from the answers so far.


def _shown_pattern(request: HttpRequest, use_case: UseCase) -> dict[str, Any]:
    answers = use_case.framework_answers or {}
    if request.method == "POST":
        answers = _answers(request, framework.QUESTIONS)
    return {
        "questions": framework.QUESTIONS,
        "recommendation": framework.recommend(answers) if answers else None,
        "patterns": framework.PATTERNS,
        "servings": framework.SERVING,
    }


def _shown_data(request: HttpRequest, use_case: UseCase) -> dict[str, Any]:
    named = set(use_case.datasets.values_list("pk", flat=True))
    if request.method == "POST":
        named = _named(request)
    return {
        "datasets": Dataset.objects.all(),
        "named": named,
        "sensitivities": list(Sensitivity),
        "oversights": list(Oversight),
    }


def _shown_scores(request: HttpRequest, use_case: UseCase) -> dict[str, Any]:
    version, content = model_in_force()
    latest = use_case.scores.deciding_first().select_related("assessor").first()
    return {
        "sides": [{"title": kind.capitalize(), "dimensions": content.of(kind)} for kind in KINDS],
        "model_version": version,
        "latest": latest,
        "was_otherwise": latest is not None and latest.model_version != version,
        "open_round": use_case.scoring_rounds.filter(state="open").first(),
    }


def _shown_risk(request: HttpRequest, use_case: UseCase) -> dict[str, Any]:
    shown = {"branches": questionnaire.BRANCHES}
    if request.method != "POST":
        latest = use_case.risk_assessments.select_related("assessor").first()
        return shown | {"assessment": latest}
    assessed = risk.assess(_answers(request, risk.QUESTIONS))
    unsaved = {
        "tier": assessed.tier,
        "act_class": assessed.act_class,
        "class_words": risk.CLASS_WORDS[assessed.act_class],
        "fired_rules": assessments.fired_rules(assessed),
        "ignored": assessed.ignored,
        "questions": risk.QUESTIONS,
    }
    return shown | {"assessment": unsaved}


def _shown_summary(request: HttpRequest, use_case: UseCase) -> dict[str, Any]:
    gates = gates_of(use_case, gate_facts(use_case, timezone.now()))
    return {
        "gates": gates,
        "undescribed": [
            words for name, words in DESCRIPTIONS.items() if not getattr(use_case, name).strip()
        ],
        "score": use_case.scores.deciding_first().first(),
        "assessment": use_case.risk_assessments.select_related("assessor").first(),
        "datasets": use_case.datasets.all(),
    }


_SHOWN: dict[str, Callable[[HttpRequest, UseCase], dict[str, Any]]] = {
    "what": lambda request, use_case: {},
    "pattern": _shown_pattern,
    "data": _shown_data,
    "scores": _shown_scores,
    "risk": _shown_risk,
    "summary": _shown_summary,
}


# How each step is saved.


def _save_what(request: HttpRequest, use_case: UseCase) -> None:
    _save(request, use_case, **_description(request))


def _save_pattern(request: HttpRequest, use_case: UseCase) -> None:
    answers = _answers(request, framework.QUESTIONS)
    found = framework.recommend(answers)
    _save(
        request,
        use_case,
        framework_answers=answers,
        pattern=request.POST.get("pattern") or found.pattern,
        serving=request.POST.get("serving") or found.serving,
        override_reason=request.POST.get("override_reason", "").strip(),
    )


def _save_data(request: HttpRequest, use_case: UseCase) -> None:
    post = request.POST
    try:
        share = Decimal(post.get("sample_share") or "10")
    except InvalidOperation:
        raise Invalid("Not saved yet.", fields={"sample_share": ["Give a number."]}) from None
    _save(
        request,
        use_case,
        is_user_facing=post.get("is_user_facing") == "yes",
        sensitivity=post.get("sensitivity", ""),
        oversight=post.get("oversight", ""),
        sample_share=share,
        disclosure_text=post.get("disclosure_text", "").strip(),
        fallback_text=post.get("fallback_text", "").strip(),
    )
    name_datasets(
        actor=actor_of(request),
        use_case=use_case,
        dataset_ids=_named(request),
        now=timezone.now(),
    )


def _named(request: HttpRequest) -> set[int]:
    return {int(one) for one in request.POST.getlist("datasets") if one.isdecimal()}


def _save(request: HttpRequest, use_case: UseCase, **facts: Any) -> None:
    given = request.POST.get("version", "")
    version = int(given) if given.isdecimal() else use_case.version
    services.save_step(
        actor=actor_of(request), use_case=use_case, version=version, now=timezone.now(), **facts
    )


def _answers(request: HttpRequest, questions: dict[str, str]) -> dict[str, bool]:
    return {key: request.POST.get(key) == "yes" for key in questions}


def _save_scores(request: HttpRequest, use_case: UseCase) -> None:
    version, content = model_in_force()
    read = request.POST.get("model_version", "")
    points, rationales = scores_sent(request, content.keys)
    given: dict[str, Any] = {
        **content.split(points),
        "rationales": rationales,
        "rationale": request.POST.get("rationale", "").strip()[:5000],
    }
    own = Score.objects.filter(use_case=use_case, round=None, model_version=version)
    mine = own.filter(assessor=cast(User, request.user)).first()
    # Going through the intake again with the same answers is not another assessment.
    if mine is None or any(getattr(mine, name) != value for name, value in given.items()):
        assessments.record_score(
            actor=actor_of(request),
            use_case=use_case,
            now=timezone.now(),
            model_version=int(read) if read.isdecimal() else None,
            **given,
        )


def scores_sent(request: HttpRequest, keys: Iterable[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Points and sentences by dimension, out of the scores' form."""
    points = {key: _point(request, key) for key in keys}
    return points, {key: request.POST.get(f"{key}_why", "").strip() for key in points}


def _point(request: HttpRequest, key: str) -> int:
    text = request.POST.get(key, "")
    return int(text) if text.isdecimal() and len(text) == 1 else 0


def _save_risk(request: HttpRequest, use_case: UseCase) -> None:
    answers = _answers(request, risk.QUESTIONS)
    latest = use_case.risk_assessments.first()
    if latest is None or latest.answers != answers or _confirms(request, latest):
        assessments.assess_risk(
            actor=actor_of(request), use_case=use_case, answers=answers, now=timezone.now()
        )


def _confirms(request: HttpRequest, latest: RiskAssessment) -> bool:
    """Whether the same answers are kept again: a safety officer's, to new rules, or when due."""
    user = cast(User, request.user)
    is_second = latest.assessor_id != user.pk and user.may(Permission.USE_CASE_ASSESS)
    is_due = bool(reasons_due(latest, facts_of(latest.use_case), timezone.now()))
    return is_second or is_due or latest.questionnaire_version != risk.VERSION


_SAVE: dict[str, Callable[[HttpRequest, UseCase], None]] = {
    "what": _save_what,
    "pattern": _save_pattern,
    "data": _save_data,
    "scores": _save_scores,
    "risk": _save_risk,
}
