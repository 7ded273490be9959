"""Which heading of a Hugging Face model card belongs to which field of ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from markdown_it import MarkdownIt

# The Hub's convention for a gap: read back as empty.
NOTHING_SAID = "[More Information Needed]"
# Headings down to here begin a section; deeper ones belong to the text they stand in.
DEEPEST_SECTION = 3

# The heading under which each text is exported, as in the Hub's own template.
HEADINGS = {
    "intended_use": "Direct Use",
    "out_of_scope_use": "Out-of-Scope Use",
    "limitations": "Limitations",
    "bias_findings": "Bias Findings",
    "training_data": "Training Data",
}
_FIELD_BY_TITLE = {
    "uses": "intended_use",
    "use": "intended_use",
    "direct use": "intended_use",
    "downstream use": "intended_use",
    "intended use": "intended_use",
    "intended uses": "intended_use",
    "intended uses & limitations": "intended_use",
    "out-of-scope use": "out_of_scope_use",
    "out of scope use": "out_of_scope_use",
    "out-of-scope uses": "out_of_scope_use",
    "misuse and out-of-scope use": "out_of_scope_use",
    "training": "training_data",
    "training details": "training_data",
    "training data": "training_data",
    "training procedure": "training_data",
    "limitations": "limitations",
    "limitations and bias": "limitations",
    "bias, risks, and limitations": "limitations",
    "bias, risks and limitations": "limitations",
    "risks and limitations": "limitations",
    "recommendations": "limitations",
    "bias": "bias_findings",
    "bias findings": "bias_findings",
    "ethical considerations": "bias_findings",
    "contact": "contacts",
    "contacts": "contacts",
    "model card contact": "contacts",
    "model details": "details",
    "evaluation": "evaluation",
    "evaluation results": "evaluation",
}
# Block structure alone: what stands inside a paragraph is not ours to read, and costs time.
_BLOCKS = MarkdownIt("commonmark").disable(["inline", "reference"])
_HIDING = ("Cc", "Cf", "Co", "Cs")  # control, format, private use, half a character
_JOINERS = "\u200c\u200d"  # scripts and emoji need them within a text


@dataclass(frozen=True)
class Heading:
    """One heading at the outermost level of a text: its lines are [first, after)."""

    level: int
    title: str
    first: int
    after: int


def field_of(title: str) -> str:
    """The field a section belongs to, or an empty string for one we do not know."""
    return _FIELD_BY_TITLE.get(title.strip(" :#").casefold().replace(" [optional]", ""), "")


def headings(text: str) -> list[Heading]:
    found = []
    tokens = _BLOCKS.parse(text)
    for token, inside in zip(tokens, tokens[1:]):
        if token.type == "heading_open" and token.level == 0 and token.map:
            title = " ".join(inside.content.split())
            found.append(Heading(int(token.tag[1:]), title, token.map[0], token.map[1]))
    return found


def without_comments(text: str) -> str:
    """The text without the HTML comments that stand as blocks of their own."""
    lines = text.split("\n")
    for token in _BLOCKS.parse(text):
        content = token.content.strip()
        is_comment = content.startswith("<!--") and content.endswith("-->")
        if token.type == "html_block" and is_comment and token.map:
            lines[token.map[0] : token.map[1]] = [""] * (token.map[1] - token.map[0])
    return "\n".join(lines)


def nested(text: str) -> str:
    """The text with its headings below those of sections, and with nothing left open at its end.

    Unchanged when nested already, so exporting what was imported changes nothing more.
    """
    text = text.replace("\r\n", "\n").strip()
    inner = headings(text)
    shift = max([0, *(DEEPEST_SECTION + 1 - one.level for one in inner)])
    lines = text.split("\n")
    for one in reversed(inner):
        if shift:
            marks = "#" * min(6, one.level + shift)
            lines[one.first : one.after] = [f"{marks} {one.title}"]
    text = "\n".join(lines)
    return text if _ends(text) else _fenced(text)


def _ends(text: str) -> bool:
    """Whether a heading after the text would be one: no fence or comment swallows it."""
    end = headings(f"{text}\n\n# end")
    return bool(end) and (end[-1].level, end[-1].title) == (1, "end")


def _fenced(text: str) -> str:
    longest = max([2, *map(len, re.findall(r"`+", text))])
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def visible(text: str) -> tuple[str, int]:
    """The text without control and direction-changing or zero-width characters; how many there were.

    They can make a page show something else than is stored (Unicode TR 36, section 2).
    """
    kept = [one for one in text if _is_visible(one)]
    return "".join(kept), len(text) - len(kept)


def _is_visible(one: str) -> bool:
    return one in "\n\t" or one in _JOINERS or unicodedata.category(one) not in _HIDING


def one_line(text: str) -> str:
    """A short fact: visible characters on one line, without joiners that hide in names."""
    shown, _ = visible(text.translate(dict.fromkeys(map(ord, _JOINERS))))
    return " ".join(shown.split())


def line_of(text: str, label: str) -> str:
    """What stands after “Label:” at the beginning of a line of the text; empty when nothing does."""
    found = re.search(rf"^{label}:[ \t]*(\S.*?)\.?[ \t]*$", text, re.MULTILINE)
    return found[1] if found else ""
