#include "sim/base/array.h"

#include "sim/base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *array_grow_by(void *items, size_t *count, size_t *capacity, size_t item_bytes, size_t more)
{
    CHECKF(more <= SIZE_MAX - *count, "%zu items more", more);
    size_t needed = *count + more;
    if (needed > *capacity) {
        size_t larger = *capacity < 8 ? 8 : *capacity + *capacity / 2;
        larger = larger < needed ? needed : larger;
        CHECKF(larger <= SIZE_MAX / item_bytes, "%zu items", larger);
        items = realloc(items, larger * item_bytes);
        CHECKF(items != NULL, "out of memory for %zu items of %zu bytes", larger, item_bytes);
        *capacity = larger;
    }
    *count = needed;
    return items;
}

void *array_grow(void *items, size_t *count, size_t *capacity, size_t item_bytes)
{
    items = array_grow_by(items, count, capacity, item_bytes, 1);
    memset((unsigned char *)items + (*count - 1) * item_bytes, 0, item_bytes);
    return items;
}

void array_free(void *items)
{
    free(items);
}
