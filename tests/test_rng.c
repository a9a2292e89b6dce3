// The random generator and its fixed-point functions against published vectors and exact values;
// the draws against the moments of their distributions, within four standard errors at fixed seeds.
// With N = 2^20 draws the standard error of a mean is sigma / 1024.
#include "sim/base/rng.h"
#include "sim/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DRAWS = 1 << 20 };

#define ROOT_DRAWS 1024.0
#define Q32        4294967296.0

// Four standard errors: a fixed seed passes or fails for good, so this only bounds the chance that
// a correct generator needed another seed (6 in 100,000 for each check).
static void check_mean(double mean, double expected, double sigma)
{
    double apart = mean > expected ? mean - expected : expected - mean;
    if (apart > 4 * sigma / ROOT_DRAWS)
        fail_msg("mean %f, expected %f, 4 standard errors are %f", mean, expected,
                 4 * sigma / ROOT_DRAWS);
}

static void check_near(int64_t value, int64_t expected, int64_t tolerance)
{
    int64_t apart = value > expected ? value - expected : expected - value;
    if (apart > tolerance)
        fail_msg("%lld, expected %lld", (long long)value, (long long)expected);
}

// O'Neill's pcg32-demo, seed 42 and stream 54. Its seeding sets state = 0, steps, adds the seed and
// steps: with state 0 the first step gives the increment.
static void test_pcg_vectors(void **state)
{
    (void)state;
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                        0x83d2f293, 0xbfa4784b, 0xcbed606e};
    uint64_t increment = 54u << 1 | 1;
    Rng rng = {.state = (increment + 42) * 6364136223846793005u + increment, .stream = increment};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(rng_u32(&rng), expected[i]);
}

// The published first outputs of SplitMix64 for seed 1234567 are 6457827717110365317 and
// 3203168211198807973. A stream that turns the first back into the seed makes rng_make use both.
static void test_splitmix_vectors(void **state)
{
    (void)state;
    Rng rng = rng_make(1234567, 6457827717110365317u ^ 1234567u);
    assert_true(rng.state == 6457827717110365317u);
    assert_true(rng.stream == 3203168211198807973u); // odd already
}

static void test_streams(void **state)
{
    (void)state;
    Rng first = rng_make(1, 1), again = rng_make(1, 1), other = rng_make(1, 2);
    // Bits in which two unrelated streams agree: 2^20 * 32 of them, half, standard deviation
    // sqrt(2^25) / 2 = 2896.
    int64_t agree = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint32_t number = rng_u32(&first);
        assert_int_equal(number, rng_u32(&again));
        agree += 32 - __builtin_popcount(number ^ rng_u32(&other));
    }
    check_near(agree, (int64_t)DRAWS * 16, 4 * 2896);
    assert_true(rng_make(2, 1).state != rng_make(1, 1).state);
    assert_int_equal(rng_make(0, 0).stream & 1, 1);
}

static void test_u64_is_two_u32(void **state)
{
    (void)state;
    Rng one = rng_make(5, 5), two = one;
    uint64_t high = rng_u32(&two), low = rng_u32(&two);
    assert_true(rng_u64(&one) == (high << 32 | low));
}

// A product without rejection would give 3k for half of all numbers when the bound is 3 * 2^62
// (of 4k, 4k+1, 4k+2, 4k+3 times 3/4 two become 3k), instead of a third.
static void test_below_is_fair(void **state)
{
    (void)state;
    Rng rng = rng_make(3, 0);
    uint64_t bound = (uint64_t)3 << 62;
    int count[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t number = rng_below(&rng, bound);
        assert_true(number < bound);
        count[number % 3]++;
    }
    for (int i = 0; i < 3; i++) // sigma of a share p is sqrt(p (1 - p)) = 0.4714
        check_mean(count[i] / (double)DRAWS, 1 / 3.0, 0.4714);
    assert_true(rng_below(&rng, 0) == 0);
    assert_true(rng_below(&rng, 1) == 0);
}

static void test_log2(void **state)
{
    (void)state;
    int64_t one = (int64_t)1 << 32;
    assert_true(fixed_log2_fraction_q32((uint64_t)1 << 63) == -one);     // log2 1/2
    assert_true(fixed_log2_fraction_q32((uint64_t)1 << 62) == -2 * one); // log2 1/4
    assert_true(fixed_log2_fraction_q32(1) == -64 * one);                // log2 2^-64
    assert_true(fixed_log2_fraction_q32(UINT64_MAX) == 0);               // -8e-20
    // log2 3/4 = 1.58496250072115618145 - 2; times 2^32 that is -1782572486.02.
    check_near(fixed_log2_fraction_q32((uint64_t)3 << 62), -1782572486, 1);
    // 2^64 / sqrt 2 = 0xb504f333f9de6484.597...: log2 is -1/2.
    check_near(fixed_log2_fraction_q32(0xb504f333f9de6484u), -one / 2, 1);
    // 2^64 / 10: -log2 10 = -3.32192809488736234787; times 2^32 that is -14267572527.20.
    check_near(fixed_log2_fraction_q32(UINT64_MAX / 10), -14267572527, 1);
}

