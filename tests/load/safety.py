"""How often the screens catch an attack or cry wolf, and what they cost for each KB of text.

The rules were written to `tuned`; `held_out` was kept from them. Both are the project's own cases
(tests/safety): rates on them say how the screens do against known ways of writing, not how they do
against somebody who reads the rules first.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 7
KILOBYTES = 20
PROSE = "The review of licence terms shows that our team should accept a warranty clause. "
FIGURES = "Of 20 vendors 14 agreed by 12 March 2026, at 1,250.00 EUR a seat, 31 days net. "
PERSONAL = (
    "Mail anna.k@example.com or call +49 30 901820 about card 4111 1111 1111 1111. " + PROSE * 11
)


def measure(here: Any, server: str) -> dict[str, Any]:
    """Print both tables; gives the figures."""
    from governance.policy.screening import screening_in_force
    from tests.safety.cases import cases
    from tests.safety.rates import rates

    screening = screening_in_force()
    found: dict[str, Any] = {}
    for name in ("tuned", "held_out"):
        by_category = rates(screening, cases(name))
        found[name] = _rows(by_category)
        _print_rates(name, by_category)
    found["ms_per_kb"] = _costs(screening)
    return found


def _rows(by_category: Any) -> dict[str, Any]:
    return {
        f"{kind} {category}": {"found": rate.found, "of": rate.total}
        for (kind, category), rate in by_category.items()
    }


def _print_rates(name: str, by_category: Any) -> None:
    from tests.safety.rates import overall

    print(f"\n{name:34}{'found':>8}{'of':>6}{'share':>9}")
    for (kind, category), rate in sorted(by_category.items()):
        print(f"  {kind + ' ' + category:32}{rate.found:>8}{rate.total:>6}{rate.share:>9.0%}")
    for kind, words in (("attack", "caught"), ("benign", "false alarms")):
        rate = overall(by_category, kind)
        print(f"  all: {words:27}{rate.found:>8}{rate.total:>6}{rate.share:>9.0%}")


def _costs(screening: Any) -> dict[str, dict[str, float]]:
    from governance.policy.personal_data import Redactor
    from governance.policy.rules import PERSONAL as ENTITIES

    found = {}
    print(f"\n{'ms for each KB':20}{'rules':>10}{'personal data':>16}")
    # The last has an address, a number to call and a card in each KB.
    for name, words in (("prose", PROSE), ("figures", FIGURES), ("personal", PERSONAL)):
        text = (words * (KILOBYTES * 1024 // len(words) + 1))[: KILOBYTES * 1024]
        rules = _median(lambda text=text: screening.scan(text, "user"))
        data = _median(lambda text=text: Redactor(ENTITIES, screening).redact(text))
        found[name] = {"rules": rules, "personal_data": data}
        print(f"{name:20}{rules:>10.4f}{data:>16.4f}")
    return found


def _median(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return round(statistics.median(taken) * 1000 / KILOBYTES, 4)
