"""A region: a set of nodes of one run, with the algebra of sets and what the graph says of it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.reach import Bools
from causalopt.model.regions.neighbours import Neighbours, edges_within, neighbours_of, tables
from causalopt.model.regions.selector_syntax import Call, Combination, Complement, Expression
from causalopt.model.regions.spacetime import Spacetime, Timelines
from causalopt.model.regions.timeline import Timeline
from causalopt.model.selectors import Node, Selection
from causalopt.results import Displayed, Plotted

if TYPE_CHECKING:
    import networkx as nx
    import xarray

_SHOWN = 60  # characters of an expression that a repr shows


class Region(Plotted, Displayed, Sequence[Node]):
    """A set of nodes of one run; it is made by `causalopt.region` and never changes.

    `|`, `&`, `-`, `^` and `~` are those of sets, of regions of the same model and the same run. It
    counts and yields its nodes, single elements of arrays, in the order of their steps, and is
    taken wherever a set A is asked for.

    Args:
        spacetime: The nodes of the run.
        timelines: Variable -> its nodes in the set; a variable without one has none.
        expression: What says the set.

    Example:
        >>> import causalopt
        >>> room = causalopt.region(causalopt.load("thermostat"), "R[t>=1]", steps=9)
        >>> len(room), room[0], "R[0]" in room, len(~room)
        (9, Node(variable='R', t=1, elements=None), False, 11)
        >>> str(room.boundary - room)
        'boundary(R[t>=1]) - R[t>=1]'
    """

    def __init__(self, spacetime: Spacetime, timelines: Timelines, expression: Expression) -> None:
        self.spacetime, self.expression = spacetime, expression
        last = spacetime.steps
        inside = {n: t.clipped(last) for n, t in timelines.items()}
        self.timelines: Timelines = {
            name: inside[name]
            for name in spacetime.names
            if name in inside and inside[name].masks.any()
        }

    def __str__(self) -> str:
        return str(self.expression)

    def __repr__(self) -> str:
        said = str(self)
        said = said if len(said) <= _SHOWN else said[: _SHOWN - 3] + "..."
        if self.steps is None:
            return f"<Region {said} of '{self.spacetime.name}', a run without end>"
        run = "" if self.spacetime.template.is_static else f", t = 0..{self.steps}"
        count = len(self)
        return f"<Region {said}: {count} node{'s' * (count != 1)} of '{self.spacetime.name}'{run}>"

    @property
    def steps(self) -> int | None:
        """The last step of the run; None where no run is given."""
        return self.spacetime.steps

    @property
    def windows(self) -> Selection:
        """The set as windows; one that lasts to the end of the run has no last step."""
        return tuple(w for name, line in self.timelines.items() for w in line.windows(name))

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, in the order of their steps."""
        return tuple(self)

    def __len__(self) -> int:
        last = self.spacetime.end("the number of nodes")
        return sum(
            (end - first + 1) * int(mask.sum())
            for line in self.timelines.values()
            for first, end, mask in line.pieces(last)
            if end is not None
        )

    def __bool__(self) -> bool:
        return bool(self.timelines)

    def __iter__(self) -> Iterator[Node]:
        last = self.spacetime.end("a list of nodes")
        edges = {int(start) for line in self.timelines.values() for start in line.starts}
        for first, after in itertools.pairwise(sorted({*edges, 0, last + 1})):
            places = [
                (name, element)
                for name, line in self.timelines.items()
                for element in _elements(line.at(first))
            ]
            for t in range(first, after):
                for name, element in places:
                    yield Node(name, t, element)

    def __contains__(self, node: object) -> bool:
        if isinstance(node, str):
            node = self.spacetime.node(node)
        if not isinstance(node, Node):
            return False
        line = self.timelines.get(node.variable)
        if line is None or node.t < 0 or (self.steps is not None and node.t > self.steps):
            return False
        mask = line.at(node.t)
        if node.elements is not None:
            mask = mask[tuple(slice(*axis) for axis in node.elements)]
        return bool(mask.all())

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | Sequence[Node]:
        if isinstance(index, slice):
            return self.nodes()[index]
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"the region has {count} nodes, found {index}")
        return next(itertools.islice(self, index % count, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return self.spacetime.is_same(other.spacetime) and self.windows == other.windows

    def __hash__(self) -> int:
        return hash((self.spacetime.name, self.steps, self.windows))

    def __or__(self, other: Region) -> Region:
        return self._with(other, "|", np.logical_or)

    def __and__(self, other: Region) -> Region:
        return self._with(other, "&", np.logical_and)

    def __sub__(self, other: Region) -> Region:
        return self._with(other, "-", lambda a, b: a & ~b)

    def __xor__(self, other: Region) -> Region:
        return self._with(other, "^", np.logical_xor)

    def __invert__(self) -> Region:
        lines = {name: self._line(name) for name in self.spacetime.names}
        outside = {name: Timeline(line.starts, ~line.masks) for name, line in lines.items()}
        return Region(self.spacetime, outside, Complement(self.expression))

    def _with(
        self, other: object, operator: str, operation: Callable[[Bools, Bools], Bools]
    ) -> Region:
        if not isinstance(other, Region):
            raise QuestionError(
                f"regions are combined with regions, found {type(other).__name__}: make one by "
                "causalopt.region(model, ...)"
            )
        if not self.spacetime.is_same(other.spacetime):
            raise QuestionError(
                f"a region of '{self.spacetime.name}' to step {self.steps} and one of "
                f"'{other.spacetime.name}' to step {other.steps} have no nodes in common: make "
                "both of one model, with the same steps, initial values and baseline"
            )
        names = [n for n in self.spacetime.names if n in self.timelines or n in other.timelines]
        lines = {n: self._line(n).combined(other._line(n), operation) for n in names}
        expression = Combination(operator, (self.expression, other.expression))
        return Region(self.spacetime, lines, expression)

    def _line(self, name: str) -> Timeline:
        return self.timelines.get(name) or Timeline.constant(False, self.spacetime.shape(name))

    @functools.cached_property
    def neighbours(self) -> Neighbours:
        """What is one edge away, and how many edges cross the boundary at each step."""
        return neighbours_of(self.spacetime, self.timelines)

    @property
    def upstream(self) -> Region:
        """The nodes outside from which a path leads to the region."""
        return self._reached("upstream", self.spacetime.upstream(self.timelines))

    @property
    def downstream(self) -> Region:
        """The nodes outside to which a path leads from the region."""
        return self._reached("downstream", self.spacetime.downstream(self.timelines))

    def _reached(self, function: str, found: Timelines) -> Region:
        call = Call(function, (self.expression,))
        reached = Region(self.spacetime, found, call)
        own = tables(self.spacetime, self.timelines, self.spacetime.last(function))
        in_part = own[0] & ~own[1]
        if in_part.any():  # the other elements of an array that is in the set: by an edge or not
            edges = reached.neighbours
            by_edge = edges.is_child if function == "downstream" else edges.is_parent
            reached = reached._table(function, by_edge | ~in_part, inside=True)
        return Region(self.spacetime, (reached - self).timelines, call)

    @property
    def parents(self) -> Region:
        """The nodes outside from which an edge leads into the region."""
        return self._table("parents", self.neighbours.is_parent, inside=False)

    @property
    def children(self) -> Region:
        """The nodes outside to which an edge leads out of the region."""
        return self._table("children", self.neighbours.is_child, inside=False)

    @property
    def boundary(self) -> Region:
        """The nodes of the region that have a parent or a child outside."""
        found = self.neighbours
        crossed = found.has_parent_outside | found.has_child_outside
        return self._table("boundary", crossed, inside=True)

    @property
    def inner(self) -> Region:
        """The nodes of the region whose parents and children are all in it."""
        found = self.neighbours
        crossed = found.has_parent_outside | found.has_child_outside
        return self._table("inner", ~crossed, inside=True)

    def _table(self, function: str, rows: Bools, *, inside: bool) -> Region:
        call = Call(function, (self.expression,))
        lines = {}
        for i, name in enumerate(self.spacetime.names):
            shape = self.spacetime.shape(name)
            wide = np.broadcast_to(rows[:, i].reshape(-1, *[1] * len(shape)), (len(rows), *shape))
            own = self._line(name)
            operation = np.logical_and if inside else (lambda a, b: a & ~b)
            lines[name] = Timeline.of_rows(wide).combined(own, operation)
        return Region(self.spacetime, lines, call)

    def graph(self) -> nx.DiGraph[tuple[str, int]]:
        """Return the edges between the region's nodes, which are (variable, t).

        A node carries `boundary`, whether it has a parent or a child outside, and in a model with
        arrays `part`, whether only some of its elements are in the region.
        """
        import networkx as nx  # slow to load

        found = self.neighbours
        crossed = found.has_parent_outside | found.has_child_outside
        graph: nx.DiGraph[tuple[str, int]] = nx.DiGraph(name=str(self))
        for t, i in np.argwhere(found.touched).tolist():
            part = {"part": not found.whole[t, i]} if self.spacetime.shapes else {}
            graph.add_node((self.spacetime.names[i], t), boundary=bool(crossed[t, i]), **part)
        graph.add_edges_from(edges_within(self.spacetime, found.touched))
        return graph

    @property
    def dataset(self) -> xarray.Dataset:
        """The region by step and variable, labelled.

        `share` is the share of the variable's elements that are in the region, `boundary` whether
        the node has a parent or a child outside (both [t, variable]); `entering` and `leaving` are
        the numbers of edges that cross the boundary, by the step of their child ([t]).
        """
        need("xarray")
        import xarray

        found, last = self.neighbours, self.spacetime.last("a table")
        share = np.zeros(found.touched.shape)
        for i, name in enumerate(self.spacetime.names):
            line = self._line(name)
            masks = line.masks.reshape(len(line.masks), -1)
            share[:, i] = np.repeat(masks.mean(axis=1), np.diff(np.append(line.starts, last + 1)))
        crossed = found.has_parent_outside | found.has_child_outside
        count = {"units": "edges"}
        return xarray.Dataset(
            {
                "share": (("t", "variable"), share, {"units": "1"}),
                "boundary": (("t", "variable"), crossed),
                "entering": (("t",), found.entering, count),
                "leaving": (("t",), found.leaving, count),
            },
            coords={
                "t": ("t", np.arange(last + 1), {"units": "steps"}),
                "variable": list(self.spacetime.names),
            },
            attrs={"model": self.spacetime.name, "region": str(self), "steps": last},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what is said of the region as JSON's types."""
        found = self.neighbours
        return {
            "model": self.spacetime.name,
            "region": str(self),
            "steps": self.steps,
            "nodes": len(self),
            "windows": [self.spacetime.text((window,)) for window in self.windows],
            "boundary": len(self.boundary),
            "parents": len(self.parents),
            "children": len(self.children),
            "entering": found.entering.tolist(),
            "leaving": found.leaving.tolist(),
        }


def _elements(mask: Bools) -> list[tuple[tuple[int, int], ...] | None]:
    """Return the single elements of a mask; None stands for a number."""
    if mask.ndim == 0:
        return [None] if mask else []
    return [tuple((i, i + 1) for i in place) for place in np.argwhere(mask).tolist()]
