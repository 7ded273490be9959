"""The risk questionnaire by version: which question an earlier answer opens. Pure.

A stored assessment is read with the questions of its own version. Every code of version 1 means
the same in version 2, which asks further where the answer is yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 2

FIRST: dict[str, str] = {
    "prohibited": "Would it manipulate people, score them socially, or infer emotions at work or school?",
    "essential": "Does it influence access to jobs, education, credit, insurance or benefits?",
    "biometric": "Does it identify or categorise people by their body or voice?",
    "justice": "Is it used in policing, migration, courts or democratic processes?",
    "infrastructure": "Is it a safety part of critical infrastructure or of a regulated product?",
    "decides": "Does it decide about a person without another person looking first?",
    "harm": "Could a wrong answer harm somebody's health, rights or livelihood?",
    "public": "Do people outside the organisation see its answers?",
    "personal": "Does it process personal data?",
    "acts": "Can it act in other systems by itself?",
}


@dataclass(frozen=True)
class Question:
    """One question; with `only_if` it counts only where that one is answered yes."""

    code: str
    text: str
    only_if: str = ""


def _opened(by: str, **texts: str) -> tuple[Question, ...]:
    return tuple(Question(code, text, by) for code, text in texts.items())


SECOND: tuple[Question, ...] = (
    Question(
        "prohibited",
        "Would it do something that the AI Act prohibits: manipulate people, score them socially, "
        "infer emotions at work or school, or one of the practices named below?",
    ),
    *_opened(
        "prohibited",
        manipulates="Does it manipulate or deceive people to their harm?",
        exploits="Does it exploit age, disability or hardship?",
        scores_people="Does it score people socially, to their disadvantage?",
        predicts_crime="Does it predict crime from a person's profile alone?",
        scrapes_faces="Does it build a face database by scraping pictures?",
        infers_emotions="Does it infer emotions at work or school, other than for health or safety?",
        sorts_by_body="Does it infer race, belief, union or sexual life from bodies or voices?",
        identifies_live="Does it identify people from afar, live, in public, for the police?",
        abuses_images="Could it make intimate pictures without consent, or depict child abuse?",
    ),
    Question("essential", FIRST["essential"]),
    *_opened(
        "essential",
        employment="Is it about hiring, promoting, dismissing or watching people at work?",
        education="Is it about admission, grading or supervision in education?",
        services="Is it about benefits, credit, life or health insurance, or emergency calls?",
    ),
    Question("biometric", FIRST["biometric"]),
    *_opened("biometric", emotions="Does it recognise emotions or sort people into categories?"),
    Question("justice", FIRST["justice"]),
    *_opened(
        "justice",
        law_enforcement="Is it used by or for the police or prosecutors?",
        migration="Is it used in migration, asylum or border control?",
        courts="Is it used in courts, dispute resolution, elections or votes?",
    ),
    Question("infrastructure", FIRST["infrastructure"]),
    *_opened(
        "infrastructure",
        critical="Is it a safety part of traffic, water, gas, heat, power or digital supply?",
        product="Is it, or a safety part of, a product that others must certify, such as a "
        "medical device, a machine or a toy?",
    ),
    Question("harm", FIRST["harm"]),
    *_opened("harm", decides=FIRST["decides"]),
    Question("public", FIRST["public"]),
    *_opened(
        "public",
        published="Is text, sound or picture that it makes published or passed on as it is?",
    ),
    Question("interacts", "Do people talk with it directly, inside or outside the organisation?"),
    Question("personal", FIRST["personal"]),
    *_opened(
        "personal", special="Is it about health, belief, origin, union, sexual life or body data?"
    ),
    Question("acts", FIRST["acts"]),
    *_opened("acts", irreversible="Could it do there what nobody can undo?"),
)

QUESTIONNAIRES: dict[int, tuple[Question, ...]] = {
    1: tuple(Question(code, text) for code, text in FIRST.items()),
    2: SECOND,
}
_BY_CODE = {one.code: one for one in SECOND}


def texts_of(version: int) -> dict[str, str]:
    """The questions of that version by their codes; of one that is not known, none."""
    return {one.code: one.text for one in QUESTIONNAIRES.get(version, ())}


def counts(code: str, answers: Mapping[str, bool]) -> bool:
    """Whether a question was opened, by a yes to the one that it depends on."""
    parent = _BY_CODE[code].only_if
    return not parent or bool(answers.get(parent))


def relevant_yes(answers: Mapping[str, bool]) -> frozenset[str]:
    """The questions answered yes that were opened."""
    return frozenset(code for code in _BY_CODE if answers.get(code) and counts(code, answers))


def ignored(answers: Mapping[str, bool]) -> tuple[str, ...]:
    """The questions answered yes that no earlier answer opened; they change nothing."""
    return tuple(code for code in _BY_CODE if answers.get(code) and not counts(code, answers))


@dataclass(frozen=True)
class Branch:
    """A question that is always asked, and those that a yes to it opens."""

    question: Question
    opened: tuple[Question, ...]


BRANCHES: tuple[Branch, ...] = tuple(
    Branch(root, tuple(one for one in SECOND if one.only_if == root.code))
    for root in SECOND
    if not root.only_if
)
