// Growable arrays: ARRAY(int) numbers = {0}; *ARRAY_PUSH(&numbers) = 7; numbers.at[0].
// ARRAY_FREE frees. Growing moves the items: keep indexes, not pointers.
#pragma once
#include <stddef.h>

#define ARRAY(type)                                                                                \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t count, capacity;                                                                    \
    }

// A pointer to a new, zeroed last item. Aborts when the system has no memory left.
#define ARRAY_PUSH(array)                                                                          \
    ((array)->at =                                                                                 \
         array_grow((array)->at, &(array)->count, &(array)->capacity, sizeof *(array)->at),        \
     &(array)->at[(array)->count - 1])

// The same without the pointer: one more item, zeroed.
#define ARRAY_EXTEND(array)                                                                        \
    ((array)->at =                                                                                 \
         array_grow((array)->at, &(array)->count, &(array)->capacity, sizeof *(array)->at))

// `more` further items at once, whose content is undefined.
#define ARRAY_EXTEND_BY(array, more)                                                               \
    ((array)->at = array_grow_by((array)->at, &(array)->count, &(array)->capacity,                 \
                                 sizeof *(array)->at, (more)))

#define ARRAY_POP(array) ((array)->at[--(array)->count])

#define ARRAY_FREE(array)                                                                          \
    do {                                                                                           \
        array_free((array)->at);                                                                   \
        (array)->at = NULL;                                                                        \
        (array)->count = (array)->capacity = 0;                                                    \
    } while (0)

// Used by the macros: makes room for one more item of `item_bytes`, zeroes and counts it.
void *array_grow(void *items, size_t *count, size_t *capacity, size_t item_bytes);
// The same for `more` items, without zeroing them.
void *array_grow_by(void *items, size_t *count, size_t *capacity, size_t item_bytes, size_t more);
void array_free(void *items);
