// Random numbers and the fixed-point functions behind their draws. Integers only, so that a seed
// gives the same numbers on every machine, compiler and optimisation level. Not for cryptography.
#include "sim/base/rng.h"

#include "sim/base/check.h"

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

#define LN2_Q64 0xb17217f7d1cf79acu

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output
// bit, so that seeds and streams that differ by one give unrelated states.
static uint64_t splitmix_next(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

Rng rng_make(uint64_t seed, uint64_t stream) {
    uint64_t mix = seed;
    mix = splitmix_next(&mix) ^ stream;
    uint64_t state = splitmix_next(&mix);
    return (Rng){.state = state, .stream = splitmix_next(&mix) | 1};
}

// O'Neill 2014, PCG-XSH-RR 64/32: the output is a rotation, by the state's top bits, of a fold of
// the state before the step.
uint32_t rng_u32(Rng *rng) {
    uint64_t before = rng->state;
    rng->state = before * 6364136223846793005u + rng->stream;
    uint32_t fold = (uint32_t)(((before >> 18) ^ before) >> 27);
    uint32_t turn = (uint32_t)(before >> 59);
    return fold >> turn | fold << (-turn & 31);
}

uint64_t rng_u64(Rng *rng) {
    uint64_t high = rng_u32(rng);
    return high << 32 | rng_u32(rng);
}

// Lemire 2019, "Fast random integer generation in an interval": the high half of a product is the
// number; a low half below 2^64 mod bound marks the few draws that would favour some numbers.
uint64_t rng_below(Rng *rng, uint64_t bound) {
    if (bound == 0)
        return 0;
    Wide product = (Wide)rng_u64(rng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t unfair = (0 - bound) % bound;
        while ((uint64_t)product < unfair)
            product = (Wide)rng_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

int64_t fixed_log2_fraction_q32(uint64_t x) {
    CHECK(x > 0);
    int zeros = __builtin_clzll(x);
    uint64_t mantissa = x << zeros; // 1 <= m < 2 as Q63
    // Squaring doubles the logarithm: whether the square reaches 2 is the next binary digit. One
    // digit more than is kept, to round. A square's rounding error of 2^-63 is worth less than
    // 2^-62 of the logarithm in the first step and half as much in each later one.
    uint64_t digits = 0;
    for (int i = 0; i < 33; i++) {
        Wide square = (Wide)mantissa * mantissa; // Q126
        uint64_t reaches_2 = (uint64_t)(square >> 127);
        mantissa = (uint64_t)(square >> (63 + reaches_2));
        digits = digits << 1 | reaches_2;
    }
    return -((int64_t)(zeros + 1) << 32) + (int64_t)((digits + 1) >> 1);
}

int64_t fixed_exp2_q32(int64_t x_q32) {
    // 1/n! as Q62: the Taylor series of e^y; y = f * ln 2 < 0.694, so that the first term left
    // out, y^19 / 19!, is less than 2^-66.
    static const uint64_t over_factorial[] = {4611686018427387904,
                                              4611686018427387904,
                                              2305843009213693952,
                                              768614336404564651,
                                              192153584101141163,
                                              38430716820228233,
                                              6405119470038039,
                                              915017067148291,
                                              114377133393536,
                                              12708570377060,
                                              1270857037706,
                                              115532457973,
                                              9627704831,
                                              740592679,
                                              52899477,
                                              3526632,
                                              220414,
                                              12966,
                                              720};
    if (x_q32 >= (int64_t)30 << 32)
        return INT64_MAX;
    if (x_q32 <= -((int64_t)32 << 32))
        return 0;
    int whole = (int)(x_q32 >> 32); // toward minus infinity, so that the fraction is positive
    uint64_t fraction = (uint32_t)x_q32;
    uint64_t y = (uint64_t)((Wide)fraction * LN2_Q64 >> 32); // Q64
    uint64_t sum = 0;
    for (int n = sizeof over_factorial / sizeof over_factorial[0] - 1; n >= 0; n--)
        sum = over_factorial[n] + (uint64_t)((Wide)y * sum >> 64);
    int shift = 30 - whole; // from Q62 to Q32, times 2^whole: 1 .. 62
    return (int64_t)((sum + ((uint64_t)1 << (shift - 1))) >> shift);
}

int64_t fixed_mul_q32(int64_t a, int64_t b) {
    SignedWide product = (SignedWide)a * b >> 32;
    return product > INT64_MAX ? INT64_MAX : product < INT64_MIN ? INT64_MIN : (int64_t)product;
}

// -ln(x / 2^64) for x > 0, Q32: 0 .. 45.
static uint64_t minus_ln_q32(uint64_t x) {
    uint64_t minus_log2 = (uint64_t)-fixed_log2_fraction_q32(x);
    return (uint64_t)(((Wide)minus_log2 * LN2_Q64 + ((Wide)1 << 63)) >> 64);
}

int64_t rng_exponential_q32(Rng *rng) {
    uint64_t x = rng_u64(rng);
    return (int64_t)minus_ln_q32(x == 0 ? 1 : x);
}

// The largest integer whose square is at most x < 2^72.
static uint64_t square_root(Wide x) {
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 36; bit > 0; bit >>= 1) {
        uint64_t larger = root | bit;
        if ((Wide)larger * larger <= x)
            root = larger;
    }
    return root;
}

// Marsaglia's polar method: (u, v) uniform in the unit disc without its centre, s = u^2 + v^2; then
// u sqrt(-2 ln s / s) is normal. Its twin with v would be normal too; we drop it, so that a stream
// is its state alone. We take the root of u^2 / s * -2 ln s, whose parts are all bounded.
int64_t rng_normal_q32(Rng *rng) {
    for (;;) {
        // Odd multiples of 2^-32 in (-1, 1): symmetric, and never 0.
        int64_t u = 2 * (int64_t)rng_u32(rng) + 1 - ((int64_t)1 << 32);
        int64_t v = 2 * (int64_t)rng_u32(rng) + 1 - ((int64_t)1 << 32);
        uint64_t u2 = (uint64_t)u * (uint64_t)u;       // at most (2^32 - 1)^2
        Wide s = (Wide)u2 + (uint64_t)v * (uint64_t)v; // Q64
        if (s >> 64 != 0)
            continue;
        Wide share = ((Wide)u2 << 62) / s;                       // Q62, at most 1
        Wide z2 = share * (2 * minus_ln_q32((uint64_t)s)) >> 30; // Q64, at most 90
        int64_t z = (int64_t)square_root(z2);
        return u < 0 ? -z : z;
    }
}
