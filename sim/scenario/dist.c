// Drawing a duration from a distribution of the scenario. Integers only: these draws are simulated
// time. The parameters were checked by the loader; reading them from text is not done here.
#include "sim/base/check.h"
#include "sim/scenario/scenario.h"

__extension__ typedef unsigned __int128 Wide;

#define LOG2_E_Q32 0x171547653 // 1 / ln 2

// ns * factor, rounded to the nearest nanosecond; no longer than a duration may be.
static int64_t scale(int64_t ns, int64_t factor_q32)
{
    CHECKF(ns >= 0 && factor_q32 >= 0, "%lld", (long long)ns);
    Wide product = ((Wide)ns * (Wide)factor_q32 + ((Wide)1 << 31)) >> 32;
    return product > (Wide)DURATION_MAX_NS ? DURATION_MAX_NS : (int64_t)product;
}

// ns * 2^exponent, likewise.
static int64_t scale_exp2(int64_t ns, int64_t exponent_q32)
{
    // The whole part of a positive exponent is a shift, because fixed_exp2_q32 ends at 2^30.
    int64_t whole = exponent_q32 > 0 ? exponent_q32 >> 32 : 0;
    Wide product = (Wide)ns * (Wide)fixed_exp2_q32(exponent_q32 - (whole << 32)); // Q32
    if (product == 0)
        return 0;
    if (whole >= 92 || product > ((Wide)DURATION_MAX_NS << 32) >> whole)
        return DURATION_MAX_NS;
    return (int64_t)(((product << whole) + ((Wide)1 << 31)) >> 32);
}

// min * u^(-1/alpha), u uniform in (0, 1): 2^(-log2 u / alpha).
static int64_t draw_pareto(int64_t min, int64_t alpha_q32, Rng *rng)
{
    CHECK(alpha_q32 > 0);
    uint64_t u = rng_u64(rng);
    Wide minus_log2 = (Wide)-fixed_log2_fraction_q32(u == 0 ? 1 : u); // at most 64
    Wide exponent = (minus_log2 << 32) / (Wide)alpha_q32;
    return scale_exp2(min, exponent > INT64_MAX ? INT64_MAX : (int64_t)exponent);
}

// median * e^(sigma z), z standard normal.
static int64_t draw_lognormal(int64_t median, int64_t sigma_q32, Rng *rng)
{
    int64_t exponent = fixed_mul_q32(sigma_q32, rng_normal_q32(rng));
    return scale_exp2(median, fixed_mul_q32(exponent, LOG2_E_Q32));
}

static int64_t draw_normal(int64_t mean, int64_t deviation, Rng *rng)
{
    // Neither term is more than 2^62: a duration is less than 2^59, a normal draw less than 10.
    int64_t ns = mean + fixed_mul_q32(deviation, rng_normal_q32(rng));
    return ns < 0 ? 0 : ns > DURATION_MAX_NS ? DURATION_MAX_NS : ns;
}

// The loader bounds the number of choices and their weights, so that the sum fits.
static int64_t draw_choice(const DistChoice *choices, uint32_t count, Rng *rng)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        CHECK(!__builtin_add_overflow(total, choices[i].weight, &total));
    CHECK(total > 0);
    uint64_t at = rng_below(rng, total);
    uint32_t chosen = 0;
    while (at >= choices[chosen].weight)
        at -= choices[chosen++].weight;
    return choices[chosen].ns;
}

Duration dist_draw(const Scenario *scenario, uint32_t dist_index1, Rng *rng)
{
    if (dist_index1 == 0)
        return (Duration){0};
    CHECK(dist_index1 <= scenario->dist_count);
    const Dist *dist = &scenario->dists[dist_index1 - 1];
    switch (dist->kind) {
    case DIST_CONSTANT:
        return (Duration){dist->a};
    case DIST_EXPONENTIAL:
        return (Duration){scale(dist->a, rng_exponential_q32(rng))};
    case DIST_UNIFORM:
        CHECK(dist->a <= dist->b);
        return (Duration){dist->a + (int64_t)rng_below(rng, (uint64_t)(dist->b - dist->a) + 1)};
    case DIST_NORMAL:
        return (Duration){draw_normal(dist->a, dist->b, rng)};
    case DIST_LOGNORMAL:
        return (Duration){draw_lognormal(dist->a, dist->b, rng)};
    case DIST_PARETO:
        return (Duration){draw_pareto(dist->a, dist->b, rng)};
    case DIST_CHOICE:
        return (Duration){
            draw_choice(&scenario->choices[dist->choice_first], dist->choice_count, rng)};
    }
    CHECKF(false, "distribution %d", (int)dist->kind);
    return (Duration){0};
}
