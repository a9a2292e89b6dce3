// Our own random numbers: one stream a task, exact on every platform. PCG-XSH-RR 64/32 (O'Neill
// 2014) seeded by SplitMix64. The draws that reach simulated time use integers only: no libm, no
// floating point. Distribution parameters are fixed point: Q32 means value * 2^32.
#pragma once
#include "sim/base/time.h"

#include <stdint.h>

typedef struct Rng {
    uint64_t state, stream; // stream is odd
} Rng;

// The stream `stream` of the run's `seed`; streams are independent of each other, so that a new
// task does not reshuffle the others.
Rng rng_make(uint64_t seed, uint64_t stream);
uint32_t rng_u32(Rng *rng);
uint64_t rng_u64(Rng *rng);
// Uniform in [0, bound); bound 0 gives 0. Without bias (Lemire 2019).
uint64_t rng_below(Rng *rng, uint64_t bound);
// Standard exponential (mean 1) and standard normal, Q32.
int64_t rng_exponential_q32(Rng *rng);
int64_t rng_normal_q32(Rng *rng);

// Fixed-point functions behind the draws, exact to 2^-30 over their ranges.
// log2(x / 2^64) for x > 0, as a non-positive Q32.
int64_t fixed_log2_fraction_q32(uint64_t x);
// 2^x for a Q32 x in (-32, 30), as a Q32; saturates outside.
int64_t fixed_exp2_q32(int64_t x_q32);
// a * b / 2^32, rounded toward minus infinity, saturating.
int64_t fixed_mul_q32(int64_t a, int64_t b);