// Digit by digit: squaring doubles the logarithm, and whether the square reaches 2 is the next
// binary digit. A square's rounding error of 2^-63 is worth less than 2^-62 of the logarithm in the
// first step and half as much in each later one.
static int64_t log2_by_squaring(uint64_t x)
{
    __extension__ typedef unsigned __int128 Wide;
    int zeros = __builtin_clzll(x);
    uint64_t mantissa = x << zeros, digits = 0; // Q63, 1 <= m < 2
    for (int i = 0; i < 33; i++) {
        Wide square = (Wide)mantissa * mantissa; // Q126
        uint64_t reaches_2 = (uint64_t)(square >> 127);
        mantissa = (uint64_t)(square >> (63 + reaches_2));
        digits = digits << 1 | reaches_2;
    }
    return -((int64_t)(zeros + 1) << 32) + (int64_t)((digits + 1) >> 1);
}

static void test_log2_against_digits(void **state)
{
    (void)state;
    Rng rng = rng_make(1, 9);
    for (int i = 0; i < 200000; i++) {
        uint64_t x = (rng_u64(&rng) | 1) >> (i % 64) | 1;
        // Both round to the nearest; they may differ only where the value is all but a tie.
        check_near(fixed_log2_fraction_q32(x), log2_by_squaring(x), i < 1000 ? 0 : 1);
    }
    // Both ends of every sixteenth.
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t begin = (uint64_t)1 << 63 | i << 59, end = begin | (((uint64_t)1 << 59) - 1);
        check_near(fixed_log2_fraction_q32(begin), log2_by_squaring(begin), 0);
        check_near(fixed_log2_fraction_q32(end), log2_by_squaring(end), 0);
    }
}

static void test_exp2(void **state)
{
    (void)state;
    int64_t one = (int64_t)1 << 32;
    assert_true(fixed_exp2_q32(0) == one);
    assert_true(fixed_exp2_q32(one) == 2 * one);
    assert_true(fixed_exp2_q32(-one) == one / 2);
    assert_true(fixed_exp2_q32(29 * one) == one << 29);
    assert_true(fixed_exp2_q32(-31 * one) == 2);
    assert_true(fixed_exp2_q32(-32 * one) == 0);
    assert_true(fixed_exp2_q32(30 * one) == INT64_MAX);
    assert_true(fixed_exp2_q32(INT64_MIN) == 0);
    assert_true(fixed_exp2_q32(INT64_MAX) == INT64_MAX);
    // sqrt 2 = 1.6a09e667f3bcc908b2fb in hexadecimal; times 2^32 and times 2^61.
    check_near(fixed_exp2_q32(one / 2), 0x16a09e668, 0);
    check_near(fixed_exp2_q32(29 * one + one / 2), 0x2d413cccfe779921, 8);
    // The two functions are inverse: 2^(log2 x) = x. Half a unit of the logarithm's last place is
    // 0.35 units of a result near 2^32, and rounding adds half a unit.
    for (uint64_t x = 1; x < 2000; x++) {
        uint64_t fraction = x * 0x0020c49ba5e353f7; // x / 2000 * 2^64
        check_near(fixed_exp2_q32(fixed_log2_fraction_q32(fraction)), (int64_t)(fraction >> 32), 2);
    }
}

static void test_mul(void **state)
{
    (void)state;
    int64_t one = (int64_t)1 << 32;
    assert_true(fixed_mul_q32(3 * one, one / 2) == 3 * one / 2);
    assert_true(fixed_mul_q32(-1, 1) == -1); // toward minus infinity
    assert_true(fixed_mul_q32(1, 1) == 0);
    assert_true(fixed_mul_q32(INT64_MAX, INT64_MAX) == INT64_MAX);
    assert_true(fixed_mul_q32(INT64_MIN, INT64_MAX) == INT64_MIN);
}

// Mean 1 and sigma 1; E x^2 = 2 with sigma sqrt(24 - 4); P(x > 1) = 1/e with sigma 0.4822.
static void test_exponential(void **state)
{
    (void)state;
    Rng rng = rng_make(7, 1);
    double sum = 0, squares = 0, above = 0;
    for (int i = 0; i < DRAWS; i++) {
        int64_t draw = rng_exponential_q32(&rng);
        double x = (double)draw / Q32;
        assert_true(draw >= 0 && x < 44.4); // 64 ln 2 = 44.36
        sum += x;
        squares += x * x;
        above += x > 1;
    }
    check_mean(sum / DRAWS, 1, 1);
    check_mean(squares / DRAWS, 2, 4.4721);
    check_mean(above / DRAWS, 0.367879, 0.4822);
}

