"""States of a vendor's record, and what may stand in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from governance.kernel.transitions import Edge, TransitionTable

VENDOR_STATES = TransitionTable(
    "Vendor.state",
    "proposed",
    (
        Edge("proposed", "approve", "approved", "the approvals engine"),
        Edge("approved", "approve", "approved", "the approvals engine", "reviewed or changed"),
        Edge("approved", "end", "ended", "the engine", "its approval does not stand"),
        Edge("ended", "approve", "approved", "the approvals engine"),
    ),
)
TRAINS_ON_DATA = {
    "no": "No",
    "opt_out": "Unless we opt out",
    "yes": "Yes",
}
TRAINS_CHOICES = list(TRAINS_ON_DATA.items())
LONGEST_CLAUSE = 5_000
MOST_LINES = 100
LISTS = ("regions", "sub_processors")
DAYS = ("contract_from", "contract_until", "reviewed_on", "review_due")
VENDOR_FACTS = (
    "name",
    "terms_link",
    "terms_version",
    *LISTS,
    "trains_on_data",
    "data_use_clause",
    *DAYS,
    "owner",
)


def as_day(value: Any) -> date | None:
    """A day from a day or its ISO text; None for nothing. Raises ValueError."""
    if value in (None, ""):
        return None
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def fact_faults(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with facts that are not trusted, by field; empty if nothing is."""
    faults = {}
    for name, longest in (("name", 150), ("terms_version", 100)):
        if not _is_text(facts.get(name), longest):
            faults[name] = [f"Give it, in at most {longest} characters."]
    if not _is_text(facts.get("data_use_clause"), LONGEST_CLAUSE):
        faults["data_use_clause"] = ["Say what the terms allow, in at most 5,000 characters."]
    if not _is_web_address(facts.get("terms_link")):
        faults["terms_link"] = ["Give the web address of the terms, of at most 300 characters."]
    if facts.get("trains_on_data") not in TRAINS_ON_DATA:
        faults["trains_on_data"] = [f"One of {', '.join(TRAINS_ON_DATA)}."]
    for name in LISTS:
        if not _is_list(facts.get(name)):
            faults[name] = ["One a line, at most 100 of at most 150 characters."]
    return faults | _day_faults(facts)


def _day_faults(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    faults, days = {}, {}
    for name in DAYS:
        try:
            days[name] = as_day(facts.get(name))
        except ValueError:
            faults[name] = ["Give a day, as 2026-12-01."]
    for name in ("reviewed_on", "review_due"):
        if name not in faults and days[name] is None:
            faults[name] = ["Give the day."]
    for first, last in (("contract_from", "contract_until"), ("reviewed_on", "review_due")):
        begins, ends = days.get(first), days.get(last)
        if begins and ends and ends < begins:
            faults[last] = ["It ends before it begins."]
    return faults


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= longest


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_LINES
        and all(_is_text(one, 150) for one in value)
    )


def _is_web_address(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 300 or any(map(str.isspace, value)):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
