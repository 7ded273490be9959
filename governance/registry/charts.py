"""The portfolio map and the results of a metric. Pure: rows in, figure out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from governance.home.charts import PALETTE, TIER_COLOURS, layout

UNKNOWN = "unknown"


def portfolio(
    rows: Sequence[dict[str, Any]], currency: str, finding: str, threshold: Decimal
) -> go.Figure:
    """Bubbles: effort across, impact up, area by cost this month, colour and word by tier.

    Each row has title, url, impact, effort, cost (Decimals) and tier; the quadrants meet at
    the threshold.
    """
    largest = max((row["cost"] for row in rows), default=Decimal(0)) or Decimal(1)
    figure = go.Figure(layout=layout(finding))
    places = _label_places(rows)
    for tier in dict.fromkeys(row["tier"] or UNKNOWN for row in rows):
        group = [row for row in rows if (row["tier"] or UNKNOWN) == tier]
        figure.add_trace(_bubbles(tier, group, largest, currency, places))
    axis = {"range": [0.8, 5.2], "dtick": 1, "zeroline": False}
    figure.update_xaxes(title="Effort", **axis)
    # Names stand above their bubbles, also above the highest.
    figure.update_yaxes(title="Impact", **axis | {"range": [0.8, 5.6]})
    figure.add_hline(y=float(threshold), line_dash="dot", line_color="#888")
    figure.add_vline(x=float(threshold), line_dash="dot", line_color="#888")
    corners = (
        (1, 5, "quick wins"),
        (5, 5, "major projects"),
        (1, 1, "fill-ins"),
        (5, 1, "reconsider"),
    )
    for x, y, text in corners:
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, font={"color": "#888"})
    figure.update_layout(height=460)
    return figure


def _label_places(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Url → where its words stand: those at one spot stand around it, not on each other."""
    around = ("top center", "bottom center", "middle right", "middle left")
    crowd: dict[tuple[int, int], int] = {}
    places = {}
    for row in rows:
        # Half a point of either scale is about the height of two lines.
        spot = (round(row["impact"] * 2), round(row["effort"] * 2))
        places[row["url"]] = around[crowd.get(spot, 0) % len(around)]
        crowd[spot] = crowd.get(spot, 0) + 1
    return places


def _bubbles(
    tier: str,
    group: list[dict[str, Any]],
    largest: Decimal,
    currency: str,
    places: dict[str, str],
) -> go.Scatter:
    word = "not assessed" if tier == UNKNOWN else f"{tier} risk"
    return go.Scatter(
        name=word,
        x=[float(row["effort"]) for row in group],
        y=[float(row["impact"]) for row in group],
        # The tier in words too: a colour alone tells not everybody.
        text=[f"{row['title']}<br>{word}" for row in group],
        hovertext=[f"{row['cost']:,.2f} {currency} this month" for row in group],
        customdata=[row["url"] for row in group],
        mode="markers+text",
        textposition=[places[row["url"]] for row in group],
        marker={
            "size": [18 + 42 * float(row["cost"] / largest) ** 0.5 for row in group],
            "color": TIER_COLOURS[tier],
            "opacity": 0.8,
        },
        hovertemplate="%{text}<br>impact %{y}, effort %{x}<br>%{hovertext}<extra></extra>",
    )


def results(
    finding: str,
    unit: str,
    baseline: Decimal | None,
    target: Decimal | None,
    measured: Sequence[tuple[date, Decimal]],
    decided: Sequence[tuple[date, str]] = (),
) -> go.Figure:
    """Measured values by day, with baseline and target as lines; `finding` is the title.

    Days on which something was decided are marked by a number, in the order of the list below.
    """
    figure = go.Figure(layout=layout(finding, height=260, showlegend=False))
    figure.add_trace(
        go.Scatter(
            name="measured",
            x=[day.isoformat() for day, _ in measured],
            y=[float(value) for _, value in measured],
            mode="lines+markers",
            line={"color": PALETTE[0]},
        )
    )
    for word, value, colour in (("baseline", baseline, "#888"), ("target", target, PALETTE[2])):
        if value is not None:
            figure.add_hline(
                y=float(value), line_dash="dot", line_color=colour, annotation_text=word
            )
    for day, numbers in _marks(decided).items():
        figure.add_shape(
            type="line",
            x0=day,
            x1=day,
            yref="paper",
            y0=0,
            y1=1,
            line={"color": PALETTE[3], "dash": "dash", "width": 1},
        )
        figure.add_annotation(x=day, yref="paper", y=1.02, text=numbers, showarrow=False)
    figure.update_yaxes(title=unit, rangemode="tozero")
    figure.update_xaxes(type="date", tickformat="%d %b %Y", nticks=6)
    if len({day for day, _ in measured} | {day for day, _ in decided}) == 1:
        # One day alone would be spread over its hours, each with the same label.
        figure.update_xaxes(tickvals=[day.isoformat() for day, _ in measured][:1])
    return figure


def _marks(decided: Sequence[tuple[date, str]]) -> dict[str, str]:
    """Day → the numbers of what was decided on it, as in "2–4"."""
    by_day: dict[str, list[int]] = {}
    for number, (day, _) in enumerate(decided, 1):
        by_day.setdefault(day.isoformat(), []).append(number)
    return {
        day: str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
        for day, numbers in by_day.items()
    }
