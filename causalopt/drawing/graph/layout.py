"""The layout: where each node stands; a row per variable, a column per step, ranks inside it.

A model without time is layered: a column per rank, the longest path that leads to a node; where
that is wider than a page, its causes stand above. A page is so wide that the smallest text is of 7
points or more when it is printed over 6.5 inches: lengths are pressed together until a picture
fits, and of a long run steps are left out. All lengths are in pixels, y grows downward.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from causalopt.drawing.graph.layers import TALLEST, layered, narrow_layers
from causalopt.drawing.graph.lettering import text_width
from causalopt.errors import QuestionError
from causalopt.model.graph import shape_texts, side, template_graph
from causalopt.model.model import Model
from causalopt.model.selectors import Node

FONT = 12.0
SMALL = 10.0
PAGE_WIDTH = 660.0  # at 6.5 inches, 468 points, a text of 10 pixels is of 7.09 points
PAGE_HEIGHT = 780.0  # what rows may take before they are pressed together
NODE_HEIGHT = 30.0
LOWEST_NODE = 15.0
NODE_PADDING = 10.0
NODE_LIMIT = 190.0
LEAST_NODE = 54.0
TIGHT_NODE = 76.0  # a node is no wider where room is short; its name is shortened
RANK_GAP = 30.0
TIGHT_RANK = 12.0
COLUMN_GAP = 54.0
TIGHT_GAP = 22.0
SLOPE = 6.0  # how much further apart columns stand for each row that an edge crosses
TIGHT_SLOPE = 1.0
ROW_PITCH = 66.0
OPEN_PITCH = 46.0  # what nodes need that have signs on their corners
LEAST_PITCH = 21.0
RANK_PITCH = 74.0  # from one rank to the next where causes stand above
ARC_ROOM = 14.0  # before the first column, where edges run beside it
LEAST_COLUMNS = 4
FEW_COLUMNS = 6  # where so few would be drawn, they are pressed together first
GAP_WIDTH = 96.0
LANE_LIMIT = 220.0
TIGHT_LANE = 96.0
LEAST_LANE = 76.0
COMFORT = 0.3  # how loose a picture is made, from 0 to 1, before another step is drawn
HEAD = 34.0
MARGIN = 18.0

Fit = Literal["fit"]


@dataclasses.dataclass(frozen=True)
class Place:
    """A drawn node: its centre, its text, the variable's label, and its column's number."""

    node: Node
    x: float
    y: float
    text: str
    label: str
    column: int


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
    """An edge of the graph, and the gap in which one of its ends is hidden."""

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
        node_height: Its height.
        left: Where the columns begin.
        right: Where they end.
        top: Where the rows begin.
        bottom: Where they end.
        pitch: From one row to the next.
        font: The size of the nodes' names.
        is_downward: Whether causes stand above their effects, and not to the left.
    """

    places: Mapping[Node, Place]
    columns: tuple[Column, ...]
    lanes: tuple[Row, ...]
    gaps: tuple[Omission, ...]
    links: tuple[Link, ...]
    node_width: float
    node_height: float
    left: float
    right: float
    top: float
    bottom: float
    pitch: float
    font: float
    is_downward: bool = False

    @property
    def is_low(self) -> bool:
        """Whether rows are pressed together: a node has one line, and no words on its corners."""
        return self.node_height < 24


