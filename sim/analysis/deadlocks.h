// The members of a run's deadlocks in words: who waits for what, who has that, and why nothing will
// ever change. From finished metrics, which have collected the members; not a search for circles.
#pragma once
#include "sim/analysis/metrics.h"
#include "sim/base/arena.h"

// Why a member never goes on. X(ID, "word for JSON")
#define DEADLOCK_CAUSES(X)                                                                         \
    X(CIRCLE, "circle") /* it waits for others, and they in turn for it */                         \
    X(ITSELF, "itself") /* for what it has itself, or for its own end */                           \
    X(ENDED, "ended")   /* for what a thread has that has ended */                                 \
    X(FORKED, "forked") /* for its process's copy of what another process's thread had then */     \
    X(STUCK, "stuck")   /* for what a thread has, or its end, and that one never goes on either */ \
    X(NOBODY, "nobody") /* for what nobody has, and nobody is left to bring */

typedef enum DeadlockCause {
#define X(id, word) DEADLOCK_##id,
    DEADLOCK_CAUSES(X)
#undef X
        DEADLOCK_CAUSE_COUNT
} DeadlockCause;

// Members that stand next to each other and belong together: one circle, or one cause.
typedef struct DeadlockGroup {
    DeadlockCause cause;
    size_t first, count; // into metrics->deadlocks
} DeadlockGroup;

const char *deadlock_cause_word(DeadlockCause cause);

// The group that begins with member `first` of metrics->deadlocks.
DeadlockGroup deadlock_group(const Metrics *metrics, size_t first);
// "2 threads wait for each other in a circle", in `arena`.
const char *deadlock_group_text(const Metrics *metrics, DeadlockGroup group, Arena *arena);
// "plato waits for lock fork2 (five.yaml:9), which kant holds (five.yaml:8)", in `arena`.
const char *deadlock_member_text(const Metrics *metrics, size_t member, DeadlockCause cause,
                                 Arena *arena);
// All of it on one line, the first twelve members, in `arena`; "" when there was no deadlock.
const char *deadlocks_text(const Metrics *metrics, Arena *arena);
