"""The governed call against the bare provider.

Both sides ask the same scripted provider on loopback. The governed side runs the whole
pipeline in this process (every stage, both transactions, the ledger row durable before the
reply), without the HTTP entrance.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

ROUNDS, CALLS = 5, 20


def measure(here: Any, server: str) -> dict[str, dict[str, float]]:
    """Ask both by turns, print; gives the figures by side."""
    from django.conf import settings

    from tests.factories.organisation import provider

    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        figures = _measure(here.key, scripted.url)
    rows = {name: summary(taken) for name, taken in figures.items()}
    print(f"{'':12}{'calls/s':>10}{'p50 ms':>10}{'p95 ms':>10}")
    for name, row in rows.items():
        print(f"{name:12}{row['calls_per_second']:>10}{row['p50_ms']:>10}{row['p95_ms']:>10}")
    return rows


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
    from governance.model_cards.models import Deployment
    from prompts.gateway import pipeline
    from prompts.gateway.context import GovernedRequest

    ApiKey.objects.update(requests_per_minute=1_000_000)
    Deployment.objects.update(concurrency_limit=10_000)
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


def main() -> None:
    from tests.load.beginning import keep, organisation

    with organisation() as (here, server):
        keep("gateway", measure(here, server))


if __name__ == "__main__":
    main()
