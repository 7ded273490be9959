"""A transition table as a drawing: states in columns by their distance from the first. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from governance.kernel.transitions import TransitionTable

WIDTH, HEIGHT = 132, 32
COLUMN, ROW = 268, 64
LANE, MARGIN = 34, 12


@dataclass(frozen=True)
class Box:
    """One state: its upper left corner in the drawing's units."""

    state: str
    x: int
    y: int

    @property
    def label(self) -> str:
        return self.state.replace("_", " ")

    @property
    def label_x(self) -> int:
        return self.x + WIDTH // 2

    @property
    def label_y(self) -> int:
        return self.y + HEIGHT // 2


@dataclass(frozen=True)
class Arrow:
    """All actions from one state to another: an SVG path and where its words stand."""

    path: str
    label: str
    x: int
    y: int


@dataclass(frozen=True)
class Diagram:
    """A drawing of `width` × `height`; boxes are WIDTH × HEIGHT."""

    width: int
    height: int
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    box_width: int = WIDTH
    box_height: int = HEIGHT


def ranks_of(table: TransitionTable) -> dict[str, int]:
    """State → how many arrows it is from the initial one at least."""
    ranks = {table.initial: 0}
    waiting = [table.initial]
    while waiting:
        state = waiting.pop(0)
        for edge in table.edges:
            if edge.source == state and edge.target not in ranks:
                ranks[edge.target] = ranks[state] + 1
                waiting.append(edge.target)
    return ranks | {state: 0 for state in table.states if state not in ranks}


def diagram_of(table: TransitionTable) -> Diagram:
    """Arrows run through the gutters between columns; long ones in lanes above and below."""
    ranks = ranks_of(table)
    words: dict[tuple[str, str], list[str]] = {}
    for edge in table.edges:
        words.setdefault((edge.source, edge.target), []).append(edge.action.replace("_", " "))
    above = [pair for pair in words if ranks[pair[1]] - ranks[pair[0]] > 1]
    below = [pair for pair in words if ranks[pair[0]] - ranks[pair[1]] > 1]
    boxes = _boxes(ranks, MARGIN + LANE * len(above))
    depth = max(box.y for box in boxes.values()) + HEIGHT
    arrows = []
    for pair, actions in words.items():
        source, target, label = boxes[pair[0]], boxes[pair[1]], ", ".join(actions)
        if pair in above:
            arrows.append(
                _long(source, target, label, MARGIN + LANE * (above.index(pair) + 1) - 12)
            )
        elif pair in below:
            arrows.append(_long(source, target, label, depth + LANE * (below.index(pair) + 1)))
        else:
            arrows.append(_short(source, target, label))
    width = MARGIN * 2 + COLUMN * (max(ranks.values()) + 1)
    height = depth + LANE * len(below) + MARGIN * 2
    return Diagram(width, height, list(boxes.values()), arrows)


def _boxes(ranks: dict[str, int], top: int) -> dict[str, Box]:
    filled: dict[int, int] = {}
    boxes = {}
    for state, rank in ranks.items():
        row = filled.get(rank, 0)
        filled[rank] = row + 1
        boxes[state] = Box(state, MARGIN + rank * COLUMN, top + MARGIN + LANE + row * ROW)
    return boxes


def _short(source: Box, target: Box, label: str) -> Arrow:
    """To the next column, within one, to itself, or back to the column before."""
    if source == target:
        x, y = source.x + WIDTH - 44, source.y
        return Arrow(
            f"M{x} {y} C{x} {y - 28} {x + 30} {y - 28} {x + 30} {y}", label, x + 15, y - 24
        )
    if source.x == target.x:
        x, y1, y2 = source.x + WIDTH, source.label_y + 6, target.label_y - 6
        bulge = 24 + abs(y2 - y1) // 4
        path = f"M{x} {y1} C{x + bulge} {y1} {x + bulge} {y2} {x} {y2}"
        return Arrow(path, label, x + bulge, (y1 + y2) // 2)
    forward = source.x < target.x
    x1, y1 = (source.x + WIDTH, source.label_y - 5) if forward else (source.x, source.label_y + 8)
    x2, y2 = (target.x, target.label_y - 5) if forward else (target.x + WIDTH, target.label_y + 8)
    bend = (x2 - x1) // 2
    path = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    # Words stand off the middle: forward ones towards the target, the others at their source.
    if forward:
        return Arrow(path, label, x1 + (x2 - x1) * 11 // 20, y1 + (y2 - y1) * 3 // 5 - 5)
    return Arrow(path, label, x1 + (x2 - x1) // 5, y1 + (y2 - y1) // 10 + 13)


def _long(source: Box, target: Box, label: str, lane: int) -> Arrow:
    """Over several columns: out through a gutter, along a lane of its own, in through another."""
    forward = source.x < target.x
    x1 = source.x + WIDTH if forward else source.x
    x2 = target.x if forward else target.x + WIDTH
    out = 16 if forward else -16
    y1, y2 = source.label_y, target.label_y
    path = (
        f"M{x1} {y1} C{x1 + out * 2} {y1} {x1 + out} {lane} {x1 + out * 3} {lane} "
        f"L{x2 - out * 3} {lane} C{x2 - out} {lane} {x2 - out * 2} {y2} {x2} {y2}"
    )
    return Arrow(path, label, (x1 + x2) // 2, lane - 5)