def lay_out(
    model: Model,
    *,
    steps: int,
    kept: Collection[Node] = (),
    events: Sequence[int] = (),
    columns: int | Fit | None = "fit",
    around: Sequence[int] = (),
    least_width: float = 0.0,
    least_height: float = LOWEST_NODE,
) -> Layout:
    """Return the layout of a model unrolled over `steps`.

    Args:
        model: The model.
        steps: The last step; 0 for a model without time.
        kept: Nodes whose columns are drawn in any case, such as n and m.
        events: Steps that are drawn before others where there is room, the first first.
        columns: How many columns are drawn at most: as many as fit a page's width, or all of them
            (None).
        around: Further steps that are drawn in any case.
        least_width: Of a node, in pixels.
        least_height: Of a node, in pixels.

    Raises:
        QuestionError: Fewer than four columns are asked for, or fewer than must be drawn; or a
            step lies after the last one.
    """
    if isinstance(columns, int) and columns < LEAST_COLUMNS:
        raise QuestionError(
            f"a picture has room for {LEAST_COLUMNS} columns at least, found {columns}"
        )
    if model.is_static:
        return _lay_out_static(model, kept, around, columns, least_width, least_height)
    for t in around:
        if not 0 <= t <= steps:
            raise QuestionError(f"around must lie between 0 and the last step {steps}, found {t}")
    grid = _lane_grid(model, steps)
    spacing = _Spacing(model, grid, least_width, least_height)
    must = sorted({0, steps, *(node.t for node in kept), *around})
    if isinstance(columns, int) and columns < len(must):
        raise QuestionError(
            f"{columns} columns are too few: t = {', '.join(map(str, must))} must be drawn (the "
            f"ends, the nudge, the measured step and those asked for); ask for {len(must)} or more"
        )
    choose = functools.partial(shown_columns, steps + 1, kept=must, events=[*around, *events])
    if columns == "fit":
        shown = choose(spacing.fits)
        if len(shown) < min(FEW_COLUMNS, steps + 1):
            spacing.squeeze()
            shown = choose(functools.partial(spacing.fits, ease=0.0))
    else:
        shown = choose(functools.partial(_is_within, columns))
    return _placed(model, grid, spacing, shown)


def _is_within(limit: int | None, shown: Sequence[int]) -> bool:
    return limit is None or len(shown) <= limit


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

    @property
    def rows(self) -> float:
        """How many rows there are."""
        return max(row for _, row in self.cells.values()) + 1

    @property
    def has_arcs(self) -> bool:
        """Whether edges run past other rows inside a step, beside its nodes."""
        rows = {name: row for name, (_, row) in self.cells.items()}
        return self.layer is None and any(
            not lag and abs(rows[a] - rows[b]) > 1 for a, b, lag in self.edges
        )

    @functools.cached_property
    def steepest(self) -> float:
        """How many rows an edge crosses at most, up to a limit."""
        rows = {name: row for name, (_, row) in self.cells.items()}
        timeless = self.layer is not None
        spans = [abs(rows[a] - rows[b]) for a, b, lag in self.edges if lag or timeless]
        return min(max(spans, default=0.0), 20.0)


def _lane_grid(model: Model, steps: int) -> _Grid:
    graph = template_graph(model)
    lanes = sorted(_system(model), key=lambda name: side(model, name))
    edges = _edges(model)
    rank = dict.fromkeys(lanes, 0)
    for equation in model.skeleton.equations:
        if equation.owner != equation.name or equation.name not in rank:
            continue
        same = [
            p
            for p in graph.predecessors(equation.name)
            if 0 in graph.edges[p, equation.name]["lags"]
        ]
        rank[equation.name] = max((rank[p] + 1 for p in same if p in rank), default=0)
    starts: dict[str, int] = {}
    for equation in model.skeleton.equations:  # of a disturbed variable what it is without that
        starts[equation.owner] = max(starts.get(equation.owner, 0), len(equation.initial))
    return _Grid(
        cells={name: (rank[name], float(row)) for row, name in enumerate(lanes)},
        layer=None,
        count=steps + 1,
        ranks=[max(rank.values()) + 1] * (steps + 1),
        edges=edges,
        starts=starts,
        lanes=lanes,
    )


def _node_height(rows: float, least: float) -> float:
    """Return the height of nodes: with signs on their corners, or low where rows are many."""
    pitch = _pitch(rows, least)
    return NODE_HEIGHT if pitch >= OPEN_PITCH else min(max(pitch - 6, LOWEST_NODE), 22.0)


def _pitch(rows: float, least: float) -> float:
    """Return how far rows stand apart: so that they fit a page, down to the height of a node."""
    lowest = OPEN_PITCH if least > LOWEST_NODE else LEAST_PITCH
    return min(ROW_PITCH, max(PAGE_HEIGHT / rows, lowest))


def _system(model: Model) -> list[str]:
    """Return the variables without those that stand for n and m."""
    return [name for name in model.variables if name not in model.asked_variables]


