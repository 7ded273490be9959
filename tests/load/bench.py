"""`make bench`: the scenarios one after the other, or those that are named (`make bench ONLY=lists`).

Each prints a table and writes its part of var/bench.json; the parts of others stay.
"""

from __future__ import annotations

import argparse

from tests.load import claims, gateway, http, killed, lists, money, safety
from tests.load.beginning import keep, organisation

SCENARIOS = {
    "claims": claims.measure,
    "gateway": gateway.measure,
    "http": http.measure,
    "killed": killed.measure,
    "lists": lists.measure,
    "money": money.measure,
    "safety": safety.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the organisation waits for.")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(SCENARIOS))
    named = parser.parse_args().scenarios or list(SCENARIOS)
    unknown = [name for name in named if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(SCENARIOS)}")
    with organisation() as (here, server):
        for name in named:
            keep(name, SCENARIOS[name](here, server))


if __name__ == "__main__":
    main()
