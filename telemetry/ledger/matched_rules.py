"""Which governed rules of the screens matched a call, for its page."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.ledger.models import Call


@dataclass(frozen=True)
class MatchedRule:
    """One rule with the version of its set that was in force, and what it said is to be done.

    The page of the set is `policy:rule-set` by its name, `rule_set`.
    """

    rule: str
    rule_set: str
    version: int
    action: str
    stage: str


def matched_rules(call: Call) -> list[MatchedRule]:
    """In the order in which they were noted; findings that no rule made are left out."""
    return [
        MatchedRule(
            rule=one["rule"],
            rule_set=one["rule_set"],
            version=one["version"],
            action=one["action"],
            stage=one["stage"],
        )
        for one in call.findings
        if "rule" in one
    ]
