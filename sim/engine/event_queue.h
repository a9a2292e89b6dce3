// The event queue: for each slot (a core, or the outside world) the key of its earliest event, and
// a winner tree that knows the slot whose key is least. A slot looks after its own later events
// (its timers are in a TimerHeap); this tree only answers "who is next".
//
// What equal times mean: events at one instant are ordered by class, in the order of EventClass,
// and within a class by slot. A core decides what to run (DISPATCH) after everything else of that
// instant, so that a job that ends and a job that arrives at one instant are both seen.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum EventClass {
    CLASS_SEGMENT,  // a piece of work on a core is done
    CLASS_SLICE,    // an exact time slice is used up
    CLASS_TICK,     // the timer tick
    CLASS_TIMER,    // sleepers' timers
    CLASS_ARRIVAL,  // threads start
    CLASS_DISPATCH, // a core decides what to run
    CLASS_END,      // the end of simulated time
    CLASS_COUNT
} EventClass;

// Time and class in one number: time in ns * 8 + class. Times stay below DURATION_MAX_NS.
typedef int64_t EventKey;

#define EVENT_KEY_NEVER INT64_MAX

_Static_assert(CLASS_COUNT <= 8, "a class needs three bits of the key");
_Static_assert(DURATION_MAX_NS < INT64_MAX / 16, "a time and its class fit in a key");

static inline EventKey event_key(Instant time, EventClass class)
{
    return time.ns >= DURATION_MAX_NS * 2 ? EVENT_KEY_NEVER : time.ns * 8 + class;
}

static inline Instant event_key_time(EventKey key)
{
    return (Instant){key >> 3};
}

static inline EventClass event_key_class(EventKey key)
{
    return (EventClass)(key & 7);
}

typedef struct EventQueue {
    uint32_t slots, leaves; // leaves: slots rounded up to a power of two
    EventKey *keys;         // one a leaf; unused leaves are EVENT_KEY_NEVER
    uint16_t *winners;      // winners[1] is the root; winners[n]'s children are 2n and 2n + 1
} EventQueue;

// All slots start at EVENT_KEY_NEVER. At most 65,535 slots.
void event_queue_init(EventQueue *queue, Arena *arena, uint32_t slots);
void event_queue_set(EventQueue *queue, uint32_t slot, EventKey key);

static inline uint32_t event_queue_first(const EventQueue *queue)
{
    return queue->winners[1];
}

static inline EventKey event_queue_key(const EventQueue *queue, uint32_t slot)
{
    return queue->keys[slot];
}
