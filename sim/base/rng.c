// Random numbers and the fixed-point functions behind their draws. Integers only, so that a seed
// gives the same numbers on every machine, compiler and optimisation level. Not for cryptography.
#include "sim/base/rng.h"

#include "sim/base/check.h"

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

#define LN2_Q64 0xb17217f7d1cf79acu

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output
// bit, so that seeds and streams that differ by one give unrelated states.
static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

Rng rng_make(uint64_t seed, uint64_t stream)
{
    uint64_t mix = seed;
    mix = splitmix_next(&mix) ^ stream;
    uint64_t state = splitmix_next(&mix);
    return (Rng){.state = state, .stream = splitmix_next(&mix) | 1};
}

// O'Neill 2014, PCG-XSH-RR 64/32: the output is a rotation, by the state's top bits, of a fold of
// the state before the step.
uint32_t rng_u32(Rng *rng)
{
    uint64_t before = rng->state;
    rng->state = before * 6364136223846793005u + rng->stream;
    uint32_t fold = (uint32_t)(((before >> 18) ^ before) >> 27);
    uint32_t turn = (uint32_t)(before >> 59);
    return fold >> turn | fold << (-turn & 31);
}

uint64_t rng_u64(Rng *rng)
{
    uint64_t high = rng_u32(rng);
    return high << 32 | rng_u32(rng);
}

// Lemire 2019, "Fast random integer generation in an interval": the high half of a product is the
// number; a low half below 2^64 mod bound marks the few draws that would favour some numbers.
uint64_t rng_below(Rng *rng, uint64_t bound)
{
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

#define ONE_Q62    ((int64_t)1 << 62)
#define LOG2_E_Q62 0x5c551d94ae0bf85e // 1 / ln 2

// log2(x) = log2(c) + log2(1 + f), where c = (33 + 2 i) / 32 is the middle of that sixteenth of
// [1, 2) in which x lies, and 1 + f = x / c, so that |f| <= 1/33. Then ln(1 + f) is the series
// f - f^2 / 2 + f^3 / 3 - ...; the first term left out, f^10 / 10, is less than 2^-53.
int64_t fixed_log2_fraction_q32(uint64_t x)
{
    // 1/c rounded, and -log2 of that rounded value.
    static const struct {
        uint64_t reciprocal_q63;
        int64_t log2_q62;
    } sixteenths[16] = {
        {0x7c1f07c1f07c1f08, 0x02d75a6eb1dfb0e6}, {0x7507507507507507, 0x08462c466d3cf1cb},
        {0x6eb3e45306eb3e45, 0x0d67af16da7649f8}, {0x6906906906906907, 0x124407ab0e073982},
        {0x63e7063e7063e706, 0x16e221cd9d0cde58}, {0x5f417d05f417d05f, 0x1b47ebf73882a0a4},
        {0x5b05b05b05b05b06, 0x1f7a8568cb06cece}, {0x572620ae4c415c99, 0x237e623d2ba01bc7},
        {0x5397829cbc14e5e1, 0x275767f54042cd99}, {0x5050505050505050, 0x2b09044d313a6787},
        {0x4d4873ecade304d5, 0x2e963fac9c0ea78d}, {0x4a7904a7904a7905, 0x3201cc2c000599fc},
        {0x47dc11f7047dc11f, 0x354e11eb0029a6fa}, {0x456c797dd49c3411, 0x387d3945c340aa67},
        {0x4325c53ef368eb04, 0x3b9133567fead8bd}, {0x4104104104104104, 0x3e8bc1179e0caa9d}};
    static const int64_t over[] = {0,           ONE_Q62,     ONE_Q62 / 2, ONE_Q62 / 3, ONE_Q62 / 4,
                                   ONE_Q62 / 5, ONE_Q62 / 6, ONE_Q62 / 7, ONE_Q62 / 8, ONE_Q62 / 9};
    CHECK(x > 0);
    int zeros = __builtin_clzll(x);
    uint64_t mantissa = x << zeros; // Q63, 1 <= m < 2
    unsigned i = mantissa >> 59 & 15;
    Wide ratio = (Wide)mantissa * sixteenths[i].reciprocal_q63;          // 1 + f as Q126
    int64_t f = (int64_t)((SignedWide)(ratio - ((Wide)1 << 126)) >> 64); // Q62
    int64_t series = over[9];
    for (int n = 8; n >= 1; n--)
        series = over[n] - (int64_t)((SignedWide)f * series >> 62);
    int64_t ln = (int64_t)((SignedWide)f * series >> 62);
    int64_t log2 = sixteenths[i].log2_q62 + (int64_t)((SignedWide)ln * LOG2_E_Q62 >> 62);
    return -((int64_t)(zeros + 1) << 32) + ((log2 + ((int64_t)1 << 29)) >> 30);
}

int64_t fixed_exp2_q32(int64_t x_q32)
{
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

int64_t fixed_mul_q32(int64_t a, int64_t b)
{
    SignedWide product = (SignedWide)a * b >> 32;
    return product > INT64_MAX ? INT64_MAX : product < INT64_MIN ? INT64_MIN : (int64_t)product;
}

// -ln(x / 2^64) for x > 0, Q32: 0 .. 45.
static uint64_t minus_ln_q32(uint64_t x)
{
    uint64_t minus_log2 = (uint64_t)-fixed_log2_fraction_q32(x);
    return (uint64_t)(((Wide)minus_log2 * LN2_Q64 + ((Wide)1 << 63)) >> 64);
}

int64_t rng_exponential_q32(Rng *rng)
{
    uint64_t x = rng_u64(rng);
    return (int64_t)minus_ln_q32(x == 0 ? 1 : x);
}

// The largest integer whose square is at most x < 2^72.
static uint64_t square_root(Wide x)
{
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
int64_t rng_normal_q32(Rng *rng)
{
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
