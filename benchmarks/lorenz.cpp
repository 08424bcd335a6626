// The Lorenz system by hand, by Euler's method and by the classical Runge-Kutta method (RK4): what
// causalopt's calls return of it. W's chain of operations is the shortest there is (two fused
// products a step by Euler); tangents over all paths and past A = {a} share a register; both are
// rescaled by powers of two before they overflow or fade. Compiled with -O3 -march=native.
#include "vectors.h"

struct Lorenz {
  double dt, sigma, rho, beta;
};

template <class V>
struct State {
  V a, b, c;
};

template <class V>
static inline State<V> flow(const Lorenz& p, const State<V>& s) {
  return {p.sigma * (s.b - s.a), s.a * (p.rho - s.c) - s.b, s.a * s.b - p.beta * s.c};
}

template <class V>
static inline State<V> moved(const State<V>& s, double h, const State<V>& k) {
  return {s.a + h * k.a, s.b + h * k.b, s.c + h * k.c};
}

// The slope of the flow at s, times a tangent x.
template <class V>
static inline State<V> tangent(const Lorenz& p, const State<double>& s, const State<V>& x) {
  return {p.sigma * (x.b - x.a), (p.rho - s.c) * x.a - x.b - s.a * x.c,
          s.b * x.a + s.a * x.b - p.beta * x.c};
}

// The same, transposed.
template <class V>
static inline State<V> cotangent(const Lorenz& p, const State<double>& s, const State<V>& k) {
  return {(p.rho - s.c) * k.b - p.sigma * k.a + s.b * k.c, p.sigma * k.a - k.b + s.a * k.c,
          -s.a * k.b - p.beta * k.c};
}

// What is held stays as it was: 1 in lanes that follow and 0 in lanes that do not.
template <class V>
struct Held {
  V a, b, c;
  State<V> operator()(const State<V>& x) const { return {x.a * a, x.b * b, x.c * c}; }
};

// The stages of a step of W: one by Euler, four by RK4.
template <bool RK4>
struct Stages {
  State<double> s[RK4 ? 4 : 1], next;
  Stages(const Lorenz& p, const State<double>& w) {
    s[0] = w;
    if constexpr (RK4) {
      const double h = p.dt;
      State<double> k1 = flow(p, w), k2 = flow(p, s[1] = moved(w, h / 2, k1));
      State<double> k3 = flow(p, s[2] = moved(w, h / 2, k2));
      State<double> k4 = flow(p, s[3] = moved(w, h, k3));
      next = moved(moved(w, h / 6, {k1.a + k4.a, k1.b + k4.b, k1.c + k4.c}), h / 3,
                   {k2.a + k3.a, k2.b + k3.b, k2.c + k3.c});
    } else {
      const double h = p.dt;
      next = {(1 - h * p.sigma) * w.a + h * p.sigma * w.b,
              (1 - h) * w.b + w.a * (h * p.rho - h * w.c), (1 - h * p.beta) * w.c + h * w.a * w.b};
    }
  }
};

template <bool RK4, class V, class Keep>
static inline State<V> carried(const Lorenz& p, const Stages<RK4>& w, const State<V>& x,
                               const Keep& keep) {
  const double h = p.dt;
  State<V> k1 = tangent(p, w.s[0], x);
  if constexpr (!RK4) return keep(moved(x, h, k1));
  else {
    State<V> k2 = tangent(p, w.s[1], keep(moved(x, h / 2, k1)));
    State<V> k3 = tangent(p, w.s[2], keep(moved(x, h / 2, k2)));
    State<V> k4 = tangent(p, w.s[3], keep(moved(x, h, k3)));
    return keep(moved(moved(x, h / 6, {k1.a + k4.a, k1.b + k4.b, k1.c + k4.c}), h / 3,
                      {k2.a + k3.a, k2.b + k3.b, k2.c + k3.c}));
  }
}

constexpr int64_t BLOCK = 256;  // steps between two looks at the size of tangents

// Bring each lane's largest component to about 1; returns the power of two that was taken out.
template <class V, int N>
static inline void rescaled(State<V>& x, int64_t* power) {
  for (int l = 0; l < N; l++) {
    double most = std::fmax(std::fabs(x.a[l]), std::fmax(std::fabs(x.b[l]), std::fabs(x.c[l])));
    int e = most > 0 && most < INFINITY ? std::ilogb(most) : 0;
    if (e > -300 && e < 300) e = 0;
    x.a[l] = std::ldexp(x.a[l], -e), x.b[l] = std::ldexp(x.b[l], -e);
    x.c[l] = std::ldexp(x.c[l], -e), power[l] += e;
  }
}

template <bool RK4>
static void world(int64_t steps, const Lorenz& p, double* w) {
  State<double> s{1, 1, 1};
  w[0] = s.a, w[1] = s.b, w[2] = s.c;
  for (int64_t t = 1; t <= steps; t++) {
    s = Stages<RK4>(p, s).next;
    w[3 * t] = s.a, w[3 * t + 1] = s.b, w[3 * t + 2] = s.c;
  }
}

