// What the C of all benchmarks shares: vectors of doubles, and logarithms of them.
#pragma once
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
typedef double pair __attribute__((vector_size(16)));
typedef double quad __attribute__((vector_size(32)));

static inline vec splat(double x) { return x - vec{}; }
static inline bits splat_u(uint64_t x) { return x - bits{}; }

// The C library has logarithms of whole registers for the processors that have these.
#if defined(__AVX512F__) && defined(__linux__)
extern "C" vec _ZGVeN8v_log(vec);
static inline vec log_v(vec x) { return _ZGVeN8v_log(x); }
#elif defined(__AVX2__) && defined(__linux__)
extern "C" vec _ZGVdN4v_log(vec);
static inline vec log_v(vec x) { return _ZGVdN4v_log(x); }
#else
static inline vec log_v(vec x) {
  for (int l = 0; l < L; l++) x[l] = std::log(x[l]);
  return x;
}
#endif

static inline vec abs_v(vec x) { return x < splat(0) ? -x : x; }

// -ln |x / y| of n numbers that lie `stride` apart by pairs (x, y).
static inline void op_of_pairs(const double* pairs, double* op, int64_t n) {
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    vec x, y;
    for (int l = 0; l < L; l++) x[l] = pairs[2 * (i + l)], y[l] = pairs[2 * (i + l) + 1];
    vec found = log_v(abs_v(y)) - log_v(abs_v(x));
    std::memcpy(op + i, &found, sizeof found);
  }
  for (; i < n; i++) op[i] = std::log(std::fabs(pairs[2 * i + 1])) - std::log(std::fabs(pairs[2 * i]));
}
