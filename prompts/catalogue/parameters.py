"""Sampling parameters: what a version sets, and what its callers may set themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A sampling parameter and the values that it takes."""

    name: str
    label: str
    least: Decimal
    most: Decimal
    is_whole: bool
    hint: str


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("temperature", "Temperature", Decimal(0), Decimal(2), False, "0 varies least."),
    Parameter("top_p", "Top p", Decimal(0), Decimal(1), False, "Change this or temperature."),
    Parameter(
        "max_tokens", "Most tokens", Decimal(1), Decimal(100_000), True, "Empty: 512 an answer."
    ),
    Parameter(
        "seed", "Seed", Decimal(0), Decimal(2**31 - 1), True, "Where a provider can repeat itself."
    ),
    Parameter(
        "cache_seconds",
        "Cache, seconds",
        Decimal(1),
        Decimal(604_800),
        True,
        "The very same request is answered again for so long, at no cost. Empty: never.",
    ),
)
CALLERS_ALONE: tuple[Parameter, ...] = (
    Parameter("presence_penalty", "Presence penalty", Decimal(-2), Decimal(2), False, ""),
    Parameter("frequency_penalty", "Frequency penalty", Decimal(-2), Decimal(2), False, ""),
)
STOP = "stop"
# The gateway's own: no provider is sent it, and no caller sets it.
CACHE_SECONDS = "cache_seconds"
CALLER_MAY_SET = "caller_may_set"
SETTABLE: tuple[str, ...] = (
    *(one.name for one in (*PARAMETERS, *CALLERS_ALONE) if one.name != CACHE_SECONDS),
    STOP,
)
DEFAULT_SETTABLE: tuple[str, ...] = ("max_tokens",)
MOST_STOPS = 4
LONGEST_STOP = 100
_BY_NAME = {one.name: one for one in (*PARAMETERS, *CALLERS_ALONE)}
_WHOLE = {one.name for one in PARAMETERS if one.is_whole}


def caller_may_set(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """What the callers of a version with these parameters may set; the most tokens if it is silent."""
    return tuple(parameters.get(CALLER_MAY_SET, DEFAULT_SETTABLE))


def parameter_problems(given: Mapping[str, Any]) -> list[str]:
    """What a version cannot have as its parameters, in sentences."""
    known = {one.name for one in PARAMETERS}
    strange = sorted(given.keys() - known - {CALLER_MAY_SET})
    problems = [f"{name} is no parameter." for name in strange]
    for name in sorted(given.keys() & known):
        if not _fits(name, _number(given[name])):
            problems.append(_range_of(name))
    listed = given.get(CALLER_MAY_SET, [])
    if not isinstance(listed, list) or any(one not in SETTABLE for one in listed):
        problems.append(f"Callers may set some of {', '.join(SETTABLE)}.")
    return problems


def caller_problem(name: str, value: Any) -> str:
    """Why a caller's value cannot be, in a sentence; empty when it can. Text is no number here."""
    if name == STOP:
        texts = [value] if isinstance(value, str) else value
        return "" if _are_stops(texts) else f"stop is 1 to {MOST_STOPS} short texts."
    number = None if isinstance(value, str) else _number(value)
    return "" if _fits(name, number) else _range_of(name)


def _are_stops(texts: Any) -> bool:
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_STOPS:
        return False
    return all(isinstance(one, str) and 1 <= len(one) <= LONGEST_STOP for one in texts)


def _fits(name: str, value: Decimal | None) -> bool:
    one = _BY_NAME[name]
    is_within = value is not None and one.least <= value <= one.most
    return is_within and not (one.is_whole and value is not None and value % 1)


def _range_of(name: str) -> str:
    one = _BY_NAME[name]
    kind = "a whole number" if one.is_whole else "a number"
    return f"{name} is {kind} from {one.least} to {one.most}."


def exact_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are hashed: whole ones as integers, others as decimal text.

    What callers may set stands there only where it is not what a silent version allows.
    """
    exact: dict[str, Any] = {}
    for name, value in given.items():
        if name == CALLER_MAY_SET:
            continue
        number = _number(value) or Decimal(0)
        exact[name] = int(number) if name in _WHOLE else format(number, "f")
    settable = tuple(sorted({*given.get(CALLER_MAY_SET, DEFAULT_SETTABLE)}))
    return exact if settable == DEFAULT_SETTABLE else exact | {CALLER_MAY_SET: list(settable)}


def as_sent(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A version's own parameters as a provider takes them: numbers, without the most tokens."""
    return {
        name: int(value) if name in _WHOLE else float(value)
        for name, value in parameters.items()
        if name not in ("max_tokens", CALLER_MAY_SET, CACHE_SECONDS)
    }


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
