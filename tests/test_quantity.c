// Numbers and units, exactly.
#include "sim/base/time.h"
#include "sim/scenario/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static int64_t duration(const char *text)
{
    int64_t ns = -1;
    assert_int_equal(quantity_duration(text, strlen(text), &ns), QUANTITY_GOOD);
    return ns;
}

static QuantityError duration_error(const char *text)
{
    int64_t ns;
    return quantity_duration(text, strlen(text), &ns);
}

static void durations_are_exact(void **state)
{
    (void)state;
    assert_int_equal(duration("5ms"), 5000000);
    assert_int_equal(duration("1.5ms"), 1500000);
    assert_int_equal(duration("0s"), 0);
    assert_int_equal(duration("0.1s"), 100000000); // not 99999999, as binary fractions might give
    assert_int_equal(duration("0.3us"), 300);
    assert_int_equal(duration("7ns"), 7);
    assert_int_equal(duration("1.0ns"), 1);
    assert_int_equal(duration("2min"), 120000000000);
    assert_int_equal(duration("0.5h"), 1800000000000);
    assert_int_equal(duration("1.000001ms"), 1000001);
    assert_int_equal(duration("0.000000000025h"), 90); // 3.6e12 ns * 25e-12
    assert_int_equal(duration("3\xC2\xB5s"), 3000);    // µ as a sign
    assert_int_equal(duration("3\xCE\xBCs"), 3000);    // µ as a Greek letter
    assert_int_equal(duration(" 5 ms "), 5000000);
    assert_int_equal(duration("1_000us"), 1000000);
    assert_int_equal(duration("87600h"), DURATION_MAX_NS); // ten years of 365 days
}

static void what_is_no_duration_says_why(void **state)
{
    (void)state;
    assert_int_equal(duration_error("5"), QUANTITY_NO_UNIT);
    assert_int_equal(duration_error("0"), QUANTITY_NO_UNIT);
    assert_int_equal(duration_error("5sec"), QUANTITY_BAD_UNIT);
    assert_int_equal(duration_error("5MS"), QUANTITY_BAD_UNIT);
    assert_int_equal(duration_error("5%"), QUANTITY_BAD_UNIT);
    assert_int_equal(duration_error("-5ms"), QUANTITY_NEGATIVE);
    assert_int_equal(duration_error("1.5ns"), QUANTITY_TOO_PRECISE);
    assert_int_equal(duration_error("0.0000000000001h"), QUANTITY_TOO_PRECISE); // 0.36 ns
    assert_int_equal(duration_error("0.0000000000000000001s"), QUANTITY_TOO_PRECISE);
    assert_int_equal(duration_error("87600.1h"), QUANTITY_TOO_LARGE);
    assert_int_equal(duration_error("99999999999999999999s"), QUANTITY_TOO_LARGE);
    assert_int_equal(duration_error("18446744073709551615h"), QUANTITY_TOO_LARGE);
    static const char *const words[] = {"",     " ",   "ms",  "five ms", "1.2.3s", "1s 5ms",
                                        "1.ms", ".5s", "1s2", "_1s",     "1__0s",  "+1s"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_not_equal(duration_error(words[i]), QUANTITY_GOOD);
}

static void counts_have_thousands(void **state)
{
    (void)state;
    uint64_t value;
    assert_int_equal(quantity_count("1_000_000", 9, &value), QUANTITY_GOOD);
    assert_int_equal(value, 1000000);
    assert_int_equal(quantity_count("2.5k", 4, &value), QUANTITY_GOOD);
    assert_int_equal(value, 2500);
    assert_int_equal(quantity_count("3G", 2, &value), QUANTITY_GOOD);
    assert_int_equal(value, 3000000000);
    assert_int_equal(quantity_count("18446744073709551615", 20, &value), QUANTITY_GOOD);
    assert_true(value == UINT64_MAX);
    assert_int_equal(quantity_count("18446744073709551616", 20, &value), QUANTITY_TOO_LARGE);
    assert_int_equal(quantity_count("18446744073709551k", 18, &value), QUANTITY_GOOD);
    assert_int_equal(quantity_count("18446744073709552k", 18, &value), QUANTITY_TOO_LARGE);
    assert_int_equal(quantity_count("1.5", 3, &value), QUANTITY_TOO_PRECISE);
    assert_int_equal(quantity_count("5x", 2, &value), QUANTITY_BAD_UNIT);
    assert_int_equal(quantity_count("-5", 2, &value), QUANTITY_NEGATIVE);
}

static void chances_and_factors_are_fixed_point(void **state)
{
    (void)state;
    uint32_t parts;
    assert_int_equal(quantity_chance("100%", 4, &parts), QUANTITY_GOOD);
    assert_true(parts == UINT32_MAX);
    assert_int_equal(quantity_chance("1", 1, &parts), QUANTITY_GOOD);
    assert_true(parts == UINT32_MAX);
    assert_int_equal(quantity_chance("0", 1, &parts), QUANTITY_GOOD);
    assert_true(parts == 0);
    // 0.3 * (2^32 - 1) = 1288490188.5, and a half rounds up.
    assert_int_equal(quantity_chance("30%", 3, &parts), QUANTITY_GOOD);
    assert_true(parts == 1288490189);
    assert_int_equal(quantity_chance("0.3", 3, &parts), QUANTITY_GOOD);
    assert_true(parts == 1288490189);
    assert_int_equal(quantity_chance("30", 2, &parts), QUANTITY_TOO_LARGE);
    assert_int_equal(quantity_chance("100.1%", 6, &parts), QUANTITY_TOO_LARGE);

    int64_t q32;
    assert_int_equal(quantity_q32("0.5", 3, &q32), QUANTITY_GOOD);
    assert_true(q32 == (int64_t)1 << 31);
    assert_int_equal(quantity_q32("3", 1, &q32), QUANTITY_GOOD);
    assert_true(q32 == (int64_t)3 << 32);
    // 0.1 * 2^32 = 429496729.6
    assert_int_equal(quantity_q32("0.1", 3, &q32), QUANTITY_GOOD);
    assert_true(q32 == 429496730);
    assert_int_equal(quantity_q32("0.1234567891", 12, &q32), QUANTITY_TOO_PRECISE);

    uint64_t millionths;
    assert_int_equal(quantity_micro("2.5", 3, &millionths), QUANTITY_GOOD);
    assert_true(millionths == 2500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_exact),
        cmocka_unit_test(what_is_no_duration_says_why),
        cmocka_unit_test(counts_have_thousands),
        cmocka_unit_test(chances_and_factors_are_fixed_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
