"""A model card as the Markdown with YAML metadata that the Hugging Face Hub reads. Pure.

https://huggingface.co/docs/hub/model-cards; the body's headings are those of the Hub's template.
What the Hub has no name for stands below `placet`, so that reading it back loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from governance.model_cards.licences import to_hub
from governance.model_cards.sections import (
    HEADINGS,
    NOTHING_SAID,
    line_of,
    nested,
    one_line,
    visible,
)

UNSPECIFIED = "unspecified"


def to_markdown(content: Mapping[str, Any]) -> str:
    """`content` is a card's content (see ModelCard.content)."""
    head = yaml.safe_dump(metadata_of(content), sort_keys=False, allow_unicode=True, width=10**6)
    return f"---\n{head}---\n\n{_body(content)}"


def metadata_of(content: Mapping[str, Any]) -> dict[str, Any]:
    languages = [one.strip() for one in line_of(content["intended_use"], "Languages").split(",")]
    base = line_of(content["training_data"], "Base model") or content["model_id"]
    metadata: dict[str, Any] = to_hub(one_line(content["licence"]))
    if any(languages):
        metadata["language"] = [one for one in map(one_line, languages) if one]
    metadata["base_model"] = one_line(base)
    results = content["evaluation_results"]
    if results:
        rows = [_result(row) for row in results]
        metadata["model-index"] = [{"name": one_line(content["name"]), "results": rows}]
    return metadata | {"placet": _own(content)}


def _own(content: Mapping[str, Any]) -> dict[str, Any]:
    names = ("model_id", "provider", "contacts", "review_on", "source_url")
    own: dict[str, Any] = {name: one_line(str(content[name])) for name in names if content[name]}
    sources = [
        {name: one_line(row[name]) for name in ("benchmark", "metric", "source")}
        for row in content["evaluation_results"]
        if row["source"]
    ]
    return own | ({"evaluation_sources": sources} if sources else {})


def _result(row: Mapping[str, str]) -> dict[str, Any]:
    benchmark, metric, source = (one_line(row[name]) for name in ("benchmark", "metric", "source"))
    found: dict[str, Any] = {
        "task": {"type": "text-generation"},
        "dataset": {"type": _identifier(benchmark), "name": benchmark},
        "metrics": [
            {"type": _identifier(metric) if metric else UNSPECIFIED, "value": _value(row["value"])}
        ],
    }
    if metric:
        found["metrics"][0]["name"] = metric
    # The Hub knows a source only with its address.
    if re.match(r"https?://\S+\Z", source):
        found["source"] = {"url": source}
    return found


def _identifier(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name.lower()).strip("_") or UNSPECIFIED


def _value(text: str) -> float | int | str:
    """A number where it reads back as the same digits, else the text."""
    text = one_line(text)
    if re.fullmatch(r"-?\d{1,15}", text) and str(int(text)) == text:
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text) and repr(float(text)) == text:
        return float(text)
    return text


def _body(content: Mapping[str, Any]) -> str:
    parts = [
        f"# Model Card for {_plain(content['name'])}",
        "## Model Details",
        "\n".join(
            f"- **{label}:** {_plain(str(content[name])) or NOTHING_SAID}"
            for label, name in (
                ("Developed by", "provider"),
                ("Model id", "model_id"),
                ("License", "licence"),
                ("Review on", "review_on"),
                ("Repository", "source_url"),
            )
        ),
        "## Uses",
        *_section(content, "intended_use"),
        *_section(content, "out_of_scope_use"),
        "## Bias, Risks, and Limitations",
        *_section(content, "limitations"),
        *_section(content, "bias_findings"),
        "## Training Details",
        *_section(content, "training_data"),
        "## Evaluation",
        _table(content["evaluation_results"]),
        "## Model Card Contact",
        _plain(content["contacts"]) or NOTHING_SAID,
    ]
    return "\n\n".join(parts) + "\n"


def _section(content: Mapping[str, Any], name: str) -> tuple[str, str]:
    text, _ = visible(content[name])
    return f"### {HEADINGS[name]}", nested(text) or NOTHING_SAID


def _table(results: list[dict[str, str]]) -> str:
    if not results:
        return NOTHING_SAID
    rows = [
        " | ".join(_plain(row[name]) for name in ("benchmark", "metric", "value", "source"))
        for row in results
    ]
    head = ["| Benchmark | Metric | Value | Source |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {row} |" for row in rows)])


def _plain(text: str) -> str:
    """One line in which no character is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", one_line(text))
