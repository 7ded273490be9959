"""Weeks of thumbs → a plotly figure with the numbers of the table beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from governance.home.charts import PALETTE, layout
from reviews.feedback.selectors import Tally, Week


def thumbs(weeks: Sequence[Week], whole: Tally) -> go.Figure | None:
    """Up and down by week, one on the other; None without two weeks to compare."""
    if len(weeks) < 2:
        return None
    figure = go.Figure(layout=layout(finding(whole), barmode="stack"))
    names = [f"{one.begins:%d %b %Y}" for one in weeks]
    for number, (name, values) in enumerate(
        (
            ("thumbs up", [one.tally.up for one in weeks]),
            ("thumbs down", [one.tally.down for one in weeks]),
        )
    ):
        figure.add_bar(
            name=name,
            x=names,
            y=values,
            marker={"color": PALETTE[(2, 5)[number]], "pattern": {"shape": ("", "/")[number]}},
            hovertemplate="week of %{x}<br>%{y}",
        )
    figure.update_xaxes(type="category", title="week that begins on")
    figure.update_yaxes(title="feedback")
    return figure


def finding(whole: Tally) -> str:
    if whole.share_up is None:
        return "Nobody said anything"
    return f"{whole.share_up:.0%} of {whole.total:,} thumbs are up"
