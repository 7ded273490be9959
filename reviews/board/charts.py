"""What waits by age, and the forecast → plotly figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from governance.home.charts import PALETTE, layout
from reviews.board.forecast import Expected
from reviews.board.selectors import PAST_DUE, Age

COLOURS = (PALETTE[2], PALETTE[4], PALETTE[0], PALETTE[1], PALETTE[5])


def ages(found: Sequence[Age]) -> go.Figure:
    """Bars from young to past due; the words carry the meaning, the colours only help."""
    figure = go.Figure(layout=layout(age_finding(found), showlegend=False, height=280))
    figure.add_bar(
        x=[one.label for one in found],
        y=[one.count for one in found],
        text=[str(one.count) for one in found],
        textposition="outside",
        cliponaxis=False,
        marker={"color": COLOURS},
        hovertemplate="%{x} of the time used<br>%{y} answers<extra></extra>",
    )
    labels = [one.label for one in found]
    figure.update_xaxes(
        title={"text": "share of the time to decide that is used", "standoff": 8},
        type="category",
        automargin=True,
        # Broken and level: slanted ones would lie on the title where the chart is narrow.
        tickangle=0,
        tickvals=labels,
        ticktext=[_broken(one) for one in labels],
    )
    figure.update_yaxes(title="answers", rangemode="tozero", automargin=True)
    return figure


def _broken(label: str) -> str:
    first, _, last = label.rpartition(" ")
    return f"{first}<br>{last}"


def age_finding(found: Sequence[Age]) -> str:
    late = sum(one.count for one in found if one.label == PAST_DUE)
    whole = sum(one.count for one in found)
    if not whole:
        return "Nothing waits"
    if late:
        return f"{late:,} of {whole:,} answers are past their due time"
    return f"All {whole:,} answers that wait are within their time"


def breaches(found: Sequence[Expected]) -> go.Figure:
    """The median play with eight plays of ten around it, for each horizon."""
    figure = go.Figure(layout=layout(breach_finding(found), showlegend=False, height=280))
    figure.add_bar(
        x=[f"next {one.hours} h" for one in found],
        y=[one.median for one in found],
        width=0.5,
        marker={"color": PALETTE[5]},
        error_y={
            "type": "data",
            "array": [one.high - one.median for one in found],
            "arrayminus": [one.median - one.low for one in found],
        },
        hovertemplate="%{x}<br>%{y} answers<extra></extra>",
    )
    figure.update_xaxes(title="business hours", type="category")
    figure.update_yaxes(title="answers past due", rangemode="tozero")
    return figure


def breach_finding(found: Sequence[Expected]) -> str:
    day = found[-1]
    if day.high == 0:
        return f"No answer is expected to pass its due time in the next {day.hours} business hours"
    if day.low == day.high:
        return (
            f"{day.low} answers are expected to pass their due time in {day.hours} business hours"
        )
    return f"{day.low} to {day.high} answers are expected to pass their due time in {day.hours} business hours"
