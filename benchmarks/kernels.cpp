// The work of sweeps and ensembles by hand, register-blocked and vectorised.
// Compiled with -O3 -march=native; the compiler may contract products and sums (its default).
#include <algorithm>
#include <vector>

#include "vectors.h"

// The landscape: the saturating thermostat from many starts, final Comp kept; B registers of lanes.
// The products dt p and dt p / theta are folded by hand, and A = {T} is built in. SPAN steps are run
// without a look at the sides of the band where no lane can change its side in that time: beyond the
// band only R moves, inside it nothing is cut off.
constexpr int64_t SPAN = 32;

static inline bool all(mask m) {
  int64_t every = -1;
  for (int l = 0; l < L; l++) every &= m[l];
  return every;
}

template <int B>
static void w2_block(const double* starts, double* comp, int64_t n, int64_t steps, double dt,
                     double d, double theta, double p) {
  const vec k = splat(dt * p / theta), top = splat(dt * p), D = splat(d), zero = splat(0);
  const vec edge = splat(theta), most = splat(SPAN * dt * p);
  for (int64_t i = 0; i + L * B <= n; i += L * B) {
    vec R[B], T[B], xR[B], xT[B], yR[B];
    for (int j = 0; j < B; j++) {
      std::memcpy(&R[j], starts + i + L * j, 8 * L);
      T[j] = zero, xR[j] = splat(1), xT[j] = zero, yR[j] = splat(1);
    }
    for (int64_t t = 0; t < steps; t += SPAN) {
      const int64_t count = steps - t < SPAN ? steps - t : SPAN;
      mask above = ~mask{}, below = ~mask{}, inside = ~mask{};
      for (int j = 0; j < B; j++) {
        const vec off = R[j] - D;
        above &= (T[j] > edge) & (off - most > edge);
        below &= (T[j] < -edge) & (off + most < -edge);
        inside &= (abs_v(T[j]) < edge) & (abs_v(off) + most < edge);
      }
      const bool high = all(above);
      if (high || all(below)) {
        const vec push = high ? top : -top;
        for (int64_t s = 1; s < count; s++)
          for (int j = 0; j < B; j++) R[j] -= push;
        for (int j = 0; j < B; j++) T[j] = R[j] - D, R[j] -= push, xT[j] = xR[j];
      } else if (all(inside)) {
        for (int64_t s = 0; s < count; s++)
          for (int j = 0; j < B; j++) {
            const vec newT = R[j] - D, newxT = xR[j];
            R[j] -= k * T[j];
            xR[j] -= k * xT[j];
            T[j] = newT, xT[j] = newxT;
          }
      } else {
        for (int64_t s = 0; s < count; s++)
          for (int j = 0; j < B; j++) {
            const vec free = k * T[j];
            vec push = free < top ? free : top;
            push = push > -top ? push : -top;
            const vec slope = push == free ? k : zero;
            const vec newT = R[j] - D, newxT = xR[j];
            R[j] -= push;
            xR[j] -= slope * xT[j];
            T[j] = newT, xT[j] = newxT;
          }
      }
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
        const vec free = k * T[j];
        vec push = free < top ? free : top;
        push = push > -top ? push : -top;
        const vec slope = push == free ? k : zero;
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

// Op of every start, of its Comp.
extern "C" void w2_op(const double* comp, double* op, int64_t n) {
  for (int64_t i = 0; i + L <= n; i += L) {
    vec c;
    std::memcpy(&c, comp + i, sizeof c);
    c = -log_v(abs_v(c));
    std::memcpy(op + i, &c, sizeof c);
  }
}

// Walkers: stochastic gradient descent in the pit, W <- W - T g_j(W), j a fair bit of threefry2x64-20:
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

// The walkers whose every image is where they stand never move again: after each EPOCH of steps
// they leave, and those that are left close ranks. Four groups of four registers take each step in
// turn, so that chains of operations overlap and the states stay in the first cache.
constexpr int EPOCH = 256, B = 4, GROUP = L * B * 4;

static inline void w3_slopes(vec W, vec& well, vec& pit) {
  const vec e = W - splat(2), f = W - splat(1);
  well = splat(2) * e * exp_v(-(e * e));
  pit = splat(200.0) * f * exp_v(splat(-100.0) * (f * f));
}

static void w3_group(double* states, const uint64_t* numbers, int64_t from, int64_t to, double T,
                     uint64_t seed) {
  vec W[GROUP / L];
  bits lane[GROUP / L], word[GROUP / L], next[GROUP / L];
  std::memcpy(W, states, sizeof W);
  std::memcpy(lane, numbers, sizeof lane);
  const vec rate = splat(T), zero = splat(0);
  for (int64_t t = from; t < to; t++) {
    if (t % 128 == 0)
      for (int j = 0; j < GROUP / L; j++)
        threefry(seed, 0, lane[j], splat_u(t / 128), word[j], next[j]);
    if (t % 128 == 64)
      for (int j = 0; j < GROUP / L; j++) word[j] = next[j];
    const bits chosen = splat_u(1ULL << (t % 64));
#pragma GCC unroll 1
    for (int k = 0; k < GROUP / L; k += B)
#pragma GCC unroll 8
      for (int j = k; j < k + B; j++) {
        vec well, pit;
        w3_slopes(W[j], well, pit);
        mask bit = (mask)(word[j] & chosen) != 0;
        W[j] -= rate * (well + (bit ? pit : zero));
      }
  }
  std::memcpy(states, W, sizeof W);
}

extern "C" void w3(double* out, int64_t n, int64_t steps, double start, double T, int64_t seed) {
  std::vector<double> states(n + GROUP, start);
  std::vector<uint64_t> numbers(n + GROUP);
  for (int64_t i = 0; i < n + GROUP; i++) numbers[i] = i;
  int64_t left = n;
  for (int64_t t = 0; t < steps && left; t += EPOCH) {
    for (int64_t i = 0; i < left; i += GROUP)
      w3_group(&states[i], &numbers[i], t, std::min(t + EPOCH, steps), T, seed);
    int64_t kept = 0;
    for (int64_t i = 0; i < left; i += L) {
      vec W, well, pit;
      std::memcpy(&W, &states[i], sizeof W);
      w3_slopes(W, well, pit);
      const vec one = W - splat(T) * well, both = W - splat(T) * (well + pit);
      for (int l = 0; l < L && i + l < left; l++) {
        if (one[l] == W[l] && both[l] == W[l]) out[numbers[i + l]] = W[l];
        else states[kept] = W[l], numbers[kept++] = numbers[i + l];
      }
    }
    left = kept;
  }
  for (int64_t i = 0; i < left; i++) out[numbers[i]] = states[i];
}

// The landscape as a whole program: N starts, all threads, Comp and Op of every start in memory.
#ifdef PROGRAM
#include <cstdio>
#include <cstdlib>
#include <thread>

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
      w2_op(&comp[from], &op[from], to - from);
    });
  for (auto& thread : pool) thread.join();
  double power = 0;
  for (int64_t i = 0; i + 1 < n; i++)
    power += (2 - comp[i] - comp[i + 1]) / 2 * (starts[i + 1] - starts[i]);
  std::printf("%.6f %.6f\n", power, op[n / 2]);
}
#endif
