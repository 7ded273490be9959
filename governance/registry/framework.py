"""The decision framework: five questions, one recommended pattern with its reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass

QUESTIONS: dict[str, str] = {
    "language": "Does the job need language understood or written, beyond fixed rules?",
    "sensitive": "Does it touch personal or confidential data?",
    "real_time": "Does somebody wait for the answer within seconds?",
    "heavy_compute": "Are the inputs long or the volumes high?",
    "grounding": "Must answers rest on documents or records of ours?",
}
PATTERNS = (
    "assistant",
    "rag",
    "tool_calling",
    "extraction",
    "generation",
    "batch_analysis",
    "code",
)
SERVING = ("synchronous", "asynchronous", "streaming")


@dataclass(frozen=True)
class Recommendation:
    """What fits, and why. `uses_llm` false means: do not use a language model for this."""

    uses_llm: bool
    pattern: str
    serving: str
    hosting: str
    reasons: tuple[str, ...]


def recommend(answers: dict[str, bool]) -> Recommendation:
    """The pattern for the five answers; a missing answer counts as no."""
    yes = {key: bool(answers.get(key)) for key in QUESTIONS}
    if not yes["language"]:
        reason = "No language is needed: rules or a classical model are cheaper and explainable."
        return Recommendation(False, "none", "synchronous", "none", (reason,))
    reasons = []
    if yes["grounding"]:
        pattern = "batch_analysis" if yes["heavy_compute"] else "rag"
        reasons.append("Answers must rest on own documents, so they are given with each call.")
    elif yes["heavy_compute"]:
        pattern = "batch_analysis"
        reasons.append("Volumes are high, so work is queued and paced.")
    elif yes["real_time"]:
        pattern = "assistant"
        reasons.append("Somebody waits, so it answers in conversation.")
    else:
        pattern = "extraction"
        reasons.append("Nobody waits and nothing is looked up: a structured answer is enough.")
    serving = "synchronous" if yes["real_time"] else "asynchronous"
    if yes["real_time"] and not yes["heavy_compute"]:
        serving = "streaming" if pattern == "assistant" else "synchronous"
    reasons.append(
        "Answers are waited for."
        if yes["real_time"]
        else "Answers may take minutes, so a person can look first."
    )
    hosting = "private or embedded" if yes["sensitive"] else "any approved deployment"
    if yes["sensitive"]:
        reasons.append("Sensitive data stays with deployments under our own control.")
    return Recommendation(True, pattern, serving, hosting, tuple(reasons))
