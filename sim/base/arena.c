#include "sim/base/arena.h"

#include "sim/base/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct ArenaBlock {
    ArenaBlock *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(Arena *arena, size_t bytes)
{
    size_t align = alignof(max_align_t);
    CHECKF(bytes <= SIZE_MAX / 2, "%zu", bytes);
    bytes = (bytes + align - 1) / align * align;
    ArenaBlock *block = arena->block;
    if (block == NULL || block->size - block->used < bytes) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        ArenaBlock *fresh = calloc(1, sizeof *fresh + size);
        CHECKF(fresh != NULL, "out of memory for %zu bytes", size);
        fresh->size = size;
        arena->bytes += size;
        // A large request gets a block of its own behind the current one, which stays in use.
        if (block != NULL && bytes > BLOCK_BYTES) {
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->block = fresh;
        }
        block = fresh;
    }
    void *memory = block->data + block->used;
    block->used += bytes;
    return memory;
}

char *arena_text(Arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_vformat(Arena *arena, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    CHECK(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *text = arena_vformat(arena, format, values);
    va_end(values);
    return text;
}

void arena_reset(Arena *arena)
{
    ArenaBlock *block = arena->block;
    if (block == NULL)
        return;
    if (block->next != NULL) {
        size_t bytes = arena->bytes;
        arena_free(arena);
        arena_alloc(arena, bytes);
        block = arena->block;
    }
    memset(block->data, 0, block->used);
    block->used = 0;
}

void arena_free(Arena *arena)
{
    ArenaBlock *block = arena->block;
    while (block != NULL) {
        ArenaBlock *next = block->next;
        free(block);
        block = next;
    }
    *arena = (Arena){0};
}
