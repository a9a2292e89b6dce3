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

#define ARRAY_POP(array) ((array)->at[--(array)->count])

#define ARRAY_FREE(array)                                                                          \
    do {                                                                                           \
        array_free((array)->at);                                                                   \
        (array)->at = NULL;                                                                        \
        (array)->count = (array)->capacity = 0;                                                    \
    } while (0)

// Used by the macros: makes room for one more item of `item_bytes`, zeroes and counts it.
void *array_grow(void *items, size_t *count, size_t *capacity, size_t item_bytes);
void array_free(void *items);
