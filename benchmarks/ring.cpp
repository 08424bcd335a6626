// A ring of n variables, v_i <- 0.9 v_i + 0.1 v_(i+1) v_(7i mod n), all from 0.5: many tangents at
// once, a register of them at a time through all steps, so that both states stay in the caches.
#include <vector>

#include "vectors.h"

// Lane l is nudged at variable `sources[l]` at step 0, and variable `held[l]` does not move (-1:
// none); `out` has the tangents of all n variables at the last step, lane by lane.
extern "C" void ring_tangents(int64_t n, int64_t steps, int64_t lanes, const int64_t* sources,
                              const int64_t* held, double* out) {
  std::vector<double> w(n * (steps + 1), 0.5);
  std::vector<int64_t> next(n), other(n);
  for (int64_t i = 0; i < n; i++) next[i] = (i + 1) % n, other[i] = i * 7 % n;
  for (int64_t t = 0; t < steps; t++) {
    const double* from = &w[n * t];
    double* to = &w[n * (t + 1)];
    for (int64_t i = 0; i < n; i++) to[i] = 0.9 * from[i] + 0.1 * from[next[i]] * from[other[i]];
  }
  std::vector<vec> one(n), two(n);
  for (int64_t first = 0; first < lanes; first += L) {
    const int64_t count = lanes - first < L ? lanes - first : L;
    vec *x = one.data(), *y = two.data();
    for (int64_t i = 0; i < n; i++) x[i] = splat(0);
    for (int64_t l = 0; l < count; l++) x[sources[first + l]][l] = 1;
    for (int64_t t = 0; t < steps; t++) {
      const double* at = &w[n * t];
      for (int64_t i = 0; i < n; i++)
        y[i] = splat(0.9) * x[i] + splat(0.1 * at[other[i]]) * x[next[i]] +
               splat(0.1 * at[next[i]]) * x[other[i]];
      for (int64_t l = 0; l < count; l++)
        if (held[first + l] >= 0) y[held[first + l]][l] = 0;
      std::swap(x, y);
    }
    for (int64_t l = 0; l < count; l++)
      for (int64_t i = 0; i < n; i++) out[(first + l) * n + i] = x[i][l];
  }
}
