// The baselines: the work of W1, W2 and W3 by hand, register-blocked and vectorised.
// Compiled with -O3 -march=native; the compiler may contract products and sums (its default).
#include <cmath>
#include <cstdint>
#include <cstring>

// One register of the processor it is compiled for.
#if defined(__AVX512F__)
constexpr int L = 8;
#elif defined(__AVX__)
constexpr int L = 4;
#else
constexpr int L = 2;
#endif
typedef double vec __attribute__((vector_size(8 * L)));
typedef int64_t mask __attribute__((vector_size(8 * L)));
typedef uint64_t bits __attribute__((vector_size(8 * L)));

static inline vec splat(double x) { return x - vec{}; }
static inline bits splat_u(uint64_t x) { return x - bits{}; }

// W1: Lorenz by Euler's method, W with the total and the direct tangents (A = {a}), all stored.
extern "C" void w1(int64_t steps, double dt, double sigma, double rho, double beta, double* w,
                   double* x, double* y) {
  double a = 1, b = 1, c = 1, xa = 0, xb = 1, xc = 0, yb = 1, yc = 0;
  w[0] = a, w[1] = b, w[2] = c, x[0] = xa, x[1] = xb, x[2] = xc, y[0] = 0, y[1] = yb, y[2] = yc;
  for (int64_t t = 1; t <= steps; t++) {
    double na = a + dt * (sigma * (b - a));
    double nb = b + dt * (a * (rho - c) - b);
    double nc = c + dt * (a * b - beta * c);
    double ka = dt * (rho - c), kc = dt * a, kb = dt * b;
    double nxa = xa + (dt * sigma) * (xb - xa);
    double nxb = xb + (ka * xa - kc * xc) - dt * xb;
    double nxc = xc + (kb * xa + kc * xb) - (dt * beta) * xc;
    double nyb = yb - kc * yc - dt * yb;
    double nyc = yc + kc * yb - (dt * beta) * yc;
    a = na, b = nb, c = nc, xa = nxa, xb = nxb, xc = nxc, yb = nyb, yc = nyc;
    double *o = w + 3 * t, *p = x + 3 * t, *q = y + 3 * t;
    o[0] = a, o[1] = b, o[2] = c, p[0] = xa, p[1] = xb, p[2] = xc, q[0] = 0, q[1] = yb, q[2] = yc;
  }
}

// W5: the adjoint of Lorenz: b at the last step by every node, over all paths and over those that
// avoid A = {a}; the state is kept, the local derivatives are computed on the way back.
extern "C" void w5(int64_t steps, double dt, double sigma, double rho, double beta, double* w,
                   double* x, double* y) {
  double a = 1, b = 1, c = 1;
  w[0] = a, w[1] = b, w[2] = c;
  for (int64_t t = 1; t <= steps; t++) {
    double na = a + dt * (sigma * (b - a));
    double nb = b + dt * (a * (rho - c) - b);
    double nc = c + dt * (a * b - beta * c);
    a = na, b = nb, c = nc;
    w[3 * t] = a, w[3 * t + 1] = b, w[3 * t + 2] = c;
  }
  const double aa = 1 - dt * sigma, ab = dt * sigma, bb = 1 - dt, cc = 1 - dt * beta;
  double xa = 0, xb = 1, xc = 0, ya = 0, yb = 1, yc = 0;
  for (int64_t t = steps;; t--) {
    double *p = x + 3 * t, *q = y + 3 * t;
    p[0] = xa, p[1] = xb, p[2] = xc, q[0] = ya, q[1] = yb, q[2] = yc;
    if (t == 0) break;
    const double* v = w + 3 * (t - 1);
    double ka = dt * v[0], kb = dt * v[1], kr = dt * (rho - v[2]);
    double nxa = aa * xa + kr * xb + kb * xc, nxb = ab * xa + bb * xb + ka * xc;
    double nxc = cc * xc - ka * xb;
    double nya = kr * yb + kb * yc, nyb = bb * yb + ka * yc, nyc = cc * yc - ka * yb;
    xa = nxa, xb = nxb, xc = nxc, ya = nya, yb = nyb, yc = nyc;
  }
}