// Moments 0, 1, 0, 3; the sigma of x^k is sqrt(E x^2k - (E x^k)^2): 1, sqrt 2, sqrt 15, sqrt 96.
// P(|x| < 1) = 0.682689 with sigma 0.4654; P(x > 2) = 0.022750 with sigma 0.1491.
static void test_normal(void **state)
{
    (void)state;
    Rng rng = rng_make(7, 2);
    double moment[5] = {0}, inner = 0, tail = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)rng_normal_q32(&rng) / Q32, power = 1;
        for (int k = 1; k <= 4; k++)
            moment[k] += power *= x;
        inner += x > -1 && x < 1;
        tail += x > 2;
    }
    check_mean(moment[1] / DRAWS, 0, 1);
    check_mean(moment[2] / DRAWS, 1, 1.4142);
    check_mean(moment[3] / DRAWS, 0, 3.8730);
    check_mean(moment[4] / DRAWS, 3, 9.7980);
    check_mean(inner / DRAWS, 0.682689, 0.4654);
    check_mean(tail / DRAWS, 0.022750, 0.1491);
}

// -- dist_draw ----------------------------------------------------------------------------------

enum { MS = 1000000 };

// Draws N times from `dist`; what share is at most `most_ns`, and the mean, in ns.
typedef struct Drawn {
    double mean, share;
    int64_t least, greatest;
} Drawn;

static Drawn draw(Dist dist, const DistChoice *choices, int64_t most_ns)
{
    Scenario scenario = {.dists = &dist, .dist_count = 1, .choices = (DistChoice *)choices};
    Rng rng = rng_make(11, 3);
    Drawn drawn = {.least = INT64_MAX, .greatest = INT64_MIN};
    for (int i = 0; i < DRAWS; i++) {
        int64_t ns = dist_draw(&scenario, 1, &rng).ns;
        assert_true(ns >= 0 && ns <= DURATION_MAX_NS);
        drawn.mean += (double)ns / DRAWS;
        drawn.share += (ns <= most_ns) / (double)DRAWS;
        drawn.least = ns < drawn.least ? ns : drawn.least;
        drawn.greatest = ns > drawn.greatest ? ns : drawn.greatest;
    }
    return drawn;
}

static void test_draw_plain(void **state)
{
    (void)state;
    Scenario none = {0};
    Rng rng = rng_make(1, 1), before = rng;
    assert_true(dist_draw(&none, 0, &rng).ns == 0);
    assert_memory_equal(&rng, &before, sizeof rng);

    Drawn drawn = draw((Dist){.kind = DIST_CONSTANT, .a = 5 * MS}, NULL, 0);
    assert_true(drawn.least == 5 * MS && drawn.greatest == 5 * MS);

    // 2, 3, 4 or 5 ns: mean 3.5, sigma sqrt(15 / 12); half are at most 3, sigma 0.5.
    drawn = draw((Dist){.kind = DIST_UNIFORM, .a = 2, .b = 5}, NULL, 3);
    assert_true(drawn.least == 2 && drawn.greatest == 5);
    check_mean(drawn.mean, 3.5, 1.1180);
    check_mean(drawn.share, 0.5, 0.5);
    drawn = draw((Dist){.kind = DIST_UNIFORM, .a = 7, .b = 7}, NULL, 7);
    assert_true(drawn.least == 7 && drawn.greatest == 7);
}

static void test_draw_exponential(void **state)
{
    (void)state;
    // Mean and sigma 5 ms; P(x <= 5 ms) = 1 - 1/e.
    Drawn drawn = draw((Dist){.kind = DIST_EXPONENTIAL, .a = 5 * MS}, NULL, 5 * MS);
    check_mean(drawn.mean / MS, 5, 5);
    check_mean(drawn.share, 0.632121, 0.4822);
    drawn = draw((Dist){.kind = DIST_EXPONENTIAL, .a = DURATION_MAX_NS}, NULL, 0);
    assert_true(drawn.greatest == DURATION_MAX_NS);
}

