#include "sim/base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *size_text(uint64_t bytes, char text[static 32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    while (unit < 6 && bytes >> 10 * (unit + 1) != 0)
        unit++;
    uint64_t one = UINT64_C(1) << 10 * unit, whole = bytes / one, rest = bytes % one;
    int decimals = unit == 0 || whole >= 1000 ? 0 : whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
    uint64_t scale = decimals == 0 ? 1 : decimals == 1 ? 10 : decimals == 2 ? 100 : 1000;
    // Rounded to the decimals; `rest` is below 2^60, so it is shortened before it is scaled.
    unsigned shift = 10 * unit > 40 ? 10 * unit - 40 : 0;
    uint64_t fraction = ((rest >> shift) * scale + (one >> shift) / 2) / (one >> shift);
    whole += fraction / scale;
    fraction %= scale;
    if (whole == 1024 && fraction == 0 && unit < 6) {
        whole = 1;
        unit++;
    }
    int length = snprintf(text, 32, "%" PRIu64, whole);
    if (fraction > 0) {
        length += snprintf(text + length, 32 - (size_t)length, ".%0*" PRIu64, decimals, fraction);
        while (text[length - 1] == '0')
            length--;
    }
    snprintf(text + length, 32 - (size_t)length, " %s", units[unit]);
    return text;
}
