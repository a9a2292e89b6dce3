#include "sim/base/array.h"

#include "sim/base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *array_grow(void *items, size_t *count, size_t *capacity, size_t item_bytes)
{
    if (*count == *capacity) {
        size_t larger = *capacity == 0 ? 8 : *capacity + *capacity / 2;
        CHECKF(larger <= SIZE_MAX / item_bytes, "%zu items", larger);
        items = realloc(items, larger * item_bytes);
        CHECKF(items != NULL, "out of memory for %zu items of %zu bytes", larger, item_bytes);
        *capacity = larger;
    }
    memset((unsigned char *)items + *count * item_bytes, 0, item_bytes);
    ++*count;
    return items;
}

void array_free(void *items)
{
    free(items);
}
