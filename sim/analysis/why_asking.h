// What the files that answer "why?" of an instant share: the question while it is answered, and how
// a sentence is added. Not for readers.
#pragma once
#include "sim/analysis/why.h"

enum { WHY_DEPTH_MAX = 12, WHY_NAMED_MAX = 3 };

// The question, while it is answered.
typedef struct Asking {
    Why *why;
    const Recording *recording;
    const Scene *scene;
    // Those whose reasons are being told: each waits for the next. `only`: for that one and nobody
    // else, whatever the others do.
    uint32_t chain[WHY_DEPTH_MAX];
    bool only[WHY_DEPTH_MAX];
    uint32_t depth;
    uint32_t coroutines[WHY_DEPTH_MAX]; // serials, where it is a coroutine's reasons; 0
    uint32_t coroutine; // serial of the one that is being told of; 0: it is a thread
} Asking;

// Texts of the Why's arena. "hog-2"; a length of time or an instant; an argument as in sentences.
const char *why_name(const Asking *asking, uint32_t task);
const char *why_time(const Asking *asking, int64_t ns);
const char *why_argument(const Asking *asking, ArgType type, uint64_t value);
// "lock cache", "queue jobs"; a forked process's own one with whose it is: "lock child/cache".
const char *why_sync(const Asking *asking, uint32_t number);

// A sentence about `task`, one deeper than that about who waits for it.
__attribute__((format(printf, 3, 4))) void why_say(Asking *asking, uint32_t task,
                                                   const char *format, ...);
// Why `task` is where it is, one step deeper. `only`: the one above waits for this one and nothing
// else can end that.
void why_reason(Asking *asking, uint32_t task, bool only);

// ---- why_python.c

// Of a thread that waits for the GIL, has dropped it on request, or polls for its loop; false: it
// does none of these.
bool why_tell_python(Asking *asking, uint32_t task);
// Behind what has been said of a thread that runs or is runnable: that it needs a GIL all the same.
void why_tell_needs_gil(Asking *asking, uint32_t task);
// What the loop of the coroutine does instead of calling something else.
void why_tell_loop(Asking *asking, const SceneCoroutine *coroutine);
// "task_a #2"; "#2" of one that has ended.
const char *why_coroutine_name(const Asking *asking, uint32_t serial);

// ---- why_work.c: waits for what was handed over

// Of a thread that waits for the result of an executor's item or of a pool's items, or for work of
// those; false: it does none of these.
bool why_tell_work(Asking *asking, uint32_t task);
// Of a coroutine of the loop of `thread` that awaits an item of an executor, or waits for a stream.
void why_tell_item(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread);
void why_tell_stream(Asking *asking, const SceneCoroutine *coroutine, uint32_t thread);
