"""A selection of the categories of the NIST AI RMF, and risks of its profile for generative AI."""

from __future__ import annotations

from governance.compliance.rules import Control, Framework

CORE, PROFILE = "NIST AI 100-1", "NIST AI 600-1"


def _category(code: str, title: str, asks: str, *evidence: str) -> Control:
    return Control(code.lower().replace(" ", "-"), code, title, asks, f"{CORE}, {code}", evidence)


def _risk(ref: str, title: str, asks: str, *evidence: str) -> Control:
    return Control(f"gai-{ref}", "GenAI", title, asks, f"{PROFILE}, section 2", evidence)


NIST_AI_RMF = Framework(
    slug="nist-ai-rmf",
    title="NIST AI RMF",
    version="1.0, with the Generative AI Profile",
    source="https://www.nist.gov/itl/ai-risk-management-framework",
    note="A selection of the 19 categories and the 12 risks: what an organisation that runs models does.",
    controls=(
        _category(
            "GOVERN 1",
            "Policies and processes",
            "Rules for handling AI risk are in place, transparent and followed.",
            "approvals-in-force",
            "independent-decisions",
        ),
        _category(
            "GOVERN 2",
            "Accountability",
            "It is clear who answers for what, and these people are trained for it.",
            "independent-decisions",
            "training",
        ),
        _category(
            "GOVERN 4",
            "Culture of risk",
            "Teams consider, document and talk about what may go wrong.",
            "risk-assessments",
            "playbooks",
        ),
        _category(
            "GOVERN 6",
            "Third parties",
            "Risks of models and data from others are known and handled.",
            "model-cards",
            "dataset-origins",
        ),
        _category(
            "MAP 1",
            "Context",
            "What the system is for, and where it will be used, is established.",
            "model-cards",
            "datasets-named",
        ),
        _category(
            "MAP 3",
            "Benefits and oversight",
            "What it shall achieve and cost, and how people oversee it, is defined.",
            "oversight",
            "measured-success",
        ),
        _category(
            "MAP 5",
            "Impact",
            "What it may do to people and groups is judged, with likelihood and size.",
            "risk-assessments",
        ),
        _category(
            "MEASURE 1",
            "Measures",
            "Fitting measures are chosen and used.",
            "measured-success",
        ),
        _category(
            "MEASURE 2",
            "Evaluation",
            "The running system is evaluated for whether it can be trusted.",
            "drift-checks",
            "sealed-calls",
        ),
        _category(
            "MEASURE 3",
            "Tracking",
            "Known and new risks are tracked over time.",
            "drift-checks",
        ),
        _category(
            "MANAGE 1",
            "Priority and response",
            "Whether to go ahead is decided, and risks are treated in order of size.",
            "approvals-in-force",
            "approved-releases",
        ),
        _category(
            "MANAGE 2",
            "Means to withdraw",
            "A system that does not behave as meant can be overruled and stopped.",
            "stopping",
        ),
        _category(
            "MANAGE 4",
            "Monitoring and incidents",
            "Treatment is monitored, and incidents are answered and told.",
            "incident-clocks",
            "playbooks",
            "drift-checks",
        ),
        _risk(
            "confabulation",
            "Confabulation",
            "Confident and wrong answers are caught before somebody relies on them.",
            "held-answers",
        ),
        _risk(
            "privacy",
            "Data privacy",
            "Personal data does not leak through prompts, answers or training data.",
            "datasets-named",
            "dataset-origins",
        ),
        _risk(
            "configuration",
            "Human-AI configuration",
            "People neither trust it too much nor take it for a person.",
            "disclosure",
            "oversight",
        ),
        _risk(
            "integrity",
            "Information integrity",
            "Generated content can be told from other content, and traced.",
            "disclosure",
            "sealed-calls",
        ),
        _risk(
            "security",
            "Information security",
            "It neither eases attacks nor gives way to them.",
            "stopping",
        ),
        _risk(
            "value-chain",
            "Value chain",
            "What comes from suppliers is known, vetted and can be traced.",
            "model-cards",
            "vendor-terms",
        ),
    ),
)
