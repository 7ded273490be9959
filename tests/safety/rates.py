"""How often the screens find something, by set, kind and category."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from governance.kernel.terms import Sensitivity
from governance.policy.matching import Screening
from governance.policy.screening import tried
from prompts.gateway import screens
from tests.safety.cases import Case


@dataclass
class Rate:
    """Found of all; for attacks that is the catch, for others the false alarms."""

    total: int = 0
    found: int = 0
    others: list[Case] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.found / self.total if self.total else 0.0


def is_found(screening: Screening, case: Case) -> bool:
    """Whether a rule matches; in an answer also what no rule can take away."""
    shown = tried(screening, case.text, case.source, Sensitivity.INTERNAL)
    if shown.matches or case.source != "answer":
        return bool(shown.matches)
    return bool(shown.redactor.counts or screens.SECRETS.search(case.text))


def rates(screening: Screening, cases: Iterable[Case]) -> dict[tuple[str, str], Rate]:
    """By kind and category; `others` are missed attacks and false alarms."""
    found: dict[tuple[str, str], Rate] = defaultdict(Rate)
    for case in cases:
        rate = found[(case.kind, case.category)]
        rate.total += 1
        rate.found += (is_it := is_found(screening, case))
        if is_it != case.is_attack:
            rate.others.append(case)
    return dict(found)


def overall(by_category: dict[tuple[str, str], Rate], kind: str) -> Rate:
    mine = [rate for (one, _), rate in by_category.items() if one == kind]
    return Rate(sum(one.total for one in mine), sum(one.found for one in mine))
