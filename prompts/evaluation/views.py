"""Evaluation of a prompt: is this version good enough, and on which cases not?"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from prompts.catalogue.selectors import prompt_for
from prompts.evaluation import services
from prompts.evaluation.forms import CaseForm, RunForm, SuiteForm
from prompts.evaluation.opening import open_texts
from prompts.evaluation.rules import RUN_STATES, ResultState
from prompts.evaluation.selectors import (
    beside_live,
    live_version,
    report_of,
    results_of,
    run_for,
    suite_for,
    suites_of,
)
from prompts.gateway.trying import LONGEST

PER_PAGE = 50


@requires(Permission.PROMPT_VIEW)
def suites(request: HttpRequest, slug: str) -> HttpResponse:
    """The suites of a prompt; a POST begins one."""
    user = cast(User, request.user)
    prompt = prompt_for(user, slug)
    form = SuiteForm(request.POST or None)
    if request.method == "POST":
        made = form.carry_out(
            services.create_suite, actor=actor_of(request), prompt=prompt, now=timezone.now()
        )
        if made is not None:
            messages.success(request, "Begun. Write its first case.")
            return redirect("evaluation:suite", slug=slug, suite=made.pk)
    context = {
        "prompt": prompt,
        "suites": suites_of(prompt),
        "form": form,
        "may_write": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
    }
    status = 422 if form.errors else 200
    return page(request, "prompts/evaluation/suites.html", context, status=status)


@requires(Permission.PROMPT_VIEW)
def suite(request: HttpRequest, slug: str, suite: int) -> HttpResponse:
    """Its cases and runs; a POST begins a run."""
    user = cast(User, request.user)
    found = suite_for(user, slug, suite)
    prompt = found.prompt
    is_sent = request.method == "POST"
    form = RunForm(prompt, request.POST if is_sent else None)
    if is_sent:
        made = form.carry_out(
            services.begin_run, actor=actor_of(request), suite=found, now=timezone.now()
        )
        if made is not None:
            return redirect("evaluation:run", slug=slug, run=made.pk)
    cases = found.cases.filter(retired_at=None).defer("input_sealed", "expectation_sealed")
    runs = found.runs.select_related("version__prompt", "deployment")[:10]
    context = {
        "prompt": prompt,
        "suite": found,
        "page": Paginator(cases.select_related("created_by"), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "runs": [(one, one.rates()["all"]) for one in runs],
        "live": live_version(prompt),
        "form": form,
        "may_write": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
        "may_run": user.may(Permission.CALL_TRY, prompt.use_case.team),
    }
    return page(
        request, "prompts/evaluation/suite.html", context, status=422 if form.errors else 200
    )


@requires(Permission.PROMPT_AUTHOR)
def new_case(request: HttpRequest, slug: str, suite: int) -> HttpResponse:
    """Write a case by hand: a field for each variable, and what is expected."""
    found = suite_for(cast(User, request.user), slug, suite)
    services.check_can_write(actor_of(request), found.prompt)
    form = CaseForm(found.prompt, request.POST if request.method == "POST" else None)
    if form.is_bound:
        made = form.carry_out(
            services.add_case, actor=actor_of(request), suite=found, now=timezone.now()
        )
        if made is not None:
            messages.success(request, "Saved. Write the next, or run the suite.")
            return redirect("evaluation:suite", slug=slug, suite=suite)
    context = {
        "prompt": found.prompt,
        "suite": found,
        "form": form,
        "fields": form.input.fields,
        "most_text": LONGEST,
    }
    return page(
        request, "prompts/evaluation/new_case.html", context, status=422 if form.errors else 200
    )


@requires(Permission.PROMPT_AUTHOR)
@require_POST
def retire_case(request: HttpRequest, slug: str, suite: int, case: int) -> HttpResponse:
    found = suite_for(cast(User, request.user), slug, suite)
    one = get_or_404(found.cases.all(), pk=case)
    services.retire_case(actor=actor_of(request), case_id=one.pk, now=timezone.now())
    messages.success(request, "Retired: no later run has it.")
    return redirect("evaluation:suite", slug=slug, suite=suite)


@requires(Permission.PROMPT_VIEW)
@never_cache
def run(request: HttpRequest, slug: str, run: UUID) -> HttpResponse:
    """Failures first, beside the live version. A POST opens the texts of what is shown, audited."""
    user = cast(User, request.user)
    found = run_for(user, slug, run)
    report = report_of(found)
    state = request.GET.get("state", "")
    results = results_of(found)
    if state in list(ResultState):
        results = results.filter(state=state)
    listed = Paginator(results, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(listed)
    context: dict[str, Any] = {
        "prompt": found.suite.prompt,
        "run": found,
        "report": report,
        "tally": found.tally(),
        "page": listed,
        "rows": beside_live(shown, report.live),
        "states": list(ResultState),
        "state": state,
        "actions": set(RUN_STATES.actions(found.state)),
        "may_run": user.may(Permission.CALL_TRY, found.suite.prompt.use_case.team),
        "may_open": user.may(Permission.CALL_BODY_VIEW, found.suite.prompt.use_case.team),
    }
    if request.method == "POST":
        now = timezone.now()
        context["texts"] = open_texts(
            actor=actor_of(request), run=found, results=shown, live=report.live, now=now
        )
    return page(
        request,
        "prompts/evaluation/run.html",
        context,
        fragment="prompts/evaluation/_progress.html",
    )


@requires(Permission.CALL_TRY)
@require_POST
def cancel(request: HttpRequest, slug: str, run: UUID) -> HttpResponse:
    found = run_for(cast(User, request.user), slug, run)
    services.cancel_run(actor=actor_of(request), run_id=found.pk, now=timezone.now())
    messages.success(request, "Cancelled. What was scored stays.")
    return redirect("evaluation:run", slug=slug, run=run)


@requires(Permission.CALL_TRY)
@require_POST
def resume(request: HttpRequest, slug: str, run: UUID) -> HttpResponse:
    found = run_for(cast(User, request.user), slug, run)
    services.resume_run(actor=actor_of(request), run_id=found.pk, now=timezone.now())
    messages.success(request, "It goes on.")
    return redirect("evaluation:run", slug=slug, run=run)
