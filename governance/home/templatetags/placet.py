"""Template pieces that every page uses: badges, money, times, bars, query strings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import nh3
from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide
from markdown_it import MarkdownIt

from governance.kernel import terms
from governance.kernel.canonical import plain

register = template.Library()

_TONES: dict[str, str] = {
    **dict.fromkeys(
        [
            "approved",
            "applied",
            "in_force",
            "delivered",
            "sent",
            "released",
            "ready",
            "stable",
            "production",
            "minimal",
            "closed",
            "resolved",
            "callable",
            "approve",
            "decided",
            "done",
            "live",
            "yes",
            "captured",
            "answered",
            "valid",
            "kept",
            "up",
        ],
        "good",
    ),
    **dict.fromkeys(
        [
            "open",
            "held",
            "in_review",
            "second_look",
            "waiting",
            "claimed",
            "pilot",
            "building",
            "requested",
            "changes_requested",
            "near",
            "limited",
            "warning",
            "acknowledged",
            "contained",
            "confirmed",
            "corrected",
            "reserved",
            "reported",
            "running",
            "closing",
            "request_changes",
            "provisional",
            "bundled",
            "emergency",
            "approve_with_conditions",
            "insufficient_data",
            "due",
            "admitted",
            "half_open",
            "degraded",
            "partly_answered",
            "runs_out_soon",
            "not_counted",
            "away",
            "full",
        ],
        "wait",
    ),
    "unconfirmed": "wait",
    **dict.fromkeys(
        [
            "rejected",
            "reverted",
            "failed",
            "blocked",
            "suspended",
            "revoked",
            "stale",
            "expired",
            "drift",
            "overdue",
            "critical",
            "high",
            "unacceptable",
            "reject",
            "breach",
            "suspense",
            "error",
            "no_evidence",
            "run_out",
            "missing",
            "burning",
            "overdrawn",
            "held_open",
            "down",
            "overturned",
        ],
        "bad",
    ),
}
_ICONS = {"good": "circle-check", "wait": "clock", "bad": "triangle-alert", "plain": "circle"}


@register.inclusion_tag("components/_badge.html")
def badge(state: Any, label: str = "") -> dict[str, str]:
    """A state as colour, icon and word."""
    word = str(state or "none")
    tone = _TONES.get(word.replace(" ", "_"), "plain")
    return {"label": label or word.replace("_", " "), "tone": tone, "icon": _ICONS[tone]}


@register.filter
def words(value: Any) -> str:
    """snake_case as words."""
    return str(value).replace("_", " ")


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """mapping[key], or an empty string."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.filter
def grouped(value: Any) -> str:
    """A whole number with separators between thousands; without trailing zeros a measured one."""
    if isinstance(value, Decimal):
        whole, _, fraction = f"{value:,f}".partition(".")
        kept = fraction.rstrip("0")
        return f"{whole}.{kept}" if kept else whole
    return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "")


@register.simple_tag
def icon(name: str, size: int, aria_hidden: str) -> SafeString:
    """An icon of Lucide's. A page has dozens, and to write one takes longer than a badge's rest."""
    return _icon(str(name), size, str(aria_hidden))


@lru_cache(maxsize=256)
def _icon(name: str, size: int, aria_hidden: str) -> SafeString:
    return mark_safe(lucide(name, size=size, aria_hidden=aria_hidden))  # noqa: S308  # of a library


@register.simple_tag
def money(amount: Any, currency: str = "", places: int = 2) -> SafeString:
    """An amount with its currency; very small ones keep their digits."""
    if amount is None:
        return format_html('<span class="muted">{}</span>', "none")
    value = Decimal(amount)
    if value and abs(value) < Decimal("0.01"):
        places = 6
    elif not value:
        places = min(places, 2)
    return format_html('<span class="money">{} {}</span>', f"{value:,.{places}f}", currency)


@register.simple_tag
def when(moment: datetime | None, style: str = "minute") -> SafeString:
    """A time in the reader's zone (the request's), with the exact UTC on hover."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', "not yet")
    local = timezone.localtime(moment)
    pattern = {"minute": "%d %b %Y, %H:%M", "day": "%d %b %Y", "second": "%d %b %H:%M:%S"}[style]
    exact = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        local.strftime(pattern),
    )


@register.simple_tag
def due(moment: datetime | None) -> SafeString:
    """How long until, or since, a due time."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', "no due time")
    left = moment - timezone.now()
    minutes = int(abs(left.total_seconds()) // 60)
    size = (
        f"{minutes} min"
        if minutes < 120
        else f"{minutes // 60} h"
        if minutes < 2880
        else f"{minutes // 1440} days"
    )
    late = left.total_seconds() < 0
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        "due late" if late else "due",
        moment.isoformat(),
        f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        f"{size} late" if late else f"in {size}",
    )


@register.inclusion_tag("components/_meter.html")
def meter(value: Any, maximum: Any, label: str = "") -> dict[str, Any]:
    """A bar of value against maximum; past 80 % it warns, past 95 % it alarms."""
    share = Decimal(value or 0) / Decimal(maximum) * 100 if maximum else Decimal(0)
    tone = "bad" if share >= 95 else "wait" if share >= 80 else "good"
    shown = min(share, Decimal(100))
    return {"share": f"{shown:.0f}", "exact": f"{share:.1f}", "tone": tone, "label": label}


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The current query string with these changes; None removes."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        params.pop(key, None)
        if value not in (None, ""):
            params[key] = str(value)
    encoded = params.urlencode()
    return f"?{encoded}" if encoded else "?"


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as clean HTML: no raw HTML, no images, no scripts."""
    rendered = MarkdownIt("js-default", {"html": False}).render(text or "")
    return mark_safe(nh3.clean(rendered, tags=nh3.ALLOWED_TAGS - {"img"}))  # noqa: S308  # cleaned


@register.filter
def as_plain(value: Any) -> Any:
    """JSON-plain data, for json_script."""
    return plain(value)


@register.filter
def is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


@register.filter
def is_list(value: Any) -> bool:
    return isinstance(value, list)


@register.filter
def json_pretty(value: Any) -> str:
    """JSON with line breaks, for reading."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


@register.filter
def revealed(value: Any) -> SafeString:
    """Text that somebody decides on, with every unseen character as a marked symbol."""
    pieces = terms.revealed(str("" if value is None else value))
    return format_html_join(
        "",
        "{}",
        (
            (
                format_html('<span class="unseen" title="{}">{}</span>', what, piece)
                if what
                else piece,
            )
            for piece, what in pieces
        ),
    )
