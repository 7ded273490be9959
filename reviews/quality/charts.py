"""Agreement and months → plotly figures with the numbers of the tables beside them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from governance.home.charts import PALETTE, layout
from reviews.quality.agreement import Figure
from reviews.quality.selectors import Agreement, Month

FAIR, GOOD = 0.667, 0.8
"""Krippendorff's lines: below the first, no conclusions; from the second, rely on it."""


def coefficients(agreement: Agreement) -> go.Figure | None:
    """Each coefficient with its interval; None while none is measured."""
    named = [("All verdicts", agreement.overall)]
    named += [(f"Label {row.about}", row.figure) for row in agreement.labels]
    named += [(row.about, row.figure) for row in agreement.pairs]
    known = [(name, one) for name, one in named if one.is_measured]
    if not known:
        return None
    known.reverse()
    figure = go.Figure(layout=layout(finding(agreement.overall), showlegend=False))
    figure.update_layout(height=140 + 44 * len(known))
    figure.add_scatter(
        x=[one.value for _, one in known],
        y=[name for name, _ in known],
        mode="markers",
        marker={"color": PALETTE[0], "size": 10},
        error_x=_errors([one for _, one in known]),
        hovertemplate="%{y}<br>%{x:.2f}<extra></extra>",
    )
    for line in (FAIR, GOOD):
        figure.add_vline(x=line, line={"dash": "dot", "color": PALETTE[6]})
    figure.update_xaxes(title="agreement beyond chance, with 95 % interval", range=[-1.05, 1.05])
    figure.update_yaxes(automargin=True)
    return figure


def finding(overall: Figure) -> str:
    """What the alpha of all verdicts says, in words."""
    if overall.value is None:
        return f"Agreement on verdicts: {overall.text}"
    if overall.value >= GOOD:
        return f"Reviewers agree well: alpha {overall.value:.2f}"
    if overall.value >= FAIR:
        return f"Reviewers agree enough for careful conclusions: alpha {overall.value:.2f}"
    return f"Reviewers agree too little to rely on one of them: alpha {overall.value:.2f}"


def months(found: Sequence[Month]) -> go.Figure | None:
    """Accuracy and agreement month by month; None while no month is measured."""
    lines = (
        ("calibration answers that were right", [one.accuracy for one in found]),
        ("slots in which all others said the same", [one.agreement for one in found]),
    )
    if not any(one.is_measured for _, figures in lines for one in figures):
        return None
    figure = go.Figure(layout=layout(_months_finding(found)))
    names = [one.month for one in found]
    for number, (name, figures) in enumerate(lines):
        known = [(month, one) for month, one in zip(names, figures) if one.is_measured]
        figure.add_scatter(
            name=name,
            x=[month for month, _ in known],
            y=[one.value for _, one in known],
            mode="lines+markers",
            line={"color": PALETTE[number], "dash": ("solid", "dash")[number]},
            marker={"symbol": ("circle", "square")[number], "size": 9},
            error_y=_errors([one for _, one in known]),
            hovertemplate="%{x}<br>%{y:.0%}",
        )
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=names)
    figure.update_yaxes(title="share, with 95 % interval", range=[0, 1.05], tickformat=".0%")
    return figure


def _months_finding(found: Sequence[Month]) -> str:
    known = [one.accuracy for one in found if one.accuracy.value is not None]
    if not known:
        return "Agreement with the others, month by month"
    return f"{known[-1].value:.0%} of the calibration answers were right in the last full sample"


def _errors(figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "type": "data",
        "array": [(one.high or 0) - (one.value or 0) for one in figures],
        "arrayminus": [(one.value or 0) - (one.low or 0) for one in figures],
    }
