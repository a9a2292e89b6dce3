// Who could end a wait that nobody in particular is responsible for: the threads whose program, as
// the scenario has it, contains the operation that does. They could; whether and when they will is
// another question, which the trace answers.
#pragma once
#include "sim/analysis/scene.h"
#include "sim/base/arena.h"

typedef struct Wakers {
    const char *deed; // "puts an item into"; NULL: no thread ends such a wait
    bool *may;        // by ThreadDefId - 1; in the arena
} Wakers;

// Of `task`, which waits in `scene`.
Wakers wakers_of(Arena *arena, const Scene *scene, const SceneTask *task);
// Of who waits at this end of a pipe, with a stream.
Wakers wakers_of_stream(Arena *arena, const Scene *scene, uint32_t pipe, PipeEnd end);
