"""The YAML block at the head of a Hugging Face model card, read so that it can do no harm. Pure."""

from __future__ import annotations

import re
from typing import Any

import yaml

from governance.kernel.errors import Invalid

LARGEST_BYTES = 200_000
DEEPEST = 20
MOST_EVENTS = 50_000

# Scalars only as text: nothing is constructed, `no` stays Norwegian and 37.30 keeps its zero.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_BLOCK = re.compile(r"\A\s*---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_STARTS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def split(text: str) -> tuple[dict[str, Any], str]:
    """The metadata and the body after it; raises Invalid for metadata that cannot be trusted."""
    found = _BLOCK.match(text)
    if found is None:
        return {}, text
    return load(found[1]), text[found.end() :]


def load(block: str) -> dict[str, Any]:
    """Strings, lists and mappings; aliases, depth and size beyond sense are refused unbuilt."""
    if len(block.encode()) > LARGEST_BYTES:
        raise _refused(f"its metadata is larger than {LARGEST_BYTES // 1000} kB")
    try:
        _check_shape(block)
        found = yaml.load(block, Loader=_LOADER)  # noqa: S506  # a base loader constructs only text
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 2}" if where else ""
        raise _refused(f"its metadata is not YAML{line}") from None
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise _refused("its metadata is not a list of names with values")
    return found


def _check_shape(block: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(block, Loader=_LOADER)):
        depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
        if isinstance(event, yaml.AliasEvent):
            raise _refused("its metadata repeats itself by reference (&name, *name)")
        if depth > DEEPEST or number > MOST_EVENTS:
            raise _refused("its metadata is nested too deeply or has too many entries")


def _refused(why: str) -> Invalid:
    sentence = f"Nothing was read: {why}."
    return Invalid(sentence, fields={"markdown": [sentence]})