def _edges(model: Model) -> list[tuple[str, str, int]]:
    """Return (parent, child, lag), in the declaration's order of children."""
    order = {name: i for i, name in enumerate(model.variables)}
    graph = template_graph(model)
    system = set(_system(model))
    edges = [(a, b) for a, b in graph.edges if a in system and b in system]
    found = [(a, b, lag) for a, b in edges for lag in graph.edges[a, b]["lags"]]
    return sorted(found, key=lambda edge: (order[edge[1]], order[edge[0]], edge[2]))


class _Spacing:
    """The lengths across a picture, between a tight and a loose form; all are linear in `ease`."""

    def __init__(self, model: Model, grid: _Grid, least_width: float, least_height: float) -> None:
        self._grid = grid
        self.pitch = _pitch(grid.rows, least_height)
        self.height = height = _node_height(grid.rows, least_height)
        size = SMALL if height < 24 else FONT
        names = [Node(name, 0 if model.is_static else grid.count - 1) for name in grid.cells]
        widest = max(text_width(model.node_text(node), size) for node in names)
        if model.is_static:
            labels = captions(model)
            widest = max(widest, *(text_width(labels[node.variable], SMALL) for node in names))
        loose = min(max(widest + 2 * NODE_PADDING, 1.4 * height), NODE_LIMIT)
        tight = min(max(widest + NODE_PADDING, 1.4 * height), max(TIGHT_NODE, least_width))
        self._node = (max(tight, least_width), max(loose, least_width))
        self._widest = widest / size
        step = text_width("" if model.is_static else f"[{grid.count - 1}]", SMALL) + 8
        self._least = max(min(self._widest * SMALL + 8, TIGHT_NODE), step, least_width)
        self._least = min(self._least, max(step, LEAST_NODE, least_width))
        self._head = _head_widths(model, grid)
        self._aside = ARC_ROOM if grid.has_arcs else 0.0

    def node(self, ease: float) -> float:
        """Return a node's width."""
        return _between(self._node, ease)

    def squeeze(self) -> None:
        """Make the tight form tighter: names of nodes are small, and shortened to their steps."""
        self._node = (min(self._least, self._node[0]), self._node[1])
        self._head = (min(LEAST_LANE + MARGIN, self._head[0]), self._head[1])

    def font(self, ease: float) -> float:
        """Return the size of the nodes' names: smaller where they would not fit else."""
        size = SMALL if self.height < 24 else FONT
        return size if self._widest * size + 6 <= self.node(ease) else SMALL

    def head(self, ease: float) -> float:
        """Return the width of the rows' names."""
        return _between(self._head, ease)

    def between(self, ease: float) -> float:
        """Return how far columns stand apart."""
        steep = self._grid.steepest
        return _between((TIGHT_GAP + TIGHT_SLOPE * steep, COLUMN_GAP + SLOPE * steep), ease)

    def beside_gap(self, ease: float) -> float:
        """Return how far a gap stands from the columns beside it."""
        return _between((TIGHT_GAP / 2, COLUMN_GAP / 2), ease)

    def rank(self, ease: float) -> float:
        """Return how far ranks inside a column stand apart, from middle to middle."""
        # In a model with time ranks of one step stand in rows of their own, and may overlap.
        width = _between(self._node, ease)
        tight = TIGHT_RANK if self._grid.layer is None else width + TIGHT_RANK
        return _between((tight, width + RANK_GAP), ease)

    def gap(self, first: int, last: int, ease: float) -> float:
        """Return the width of a gap: at least that of what is written in it."""
        texts = (str(last - first + 1), "steps")
        widest = max(text_width(text, SMALL) for text in texts) + 8
        return _between((widest, max(widest, GAP_WIDTH)), ease)

    def span(self, column: int, ease: float) -> float:
        """Return the width of a column."""
        return self.node(ease) + (self._grid.ranks[column] - 1) * self.rank(ease)

    def total(self, shown: Sequence[int], ease: float) -> float:
        """Return the width of a whole picture."""
        return self.columns(shown, ease)[2] + MARGIN

    def columns(
        self, shown: Sequence[int], ease: float
    ) -> tuple[list[Column], list[Omission], float]:
        """Return the columns, the gaps between them, and where they end."""
        columns: list[Column] = []
        gaps: list[Omission] = []
        between, beside = self.between(ease), self.beside_gap(ease)
        x, previous = MARGIN + self.head(ease) + between / 2 + self._aside, -1
        for t in shown:
            if t != previous + 1:
                x -= between - beside
                width = self.gap(previous + 1, t - 1, ease)
                gaps.append(Omission(previous + 1, t - 1, x, x + width))
                x += width + beside
            span = self.span(t, ease)
            columns.append(Column(t, x, x + span, f"t = {t}" if self._grid.layer is None else ""))
            x += span + between
            previous = t
        return columns, gaps, x - between / 2

    def fits(self, shown: Sequence[int], ease: float = COMFORT) -> bool:
        """Whether columns fit a page's width; they may be denser where they are all there are."""
        if len(shown) == self._grid.count:
            ease = min(ease, COMFORT / 3)
        return len(shown) < PAGE_WIDTH / 20 and self.total(shown, ease) <= PAGE_WIDTH

    def ease(self, shown: Sequence[int]) -> float:
        """Return how loose a picture can be: 1, or less where it would be wider than a page."""
        tight, loose = self.total(shown, 0.0), self.total(shown, 1.0)
        if loose <= PAGE_WIDTH:
            return 1.0
        # Every length grows with it: halving.
        low, high = (0.0, 1.0) if tight <= PAGE_WIDTH else (0.0, 0.0)
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self.total(shown, middle) <= PAGE_WIDTH else (low, middle)
        return low


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def shown_columns(
    count: int,
    fits: Callable[[Sequence[int]], bool],
    kept: Collection[int] = (),
    events: Sequence[int] = (),
) -> list[int]:
    """Return which columns are drawn.

    All, if they fit. Else the first, the last and those to keep; then events, then those beside all
    of these, ever further away, as long as they fit.

    Args:
        count: How many columns there are.
        fits: Whether there is room for some columns.
        kept: Columns that are drawn in any case.
        events: Columns that come before others, the first first.

    Example:
        >>> shown_columns(100, lambda shown: len(shown) <= 7, kept=[50])
        [0, 1, 49, 50, 51, 98, 99]
    """
    if fits(range(count)):
        return list(range(count))
    kept = [t for t in kept if 0 < t < count - 1]
    chosen = _closed({0, count - 1, *kept}, count)
    for t in events:
        chosen = _with(chosen, t, count, fits)
    centres = [*dict.fromkeys([*kept, 0, count - 1, *events])]
    for distance in itertools.count(1):
        wanted = {t for centre in centres for t in (centre - distance, centre + distance)}
        missing = {t for t in wanted if 0 <= t < count} - chosen
        before = len(chosen)
        for centre in centres:
            for t in (centre - distance, centre + distance):
                chosen = _with(chosen, t, count, fits)
        if (missing and len(chosen) == before) or len(chosen) == count:
            break
    return sorted(chosen)


