#include "sim/base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *duration_text(int64_t ns, char text[static 32])
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};

    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    const char *sign = ns < 0 ? "-" : "";
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t unit = (uint64_t)units[i].ns;
        if (size < unit)
            continue;
        // Four significant digits: fewer decimals the larger the whole part is.
        int decimals = size / unit >= 100 ? 1 : size / unit >= 10 ? 2 : 3;
        uint64_t scale = decimals == 1 ? 10 : decimals == 2 ? 100 : 1000;
        uint64_t scaled = size / unit * scale + (size % unit * scale + unit / 2) / unit;
        char fraction[8];
        snprintf(fraction, sizeof fraction, "%0*" PRIu64, decimals, scaled % scale);
        size_t length = strlen(fraction);
        while (length > 0 && fraction[length - 1] == '0')
            fraction[--length] = '\0';
        snprintf(text, 32, "%s%" PRIu64 "%s%s %s", sign, scaled / scale, length > 0 ? "." : "",
                 fraction, units[i].name);
        return text;
    }
    snprintf(text, 32, "%s%" PRIu64 " ns", sign, size);
    return text;
}