// W2: the saturating thermostat from many starts, final Comp kept; B registers of eight lanes.
// The products dt p and dt p / theta are folded by hand, and A = {T} is built in.
template <int B>
static void w2_block(const double* starts, double* comp, int64_t n, int64_t steps, double dt,
                     double d, double theta, double p) {
  const vec k = splat(dt * p / theta), top = splat(dt * p), D = splat(d), zero = splat(0);
  for (int64_t i = 0; i + L * B <= n; i += L * B) {
    vec R[B], T[B], xR[B], xT[B], yR[B];
    for (int j = 0; j < B; j++) {
      std::memcpy(&R[j], starts + i + L * j, 8 * L);
      T[j] = zero, xR[j] = splat(1), xT[j] = zero, yR[j] = splat(1);
    }
    for (int64_t t = 1; t <= steps; t++)
      for (int j = 0; j < B; j++) {
        vec push = k * T[j];
        mask high = push >= top, low = push <= -top;
        push = high ? top : (low ? -top : push);
        vec slope = (high | low) ? zero : k;
        vec newT = R[j] - D, newxT = xR[j];
        R[j] -= push;
        xR[j] -= slope * xT[j];
        T[j] = newT, xT[j] = newxT;
      }
    for (int j = 0; j < B; j++) {
      vec c = xR[j] / yR[j];
      std::memcpy(comp + i + L * j, &c, 8 * L);
    }
  }
}

extern "C" void w2(const double* starts, double* comp, int64_t n, int64_t steps, double dt, double d,
                   double theta, double p, int64_t block) {
  if (block == 1) w2_block<1>(starts, comp, n, steps, dt, d, theta, p);
  if (block == 2) w2_block<2>(starts, comp, n, steps, dt, d, theta, p);
  if (block == 4) w2_block<4>(starts, comp, n, steps, dt, d, theta, p);
}

// The same work for any A: the direct tangent is carried and A is a mask, as the engine does.
template <int B>
static void w2_any_block(const double* starts, double* comp, int64_t n, int64_t steps, double dt,
                         double d, double theta, double p, int64_t hold_T, int64_t hold_R) {
  const vec k = splat(dt * p / theta), top = splat(dt * p), D = splat(d), zero = splat(0);
  const int64_t aT = hold_T ? -1 : 0, aR = hold_R ? -1 : 0;
  const mask hT = aT - mask{}, hR = aR - mask{};
  for (int64_t i = 0; i + L * B <= n; i += L * B) {
    vec R[B], T[B], xR[B], xT[B], yR[B], yT[B];
    for (int j = 0; j < B; j++) {
      std::memcpy(&R[j], starts + i + L * j, 8 * L);
      T[j] = zero, xR[j] = yR[j] = splat(1), xT[j] = yT[j] = zero;
    }
    for (int64_t t = 1; t <= steps; t++)
      for (int j = 0; j < B; j++) {
        vec push = k * T[j];
        mask high = push >= top, low = push <= -top;
        push = high ? top : (low ? -top : push);
        vec slope = (high | low) ? zero : k;
        vec newT = R[j] - D, newxT = xR[j], newyT = hT ? zero : yR[j];
        R[j] -= push;
        xR[j] -= slope * xT[j];
        yR[j] = hR ? zero : yR[j] - slope * yT[j];
        T[j] = newT, xT[j] = newxT, yT[j] = newyT;
      }
    for (int j = 0; j < B; j++) {
      vec c = xR[j] / yR[j];
      std::memcpy(comp + i + L * j, &c, 8 * L);
    }
  }
}