static void test_draw_normal(void **state)
{
    (void)state;
    // P(x <= mean + deviation) = 0.841345, sigma 0.3653.
    Drawn drawn = draw((Dist){.kind = DIST_NORMAL, .a = 50 * MS, .b = 2 * MS}, NULL, 52 * MS);
    check_mean(drawn.mean / MS, 50, 2);
    check_mean(drawn.share, 0.841345, 0.3653);
    // Mean 0.5 deviations above 0: P(x <= 0) = P(z <= -0.5) = 0.308538 are drawn as 0.
    drawn = draw((Dist){.kind = DIST_NORMAL, .a = 5 * MS, .b = 10 * MS}, NULL, 0);
    assert_true(drawn.least == 0);
    check_mean(drawn.share, 0.308538, 0.4619);
    drawn = draw((Dist){.kind = DIST_NORMAL, .a = DURATION_MAX_NS, .b = DURATION_MAX_NS}, NULL, 0);
    assert_true(drawn.greatest == DURATION_MAX_NS);
}

static void test_draw_lognormal(void **state)
{
    (void)state;
    // Sigma 1/2: half are at most the median; the mean is e^(1/8) = 1.133148 medians, the deviation
    // 1.133148 sqrt(e^(1/4) - 1) = 0.603901.
    int64_t half = (int64_t)1 << 31;
    Drawn drawn = draw((Dist){.kind = DIST_LOGNORMAL, .a = 4 * MS, .b = half}, NULL, 4 * MS);
    check_mean(drawn.share, 0.5, 0.5);
    check_mean(drawn.mean / (4 * MS), 1.133148, 0.603901);
    // P(x <= median e^sigma) = 0.841345; e^(1/2) = 1.6487212707.
    drawn = draw((Dist){.kind = DIST_LOGNORMAL, .a = 4 * MS, .b = half}, NULL, 6594885);
    check_mean(drawn.share, 0.841345, 0.3653);
    drawn = draw((Dist){.kind = DIST_LOGNORMAL, .a = 4 * MS, .b = 0}, NULL, 0);
    assert_true(drawn.least == 4 * MS && drawn.greatest == 4 * MS);
}

static void test_draw_pareto(void **state)
{
    (void)state;
    // P(x <= t) = 1 - (min / t)^alpha: with alpha 2, 3/4 are at most 2 min; sigma 0.4330.
    // With alpha 3 the mean is min 3/2 and the variance min^2 3 / (4 * 1).
    int64_t one = (int64_t)1 << 32;
    Drawn drawn = draw((Dist){.kind = DIST_PARETO, .a = 1 * MS, .b = 2 * one}, NULL, 2 * MS);
    assert_true(drawn.least >= 1 * MS && drawn.least < 1 * MS + 1000);
    check_mean(drawn.share, 0.75, 0.4330);
    drawn = draw((Dist){.kind = DIST_PARETO, .a = 1 * MS, .b = 3 * one}, NULL, 0);
    check_mean(drawn.mean / MS, 1.5, 0.8660);
    // Alpha 1/32: P(x <= min 2^32) = 1 - (2^-32)^(1/32) = 1/2, sigma 0.5.
    drawn = draw((Dist){.kind = DIST_PARETO, .a = 1, .b = one / 32}, NULL, one);
    check_mean(drawn.share, 0.5, 0.5);
    drawn = draw((Dist){.kind = DIST_PARETO, .a = 1 * MS, .b = 1}, NULL, 0);
    assert_true(drawn.greatest == DURATION_MAX_NS);
}

static void test_draw_choice(void **state)
{
    (void)state;
    // Weights 3, 0, 1: three quarters are 1 ms, none 2 ms, the rest 20 ms; the mean is 5.75 ms and
    // the deviation 19 sqrt(3/16) = 8.227.
    static const DistChoice choices[] = {
        {999 * MS, 5}, {1 * MS, 3000000}, {2 * MS, 0}, {20 * MS, 1000000}};
    Dist dist = {.kind = DIST_CHOICE, .choice_first = 1, .choice_count = 3};
    Drawn drawn = draw(dist, choices, 1 * MS);
    check_mean(drawn.share, 0.75, 0.4330);
    check_mean(drawn.mean / MS, 5.75, 8.227);
    assert_true(drawn.least == 1 * MS && drawn.greatest == 20 * MS);
    check_mean(draw(dist, choices, 2 * MS).share, 0.75, 0.4330); // none is 2 ms
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcg_vectors),
        cmocka_unit_test(test_splitmix_vectors),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_u64_is_two_u32),
        cmocka_unit_test(test_below_is_fair),
        cmocka_unit_test(test_log2),
        cmocka_unit_test(test_log2_against_digits),
        cmocka_unit_test(test_exp2),
        cmocka_unit_test(test_mul),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_draw_plain),
        cmocka_unit_test(test_draw_exponential),
        cmocka_unit_test(test_draw_normal),
        cmocka_unit_test(test_draw_lognormal),
        cmocka_unit_test(test_draw_pareto),
        cmocka_unit_test(test_draw_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
