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
    """Forward arrows run between the columns, long ones above the boxes, the rest below."""
    ranks = ranks_of(table)
    words: dict[tuple[str, str], list[str]] = {}
    for edge in table.edges:
        words.setdefault((edge.source, edge.target), []).append(edge.action.replace("_", " "))
    above = [pair for pair in words if ranks[pair[1]] - ranks[pair[0]] > 1]
    below = [pair for pair in words if ranks[pair[1]] <= ranks[pair[0]]]
    top = MARGIN + LANE * len(above)
    boxes = _boxes(ranks, top)
    depth = max(box.y for box in boxes.values()) + HEIGHT
    arrows = []
    for pair, actions in words.items():
        source, target = boxes[pair[0]], boxes[pair[1]]
        label = ", ".join(actions)
        if pair in above:
            arrows.append(_detour(source, target, label, MARGIN + LANE * above.index(pair), -1))
        elif pair in below:
            arrows.append(_detour(source, target, label, depth + LANE * (below.index(pair) + 1), 1))
        else:
            arrows.append(_forward(source, target, label))
    width = MARGIN * 2 + COLUMN * max(ranks.values()) + WIDTH
    height = depth + LANE * len(below) + MARGIN * 2
    return Diagram(width, height, list(boxes.values()), arrows)


def _boxes(ranks: dict[str, int], top: int) -> dict[str, Box]:
    filled: dict[int, int] = {}
    boxes = {}
    for state, rank in ranks.items():
        row = filled.get(rank, 0)
        filled[rank] = row + 1
        boxes[state] = Box(state, MARGIN + rank * COLUMN, top + MARGIN + row * ROW)
    return boxes


def _forward(source: Box, target: Box, label: str) -> Arrow:
    x1, y1 = source.x + WIDTH, source.label_y
    x2, y2 = target.x, target.label_y
    bend = (x2 - x1) // 2
    path = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    # Nearer to the target, where arrows from one source have parted.
    return Arrow(path, label, x1 + (x2 - x1) * 11 // 20, y1 + (y2 - y1) * 3 // 5 - 5)


def _detour(source: Box, target: Box, label: str, lane: int, side: int) -> Arrow:
    """Out of the box, along its own lane, and into the other; `side` -1 is above, 1 below."""
    x1, x2 = source.label_x + 22, target.label_x - 22
    y1 = source.y if side < 0 else source.y + HEIGHT
    y2 = target.y if side < 0 else target.y + HEIGHT
    turn = 14 if x2 >= x1 else -14
    path = (
        f"M{x1} {y1} L{x1} {lane - side * 10} Q{x1} {lane} {x1 + turn} {lane} "
        f"L{x2 - turn} {lane} Q{x2} {lane} {x2} {lane - side * 10} L{x2} {y2}"
    )
    return Arrow(path, label, (x1 + x2) // 2, lane - 5)