extern "C" void w2_any(const double* starts, double* comp, int64_t n, int64_t steps, double dt,
                       double d, double theta, double p, int64_t hT, int64_t hR, int64_t block) {
  if (block == 1) w2_any_block<1>(starts, comp, n, steps, dt, d, theta, p, hT, hR);
  if (block == 2) w2_any_block<2>(starts, comp, n, steps, dt, d, theta, p, hT, hR);
  if (block == 4) w2_any_block<4>(starts, comp, n, steps, dt, d, theta, p, hT, hR);
}

extern "C" void w2_scalar(const double* starts, double* comp, int64_t n, int64_t steps, double dt,
                          double d, double theta, double p) {
  const double k = dt * p / theta, top = dt * p;
  for (int64_t i = 0; i < n; i++) {
    double R = starts[i], T = 0, xR = 1, xT = 0, yR = 1;
    for (int64_t t = 1; t <= steps; t++) {
      double push = k * T, slope = k;
      if (push >= top) push = top, slope = 0;
      else if (push <= -top) push = -top, slope = 0;
      double newT = R - d, newxT = xR;
      R -= push, xR -= slope * xT, T = newT, xT = newxT;
    }
    comp[i] = xR / yR;
  }
}

// W3: stochastic gradient descent in the pit, W <- W - T g_j(W), j a fair bit of threefry2x64-20:
// one block of two words serves 128 steps of a walker, as in the ensemble's streams.
static inline bits rotl(bits x, int r) { return (x << r) | (x >> (64 - r)); }

static inline void threefry(uint64_t k0, uint64_t k1, bits c0, bits c1, bits& o0, bits& o1) {
  const uint64_t ks[3] = {k0, k1, 0x1BD11BDAA9FC1A22ULL ^ k0 ^ k1};
  const int rot[8] = {16, 42, 12, 31, 16, 32, 24, 21};
  bits a = c0 + splat_u(ks[0]), b = c1 + splat_u(ks[1]);
  for (int r = 0; r < 20; r++) {
    a += b;
    b = rotl(b, rot[r % 8]) ^ a;
    if (r % 4 == 3) {
      int q = r / 4 + 1;
      a += splat_u(ks[q % 3]);
      b += splat_u(ks[(q + 1) % 3] + q);
    }
  }
  o0 = a, o1 = b;
}

// exp for arguments up to 0, which is all the losses need: the engine's polynomial, pairs by Horner's
// rule, and 2^n added to the exponent's bits, with no care for overflow or subnormals.
static inline vec exp_v(vec x) {
  const vec magic = splat(6755399441055744.0);
  x = x < splat(-708.0) ? splat(-708.0) : x;
  vec t = x * splat(1.4426950408889634) + magic;
  vec n = t - magic;
  vec r = (x - n * splat(6.93147180369123816490e-01)) - n * splat(1.90821492927058770002e-10);
  vec r2 = r * r;
  vec q = splat(2.75923657214981e-07) + r * splat(2.643492586634596e-08);
  q = (splat(2.48015709146516e-05) + r * splat(2.755416015057648e-06)) + r2 * q;
  q = (splat(0.0013888888890111536) + r * splat(0.00019841272478249717)) + r2 * q;
  q = (splat(0.04166666666666677) + r * splat(0.008333333332405412)) + r2 * q;
  q = (splat(0.5000000000000001) + r * splat(0.16666666666667784)) + r2 * q;
  vec p = splat(1.0) + (r + r2 * q);
  bits raw, scale;
  std::memcpy(&raw, &t, 8 * L);
  std::memcpy(&scale, &p, 8 * L);
  scale += raw << 52;
  std::memcpy(&p, &scale, 8 * L);
  return p;
}

