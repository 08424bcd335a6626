"""The layout: where each node stands; a row per variable, a column per step, ranks inside it.

A model without time is layered: a column per rank, the longest path that leads to a node. Long runs
are cut in the middle, and the gap is visible. All lengths are in pixels, y grows downward.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from causalopt.drawing.graph.layers import layered
from causalopt.drawing.graph.lettering import text_width
from causalopt.errors import QuestionError
from causalopt.model.graph import shape_texts, side, template_graph
from causalopt.model.model import Model
from causalopt.model.selectors import Node

FONT = 12.0
SMALL = 10.0
NODE_HEIGHT = 30.0
NODE_PADDING = 10.0
NODE_LIMIT = 190.0
RANK_GAP = 30.0
COLUMN_GAP = 54.0
SLOPE = 6.0  # how much further apart columns stand for each row that an edge crosses
ROW_PITCH = 66.0
CLOSE_PITCH = 48.0
MANY_ROWS = 40
USUAL_WIDTH = 2000.0
LEAST_COLUMNS, MOST_COLUMNS = 4, 12
GAP_WIDTH = 96.0
LANE_LIMIT = 220.0
HEAD = 34.0
MARGIN = 18.0


@dataclasses.dataclass(frozen=True)
class Place:
    """A drawn node: its centre, its text, and the variable's label."""

    node: Node
    x: float
    y: float
    text: str
    label: str


@dataclasses.dataclass(frozen=True)
class Column:
    """A drawn step (or rank), from left to right edge of its nodes."""

    t: int
    left: float
    right: float
    text: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A drawn variable: the height of its row."""

    variable: str
    y: float
    label: str


@dataclasses.dataclass(frozen=True)
class Omission:
    """A run of columns that is not drawn: from `first` to `last`, both included."""

    first: int
    last: int
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Where the gap's sign stands."""
        return (self.left + self.right) / 2


@dataclasses.dataclass(frozen=True)
class Link:
    """An edge of the graph; an end in a gap is None there and has its place in `gap`."""

    source: Node
    target: Node
    gap: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """Where everything stands.

    Attributes:
        places: Node -> place, for the nodes that are drawn.
        columns: The drawn columns, from left to right.
        lanes: The drawn variables, from top to bottom; none without time.
        gaps: The cuts.
        links: The edges of which an end at least is drawn.
        node_width: The width of every node.
        left: Where the columns begin.
        right: Where they end.
        top: Where the rows begin.
        bottom: Where they end.
        pitch: From one row to the next.
    """

    places: Mapping[Node, Place]
    columns: tuple[Column, ...]
    lanes: tuple[Row, ...]
    gaps: tuple[Omission, ...]
    links: tuple[Link, ...]
    node_width: float
    left: float
    right: float
    top: float
    bottom: float
    pitch: float


def lay_out(
    model: Model,
    *,
    steps: int,
    nudge: Node | None = None,
    columns: int | None = 12,
    least_width: float = 0.0,
) -> Layout:
    """Return the layout of a model unrolled over `steps`.

    Args:
        model: The model.
        steps: The last step; 0 for a model without time.
        nudge: A node whose column is drawn in any case.
        columns: How many columns are drawn at most, None for all of them.
        least_width: Of a node, in pixels.

    Raises:
        QuestionError: Fewer than four columns are asked for.
    """
    if columns is not None and columns < LEAST_COLUMNS:
        raise QuestionError(
            f"a picture has room for {LEAST_COLUMNS} columns at least, found {columns}"
        )
    grid = _static_grid(model) if model.is_static else _lane_grid(model, steps)
    limit = columns if columns is None or not model.is_static else 2 * columns
    return _placed(model, grid, nudge, limit, least_width)


@dataclasses.dataclass(frozen=True)
class _Grid:
    """Cells before they have lengths: column, rank inside it, row; and the edges."""

    cells: Mapping[str, tuple[int, float]]  # variable -> (rank, row), the same in every step
    layer: Mapping[str, int] | None  # variable -> column, for a model without time
    count: int
    ranks: Sequence[int]  # ranks inside each column
    edges: Sequence[tuple[str, str, int]]
    starts: Mapping[str, int]
    lanes: Sequence[str]


