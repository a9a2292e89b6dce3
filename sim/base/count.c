#include "sim/base/count.h"

#include <stddef.h>

char *count_text(uint64_t count, char text[static 32])
{
    char digits[32];
    size_t length = 0;
    do {
        if (length % 4 == 3)
            digits[length++] = ',';
        digits[length++] = (char)('0' + count % 10);
        count /= 10;
    } while (count > 0);
    for (size_t i = 0; i < length; i++)
        text[i] = digits[length - 1 - i];
    text[length] = 0;
    return text;
}
