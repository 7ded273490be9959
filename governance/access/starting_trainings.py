"""The trainings that an installation begins with: required for no role until somebody decides so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StartingTraining:
    """One definition; `suits` are the roles that it is meant for."""

    code: str
    title: str
    covers: str
    validity_days: int
    suits: tuple[str, ...]
    link: str = ""


STARTING_TRAININGS = (
    StartingTraining(
        "ai-literacy",
        "AI literacy",
        "What language models can and cannot do, how they fail, what may not be sent to them, and "
        "what the organisation expects of who uses or decides on them (AI Act, Article 4).",
        365,
        ("board", "compliance", "safety", "data_steward", "ml_engineer", "finance"),
        "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    ),
    StartingTraining(
        "approver-duties",
        "Duties of an approver",
        "What a sign-off says and what it does not, how to read the evidence of a change, conflicts "
        "of interest, conditions, and when to reject or to ask for changes.",
        730,
        ("board", "compliance", "safety"),
    ),
    StartingTraining(
        "reviewer-guideline",
        "The reviewer's guideline",
        "How to decide on a held answer by the queue's guideline, how to correct one, how to resist "
        "agreeing with a machine too readily, and whom to ask.",
        365,
        ("reviewer", "review_lead"),
    ),
)
