"""`make bench`: the governed call against the bare provider, side by side, interleaved.

Both sides ask the same scripted provider on loopback. The governed side runs the whole
pipeline in this process (every stage, both transactions, the ledger row durable before the
reply), without the HTTP entrance. Prints a table and writes var/bench.json.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

ROUNDS, CALLS = 5, 20


def main() -> None:
    from governance.config.embedded import Postgres

    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "PLACET_TEST": "1"}
        (Path(folder) / "static").mkdir()
        postgres = Postgres(Path(folder))
        postgres.start()
        postgres.create_database()
        try:
            os.environ["DATABASE_URL"] = postgres.url()
            os.environ["DJANGO_SETTINGS_MODULE"] = "governance.config.settings"
            _run()
        finally:
            postgres.stop()


def _run() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from tests.factories.organisation import provider, world

    call_command("migrate", verbosity=0)
    here = world()
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        figures = _measure(here.key, scripted.url)
    connection.close()
    print(f"{'':12}{'calls/s':>10}{'p50 ms':>10}{'p95 ms':>10}")
    for name, taken in figures.items():
        row = summary(taken)
        print(f"{name:12}{row['calls_per_second']:>10}{row['p50_ms']:>10}{row['p95_ms']:>10}")
    Path("var").mkdir(exist_ok=True)
    result = {name: summary(taken) for name, taken in figures.items()}
    Path("var/bench.json").write_text(json.dumps(result, indent=2))


def summary(seconds: list[float]) -> dict[str, float]:
    """Calls a second at concurrency 1, and percentiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20)
    return {
        "calls_per_second": round(len(seconds) / sum(seconds), 1),
        "p50_ms": round(statistics.median(seconds) * 1000, 2),
        "p95_ms": round(cuts[18] * 1000, 2),
    }


def _measure(key: str, url: str) -> dict[str, list[float]]:
    import httpx
    from django.db import connection

    from governance.access.models import ApiKey
    from prompts.gateway import pipeline
    from prompts.gateway.context import GovernedRequest

    ApiKey.objects.update(requests_per_minute=1_000_000)
    request = GovernedRequest("licence-review", key, variables={"licence_text": "MIT License"})
    client = httpx.Client()
    body = {"messages": [{"role": "user", "content": "MIT License"}]}

    def governed() -> None:
        reply = pipeline.run(request)
        if reply.state != "held":
            raise SystemExit(f"The call was {reply.state}: {reply.refusal}")

    def bare() -> None:
        client.post(f"{url}/chat/completions", json=body).raise_for_status()

    sides = {"governed": governed, "bare": bare}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    governed()
    for _ in range(ROUNDS):
        for name, run in sides.items():
            for _ in range(CALLS):
                started = time.perf_counter()
                run()
                taken[name].append(time.perf_counter() - started)
    connection.close()
    client.close()
    return taken


if __name__ == "__main__":
    main()
