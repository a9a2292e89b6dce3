// An arena: memory that is freed whole. One for a scenario, one for a run, one for a frame.
// Not thread-safe; not for things that grow often (see array.h).
#pragma once
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    ArenaBlock *block;
    size_t bytes; // allocated from the system so far
} Arena;

// Zeroed memory, aligned for any type. Aborts when the system has none left.
void *arena_alloc(Arena *arena, size_t bytes);
// A zero-terminated copy of text[0..length).
char *arena_text(Arena *arena, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) char *arena_format(Arena *arena, const char *format, ...);
char *arena_vformat(Arena *arena, const char *format, va_list values);
// Empties the arena and keeps its memory, as one block: what is filled again to the same level,
// like a frame, then allocates nothing.
void arena_reset(Arena *arena);
// Frees everything; the arena may be used again.
void arena_free(Arena *arena);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))
