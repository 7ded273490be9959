"""The starting playbooks and their legal clocks: data that the installation copies. Pure.

The clocks paraphrase the law as of November 2026; compliance confirms them before use.
"""

from __future__ import annotations

from typing import Any

# hours are calendar hours from awareness; `when` names the fact that starts the clock.
LEGAL_CLOCKS: list[dict[str, Any]] = [
    {
        "code": "gdpr_33",
        "name": "Tell the data protection authority",
        "legal_basis": "GDPR Art. 33(1)",
        "hours": 72,
        "when": "personal_data",
    },
    {
        "code": "aia_73_2",
        "name": "Report the serious incident to the market surveillance authority",
        "legal_basis": "EU AI Act Art. 73(2)",
        "hours": 15 * 24,
        "when": "serious",
    },
    {
        "code": "aia_73_3",
        "name": "Report the widespread infringement or critical disruption",
        "legal_basis": "EU AI Act Art. 73(3)",
        "hours": 2 * 24,
        "when": "widespread",
    },
    {
        "code": "aia_73_4",
        "name": "Report the death",
        "legal_basis": "EU AI Act Art. 73(4)",
        "hours": 10 * 24,
        "when": "death",
    },
]


def _steps(**phases: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"phase": phase, "text": text} for phase, texts in phases.items() for text in texts]


STARTING_PLAYBOOKS: list[dict[str, Any]] = [
    {
        "slug": "safety-breach",
        "title": "Safety breach",
        "kind": "safety_breach",
        "clocks": LEGAL_CLOCKS,
        "steps": _steps(
            check=(
                "Read the calls concerned: what left, to whom, since when?",
                "Say whether persons were or could be harmed.",
            ),
            contain=(
                "Use the kill switch, or roll the release back.",
                "Keep the system unaltered for evaluation.",
            ),
            communicate=(
                "Tell the use case's owner and its users.",
                "Decide with compliance which authority must be told.",
            ),
            recover=(
                "Approve a corrected prompt, model or oversight.",
                "Resume, with every answer held for the first day.",
            ),
            learn=("Write the post-mortem and give its actions owners.",),
        ),
    },
    {
        "slug": "data-leakage",
        "title": "Data leakage",
        "kind": "data_leakage",
        "clocks": LEGAL_CLOCKS,
        "steps": _steps(
            check=(
                "Find the calls that carried the data, and where it went.",
                "Say whose personal data it is, of what kind, and of how many people.",
            ),
            contain=(
                "Use the kill switch on the use case, and rotate the keys concerned.",
                "Ask the provider to delete what it keeps, and keep its answer.",
            ),
            communicate=(
                "Decide with the data protection officer whether the authority must be told.",
                "Tell the persons concerned where the risk to them is high.",
            ),
            recover=("Close the path: redaction, sensitivity ceiling, or another deployment.",),
            learn=("Write the post-mortem and give its actions owners.",),
        ),
    },
    {
        "slug": "model-regression",
        "title": "Model regression",
        "kind": "model_regression",
        "clocks": LEGAL_CLOCKS,
        "steps": _steps(
            check=(
                "Compare answers before and after: since when, on which inputs?",
                "Say whether the model, the prompt or the input has changed.",
            ),
            contain=("Roll the release back, or hold every answer for review.",),
            communicate=("Tell the use case's owner and the review leads.",),
            recover=("Approve a corrected version, with an evaluation that shows the failure.",),
            learn=("Write the post-mortem and give its actions owners.",),
        ),
    },
    {
        "slug": "prompt-injection",
        "title": "Prompt injection",
        "kind": "prompt_injection",
        "clocks": LEGAL_CLOCKS,
        "steps": _steps(
            check=("Find the injected text, where it came in, and what it made the model do.",),
            contain=("Use the kill switch, or hold every answer for review.",),
            communicate=("Tell the owner, and whoever runs the source of the text.",),
            recover=("Approve a prompt or a check that withstands the text.",),
            learn=("Keep the text as a test case.", "Write the post-mortem."),
        ),
    },
    {
        "slug": "cost-runaway",
        "title": "Cost runaway",
        "kind": "cost_runaway",
        "clocks": [],
        "steps": _steps(
            check=("Find which key, prompt or loop spends, and since when.",),
            contain=("Use the kill switch, or revoke the key.",),
            communicate=("Tell the owner and finance what it has cost.",),
            recover=("Set a hard budget, and resume.",),
            learn=("Write the post-mortem and give its actions owners.",),
        ),
    },
    {
        "slug": "provider-outage",
        "title": "Provider outage",
        "kind": "provider_outage",
        "clocks": [],
        "steps": _steps(
            check=("Say which deployments fail, and which use cases rest on them.",),
            contain=("Let the next deployment in order answer, or fall back to people.",),
            communicate=("Tell the owners, and ask the provider when it ends.",),
            recover=("Check that the first deployment answers as before.",),
            learn=("Write the post-mortem and give its actions owners.",),
        ),
    },
]
