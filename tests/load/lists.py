"""Every page and API without an address parameter, near empty and full.

One organisation is loaded with 10,000 use cases (score, assessment, stage and its change, checklist,
metric, mitigation, disclosure) and 2,000 change requests more (sign-offs, decisions, approvals).
A copy of its database from before is asked by turns in the same process.

The near-empty copy holds a few full pages (ONE_PAGE), not one row: a page draws 50 rows whether
there are 60 or 10,000, and drawing them is no growth. The target is the ratio of the medians of wall
time; the processor's time in Python and the time waited for the database stand beside it, because
on a busy machine wall time also measures the neighbours. An export streams every row, so that only
its queries are compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

USE_CASES, CHANGES, REQUESTS, ROUNDS = 10_000, 2_000, 3, 6
ONE_PAGE = 200
"""Rows of each kind in the near-empty copy: enough to fill a page however it is narrowed."""
LONGEST = 20
"""Seconds after which no further round is begun: what is that slow needs no more of them."""
NOT_ASKED = ("api/v1/schema", "api/v1/docs", "healthz", "readyz")
"""What holds no rows: the schema and the health of the process."""
SLOWEST, NOISE_MS = 1.3, 2.0
"""A full list's median against a near-empty one's; differences below NOISE_MS are none."""


@dataclass
class Side:
    """What asking one address took, in milliseconds, once for each request."""

    wall: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    queries: int = 0
    is_export: bool = False

    def medians(self) -> dict[str, float]:
        taken = {"wall": self.wall, "python": self.python, "database": self.database}
        return {name: round(statistics.median(times), 2) for name, times in taken.items()}


@dataclass
class Figure:
    """One address near empty and full."""

    few: Side
    many: Side

    @property
    def ratio(self) -> float:
        return statistics.median(self.many.wall) / statistics.median(self.few.wall)

    @property
    def is_fine(self) -> bool:
        difference = statistics.median(self.many.wall) - statistics.median(self.few.wall)
        grows = difference > NOISE_MS and self.ratio > SLOWEST and not self.many.is_export
        return not grows and self.many.queries <= self.few.queries

    def as_json(self) -> dict[str, Any]:
        few, many = self.few.medians(), self.many.medians()
        return {
            "few_ms": few,
            "many_ms": many,
            "ratio": round(self.ratio, 2),
            "few_queries": self.few.queries,
            "many_queries": self.many.queries,
            "is_export": self.many.is_export,
            "is_fine": self.is_fine,
        }


def measure(here: Any, server: str, only: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Fill, ask, print; gives the figures by address (those that begin with `only`)."""
    from tests.load.beginning import leave_the_pool
    from tests.load.filling import fill

    leave_the_pool()
    client = _client(here)
    paths = [path for path in list_addresses(client) if not only or path.startswith(only)]
    fill(here, use_cases=ONE_PAGE, changes=ONE_PAGE)
    few = clone(server)
    fill(here, use_cases=USE_CASES, changes=CHANGES)
    figures = {path: Figure(Side(), Side()) for path in paths}
    print(
        f"{'milliseconds':42}{'wall':>15}{'ratio':>7}{'python':>15}{'database':>14}{'queries':>9}"
    )
    for path, one in figures.items():
        until = time.monotonic() + LONGEST
        for number in range(ROUNDS):
            if number and time.monotonic() > until:
                break
            with few:
                _ask(client, path, one.few)
            _ask(client, path, one.many)
        _print(path, one)
    slow = [path for path, one in figures.items() if not one.is_fine]
    print(f"{len(figures) - len(slow)} of {len(figures)} keep to it; too slow: {', '.join(slow)}")
    return {path: one.as_json() for path, one in figures.items()}


class Clone:
    """A copy of the database as it is now; inside `with` the process asks the copy."""

    def __init__(self, name: str) -> None:
        from django.db import connection

        self.name, self.original = name, connection.settings_dict["NAME"]

    def __enter__(self) -> None:
        self._turn_to(self.name)

    def __exit__(self, *raised: Any) -> None:
        self._turn_to(self.original)

    def _turn_to(self, name: str) -> None:
        from django.db import connection

        connection.close()
        connection.settings_dict["NAME"] = name


def clone(server: Any) -> Clone:
    """PostgreSQL copies a database that nobody is connected to."""
    import psycopg
    from django.db import connection

    made = Clone(f"{connection.settings_dict['NAME']}_few")
    connection.close()
    with psycopg.connect(server, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{made.name}" TEMPLATE "{made.original}"')
    return made


def _client(here: Any) -> Any:
    """Somebody who sees every list, signed in."""
    from django.test import Client

    from governance.access.models import Grant, Organisation
    from governance.access.services import grant_role
    from governance.kernel.authority import ROLES, Actor

    user, organisation = here.people.users["compliance"], Organisation.objects.get()
    for code, role in ROLES.items():
        held = Grant.objects.filter(user=user, role=code).exists()
        if role.granted_on == "organisation" and not held:
            grant_role(
                actor=Actor.system("bench"), user=user, role=code, scope=organisation, now=here.now
            )
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def list_addresses(client: Any) -> list[str]:
    """Every address without a parameter that answers this person with 200."""
    from tests.factories.things import addresses

    found = []
    for address in addresses():
        path = f"/{address.path}"
        if "<" in path or path.startswith(tuple(f"/{one}" for one in NOT_ASKED)):
            continue
        if client.get(path).status_code == 200:
            found.append(path)
    if not found:
        raise SystemExit("No address answered with 200: there is nothing to measure.")
    return found


class Waited:
    """Adds up how long the database was waited for, and counts the queries."""

    def __init__(self) -> None:
        self.seconds, self.queries = 0.0, 0

    def __call__(self, execute: Callable[..., Any], *told: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*told)
        finally:
            self.seconds += time.perf_counter() - started
            self.queries += 1


def _ask(client: Any, path: str, side: Side) -> None:
    """The first request, untimed, opens the connection and fills the caches."""
    from django.db import connection

    _read(client.get(path))
    for _ in range(REQUESTS):
        waited = Waited()
        with connection.execute_wrapper(waited):
            wall, python = time.perf_counter(), time.process_time()
            response = client.get(path)
            _read(response)
            side.python.append((time.process_time() - python) * 1000)
            side.wall.append((time.perf_counter() - wall) * 1000)
        side.database.append(waited.seconds * 1000)
        side.queries = max(side.queries, waited.queries)
        side.is_export = response.streaming


def _read(response: Any) -> None:
    """To the end, a streamed one too."""
    if response.streaming:
        for _ in response.streaming_content:
            pass


def _print(path: str, one: Figure) -> None:
    few, many = one.few.medians(), one.many.medians()
    times = [f"{few[name]:.1f} → {many[name]:.1f}" for name in ("wall", "python", "database")]
    queries = f"{one.few.queries} → {one.many.queries}"
    mark = " export" if one.many.is_export else "" if one.is_fine else " too slow"
    columns = f"{times[0]:>15}{one.ratio:7.2f}{times[1]:>15}{times[2]:>14}{queries:>9}"
    print(f"{path:42}{columns}{mark}", flush=True)


def main() -> None:
    """`python -m tests.load.lists [address …]`: all, or those that begin so."""
    import sys

    from tests.load.beginning import keep, organisation

    only = tuple(sys.argv[1:])
    with organisation() as (here, server):
        figures = measure(here, server, only)
        if not only:
            keep("lists", figures)


if __name__ == "__main__":
    main()
