"""What evaluation plugs into the prompt's page, releases, the ledger, the audit log and packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from prompts.catalogue.models import Prompt
from prompts.catalogue.registries import PromptPanel, prompt_panels
from prompts.evaluation import keeping
from prompts.evaluation.elsewhere import passed_elsewhere
from prompts.evaluation.models import EvaluationRun
from prompts.evaluation.rules import RUN_STATES
from prompts.evaluation.selectors import evidence, suites_of
from prompts.releases.registries import release_evidence
from telemetry.ledger.registries import BodyStore, body_stores
from telemetry.savings.registries import evaluations_elsewhere

transition_tables.add("EvaluationRun.state", RUN_STATES)
release_evidence.add("evaluation", evidence)
evaluations_elsewhere.add("evaluation", passed_elsewhere)
body_stores.add(
    "evaluation cases",
    BodyStore(
        "Cases of evaluation suites", keeping.count_cases, keeping.erase_cases, keeping.destroy_due
    ),
)
for action, sentence in {
    "evaluation_suite.created": "{actor} began the suite {subject}",
    "evaluation_case.added": "{actor} wrote the case {subject}",
    "evaluation_case.retired": "{actor} retired the case {subject}",
    "evaluation_run.requested": "{actor} began {subject}",
    "evaluation_run.stopped": "{actor} stopped {subject}",
    "evaluation_run.resumed": "{actor} resumed {subject}",
    "evaluation_run.cancelled": "{actor} cancelled {subject}",
    "evaluation_run.finished": "{actor} finished {subject}",
    "evaluation_run.texts_opened": "{actor} opened the texts of {subject}",
}.items():
    audit_actions.add(action, sentence)


def _panel(prompt: Prompt, user: User, now: datetime) -> dict[str, Any]:
    runs = EvaluationRun.objects.filter(suite__prompt=prompt).select_related(
        "suite", "version__prompt", "deployment"
    )
    return {
        "prompt": prompt,
        "suites": suites_of(prompt),
        "runs": [(one, one.rates()["all"]) for one in runs[:3]],
        "may_write": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
    }


prompt_panels.add(
    "evaluation", PromptPanel("Evaluation", 20, "prompts/evaluation/_prompt_panel.html", _panel)
)

COLUMNS = (
    *("id", "prompt", "suite", "version", "version_sha256", "suite_sha256", "deployment", "seed"),
    *("scorers", "person", "state", "passed", "failed", "error", "cost", "currency", "at"),
)


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    found = EvaluationRun.objects.filter(
        created_at__gte=scope.starts_at, created_at__lt=scope.ends_at
    )
    if scope.team_id:
        found = found.filter(suite__prompt__use_case__team_id=scope.team_id)
    related = found.select_related("suite__prompt", "version__prompt", "requester")
    for one in related.order_by("pk").iterator(500):
        tally, facts = one.tally(), one.facts
        yield {
            "id": str(one.pk),
            "prompt": one.suite.prompt.slug,
            "suite": one.suite.name,
            "version": str(one.version),
            "version_sha256": facts["version_sha256"],
            "suite_sha256": facts["suite_sha256"],
            "deployment": facts["deployment"],
            "seed": facts["seed"],
            "scorers": ", ".join(f"{name} {number}" for name, number in facts["scorers"].items()),
            "person": one.requester.email,
            "state": one.state,
            "passed": tally["passed"],
            "failed": tally["failed"],
            "error": tally["error"],
            "cost": one.spent(),
            "currency": one.currency,
            "at": one.created_at,
        }


evidence_sections.add(
    "evaluation_runs",
    EvidenceSection(
        "evaluation_runs", "Evaluation runs", COLUMNS, _rows, counted_by=("prompt", "state")
    ),
)
