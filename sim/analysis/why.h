// Why a thread is not getting on: what it waits for, who has that, what that one waits for in turn,
// down to a thread that runs, a timer, an interrupt, or a circle. And afterwards: how a wait ended,
// and what those did meanwhile whose turn it had to be first. Every sentence follows from the trace
// and the scenario; where they do not tell, the sentence says less.
#pragma once
#include "sim/analysis/recording.h"
#include "sim/base/arena.h"

typedef struct WhyLine {
    const char *text;   // one sentence, without a line end; in the Why's arena
    uint32_t task;      // whom it is about
    uint32_t depth;     // 0: the thread that was asked about; 1: what that one waits for, and so on
    uint32_t coroutine; // whom it is about, when that is a coroutine of the thread `task`: its
                        // serial; 0
} WhyLine;

enum { WHY_LINES_MAX = 24 };

typedef struct Why {
    Arena arena;
    WhyLine lines[WHY_LINES_MAX];
    uint32_t count;
    bool circle; // they wait for each other: a deadlock
} Why;

// Zero-initialise a Why before the first use; each of these begins it anew.

// At the scene's instant. Says nothing of what comes later.
void why_now(Why *why, const Recording *recording, const Scene *scene, uint32_t task);
// The same of a coroutine by its serial: what it awaits, or what the loop does instead of resuming
// it. (why_python.c)
void why_coroutine_now(Why *why, const Recording *recording, const Scene *scene, uint32_t serial);
// Of the wait of `task` that lasts at the scene's instant, blocked or runnable: how long it took
// in all, how it ended, and what was done meanwhile that it had to wait for. False, and no lines,
// when the thread does not wait then.
bool why_so_long(Why *why, const Recording *recording, const Scene *scene, uint32_t task);
// The same of a coroutine that does not run at the scene's instant. (why_python_past.c)
bool why_coroutine_so_long(Why *why, const Recording *recording, const Scene *scene,
                           uint32_t serial);
void why_clear(Why *why); // empties it and keeps its memory
void why_free(Why *why);