// W, and the tangents of b[0]: pairs (total, direct) of a, b, c at each step, powers by blocks.
template <bool RK4>
static void run(int64_t steps, const Lorenz& p, double* w, pair* x, int64_t* powers) {
  State<double> s{1, 1, 1};
  State<pair> d{{0, 0}, {1, 1}, {0, 0}};
  const Held<pair> keep{{1, 0}, {1, 1}, {1, 1}};
  int64_t power[2] = {0, 0};
  for (int64_t first = 0; first <= steps; first += BLOCK) {
    if (first) rescaled<pair, 2>(d, power);
    powers[2 * (first / BLOCK)] = power[0], powers[2 * (first / BLOCK) + 1] = power[1];
    const int64_t end = first + BLOCK <= steps ? first + BLOCK : steps + 1;
    for (int64_t t = first; t < end; t++) {
      w[3 * t] = s.a, w[3 * t + 1] = s.b, w[3 * t + 2] = s.c;
      x[3 * t] = d.a, x[3 * t + 1] = d.b, x[3 * t + 2] = d.c;
      const Stages<RK4> stages(p, s);
      d = carried<RK4>(p, stages, d, keep), s = stages.next;
    }
  }
}

// Op of b at every step, of what `run` has stored.
extern "C" void lorenz_op(int64_t steps, const double* x, const int64_t* powers, double* op) {
  for (int64_t first = 0; first <= steps; first += BLOCK) {
    const int64_t end = first + BLOCK <= steps ? first + BLOCK : steps + 1;
    double pairs[2 * BLOCK];
    for (int64_t t = first; t < end; t++)
      pairs[2 * (t - first)] = x[6 * t + 2], pairs[2 * (t - first) + 1] = x[6 * t + 3];
    op_of_pairs(pairs, op + first, end - first);
    const int64_t* power = powers + 2 * (first / BLOCK);
    const double more = (power[1] - power[0]) * 0.6931471805599453;
    if (more != 0)
      for (int64_t t = first; t < end; t++) op[t] += more;
  }
}

// W, Y and X side by side in one register, Y's a taken from W at every stage.
template <bool RK4>
static void finite(int64_t steps, const Lorenz& p, double delta, double* w, double* x, double* y,
                   double* total, double* direct) {
  typedef int64_t order __attribute__((vector_size(32)));
  const auto held = [](const State<quad>& s) -> State<quad> {
    return {__builtin_shuffle(s.a, order{0, 0, 2, 3}), s.b, s.c};
  };
  State<quad> s{{1, 1, 1, 1}, {1, 1 + delta, 1 + delta, 1}, {1, 1, 1, 1}};
  const double h = p.dt, by = 1 / delta;
  for (int64_t t = 0;; t++) {
    w[3 * t] = s.a[0], w[3 * t + 1] = s.b[0], w[3 * t + 2] = s.c[0];
    y[3 * t] = s.a[1], y[3 * t + 1] = s.b[1], y[3 * t + 2] = s.c[1];
    x[3 * t] = s.a[2], x[3 * t + 1] = s.b[2], x[3 * t + 2] = s.c[2];
    direct[t] = (s.b[1] - s.b[0]) * by, total[t] = (s.b[2] - s.b[0]) * by;
    if (t == steps) break;
    if constexpr (RK4) {
      State<quad> k1 = flow(p, s), k2 = flow(p, held(moved(s, h / 2, k1)));
      State<quad> k3 = flow(p, held(moved(s, h / 2, k2))), k4 = flow(p, held(moved(s, h, k3)));
      s = held(moved(moved(s, h / 6, {k1.a + k4.a, k1.b + k4.b, k1.c + k4.c}), h / 3,
                     {k2.a + k3.a, k2.b + k3.b, k2.c + k3.c}));
    } else {
      s = held({(1 - h * p.sigma) * s.a + h * p.sigma * s.b,
                (1 - h) * s.b + s.a * (h * p.rho - h * s.c),
                (1 - h * p.beta) * s.c + h * s.a * s.b});
    }
  }
}

