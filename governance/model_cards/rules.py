"""States of cards and deployments. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from governance.kernel.transitions import Edge, TransitionTable

CARD_STATES = TransitionTable(
    "ModelCard.state",
    "draft",
    (
        Edge("draft", "approve", "approved", "the approvals engine"),
        Edge("approved", "supersede", "superseded", "the engine", "a newer version is approved"),
        Edge("approved", "withdraw", "withdrawn", "the engine", "its approval has ended"),
        Edge("withdrawn", "approve", "approved", "the approvals engine"),
        Edge("superseded", "reinstate", "approved", "the engine", "an emergency was reverted"),
        Edge("draft", "withdraw", "withdrawn", "an ML engineer", "nobody is asked to decide on it"),
        Edge("approved", "approve", "approved", "the approvals engine", "its approval is renewed"),
    ),
)

DEPLOYMENT_STATES = TransitionTable(
    "Deployment.state",
    "proposed",
    (
        Edge("proposed", "approve", "callable", "the approvals engine", "its card is approved"),
        Edge("callable", "approve", "callable", "the approvals engine", "a changed deployment"),
        Edge("callable", "suspend", "suspended", "whoever commands incidents, or the engine"),
        Edge("suspended", "resume", "callable", "whoever commands incidents"),
        Edge("suspended", "approve", "callable", "the approvals engine"),
        Edge("callable", "retire", "retired", "an ML engineer"),
        Edge("suspended", "retire", "retired", "an ML engineer"),
    ),
)

HOSTING = ("hosted", "private", "embedded")
# A discount is in percent of everything else.
PRICE_KINDS = (
    "input",
    "cached_input",
    "output",
    "reasoning",
    "image",
    "per_call",
    "discount",
)

RESULT_PARTS = ("benchmark", "metric", "value", "source")
MOST_RESULTS = 50


def result_problem(results: Iterable[Mapping[str, str]]) -> str:
    """What is wrong with a card's evaluation results, in a sentence; empty when nothing is."""
    rows = list(results)
    if len(rows) > MOST_RESULTS:
        return f"Give at most {MOST_RESULTS} results."
    for number, row in enumerate(rows, 1):
        if set(row) != set(RESULT_PARTS):
            return f"Result {number} needs exactly these parts: {', '.join(RESULT_PARTS)}."
        if not row["benchmark"].strip() or not row["value"].strip():
            return f"Result {number} needs a benchmark and a value."
    return ""


def endpoint_problem(endpoint: str) -> str:
    """What is wrong with an address to call, in a sentence; empty when nothing is.

    Hosts without a dot are fine: a private deployment often has only a service name.
    """
    if not endpoint:
        return ""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "This is not an address."
    if parts.scheme not in ("http", "https") or not host or any(map(str.isspace, endpoint)):
        return "An address begins with http:// or https:// and names a host."
    if parts.username or parts.password or parts.query or parts.fragment:
        return "An address holds no key, no question mark and no #: a key belongs in the secret."
    return ""