def _with(chosen: set[int], t: int, count: int, fits: Callable[[Sequence[int]], bool]) -> set[int]:
    """Return columns with one more, if there is room for it."""
    if not 0 <= t < count or t in chosen:
        return chosen
    more = _closed(chosen | {t}, count)
    return more if fits(sorted(more)) else chosen


def _closed(chosen: set[int], count: int) -> set[int]:
    """Return columns with those that would be hidden alone: a gap is wider than one column."""
    beside = {t + 1 for t in chosen} - chosen
    return chosen | {t for t in beside if t + 1 in chosen and t < count}


def _placed(model: Model, grid: _Grid, spacing: _Spacing, shown: Sequence[int]) -> Layout:
    ease = spacing.ease(shown)
    columns, gaps, right = spacing.columns(shown, ease)
    width, step = spacing.node(ease), spacing.rank(ease)
    pitch = spacing.pitch
    by_t = {column.t: column for column in columns}
    labels = captions(model)
    places = {}
    for node, t in _nodes(grid, shown).items():
        rank, row = grid.cells[node.variable]
        x = by_t[t].left + width / 2 + rank * step
        y = HEAD + pitch * (row + 0.5)
        label = labels[node.variable] or node.variable
        places[node] = Place(node, x, y, model.node_text(node), label, t)
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
        node_height=spacing.height,
        left=MARGIN + spacing.head(ease),
        right=right,
        top=HEAD,
        bottom=HEAD + pitch * grid.rows,
        pitch=pitch,
        font=spacing.font(ease),
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


