"""One plotly look for all charts. Pure: figures in, JSON-plain dicts out."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

# Okabe and Ito's palette, which colour-blind people can tell apart.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
TIER_COLOURS = {
    "minimal": "#009E73",
    "limited": "#0072B2",
    "high": "#D55E00",
    "unacceptable": "#000000",
    "unknown": "#999999",
}


def layout(title: str, **more: Any) -> go.Layout:
    """The shared layout; `title` states the finding."""
    base: dict[str, Any] = {
        "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        "colorway": PALETTE,
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 16, "t": 48, "b": 48},
        "legend": {"orientation": "h", "y": -0.2},
        "hoverlabel": {"namelength": -1},
        "height": 360,
    }
    return go.Layout(**(base | more))


def figure_data(figure: go.Figure) -> dict[str, Any]:
    """The figure as plain data for the page's JSON block."""
    data: dict[str, Any] = json.loads(figure.to_json())
    data.get("layout", {}).pop("template", None)
    return data
