"""`/metrics`, for a scraper: who brings the scrape key, or asks from this very machine."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from governance.kernel.web import PUBLIC, requires
from telemetry.alerts import metrics

# A proxy on this machine asks from loopback too, for anybody; it says so in one of these.
FORWARDING = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via")
REFUSED = (
    "Metrics are given to whoever brings the key of PLACET_METRICS_KEY "
    "(Authorization: Bearer …); while none is set, to this machine alone.\n"
)


@requires(PUBLIC)
def scrape(request: HttpRequest) -> HttpResponse:
    """The figures of all processes; no text and no person is in them."""
    if not may_scrape(request):
        return HttpResponse(REFUSED, content_type="text/plain; charset=utf-8", status=403)
    response = HttpResponse(metrics.kept.text(), content_type=metrics.CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def may_scrape(request: HttpRequest) -> bool:
    """The key where one is set; else loopback, and not by way of a proxy."""
    if settings.PLACET_METRICS_KEY:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        is_key = hmac.compare_digest(given.strip().encode(), settings.PLACET_METRICS_KEY.encode())
        return scheme.lower() == "bearer" and is_key
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and not any(
        name in request.headers for name in FORWARDING
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a Unix socket has none: what stands before it is a proxy
        return False
