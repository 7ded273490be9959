"""Reads of suites and runs that pages, the API and change requests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Value, When
from django.urls import reverse

from governance.access.models import User
from governance.approvals.evidence_rules import Worse
from governance.approvals.registries import Evidence
from governance.kernel.terms import Environment
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.catalogue.selectors import prompt_for
from prompts.evaluation.models import EvaluationResult, EvaluationRun, EvaluationSuite
from prompts.evaluation.rules import Rate, ResultState, RunState, rates
from prompts.gateway.opinion_models import SAID, SecondOpinion
from prompts.releases.models import Release

FAILURES_FIRST = (ResultState.FAILED, ResultState.ERROR, ResultState.WAITING, ResultState.PASSED)
NOTHING_RUN = "No evaluation suite has been run."


def suites_of(prompt: Prompt) -> QuerySet[EvaluationSuite]:
    """With how many cases stand in each, and when it was last run."""
    standing = Q(cases__retired_at=None, cases__destroyed_at=None, cases__isnull=False)
    return prompt.suites.annotate(
        case_count=Count("cases", filter=standing, distinct=True),
        last_run_at=Max("runs__created_at"),
    )


def suite_for(user: User, slug: str, pk: int) -> EvaluationSuite:
    found: EvaluationSuite = get_or_404(
        EvaluationSuite.objects.select_related("prompt__use_case__team"),
        pk=pk,
        prompt=prompt_for(user, slug),
    )
    return found


def runs_visible_to(user: User) -> QuerySet[EvaluationRun]:
    return EvaluationRun.objects.visible_to(user).select_related(
        "suite__prompt__use_case__team", "version__prompt", "deployment", "requester"
    )


def run_for(user: User, slug: str, pk: Any) -> EvaluationRun:
    found: EvaluationRun = get_or_404(runs_visible_to(user), pk=pk, suite__prompt__slug=slug)
    return found


def live_version(prompt: Prompt) -> PromptVersion | None:
    """The one that answers in production."""
    running = Release.objects.filter(
        prompt=prompt, environment=Environment.PRODUCTION, ended_at=None
    )
    found = running.select_related("version__prompt").first()
    return found.version if found else None


def newest_run(suite: EvaluationSuite, version: PromptVersion | None) -> EvaluationRun | None:
    """The last one that came to its end."""
    if version is None:
        return None
    ended = suite.runs.filter(version=version, state=RunState.FINISHED)
    return ended.select_related("version__prompt", "deployment").first()


def deployments_for(prompt: Prompt) -> QuerySet[Deployment]:
    """What may be called with the prompt's content."""
    return Deployment.objects.filter(
        state="callable", card__state="approved", replay_only=False
    ).order_by("name")


@dataclass(frozen=True)
class TagRow:
    """A tag's rate in this run and in the live version's."""

    tag: str
    rate: Rate
    live: Rate | None


@dataclass(frozen=True)
class Row:
    """A case of the run, and how the live version did on it."""

    result: EvaluationResult
    live_state: str

    @property
    def is_new_failure(self) -> bool:
        return self.result.state == ResultState.FAILED and self.live_state == ResultState.PASSED


@dataclass(frozen=True)
class Report:
    """A run beside that of the live version, if it has one over the same suite."""

    run: EvaluationRun
    live: EvaluationRun | None
    tags: list[TagRow]
    spent: Any
    live_spent: Any
    # Verdict of a second model → answers; empty where the release asks none.
    verdicts: dict[str, int]


def report_of(run: EvaluationRun) -> Report:
    live = newest_run(run.suite, live_version(run.suite.prompt))
    live = None if live is None or live.pk == run.pk else live
    own, other = run.rates(), live.rates() if live else {}
    tags = [TagRow(tag, rate, other.get(tag)) for tag, rate in own.items()]
    live_spent = live.spent() if live else None
    return Report(run, live, tags, run.spent(), live_spent, verdicts_of(run))


def verdicts_of(run: EvaluationRun) -> dict[str, int]:
    """What a second model said of the answers, in the order of its words."""
    said = SecondOpinion.objects.filter(call__in=run.results.values("call")).order_by()
    counts = dict(said.values_list("verdict").annotate(Count("pk")))
    return {one: counts[one] for one in SAID if one in counts}


def results_of(run: EvaluationRun) -> QuerySet[EvaluationResult]:
    """Failures first."""
    order = Case(
        *(When(state=state, then=Value(place)) for place, state in enumerate(FAILURES_FIRST)),
        output_field=IntegerField(),
    )
    found = run.results.select_related("case", "call__second_opinion").defer(
        "case__input_sealed", "case__expectation_sealed"
    )
    return found.order_by(order, "pk")


def beside_live(results: list[EvaluationResult], live: EvaluationRun | None) -> list[Row]:
    states: dict[int, str] = {}
    if live is not None:
        wanted = [one.case_id for one in results]
        states = dict(live.results.filter(case__in=wanted).values_list("case_id", "state"))
    return [Row(one, states.get(one.case_id, "")) for one in results]


def score_of(version: PromptVersion | None, suites: list[EvaluationSuite]) -> tuple[Rate, int]:
    """Of the newest run of each suite together, and how many suites have one."""
    runs = [one for suite in suites if (one := newest_run(suite, version)) is not None]
    rows = EvaluationResult.objects.filter(run__in=runs).order_by().values_list("state")
    return rates((state, ()) for (state,) in rows)["all"], len(runs)


def evidence(version: PromptVersion, live: PromptVersion | None) -> list[Evidence]:
    """The newest runs of the proposed version beside those of the live one; what is missing says so."""
    suites = list(version.prompt.suites.filter(cases__retired_at=None).distinct())
    url = reverse("evaluation:suites", args=[version.prompt.slug])
    own, run = score_of(version, suites)
    other, live_run = score_of(live, suites)
    share = own.share
    return [
        Evidence(
            "Evaluation score",
            str(own) if share is not None else None,
            str(other) if other.total else None,
            url,
            note=_note(len(suites), run, live_run, live is not None),
            key="evaluation_score",
            worse=Worse.LOWER,
            grade=None if share is None else round(share * 1000),
        )
    ]


def _note(suites: int, run: int, live_run: int, has_live: bool) -> str:
    if not suites:
        return f"{NOTHING_RUN} The prompt has none."
    if not run:
        return (
            f"{NOTHING_RUN} {suites} wait{'s' if suites == 1 else ''} to be run with this version."
        )
    missing = []
    if run < suites:
        missing.append(f"{suites - run} of {suites} suites were not run with this version.")
    if has_live and live_run < run:
        missing.append("The live version was not run over all of them.")
    return " ".join(missing)
