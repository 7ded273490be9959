"""A Hugging Face model card read into the fields of ours. Nothing is saved here. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from governance.kernel.errors import Invalid
from governance.model_cards import metadata
from governance.model_cards.licences import from_hub
from governance.model_cards.markdown_export import UNSPECIFIED
from governance.model_cards.rules import MOST_RESULTS
from governance.model_cards.sections import (
    DEEPEST_SECTION,
    HEADINGS,
    NOTHING_SAID,
    Heading,
    field_of,
    headings,
    nested,
    one_line,
    visible,
    without_comments,
)

LARGEST_BYTES = 1_000_000
MOST_LINES = 3_000  # of the body; a block parser takes seconds for many more hostile ones
MOST_NOTES = 50
UNDERSTOOD = {
    "license",
    "license_name",
    "license_link",
    "language",
    "base_model",
    "datasets",
    "model-index",
    "model_name",
    "placet",
}
# What a heading only groups: its sections say more.
_GROUPS = frozenset(("uses", "training details", "bias, risks, and limitations"))
_BULLET = re.compile(r"^\s*[-*]\s*\*\*([^*\n]{1,60}):?\*\*:?[ \t]*(.*)$", re.MULTILINE)
_WORDS = {
    "intended_use": "Intended use",
    "out_of_scope_use": "Out-of-scope use",
    "training_data": "Training data",
    "limitations": "Limitations",
    "bias_findings": "Bias findings",
}


@dataclass
class Reading:
    """What was read so far, and in sentences what was not understood."""

    fields: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(sentence)

    def fill(self, name: str, value: str) -> None:
        """A one-line fact, unless a surer place has said it."""
        value = one_line(value)
        if value and value != NOTHING_SAID and not self.fields.get(name):
            self.fields[name] = value

    def add(self, name: str, text: str) -> None:
        if text.strip() and text.strip() != NOTHING_SAID:
            self.texts.setdefault(name, []).append(text)


def from_markdown(document: str) -> Reading:
    """The fields that a Hugging Face model card fills; raises Invalid for what is no such text."""
    if len(document) > LARGEST_BYTES or len(document.encode(errors="replace")) > LARGEST_BYTES:
        raise _refused("Nothing was read: a model card has at most 1 MB.")
    text, hidden = visible(document.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise _refused("Nothing was read: give the Markdown of a model card.")
    reading = Reading()
    if hidden:
        reading.note(
            f"{hidden} control, invisible or direction-changing character"
            f"{'s were' if hidden != 1 else ' was'} left out."
        )
    head, body = metadata.split(text)
    if not head:
        reading.note("There is no metadata (YAML between two lines of ---) at its beginning.")
    if body.count("\n") > MOST_LINES:
        raise _refused(f"Nothing was read: below its metadata it has over {MOST_LINES:,} lines.")
    own = head.get("placet")
    own = own if isinstance(own, dict) else {}
    _read_own(reading, own)
    _read_body(reading, body, is_ours=bool(own))
    _read_metadata(reading, head, own)
    reading.fields |= {name: "\n\n".join(texts) for name, texts in reading.texts.items()}
    return reading


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"markdown": [sentence]})


def _read_own(reading: Reading, own: dict[str, Any]) -> None:
    for name in ("model_id", "provider", "contacts", "source_url"):
        reading.fill(name, _text(own.get(name)))
    try:
        reading.fields["review_on"] = date.fromisoformat(_text(own.get("review_on"))).isoformat()
    except ValueError:
        reading.note("It says no review date: choose one.")


def _text(value: Any) -> str:
    """One line of a scalar or a flat list; anything else is not a text."""
    if isinstance(value, list):
        return ", ".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""


def _read_metadata(reading: Reading, head: dict[str, Any], own: dict[str, Any]) -> None:
    licence = from_hub(
        one_line(_text(head.get("license"))), one_line(_text(head.get("license_name")))
    )
    if licence:
        reading.fields["licence"] = licence
    for link in filter(None, [_text(head.get("license_link"))]):
        reading.add("out_of_scope_use", f"Licence: {one_line(link)}.")
    _line(reading, "intended_use", "Languages", head.get("language"))
    if _text(head.get("base_model")) != reading.fields.get("model_id"):
        _line(reading, "training_data", "Base model", head.get("base_model"))
    _line(reading, "training_data", "Datasets", head.get("datasets"))
    _read_results(reading, head.get("model-index"), own)
    for name in head:
        if name not in UNDERSTOOD:
            value = one_line(_text(head[name]))[:120]
            what = f"“{one_line(name)[:60]}”" + (f" ({value})" if value else "")
            reading.note(f"The metadata {what} has no place here.")
    for name, value in head.items():
        if name in ("license", "language", "base_model", "datasets") and value and not _text(value):
            reading.note(f"The metadata “{name}” is not a text or a list of texts.")


def _line(reading: Reading, name: str, label: str, value: Any) -> None:
    """“Label: value.” at the end of a text, unless the text has such a line."""
    said = one_line(_text(value))
    if said and f"{label}: " not in "\n".join(reading.texts.get(name, [])):
        reading.add(name, f"{label}: {said}.")


def _read_results(reading: Reading, index: Any, own: dict[str, Any]) -> None:
    found: list[dict[str, str]] = []
    sources = own.get("evaluation_sources")
    sources = sources[:MOST_RESULTS] if isinstance(sources, list) else []
    for model in _mappings(index):
        reading.fill("name", _text(model.get("name")))
        if re.fullmatch(r"[\w.-]+/[\w.-]+", _text(model.get("name"))):
            reading.fill("model_id", _text(model["name"]))
        for result in _mappings(model.get("results")):
            found += _rows(result, sources)
    whole = [row for row in found if row["benchmark"] and row["value"]]
    if len(whole) < len(found) or (index and not found):
        reading.note("Some results of “model-index” name no benchmark or no value.")
    if len(whole) > MOST_RESULTS:
        reading.note(f"{len(whole) - MOST_RESULTS} results beyond the first {MOST_RESULTS}.")
    if whole:
        reading.fields["evaluation_results"] = whole[:MOST_RESULTS]


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _rows(result: dict[str, Any], sources: list[Any]) -> Iterator[dict[str, str]]:
    dataset, source = (
        value if isinstance(value, dict) else {}
        for value in (result.get("dataset"), result.get("source"))
    )
    benchmark = one_line(_text(dataset.get("name")) or _text(dataset.get("type")))
    where = one_line(_text(source.get("url")) or _text(source.get("name")))
    for metric in _mappings(result.get("metrics")):
        kind = _text(metric.get("type"))
        name = _text(metric.get("name")) or ("" if kind == UNSPECIFIED else kind)
        row = {"benchmark": benchmark, "metric": one_line(name)}
        noted = next((one for one in sources if _is_of(one, row)), None)
        if noted is not None:
            sources.remove(noted)
        yield row | {
            "value": one_line(_text(metric.get("value"))),
            "source": one_line(_text(noted.get("source"))) if noted else where,
        }


def _is_of(source: Any, row: dict[str, str]) -> bool:
    return isinstance(source, dict) and all(source.get(name, "") == row[name] for name in row)


def _read_body(reading: Reading, body: str, *, is_ours: bool) -> None:
    """Sections by their headings; one we do not know stays whole, under the use of the model."""
    uncommented = without_comments(body)
    if uncommented != body:
        reading.note("Comments, which a reader of the page would not see, were left out.")
    lines = uncommented.split("\n")
    found = [one for one in headings(uncommented) if one.level <= DEEPEST_SECTION]
    starts = [one.first for one in found] + [len(lines)]
    _keep(reading, "intended_use", "", "\n".join(lines[: starts[0]]))
    around: Heading | None = None
    for one, until in zip(found, starts[1:]):
        text = "\n".join(lines[one.after : until]).strip()
        if one.level == 1 and not field_of(one.title):
            reading.fill("name", _title(one.title))
            _keep(reading, "intended_use", "", text)
            around = None
        elif not field_of(one.title) and around is not None and one.level > around.level:
            _keep(reading, field_of(around.title), one.title, text, is_known=True)
        else:
            around = one if field_of(one.title) in HEADINGS else None
            _read_section(reading, one, text, is_ours)


def _read_section(reading: Reading, heading: Heading, text: str, is_ours: bool) -> None:
    name = field_of(heading.title)
    if name == "contacts":
        reading.fill("contacts", _plain(text))
    elif name == "details":
        _read_details(reading, text)
    elif name == "evaluation" and is_ours:
        return  # the table repeats the metadata
    elif name in HEADINGS:
        is_grouping = heading.title.casefold() in _GROUPS or heading.title == HEADINGS[name]
        _keep(reading, name, "" if is_grouping else heading.title, text, is_known=True)
    else:
        _keep(reading, "intended_use", heading.title, text)


def _keep(reading: Reading, name: str, title: str, text: str, *, is_known: bool = False) -> None:
    """The text in a field, under its own heading; noted when that is only the nearest place."""
    if not text.strip() or text.strip() == NOTHING_SAID:
        return
    if not is_known:
        what = f"The section “{one_line(title)[:80]}”" if title else "Text before the first section"
        reading.note(f"{what} is kept in {_WORDS[name]}: move it where it belongs.")
    marks = "#" * (DEEPEST_SECTION + 1)
    reading.add(name, (f"{marks} {title}\n\n" if title else "") + nested(text))


def _read_details(reading: Reading, text: str) -> None:
    """The template's bullets; what else stands there is kept as text."""
    facts = {label.strip(" :").casefold(): value for label, value in _BULLET.findall(text)}
    reading.fill("provider", _plain(facts.pop("developed by", "")))
    reading.fill("model_id", _plain(facts.pop("model id", "")))
    reading.fill("source_url", _plain(facts.pop("repository", "")))
    reading.fill("licence", _plain(facts.pop("license", "")))
    facts.pop("review on", None)
    for label, value in facts.items():
        if value.strip() and value.strip() != NOTHING_SAID:
            reading.note(
                f"“{one_line(label)[:60].capitalize()}: {one_line(value)[:120]}” has no place here."
            )
    _keep(reading, "intended_use", "Model Details", _BULLET.sub("", text).strip())


def _title(title: str) -> str:
    return re.sub(r"^model card( for|:)\s+", "", _plain(title), flags=re.IGNORECASE)


def _plain(text: str) -> str:
    return one_line(re.sub(r"\\([^\w\s]|_)", r"\1", text))
