"""The OWASP Top 10 for LLM applications, and what we keep of each."""

from __future__ import annotations

from governance.compliance.rules import Control, Framework


def _risk(number: int, title: str, asks: str, *evidence: str) -> Control:
    code = f"LLM{number:02}"
    return Control(code.lower(), f"{code}:2025", title, asks, f"OWASP {code}:2025", evidence)


OWASP_LLM = Framework(
    slug="owasp-llm",
    title="OWASP Top 10 for LLM applications",
    version="2025",
    source="https://genai.owasp.org/llm-top-10/",
    note="Risks rather than duties: each control says what keeps the risk small here.",
    controls=(
        _risk(
            1,
            "Prompt injection",
            "Text that is read cannot make the model do what nobody asked for unseen.",
            "oversight",
            "held-answers",
        ),
        _risk(
            2,
            "Sensitive information disclosure",
            "Secrets and personal data do not come out with an answer.",
            "datasets-named",
            "held-answers",
        ),
        _risk(
            3,
            "Supply chain",
            "Models and data from others are known, documented and vetted.",
            "model-cards",
            "dataset-origins",
        ),
        _risk(
            4,
            "Data and model poisoning",
            "It is known where data comes from, and answers that change are noticed.",
            "dataset-origins",
            "drift-checks",
        ),
        _risk(
            5,
            "Improper output handling",
            "Nothing trusts an answer before it was checked.",
            "held-answers",
        ),
        _risk(
            6,
            "Excessive agency",
            "A model can do only what was approved, and can be stopped.",
            "approvals-in-force",
            "stopping",
        ),
        _risk(
            7,
            "System prompt leakage",
            "A prompt holds no secret, and only approved prompts run.",
            "approved-releases",
        ),
        _risk(
            8,
            "Vector and embedding weaknesses",
            "What is retrieved is governed like other data: named, classified, access-bound.",
            "datasets-named",
        ),
        _risk(
            9,
            "Misinformation",
            "Wrong answers are found by people and measures before they harm.",
            "held-answers",
            "drift-checks",
        ),
        _risk(
            10,
            "Unbounded consumption",
            "What a use may cost has a limit that holds.",
            "budgets",
        ),
    ),
)