def _lane_grid(model: Model, steps: int) -> _Grid:
    graph = template_graph(model)
    lanes = sorted(model.variables, key=lambda name: side(model, name))
    edges = _edges(model)
    rank = dict.fromkeys(lanes, 0)
    for equation in model.skeleton.equations:
        if equation.owner != equation.name:
            continue
        same = [
            p
            for p in graph.predecessors(equation.name)
            if 0 in graph.edges[p, equation.name]["lags"]
        ]
        rank[equation.name] = max((rank[p] + 1 for p in same), default=0)
    starts = {e.name: len(e.initial) for e in model.skeleton.equations}
    return _Grid(
        cells={name: (rank[name], float(row)) for row, name in enumerate(lanes)},
        layer=None,
        count=steps + 1,
        ranks=[max(rank.values()) + 1] * (steps + 1),
        edges=edges,
        starts=starts,
        lanes=lanes,
    )


def fitting_columns(model: Model, steps: int, *, least_width: float = 0.0) -> int:
    """Return how many steps a picture of usual width holds: from four to twelve."""
    if model.is_static:
        return MOST_COLUMNS
    grid = _lane_grid(model, steps)
    width = max(_node_width(model, _nodes(grid, [steps])), least_width)
    (column, *_), _, right = _columns(grid, [0], 0.0, width)
    pitch = right - column.left + COLUMN_GAP / 2 + SLOPE * _steepest(grid)
    return min(max(int(USUAL_WIDTH / pitch), LEAST_COLUMNS), MOST_COLUMNS)


def _static_grid(model: Model) -> _Grid:
    edges = _edges(model)
    cells = layered(list(model.variables), [(a, b) for a, b, _ in edges])
    count = max(column for column, _, _ in cells.values()) + 1
    ranks = [0] * count
    for column, rank, _ in cells.values():
        ranks[column] = max(ranks[column], rank + 1)
    return _Grid(
        cells={name: (rank, row) for name, (_, rank, row) in cells.items()},
        layer={name: column for name, (column, _, _) in cells.items()},
        count=count,
        ranks=ranks,
        edges=edges,
        starts={},
        lanes=(),
    )


def _edges(model: Model) -> list[tuple[str, str, int]]:
    """Return (parent, child, lag), in the declaration's order of children."""
    order = {name: i for i, name in enumerate(model.variables)}
    graph = template_graph(model)
    found = [(a, b, lag) for a, b in graph.edges for lag in graph.edges[a, b]["lags"]]
    return sorted(found, key=lambda edge: (order[edge[1]], order[edge[0]], edge[2]))


def shown_columns(count: int, limit: int | None, keep: int | None) -> list[int]:
    """Return which columns are drawn: the first, the last, and those round the one to keep.

    Example:
        >>> shown_columns(100, 4, 50)
        [0, 1, 49, 50, 51, 98, 99]
    """
    if limit is None or count <= limit:
        return list(range(count))
    head = (limit + 1) // 2
    chosen = {*range(head), *range(count - (limit - head), count)}
    if keep is not None and keep not in chosen:
        chosen |= {t for t in (keep - 1, keep, keep + 1) if t < count}
    # A gap is wider than one column, so a single hidden column is drawn.
    chosen |= {t for t in range(1, count - 1) if {t - 1, t + 1} <= chosen}
    return sorted(chosen)


def _placed(
    model: Model, grid: _Grid, nudge: Node | None, limit: int | None, least_width: float
) -> Layout:
    keep = None if nudge is None else nudge.t if grid.layer is None else grid.layer[nudge.variable]
    shown = shown_columns(grid.count, limit, keep)
    nodes = _nodes(grid, shown)
    width = max(_node_width(model, nodes), least_width)
    left = MARGIN + _head_width(model, grid)
    columns, gaps, right = _columns(grid, shown, left, width)
    rows = max(row for _, row in grid.cells.values()) + 1
    pitch = ROW_PITCH if rows <= MANY_ROWS else CLOSE_PITCH
    by_t = {column.t: column for column in columns}
    labels = captions(model)
    places = {}
    for node, t in nodes.items():
        rank, row = grid.cells[node.variable]
        x = by_t[t].left + width / 2 + rank * (width + RANK_GAP)
        y = HEAD + pitch * (row + 0.5)
        label = labels[node.variable] or node.variable
        places[node] = Place(node, x, y, model.node_text(node), label)
    lanes = tuple(
        Row(name, HEAD + pitch * (i + 0.5), labels[name]) for i, name in enumerate(grid.lanes)
    )
    return Layout(
        places=places,
        columns=tuple(columns),
        lanes=lanes,
        gaps=tuple(gaps),
        links=tuple(_links(grid, places, gaps)),
        node_width=width,
        left=left,
        right=right,
        top=HEAD,
        bottom=HEAD + pitch * rows,
        pitch=pitch,
    )


