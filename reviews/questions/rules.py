"""Whom a reviewer may ask, and what becomes of a question. Pure."""

from __future__ import annotations

from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable

LONGEST_QUESTION = 5_000


class Whom(StrEnum):
    REQUESTER = "requester"
    OWNER = "owner"


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


QUESTION_STATES = TransitionTable(
    "Question.state",
    QuestionState.OPEN,
    (
        Edge("open", "answer", "answered", "whoever was asked, or the owner of the use case"),
        Edge("open", "withdraw", "withdrawn", "who asked, or a review lead"),
        Edge(
            "open", "lapse", "lapsed", "the housekeeping job", "the call's text is kept no longer"
        ),
    ),
)
