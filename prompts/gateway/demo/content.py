"""What the demo organisation wrote: a card, prompts, guidelines. Facts are the sources' own."""

from __future__ import annotations

from datetime import date
from typing import Any

CARD_URL = "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
CARD: dict[str, Any] = {
    "name": "SmolLM2-135M-Instruct",
    "provider": "Hugging Face TB",
    "model_id": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "licence": "Apache-2.0",
    "intended_use": "Compact assistant in English: instruction following, rewriting, summaries. "
    "Here: a small local model on which governance can be shown end to end.",
    "out_of_scope_use": "Decisions about people, legal advice without a person looking first, "
    "languages other than English, arithmetic.",
    "training_data": "2 trillion tokens from FineWeb-Edu, DCLM, The Stack and new filtered "
    "datasets; supervised fine-tuning, then direct preference optimisation with UltraFeedback.",
    "evaluation_results": [
        {"benchmark": name, "metric": metric, "value": value, "source": CARD_URL}
        for name, metric, value in (
            ("IFEval", "average prompt/inst, zero-shot", "29.9"),
            ("HellaSwag", "zero-shot", "40.9"),
            ("ARC", "average, zero-shot", "37.3"),
            ("PIQA", "zero-shot", "66.3"),
            ("MMLU", "cloze, zero-shot", "29.3"),
            ("BBH", "3-shot", "28.2"),
            ("GSM8K", "5-shot", "1.4"),
        )
    ],
    "limitations": "Understands and writes primarily English. May write what is not accurate, "
    "consistent or free of bias; use it as an assistive tool and check what matters.",
    "bias_findings": "Its own documentation warns of biases from the training data and reports "
    "no measurement; none has been made here.",
    "contacts": "ml-engineer@placet.example",
    "review_on": date(2027, 5, 1),
    "source_url": CARD_URL,
}
HOSTED_CARD: dict[str, Any] = {
    "name": "GPT-4o mini (history only)",
    "provider": "OpenAI",
    "model_id": "gpt-4o-mini",
    "licence": "Vendor terms",
    "intended_use": "Prices replayed usage history of the demo organisation. Never called here.",
    "out_of_scope_use": "Any live call.",
    "training_data": "Not published by the vendor.",
    "evaluation_results": [],
    "limitations": "Documented for pricing only.",
    "bias_findings": "",
    "contacts": "ml-engineer@placet.example",
    "review_on": date(2027, 5, 1),
}

RATIONALES: dict[str, str] = {
    "value": "Each case takes somebody a good part of a day now.",
    "reach": "Every product team waits for these answers.",
    "quality": "The same text gets the same reading, whoever asks.",
    "strategy": "It shortens what stands between a decision and its release.",
    "build": "One prompt with a checked answer, called from the intake that exists.",
    "data": "The texts are at hand; nothing has to be collected.",
    "change": "People check an answer instead of writing one.",
    "assurance": "Answers are looked at by a person before they leave.",
}

ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spdx": {"type": "string", "maxLength": 60},
        "copyleft": {"type": "boolean"},
        "obligations": {
            "type": "array",
            "items": {"type": "string", "maxLength": 160},
            "maxItems": 5,
        },
    },
    "required": ["spdx", "copyleft", "obligations"],
    "additionalProperties": False,
}
PROMPT: dict[str, Any] = {
    "messages": [
        {
            "role": "system",
            "content": "You read software licences. Answer in JSON only: the SPDX identifier, "
            "whether it is copyleft, and what users are obliged to do.",
        },
        {"role": "user", "content": "Licence text:\n\n{{licence_text}}\n\nName the licence."},
    ],
    "variables": {
        "type": "object",
        "properties": {"licence_text": {"type": "string", "maxLength": 60000}},
        "required": ["licence_text"],
    },
    "output_contract": {"type": "json_schema", "schema": ANSWER_SCHEMA},
    "parameters": {"temperature": "0.1", "max_tokens": 200},
    "changelog": "First version",
}
SECOND_SYSTEM = (
    "You read software licences for a legal team. Answer in JSON only: the SPDX identifier, "
    "whether it is copyleft, and at most five obligations, each in one short sentence."
)
GUIDELINE = """**Release** an answer only if all three hold:

1. the SPDX identifier is right (compare with the text, not with the model's confidence);
2. *copyleft* is right: MIT, BSD, ISC, Apache and PSF are not, GPL, LGPL and MPL are;
3. no obligation is invented.

Correct small errors. Reject when the text is not a licence. Escalate what needs a lawyer.
"""
LABELS = ["wrong licence", "wrong copyleft", "invented obligation", "incomplete"]
REASONS = [
    "The text names no licence that this answer could rest on.",
    "The answer claims a duty that the licence text does not hold.",
    "The licence was changed by its author; a lawyer must look.",
]
