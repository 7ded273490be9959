"""A check's picture → table rows and plotly figures with the same numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import plotly.graph_objects as go

from governance.home.charts import PALETTE, layout
from telemetry.drift.detectors import WARNING_SHARE

WINDOWS = ("reference", "current")
COLOURS = dict(zip(WINDOWS, PALETTE, strict=False))


class Measured(Protocol):
    """What a chart needs of a check."""

    @property
    def measured_at(self) -> Any: ...

    @property
    def size(self) -> float | None: ...

    @property
    def threshold(self) -> Any: ...

    @property
    def state(self) -> Any: ...


@dataclass(frozen=True)
class Bin:
    """Calls whose output had so many tokens, in each window; shares are of its own window."""

    label: str
    reference: int
    current: int
    reference_share: float
    current_share: float

    @property
    def reference_percent(self) -> str:
        return f"{self.reference_share:.1%}"

    @property
    def current_percent(self) -> str:
        return f"{self.current_share:.1%}"


def bins(picture: dict[str, Any]) -> list[Bin]:
    """The histogram as rows; the last bin is open above."""
    edges = picture.get("edges", [])
    labels = [
        f"{low}" if high - low == 1 else f"{low} to {high - 1}"
        for low, high in zip(edges, edges[1:], strict=False)
    ]
    labels += [f"{edges[-1]} and more"] if edges else []
    counts = list(zip(picture.get("reference", []), picture.get("current", []), strict=True))
    totals = [max(sum(one), 1) for one in zip(*counts, strict=True)]
    return [
        Bin(label, before, after, before / totals[0], after / totals[1])
        for label, (before, after) in zip(labels, counts, strict=True)
    ]


def lengths(
    picture: dict[str, Any], finding: str, unit: str = "output tokens", counted: str = "calls"
) -> go.Figure:
    """Both windows as histograms over each other, each as shares of its own calls.

    The last bar is drawn as wide as the others and stands for all longer outputs.
    """
    rows, edges = bins(picture), picture["edges"]
    width = edges[1] - edges[0] if len(edges) > 1 else 1
    figure = _figure(finding, f"share of the window's {counted}", barmode="overlay")
    figure.update_xaxes(title=unit, tickvals=edges[:: max(len(edges) // 10, 1)])
    figure.update_yaxes(tickformat=".0%")
    for name in WINDOWS:
        figure.add_bar(
            name=f"{name} window",
            x=edges,
            y=[getattr(row, f"{name}_share") for row in rows],
            width=width,
            offset=0,
            text=[row.label for row in rows],
            textposition="none",
            marker={"color": COLOURS[name]},
            opacity=0.6,
            hovertemplate="%{text} " + unit + "<br>%{y:.1%} of " + counted,
        )
    return figure


def shares(
    picture: dict[str, Any], finding: str, unit: str = "share of calls that failed"
) -> go.Figure:
    """One bar per window with its Wilson interval."""
    figure = _figure(finding, unit, showlegend=False, bargap=0.6)
    known = [name for name in WINDOWS if picture[name]["share"] is not None]
    parts = [picture[name] for name in known]
    figure.add_bar(
        x=[f"{name} window" for name in known],
        y=[one["share"] for one in parts],
        marker={"color": [COLOURS[name] for name in known]},
        error_y={
            "type": "data",
            "array": [one["high"] - one["share"] for one in parts],
            "arrayminus": [one["share"] - one["low"] for one in parts],
        },
        hovertemplate="%{x}<br>%{y:.1%}",
    )
    return figure


def trend(checks: Sequence[Measured], finding: str) -> go.Figure:
    """The effect of each check against the threshold that it was measured by."""
    figure = _figure(finding, "size of the difference")
    moments = [one.measured_at.isoformat() for one in checks]
    thresholds = [float(one.threshold) for one in checks]
    levels = (
        ("threshold", thresholds, "solid", PALETTE[5]),
        ("warning", [one * WARNING_SHARE for one in thresholds], "dot", PALETTE[1]),
    )
    for name, values, dash, colour in levels:
        line = {"dash": dash, "color": colour}
        figure.add_scatter(name=name, x=moments, y=values, mode="lines", line=line)
    figure.add_scatter(
        name="difference",
        x=moments,
        y=[one.size for one in checks],
        text=[str(one.state).replace("_", " ") for one in checks],
        mode="lines+markers",
        line={"color": PALETTE[0]},
        hovertemplate="%{x}<br>%{y:.1%}, %{text}",
    )
    return figure


def _figure(finding: str, unit: str, **more: Any) -> go.Figure:
    """Shares upwards from nothing, the legend below the axis' own words."""
    below = {"legend": {"orientation": "h", "y": -0.3}}
    figure = go.Figure(layout=layout(finding, **(below | more)))
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title=unit, rangemode="tozero", tickformat=".1%", automargin=True)
    return figure
