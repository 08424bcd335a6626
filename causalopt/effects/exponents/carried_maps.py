"""The maps that carry directions from step to step: whole steps, or what they are in a subspace."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator

import numpy as np

from causalopt.engine.contract import Bools, Floats
from causalopt.engine.jacobians import Products, StepDerivative


class CarriedMaps(abc.ABC):
    """The maps of some steps.

    Attributes:
        products: How a map is applied: the state is its own memory.
        slopes: The numbers of the maps, shape [t, column].
    """

    products: Products
    slopes: Floats

    @abc.abstractmethod
    def carry(self, t: int, frame: Floats) -> Floats:
        """Return what map t makes of a frame, shape [slot, direction]."""

    @abc.abstractmethod
    def noise(self, t: int, frame: Floats) -> Floats:
        """Return the sizes of the products that make up the images of directions, likewise."""


class WholeMaps(CarriedMaps):
    """The derivatives of whole steps.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives, shape [t, partial].
    """

    def __init__(self, step: StepDerivative, slopes: Floats) -> None:
        self._step, self.products, self.slopes = step, step.products, slopes

    def carry(self, t: int, frame: Floats) -> Floats:
        """Return what map t makes of a frame."""
        return self._step.carry(self.slopes[t], frame)[0]

    def noise(self, t: int, frame: Floats) -> Floats:
        """Return the sizes of the products that make up the images of directions."""
        return self._step.carry(np.abs(self.slopes[t]), np.abs(frame))[0]


class InnerMaps(CarriedMaps):
    """The derivatives of steps within a subspace that they map into itself.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives, shape [t, partial].
        basis: Orthonormal, shape [slot, r].
    """

    def __init__(self, step: StepDerivative, slopes: Floats, basis: Floats) -> None:
        self._step, self._given, self._inner = step, slopes, np.abs(basis)
        self._matrices = basis.T @ step.matrices(slopes)[0] @ basis
        size = basis.shape[1]
        self.slopes = self._matrices.reshape(len(slopes), size * size)
        self.products = _dense(size, size)

    def carry(self, t: int, frame: Floats) -> Floats:
        """Return what map t makes of a frame."""
        image: Floats = self._matrices[t] @ frame
        return image

    def noise(self, t: int, frame: Floats) -> Floats:
        """Return the sizes of the products that make up the images of directions."""
        sizes = self._step.carry(np.abs(self._given[t]), self._inner @ np.abs(frame))[0]
        found: Floats = self._inner.T @ sizes
        return found


@dataclasses.dataclass(frozen=True)
class FollowedMaps:
    """The maps of some steps with what m reads of them.

    Attributes:
        products: How a map is applied, and m's tangent made.
        slopes: The numbers of the maps, shape [t, column].
        sizes: Numbers whose absolute values take their places in the sizes of products, likewise.
        target: The equation of m.
        reads: Whether m reads anything of the state by itself, shape [t]; None where what it reads
            is for the products to show.
    """

    products: Products
    slopes: Floats
    sizes: Floats
    target: int
    reads: Bools | None = None


def followed_maps(
    step: StepDerivative, slopes: Floats, basis: Floats | None, target: int
) -> Iterator[FollowedMaps]:
    """Yield the maps of all steps with m's rows, as many at once as fit into memory.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives, shape [t, partial].
        basis: The subspace, orthonormal, shape [slot, r]; None for the whole state.
        target: The equation of m.
    """
    if basis is None:
        yield FollowedMaps(step.products, slopes, slopes, target)
        return
    size, inner = basis.shape[1], np.abs(basis)
    products = _dense(size, size + 1)
    for part in step.parts(slopes):
        (maps, rows), (made, read) = (step.matrices(s) for s in (part, np.abs(part)))
        tables = (
            np.concatenate([left @ table, row[:, target, np.newaxis]], axis=1) @ right
            for left, table, row, right in (
                (basis.T, maps, rows, basis),
                (inner.T, made, read, inner),
            )
        )
        flat, sizes = (table.reshape(len(part), -1) for table in tables)
        reads = sizes[:, size * size :].any(axis=1)
        yield FollowedMaps(products, flat, sizes, size, reads)


def _dense(size: int, equations: int) -> Products:
    """Return the products of equations that each read all slots, the first of which are kept."""
    return Products(
        size * np.arange(equations + 1, dtype=np.int64),
        np.arange(size * equations, dtype=np.int64),
        equations + np.tile(np.arange(size, dtype=np.int64), equations),
        np.arange(size, dtype=np.int64),
    )


def maps_along(step: StepDerivative, slopes: Floats, basis: Floats | None) -> Iterator[CarriedMaps]:
    """Yield the maps of all steps, as many at once as fit into memory.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives, shape [t, partial].
        basis: The subspace, None for the whole state.
    """
    if basis is None:
        yield WholeMaps(step, slopes)
        return
    for part in step.parts(slopes):
        yield InnerMaps(step, part, basis)
