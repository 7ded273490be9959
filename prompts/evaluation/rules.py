"""What a run goes through, what a suite's figures are, and how an input is read back. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.kernel.transitions import Edge, TransitionTable
from prompts.catalogue.rendering import render

MOST_CASES = 2_000
MOST_TRIES = 3
TAGS = ("golden", "regression", "adversarial", "bias_counterfactual")
FEW = 10
"""Cases below which a pass rate says little; the interval stands beside it all the same."""


class RunState(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class ResultState(StrEnum):
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


_WORKER = "a worker"
_PERSON = "who may call the use case"

RUN_STATES = TransitionTable(
    "EvaluationRun.state",
    RunState.REQUESTED,
    (
        Edge("requested", "start", "running", _WORKER),
        Edge("running", "finish", "finished", _WORKER, "no case waits any more"),
        Edge("requested", "cancel", "cancelled", _PERSON),
        Edge("running", "cancel", "cancelled", _PERSON),
        Edge("stopped", "cancel", "cancelled", _PERSON),
        Edge("running", "stop", "stopped", _WORKER, "a switch, an approval or a budget is in it"),
        Edge("stopped", "resume", "running", _PERSON),
    ),
)
OPEN_STATES = (RunState.REQUESTED, RunState.RUNNING)


@dataclass(frozen=True)
class Rate:
    """So many passed of so many that were scored, with Wilson's interval at 95 %."""

    passed: int
    total: int

    @property
    def share(self) -> float | None:
        return self.passed / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.passed, self.total)

    @property
    def is_few(self) -> bool:
        return self.total < FEW

    def __str__(self) -> str:
        if self.share is None or self.interval is None:
            return "nothing was scored"
        low, high = self.interval
        return f"{self.share:.0%} of {self.total} ({low:.0%} to {high:.0%})"


def wilson(passed: int, total: int) -> tuple[float, float] | None:
    """Wilson's score interval (1927) at 95 %; None of nothing."""
    if not total:
        return None
    z = 1.959963984540054
    share, scale = passed / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # What rounding leaves beyond the ends.
    low = 0.0 if passed == 0 else max(0.0, middle - half)
    high = 1.0 if passed == total else min(1.0, middle + half)
    return low, high


def rates(results: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Rate]:
    """(state, tags) of each case → the rate of all, and of each tag that there is."""
    counted: dict[str, list[int]] = {"all": [0, 0]}
    for state, tags in results:
        if state not in (ResultState.PASSED, ResultState.FAILED):
            continue
        for name in ("all", *tags):
            tally = counted.setdefault(name, [0, 0])
            tally[0] += state == ResultState.PASSED
            tally[1] += 1
    return {name: Rate(*tally) for name, tally in counted.items()}


def values_in(
    template: list[dict[str, str]], schema: Mapping[str, Any], rendered: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """(variables, the caller's messages) that made these messages; None where it cannot be told.

    Filled in again they give the very same messages, or they are not taken.
    """
    if len(rendered) < len(template):
        return None
    texts: dict[str, str] = {}
    for one, said in zip(template, rendered, strict=False):
        found = _texts_in(one, said)
        if found is None or any(texts.get(name, text) != text for name, text in found.items()):
            return None
        texts |= found
    properties = schema.get("properties", {})
    values = {name: _value(properties.get(name, {}), text) for name, text in texts.items()}
    if render(template, values) != rendered[: len(template)]:
        return None
    return values, rendered[len(template) :]


_VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")


def _texts_in(template: Mapping[str, str], said: Mapping[str, Any]) -> dict[str, str] | None:
    content = said.get("content")
    if said.get("role") != template["role"] or not isinstance(content, str):
        return None
    pieces = _VARIABLE.split(template["content"])
    literals, names = pieces[::2], pieces[1::2]
    if not content.startswith(literals[0]):
        return None
    position = len(literals[0])
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        after = literals[number + 1]
        is_last = number + 1 == len(names)
        if not after and not is_last:
            return None  # two variables side by side: nobody can tell where one ends
        end = len(content) - len(after) if is_last else content.find(after, position)
        if end < position or content[end : end + len(after)] != after:
            return None
        if found.setdefault(name, content[position:end]) != content[position:end]:
            return None
        position = end + len(after)
    return found if position == len(content) else None


def _value(schema: Mapping[str, Any], text: str) -> Any:
    if schema.get("type", "string") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
