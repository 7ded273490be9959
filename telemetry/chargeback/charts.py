"""Rows → plotly figures. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import plotly.graph_objects as go

from governance.home.charts import layout
from telemetry.chargeback.dashboard import DIMENSION_WORDS, Row

MOST_SERIES = 6


def daily_costs(rows: Sequence[Row], dimension: str, currency: str) -> go.Figure:
    """Stacked bars: cost by day, one colour per team, use case or model; small ones as "other"."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    by_series: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        totals[row.label(dimension)] += row.cost
    shown = sorted(totals, key=lambda label: (-totals[label], label))[:MOST_SERIES]
    for row in rows:
        label = row.label(dimension)
        # A line booked late stands on the first day of the month it is booked to.
        day = max(row.day, row.period)
        by_series[label if label in shown else "other"][day] += row.cost
    figure = go.Figure(layout=layout(_finding(totals, dimension), barmode="stack"))
    figure.update_layout(yaxis_title=f"{currency} a day", bargap=0.25)
    figure.update_yaxes(rangemode="tozero", tickformat=",.4~f")
    for label in [*shown, *(["other"] if "other" in by_series else [])]:
        days = sorted(by_series[label])
        figure.add_bar(
            name=label,
            x=[day.isoformat() for day in days],
            y=[float(by_series[label][day]) for day in days],
            hovertemplate=f"%{{x}}<br>%{{y:,.6f}} {currency}",
        )
    return figure


def _finding(totals: dict[str, Decimal], dimension: str) -> str:
    """The chart's title: who the largest part is, in words."""
    whole = sum(totals.values(), Decimal(0))
    if not whole:
        return f"Cost by day and {DIMENSION_WORDS[dimension]}"
    largest = max(totals, key=lambda label: (totals[label], label))
    return f"{largest} makes {totals[largest] * 100 / whole:.0f} % of the cost"