// b at the last step by every node: pairs (over all paths, past A), Op of each; powers by blocks.
template <bool RK4>
static void adjoint(int64_t steps, const Lorenz& p, double* w, pair* x, double* op) {
  world<RK4>(steps, p, w);
  const Held<pair> keep{{1, 0}, {1, 1}, {1, 1}};
  State<pair> d{{0, 0}, {1, 1}, {0, 0}};
  const double h = p.dt;
  int64_t power[2] = {0, 0}, last = steps;
  for (int64_t t = steps;; t--) {
    x[3 * t] = d.a, x[3 * t + 1] = d.b, x[3 * t + 2] = d.c;
    if (t % BLOCK == 0 || t == 0) {
      op_of_pairs((const double*)(x + 3 * t), op + 3 * t, 3 * (last - t + 1));
      const double more = (power[1] - power[0]) * 0.6931471805599453;
      if (more != 0)
        for (int64_t i = 3 * t; i < 3 * (last + 1); i++) op[i] += more;
      rescaled<pair, 2>(d, power), last = t - 1;
    }
    if (t == 0) break;
    const State<double> before{w[3 * t - 3], w[3 * t - 2], w[3 * t - 1]};
    const State<pair> e = keep(d);  // what reaches m past A passes no held node
    if constexpr (RK4) {
      const Stages<true> s(p, before);
      const State<pair> zero{};
      State<pair> s4 = cotangent(p, s.s[3], moved(zero, h / 6, e));
      State<pair> s3 = cotangent(p, s.s[2], moved(moved(zero, h / 3, e), h, keep(s4)));
      State<pair> s2 = cotangent(p, s.s[1], moved(moved(zero, h / 3, e), h / 2, keep(s3)));
      State<pair> s1 = cotangent(p, s.s[0], moved(moved(zero, h / 6, e), h / 2, keep(s2)));
      const State<pair> k4 = keep(s4), k3 = keep(s3), k2 = keep(s2);
      d = {e.a + k4.a + k3.a + k2.a + s1.a, e.b + k4.b + k3.b + k2.b + s1.b,
           e.c + k4.c + k3.c + k2.c + s1.c};
    } else {
      d = moved(e, h, cotangent(p, before, e));
    }
  }
}

// Total effect of b[0] on b at the end and the direct effects past {a}, {c} and {a, c}, in lanes.
template <bool RK4>
static void candidates(int64_t steps, const Lorenz& p, double* op) {
  State<double> s{1, 1, 1};
  State<quad> d{{}, {1, 1, 1, 1}, {}};
  const Held<quad> keep{{1, 0, 1, 0}, {1, 1, 1, 1}, {1, 1, 0, 0}};
  int64_t power[4] = {0, 0, 0, 0};
  for (int64_t t = 0; t < steps; t++) {
    if (t % BLOCK == 0) rescaled<quad, 4>(d, power);
    const Stages<RK4> stages(p, s);
    d = carried<RK4>(p, stages, d, keep), s = stages.next;
  }
  const auto size = [&](int l) { return std::log(std::fabs(d.b[l])) + power[l] * 0.6931471805599453; };
  for (int k = 0; k < 3; k++) op[k] = size(k + 1) - size(0);
}

// Three Lyapunov exponents and two conditional ones, given a: five tangents in one register of
// eight, orthonormal again every eight steps.
template <bool RK4>
static void exponents(int64_t steps, int64_t transient, const Lorenz& p, double* found) {
  typedef double oct __attribute__((vector_size(64)));
  State<double> s{1, 1, 1};
  State<oct> d{{1, 0, 0, 0, 0}, {0, 1, 0, 1, 0}, {0, 0, 1, 0, 1}};
  const Held<oct> keep{{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}};
  double sums[5] = {0, 0, 0, 0, 0};
  for (int64_t t = 1; t <= steps + transient; t++) {
    const Stages<RK4> stages(p, s);
    d = carried<RK4>(p, stages, d, keep), s = stages.next;
    if (t % 8 && t != transient && t != steps + transient) continue;
    for (int j = 0; j < 5; j++) {
      for (int i = j < 3 ? 0 : 3; i < j; i++) {
        const double dot = d.a[i] * d.a[j] + d.b[i] * d.b[j] + d.c[i] * d.c[j];
        d.a[j] -= dot * d.a[i], d.b[j] -= dot * d.b[i], d.c[j] -= dot * d.c[i];
      }
      const double norm = std::sqrt(d.a[j] * d.a[j] + d.b[j] * d.b[j] + d.c[j] * d.c[j]);
      d.a[j] /= norm, d.b[j] /= norm, d.c[j] /= norm;
      if (t > transient) sums[j] += std::log(norm);
    }
  }
  for (int j = 0; j < 5; j++) found[j] = sums[j] / (steps * p.dt);
}

#define BOTH(name, signature, ...)                          \
  extern "C" void lorenz_##name signature {                 \
    const Lorenz p{dt, sigma, rho, beta};                   \
    if (rk4) name<true>(__VA_ARGS__);                       \
    else name<false>(__VA_ARGS__);                          \
  }
#define SYSTEM int64_t rk4, int64_t steps, double dt, double sigma, double rho, double beta
BOTH(world, (SYSTEM, double* w), steps, p, w)
BOTH(run, (SYSTEM, double* w, double* x, int64_t* powers), steps, p, w, (pair*)x, powers)
BOTH(finite, (SYSTEM, double delta, double* w, double* x, double* y, double* total, double* direct),
     steps, p, delta, w, x, y, total, direct)
BOTH(adjoint, (SYSTEM, double* w, double* x, double* op), steps, p, w, (pair*)x, op)
BOTH(candidates, (SYSTEM, double* op), steps, p, op)
BOTH(exponents, (SYSTEM, int64_t transient, double* found), steps, transient, p, found)