def _head_widths(model: Model, grid: _Grid) -> tuple[float, float]:
    """Return the width of the rows' names, tight and loose."""
    if not grid.lanes:
        return 0.0, 0.0
    names = max(text_width(name, FONT) * 1.1 for name in grid.lanes)
    words = captions(model)
    labels = max(text_width(f"{words[name]} · in A in part", SMALL) for name in grid.lanes)
    loose = min(max(names, labels), LANE_LIMIT)
    return min(loose, max(TIGHT_LANE, min(names, 1.4 * TIGHT_LANE))) + MARGIN, loose + MARGIN


def _links(grid: _Grid, places: Mapping[Node, Place], gaps: Sequence[Omission]) -> list[Link]:
    """Return the edges with an end in view, each once."""

    def hidden(t: int) -> int:
        return next(i for i, gap in enumerate(gaps) if gap.first <= t <= gap.last)

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
            links.append(Link(source, target, hidden(after)))
        elif target in places:
            links.append(Link(source, target, hidden(before)))
    return links


def _lay_out_static(
    model: Model,
    kept: Collection[Node],
    around: Sequence[int],
    columns: int | Fit | None,
    least_width: float,
    least_height: float,
) -> Layout:
    """Return the layout of a model without time, with its causes to the left or, if wide, above."""
    if around:
        raise QuestionError(
            f"'{model.name}' has no steps: leave `around` out (--around), or draw a model with time"
        )
    grid = _static_grid(model, TALLEST)
    spacing = _Spacing(model, grid, least_width, least_height)
    whole = range(grid.count)
    if columns != "fit" or spacing.total(whole, COMFORT / 3) <= PAGE_WIDTH:
        limit = 2 * columns if isinstance(columns, int) else None
        assert grid.layer is not None
        must = [grid.layer[node.variable] for node in kept]
        shown = shown_columns(grid.count, functools.partial(_is_within, limit), kept=must)
        return _placed(model, grid, spacing, shown)
    return _placed_downward(model, least_width)


def _static_grid(model: Model, tallest: int) -> _Grid:
    edges = _edges(model)
    cells = layered(_system(model), [(a, b) for a, b, _ in edges], tallest=tallest)
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


def _placed_downward(model: Model, least_width: float) -> Layout:
    """Return a layered graph turned by a quarter: ranks from the top to the bottom of a page."""
    usual = _static_grid(model, TALLEST)
    spacing = _Spacing(model, usual, least_width, NODE_HEIGHT)
    room, aside = PAGE_WIDTH - 2 * MARGIN, TIGHT_RANK
    ease = 1.0 if usual.rows * (spacing.node(1.0) + aside) <= room else 0.0
    width = spacing.node(ease)
    edges = _edges(model)
    cells = narrow_layers(
        _system(model), [(a, b) for a, b, _ in edges], widest=int(room / (width + aside))
    )
    rows = max(place for _, place in cells.values()) + 1
    between = min(width + RANK_GAP, room / rows)
    left = (PAGE_WIDTH - between * rows) / 2
    labels, places = captions(model), {}
    for name, (t, place) in cells.items():
        node = Node(name)
        x, y = left + between * (place + 0.5), HEAD / 2 + NODE_HEIGHT / 2 + RANK_PITCH * t
        places[node] = Place(node, x, y, name, labels[name] or name, t)
    count = max(t for t, _ in cells.values()) + 1
    links = [Link(Node(a), Node(b)) for a, b, _ in edges]
    return Layout(
        places=places,
        columns=tuple(Column(t, MARGIN, MARGIN + room, "") for t in range(count)),
        lanes=(),
        gaps=(),
        links=tuple(dict.fromkeys(links)),
        node_width=width,
        node_height=NODE_HEIGHT,
        left=left,
        right=left + between * rows,
        top=0.0,
        bottom=HEAD + RANK_PITCH * count - (RANK_PITCH - NODE_HEIGHT),
        pitch=RANK_PITCH,
        font=spacing.font(ease),
        is_downward=True,
    )