// V groups of B registers take each step in turn: the states of 128 walkers stay in the first cache.
template <int B, int V>
static void w3_block(double* out, int64_t n, int64_t steps, double start, double T, uint64_t seed) {
  const vec one = splat(1), two = splat(2), rate = splat(T);
  for (int64_t i = 0; i + L * B * V <= n; i += L * B * V) {
    vec W[B * V];
    bits lane[B * V], word[B * V], next[B * V];
    for (int j = 0; j < B * V; j++) {
      W[j] = splat(start);
      for (int l = 0; l < L; l++) lane[j][l] = i + L * j + l;
    }
    for (int64_t t = 0; t < steps; t++) {
      if (t % 128 == 0)
        for (int j = 0; j < B * V; j++)
          threefry(seed, 0, lane[j], splat_u(t / 128), word[j], next[j]);
      if (t % 128 == 64)
        for (int j = 0; j < B * V; j++) word[j] = next[j];
      const bits chosen = splat_u(1ULL << (t % 64));
#pragma GCC unroll 1
      for (int k = 0; k < B * V; k += B)
#pragma GCC unroll 8
        for (int j = k; j < k + B; j++) {
          vec e = W[j] - two, f = W[j] - one;
          vec g = two * e * exp_v(-(e * e));
          vec pit = splat(200.0) * f * exp_v(splat(-100.0) * (f * f));
          mask bit = (mask)(word[j] & chosen) != 0;
          W[j] -= rate * (g + (bit ? pit : splat(0)));
        }
    }
    for (int j = 0; j < B * V; j++) std::memcpy(out + i + L * j, &W[j], 8 * L);
  }
}

extern "C" void w3(double* out, int64_t n, int64_t steps, double start, double T, int64_t seed,
                   int64_t block) {
  if (block == 1) w3_block<1, 4>(out, n, steps, start, T, seed);
  if (block == 2) w3_block<2, 4>(out, n, steps, start, T, seed);
  if (block == 4) w3_block<4, 1>(out, n, steps, start, T, seed);
  if (block == 16) w3_block<4, 4>(out, n, steps, start, T, seed);
}

extern "C" void w3_scalar(double* out, int64_t n, int64_t steps, double start, double T,
                          int64_t seed) {
  for (int64_t i = 0; i < n; i++) {
    double W = start;
    bits word = splat_u(0), next = splat_u(0);
    for (int64_t t = 0; t < steps; t++) {
      if (t % 128 == 0) threefry(seed, 0, splat_u(i), splat_u(t / 128), word, next);
      if (t % 128 == 64) word = next;
      double e = W - 2, f = W - 1;
      double g = 2 * e * std::exp(-(e * e));
      if ((word[0] >> (t % 64)) & 1) g += 200 * f * std::exp(-100 * (f * f));
      W -= T * g;
    }
    out[i] = W;
  }
}

// The landscape as a whole program: N starts, all threads, Comp and Op of every start in memory.
#ifdef PROGRAM
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  int64_t n = atoll(argv[1]), steps = atoll(argv[2]);
  int threads = argc > 3 ? atoi(argv[3]) : 1;
  int64_t padded = (n + 31) / 32 * 32;
  std::vector<double> starts(padded), comp(padded), op(padded);
  for (int64_t i = 0; i < padded; i++) starts[i] = 5 + 40.0 * (i < n ? i : n - 1) / (n - 1);
  std::vector<std::thread> pool;
  int64_t share = (padded / 32 + threads - 1) / threads * 32;
  for (int k = 0; k < threads; k++)
    pool.emplace_back([&, k] {
      int64_t from = k * share, to = std::min(padded, from + share);
      if (from >= to) return;
      w2_any(&starts[from], &comp[from], to - from, steps, 0.02, 25, 1, 1, 1, 0, 4);
      for (int64_t i = from; i < to; i++) op[i] = -std::log(std::fabs(comp[i]));
    });
  for (auto& thread : pool) thread.join();
  double power = 0;
  for (int64_t i = 0; i + 1 < n; i++)
    power += (2 - comp[i] - comp[i + 1]) / 2 * (starts[i + 1] - starts[i]);
  std::printf("%.6f %.6f\n", power, op[n / 2]);
}
#endif
