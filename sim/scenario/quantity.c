#include "sim/scenario/quantity.h"

#include "sim/base/time.h"

#include <string.h>

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},       {"us", 1000},      {"\xC2\xB5s", 1000},  {"\xCE\xBCs", 1000},
    {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000}, {"h", 3600000000000},
};

const char *const quantity_time_units[] = {"ns", "us", "ms", "s", "min", "h", NULL};

// A decimal as written: whole + fraction / 10^decimals, trailing zeros of the fraction dropped.
typedef struct Decimal {
    uint64_t whole, fraction;
    unsigned decimals;
    const char *unit; // what follows, blanks skipped
    size_t unit_length;
} Decimal;

enum { DECIMALS_MAX = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Takes digits (with _ between them) from *at; false above 64 bits. *count is how many.
static bool digits(const char **at, const char *end, uint64_t *value, unsigned *count)
{
    *value = 0;
    *count = 0;
    const char *p = *at;
    bool good = true;
    while (p < end &&
           (is_digit(*p) || (*p == '_' && *count > 0 && p + 1 < end && is_digit(p[1])))) {
        if (*p != '_') {
            uint64_t digit = (uint64_t)(*p - '0');
            good = good && *value <= (UINT64_MAX - digit) / 10;
            if (good)
                *value = *value * 10 + digit;
            ++*count;
        }
        p++;
    }
    *at = p;
    return good;
}

static QuantityError decimal_fraction(const char **at, const char *end, Decimal *decimal)
{
    const char *last = *at; // behind the last digit that is not 0
    for (const char *p = *at; p < end && is_digit(*p); p++)
        if (*p != '0')
            last = p + 1;
    unsigned count = 0;
    const char *start = *at;
    if (last - start > DECIMALS_MAX)
        return QUANTITY_TOO_PRECISE;
    digits(at, last, &decimal->fraction, &decimal->decimals);
    while (*at < end && is_digit(**at))
        ++*at;
    count = (unsigned)(*at - start);
    return count > 0 ? QUANTITY_GOOD : QUANTITY_NOT_A_NUMBER;
}

static QuantityError decimal_parse(const char *text, size_t length, Decimal *decimal)
{
    const char *at = text, *end = text + length;
    while (at < end && *at == ' ')
        at++;
    while (end > at && end[-1] == ' ')
        end--;
    *decimal = (Decimal){0};
    if (end - at >= 2 && *at == '-' && is_digit(at[1]))
        return QUANTITY_NEGATIVE;
    unsigned count = 0;
    if (at == end || !is_digit(*at))
        return QUANTITY_NOT_A_NUMBER;
    bool fits = digits(&at, end, &decimal->whole, &count);
    if (at < end && *at == '.') {
        at++;
        QuantityError error = decimal_fraction(&at, end, decimal);
        if (error != QUANTITY_GOOD)
            return error;
    }
    while (at < end && *at == ' ')
        at++;
    decimal->unit = at;
    decimal->unit_length = (size_t)(end - at);
    // A unit is a word: "12abc3" is no number with a unit, "1.2.3" neither.
    for (; at < end; at++)
        if (is_digit(*at) || *at == '.' || *at == ' ' || *at == '(')
            return QUANTITY_NOT_A_NUMBER;
    return fits ? QUANTITY_GOOD : QUANTITY_TOO_LARGE;
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

QuantityError quantity_duration(const char *text, size_t length, int64_t *ns)
{
    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    if (decimal.unit_length == 0)
        return QUANTITY_NO_UNIT;
    uint64_t unit = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == decimal.unit_length &&
            memcmp(units[i].name, decimal.unit, decimal.unit_length) == 0)
            unit = (uint64_t)units[i].ns;
    if (unit == 0)
        return QUANTITY_BAD_UNIT;
    if (decimal.whole > (uint64_t)DURATION_MAX_NS / unit)
        return QUANTITY_TOO_LARGE;
    // fraction * unit / 10^decimals, exactly or not at all: with the common factor of unit and
    // 10^decimals taken out, the rest of 10^decimals must divide the fraction.
    uint64_t scale = power_of_ten(decimal.decimals);
    uint64_t common = greatest_divisor(unit, scale);
    if (decimal.fraction % (scale / common) != 0)
        return QUANTITY_TOO_PRECISE;
    uint64_t value = decimal.whole * unit + decimal.fraction / (scale / common) * (unit / common);
    if (value > (uint64_t)DURATION_MAX_NS)
        return QUANTITY_TOO_LARGE;
    *ns = (int64_t)value;
    return QUANTITY_GOOD;
}

QuantityError quantity_count(const char *text, size_t length, uint64_t *value)
{
    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    uint64_t factor = 1;
    if (decimal.unit_length > 0) {
        const char *suffix = decimal.unit_length == 1 ? strchr("kMG", *decimal.unit) : NULL;
        if (suffix == NULL)
            return QUANTITY_BAD_UNIT;
        factor = *suffix == 'k' ? 1000 : *suffix == 'M' ? 1000000 : 1000000000;
    }
    uint64_t scale = power_of_ten(decimal.decimals);
    if (factor % scale != 0)
        return QUANTITY_TOO_PRECISE;
    uint64_t fraction = decimal.fraction * (factor / scale);
    if (decimal.whole > (UINT64_MAX - fraction) / factor)
        return QUANTITY_TOO_LARGE;
    *value = decimal.whole * factor + fraction;
    return QUANTITY_GOOD;
}

QuantityError quantity_size(const char *text, size_t length, uint64_t *bytes)
{
    static const struct {
        const char *name;
        unsigned shift;
    } sizes[] = {{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    if (decimal.unit_length == 0)
        return QUANTITY_NO_UNIT;
    unsigned shift = 64;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strlen(sizes[i].name) == decimal.unit_length &&
            memcmp(sizes[i].name, decimal.unit, decimal.unit_length) == 0)
            shift = sizes[i].shift;
    if (shift == 64)
        return QUANTITY_BAD_UNIT;
    if (decimal.whole >= UINT64_C(1) << (62 - shift))
        return QUANTITY_TOO_LARGE;
    // As for durations: the fraction is whole bytes, or it is refused.
    uint64_t unit = UINT64_C(1) << shift, scale = power_of_ten(decimal.decimals);
    uint64_t common = greatest_divisor(unit, scale);
    if (decimal.fraction % (scale / common) != 0)
        return QUANTITY_TOO_PRECISE;
    *bytes = decimal.whole * unit + decimal.fraction / (scale / common) * (unit / common);
    return QUANTITY_GOOD;
}

QuantityError quantity_q32(const char *text, size_t length, int64_t *q32)
{
    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    if (decimal.unit_length > 0)
        return QUANTITY_BAD_UNIT;
    if (decimal.decimals > 9)
        return QUANTITY_TOO_PRECISE;
    if (decimal.whole >= 1u << 30)
        return QUANTITY_TOO_LARGE;
    uint64_t scale = power_of_ten(decimal.decimals); // fraction < 10^9 < 2^30, so << 32 fits
    *q32 = (int64_t)((decimal.whole << 32) + ((decimal.fraction << 32) + scale / 2) / scale);
    return QUANTITY_GOOD;
}

QuantityError quantity_chance(const char *text, size_t length, uint32_t *parts)
{
    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    bool percent = decimal.unit_length == 1 && *decimal.unit == '%';
    if (decimal.unit_length > 0 && !percent)
        return QUANTITY_BAD_UNIT;
    if (decimal.decimals > 7)
        return QUANTITY_TOO_PRECISE;
    uint64_t one = power_of_ten(decimal.decimals) * (percent ? 100 : 1); // at most 10^9
    if (decimal.whole > 100)
        return QUANTITY_TOO_LARGE;
    uint64_t value = decimal.whole * power_of_ten(decimal.decimals) + decimal.fraction;
    if (value > one)
        return QUANTITY_TOO_LARGE;
    *parts = (uint32_t)((value * UINT32_MAX + one / 2) / one);
    return QUANTITY_GOOD;
}

QuantityError quantity_micro(const char *text, size_t length, uint64_t *millionths)
{
    Decimal decimal;
    QuantityError error = decimal_parse(text, length, &decimal);
    if (error != QUANTITY_GOOD)
        return error;
    if (decimal.unit_length > 0)
        return QUANTITY_BAD_UNIT;
    if (decimal.decimals > 6)
        return QUANTITY_TOO_PRECISE;
    if (decimal.whole > 1000000000)
        return QUANTITY_TOO_LARGE;
    *millionths = decimal.whole * 1000000 + decimal.fraction * power_of_ten(6 - decimal.decimals);
    return QUANTITY_GOOD;
}
