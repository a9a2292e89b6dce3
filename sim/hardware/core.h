// A core: what it executes at the moment, and what will interrupt it. It knows no scheduler: the
// kernel tells it what to run. Work is a segment of user or kernel time; an interrupt stretches it.
#pragma once
#include "sim/base/ids.h"
#include "sim/base/time.h"
#include "sim/engine/event_queue.h"
#include "sim/engine/timer_heap.h"

#include <stdbool.h>

typedef struct Core {
    TaskId current;         // none: idle
    Instant segment_end;    // when the current segment is done if nothing interrupts it
    Instant irq_until;      // interrupts have this core until then
    Instant next_tick;      // INSTANT_NEVER: no tick is due
    Instant slice_end;      // an exact slice of the policy; INSTANT_NEVER when there is none
    Instant due;            // the policies want to be called; INSTANT_NEVER when none does
    Instant dispatch_at;    // when it decides what to run; INSTANT_NEVER: no reason to
    bool switching;         // the segment is the cost of the context switch to `current`
    bool in_kernel;         // the segment is kernel time (switching included)
    bool spinning;          // the segment is a busy wait: it has no length
    bool resched;           // a decision is asked for (need_resched); dispatch_at says when
    uint8_t resched_reason; // SwitchReason for the task that it takes off the core
    TimerHeap timers;       // by latest expiry
} Core;

// The key of the core's earliest event. `timer_latency`: from a timer's expiry to its interrupt.
static inline EventKey core_next_key(const Core *core, Instant now, Duration timer_latency)
{
    EventKey key = event_key(core->dispatch_at, CLASS_DISPATCH);
    EventKey other;
    if (core->current.index1 != 0) {
        other = event_key(core->segment_end, CLASS_SEGMENT);
        key = other < key ? other : key;
        other = event_key(core->slice_end, CLASS_SLICE);
        key = other < key ? other : key;
    }
    other = event_key(core->due.ns < core->next_tick.ns ? core->due : core->next_tick, CLASS_TICK);
    key = other < key ? other : key;
    const TimerEntry *timer = timer_heap_first(&core->timers);
    if (timer != 0) {
        // A core that fell idle may see a timer later than it would have when busy, never earlier
        // than now.
        Instant due = {timer->time_ns + timer_latency.ns};
        other = event_key(due.ns < now.ns ? now : due, CLASS_TIMER);
        key = other < key ? other : key;
    }
    return key;
}

// When the interrupts that have the core at `now` are over: `now` when there are none.
static inline Instant core_free_at(const Core *core, Instant now)
{
    return core->irq_until.ns > now.ns ? core->irq_until : now;
}

// An interrupt takes `cost` from whoever runs on the core, beginning at `now` or behind the
// interrupts already under way. Returns when it is over.
static inline Instant core_interrupt(Core *core, Instant now, Duration cost)
{
    core->irq_until = instant_add(core_free_at(core, now), cost);
    // Who only waits for the decision has no segment to stretch.
    if (core->current.index1 != 0 && core->segment_end.ns != INSTANT_NEVER.ns)
        core->segment_end = instant_add(core->segment_end, cost);
    return core->irq_until;
}
