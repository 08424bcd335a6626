"""Solutions of `(I - P) x = b` for a Markov matrix with some states taken out.

Factorised along a line, where the matrix is a band. In the plane the factors fill up (at 192 x 192
nodes they take 20 s), while GMRES needs a few dozen products with the matrix (0.04 s) for a chain
that forgets quickly; one that does not is factorised all the same.

Source: Saad and Schultz, GMRES (1986).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.descents.maps.random_map import Array
from causalopt.extras import need

LARGE = 4000
TOLERANCE = 1e-13
INNER, OUTER = 100, 5


class SparseSolver:
    """Solves with I - P and with its transpose.

    Args:
        inner: P on the states that are left, sparse, axes (from, to).
        direct: Whether to factorise at once; by default up to 4000 states.
    """

    def __init__(self, inner: Any, *, direct: bool | None = None) -> None:
        need("scipy")
        from scipy import sparse

        size = inner.shape[0]
        self._matrix = (sparse.eye_array(size, format="csr") - inner).tocsr()
        self._factors: Any = None
        self.direct = size <= LARGE if direct is None else direct

    def solve(self, right: Array, *, transposed: bool = False) -> Array:
        """Return x with `(I - P) x = right`, or `x (I - P) = right` where transposed."""
        if not self.direct:
            found = self._iterated(right, transposed=transposed)
            if found is not None:
                return found
            self.direct = True
        if self._factors is None:
            need("scipy")
            from scipy.sparse import linalg

            self._factors = linalg.splu(self._matrix.tocsc())
        return np.asarray(self._factors.solve(right, trans="T" if transposed else "N"))

    def _iterated(self, right: Array, *, transposed: bool) -> Array | None:
        """Return GMRES's solution, or None where it does not settle."""
        need("scipy")
        from scipy.sparse import linalg

        matrix = self._matrix.T.tocsr() if transposed else self._matrix
        found, trouble = linalg.gmres(matrix, right, rtol=TOLERANCE, restart=INNER, maxiter=OUTER)
        return None if trouble else np.asarray(found)
