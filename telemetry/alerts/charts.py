"""A level's days → a plotly figure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import plotly.graph_objects as go

from governance.home.charts import PALETTE, layout
from telemetry.alerts.burning import Tally, allowed_share


@dataclass(frozen=True)
class Step:
    """A day (or hour) of the window: its events, and how much of the budget was left after it."""

    starts_at: datetime
    total: int
    bad: int
    left: Decimal

    @property
    def left_percent(self) -> str:
        share = abs(self.left) * 100
        return f"{share:.1f} %" if self.left >= 0 else f"overdrawn by {share:,.0f} %"


def steps(tallies: Sequence[tuple[datetime, Tally]], objective: Decimal) -> list[Step]:
    """Against what the whole window allows, so that the last step is what is left now."""
    events = sum(tally.total for _, tally in tallies)
    allowed = events * allowed_share(objective)
    found, spent = [], 0
    for starts_at, tally in tallies:
        spent += tally.bad
        left = 1 - spent / allowed if allowed else Decimal(1)
        found.append(Step(starts_at, tally.total, tally.bad, left))
    return found


def budget(found: Sequence[Step]) -> go.Figure:
    """The budget as it was used up, with the bad events of each step below it."""
    last = found[-1].left
    finding = (
        f"{last * 100:.1f} % of the error budget is left"
        if last >= 0
        else f"The error budget is overdrawn by {-last * 100:,.0f} %"
    )
    figure = go.Figure(layout=layout(finding, showlegend=True))
    moments = [one.starts_at.isoformat() for one in found]
    figure.add_bar(
        name="bad events",
        x=moments,
        y=[one.bad for one in found],
        yaxis="y2",
        marker={"color": PALETTE[1]},
        opacity=0.55,
        hovertemplate="%{x}<br>%{y} bad events<extra></extra>",
    )
    figure.add_scatter(
        name="budget left",
        x=moments,
        y=[float(one.left) for one in found],
        mode="lines+markers",
        line={"color": PALETTE[0]},
        hovertemplate="%{x}<br>%{y:.1%} left<extra></extra>",
    )
    figure.update_xaxes(showgrid=False)
    figure.update_layout(
        yaxis={"title": "budget left", "tickformat": ".0%", "automargin": True},
        yaxis2={
            "title": "bad events",
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "tickformat": ",d",
            "automargin": True,
            "showgrid": False,
        },
        margin={"l": 56, "r": 56, "t": 48, "b": 48},
        legend={"orientation": "h", "y": -0.3},
    )
    return figure