def captions(model: Model) -> dict[str, str]:
    """Return variable -> its label, and of an array its shape, such as `row 32 × column 32`.

    Example:
        >>> captions(Model(name="m", sizes={"unit": 3}, variables={"h": {"shape": ["unit"]}}))
        {'h': 'unit 3'}
    """
    shapes = shape_texts(model)
    shapes = {n: text.replace("=", " ").replace(", ", " × ") for n, text in shapes.items()}
    return {
        name: ": ".join(filter(None, [variable.label or "", shapes.get(name, "")]))
        for name, variable in model.variables.items()
    }


def _nodes(grid: _Grid, shown: Sequence[int]) -> dict[Node, int]:
    """Return node -> its column, for the nodes of the drawn columns."""
    if grid.layer is not None:
        visible = set(shown)
        return {Node(name): t for name, t in grid.layer.items() if t in visible}
    return {Node(name, t): t for t in shown for name in grid.lanes}


def _node_width(model: Model, nodes: Mapping[Node, int]) -> float:
    widest = max(text_width(model.node_text(node), FONT) for node in nodes)
    if model.is_static:
        labels = captions(model)
        widest = max(widest, *(text_width(labels[node.variable], SMALL) for node in nodes))
    return min(max(widest + 2 * NODE_PADDING, 1.4 * NODE_HEIGHT), NODE_LIMIT)


def _head_width(model: Model, grid: _Grid) -> float:
    if not grid.lanes:
        return 0.0
    names = max(text_width(name, FONT) * 1.1 for name in grid.lanes)
    words = captions(model)
    labels = max(text_width(f"{words[name]} · in A in part", SMALL) for name in grid.lanes)
    return min(max(names, labels), LANE_LIMIT) + MARGIN


def _columns(
    grid: _Grid, shown: Sequence[int], left: float, width: float
) -> tuple[list[Column], list[Omission], float]:
    columns: list[Column] = []
    gaps: list[Omission] = []
    between = COLUMN_GAP + SLOPE * _steepest(grid)
    x, previous = left + COLUMN_GAP / 2, -1
    for t in shown:
        if t != previous + 1:
            x -= between - COLUMN_GAP / 2
            gaps.append(Omission(previous + 1, t - 1, x, x + GAP_WIDTH))
            x += GAP_WIDTH + COLUMN_GAP / 2
        span = grid.ranks[t] * (width + RANK_GAP) - RANK_GAP
        text = f"t = {t}" if grid.layer is None else ""
        columns.append(Column(t, x, x + span, text))
        x += span + between
        previous = t
    return columns, gaps, x - between + COLUMN_GAP / 2


def _steepest(grid: _Grid) -> float:
    """Return how many rows an edge crosses at most, up to a limit."""
    rows = {name: row for name, (_, row) in grid.cells.items()}
    spans = [abs(rows[a] - rows[b]) for a, b, lag in grid.edges if lag or grid.layer is not None]
    return min(max(spans, default=0.0), 20.0)


def _links(grid: _Grid, places: Mapping[Node, Place], gaps: Sequence[Omission]) -> list[Link]:
    """Return the edges with an end in view, each once."""
    hidden = {t: i for i, gap in enumerate(gaps) for t in range(gap.first, gap.last + 1)}
    links: list[Link] = []
    if grid.layer is not None:
        ends = [(Node(a), Node(b), grid.layer[a], grid.layer[b]) for a, b, _ in grid.edges]
    else:
        steps = grid.count - 1
        times = sorted({node.t for node in places})
        starts = {t + lag for t in times for lag in {lag for _, _, lag in grid.edges}} | set(times)
        ends = [
            (Node(a, t - lag), Node(b, t), t - lag, t)
            for t in sorted(starts)
            for a, b, lag in grid.edges
            if grid.starts[b] <= t <= steps
        ]
    for source, target, before, after in ends:
        if source in places and target in places:
            links.append(Link(source, target))
        elif source in places:
            links.append(Link(source, target, hidden[after]))
        elif target in places:
            links.append(Link(source, target, hidden[before]))
    return links
