"""Random maps the tests share: the posts' systems, written out by hand."""

from __future__ import annotations

import numpy as np

from causalopt.descents.maps.random_map import Array, RandomMap

PIT_START = 1.0036973969363092
PIT_EDGE = 1.195956513650254


def well_gradient(W: Array) -> Array:
    return 2 * (W - 2) * np.exp(-((W - 2) ** 2))


def pit_gradient(W: Array) -> Array:
    return well_gradient(W) + 200 * (W - 1) * np.exp(-100 * (W - 1) ** 2)


def pit(T: float) -> RandomMap:
    return RandomMap(
        (lambda W: W - T * well_gradient(W), lambda W: W - T * pit_gradient(W)), (0.5, 0.5)
    )


def linear(T: float = 0.5) -> RandomMap:
    return RandomMap((lambda W: W - T * (1.2 * W - 2), lambda W: W - T * (0.8 * W - 2)), (0.5, 0.5))


def walk(stride: float = 1.0) -> RandomMap:
    return RandomMap((lambda W: W - stride, lambda W: W + stride), (0.5, 0.5))


def ornstein(T: float = 0.1, S: float = 0.5) -> RandomMap:
    return RandomMap((lambda W: W - T * (W - S), lambda W: W - T * (W + S)), (0.5, 0.5))


def basins(
    T: float,
    *,
    widths: tuple[float, float] = (1.0, 1.0),
    depths: tuple[float, float] = (1.0, 1.0),
    noises: tuple[float, float] = (1.3, 1.3),
) -> RandomMap:
    """Two wells at -2.5 and 2.5 whose mean gradient and noise scale with depth / width."""

    def step(sign: float, W: Array) -> Array:
        gradient = 0.02 * W
        for centre, width, depth, noise in zip((-2.5, 2.5), widths, depths, noises, strict=True):
            z = (W - centre) / width
            well = 2 * z * np.exp(-(z**2)) + sign * noise / np.cosh(z / 2) ** 2
            gradient = gradient + depth / width * well
        return W - T * gradient

    return RandomMap((lambda W: step(1.0, W), lambda W: step(-1.0, W)), (0.5, 0.5))


def swirl(T: float = 0.1) -> tuple[RandomMap, Array, Array]:
    """Two parameters, gradients H W - c_j; also H and the covariance Q of the c_j."""
    H = np.diag([1.0, 3.0])
    c = np.array([[2.0, 2.0], [-2.0, -2.0], [0.8, -0.8], [-0.8, 0.8]])
    maps = tuple((lambda W, b=b: W - T * (H @ W - b[:, np.newaxis])) for b in c)
    return RandomMap(maps, (0.25,) * 4, 2, ("x", "y")), H, c.T @ c / 4
