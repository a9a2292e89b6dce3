#include "sim/analysis/deed.h"

// Whether a thread wakes others because of this record.
static bool wakes_others(unsigned kind)
{
    switch ((EventKind)kind) {
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_READ_RELEASED:
    case EVENT_RELEASED:
    case EVENT_NOTIFIED:
    case EVENT_EVENT_SET:
    case EVENT_BARRIER_OPENED:
    case EVENT_BARRIER_BROKEN:
    case EVENT_QUEUE_PUT:
    case EVENT_QUEUE_GOT:
    case EVENT_PIPE_WRITTEN:
    case EVENT_PIPE_READ:
    case EVENT_PIPE_CLOSED:
    case EVENT_MESSAGE_SENT:
    case EVENT_MESSAGE_RECEIVED:
    case EVENT_TASK_EXITED:
    case EVENT_POOL_RESULT:
    case EVENT_EXECUTOR_DONE:
    case EVENT_WORLD_STARTED:
    case EVENT_SIGNAL_SENT:
    case EVENT_OUT_OF_MEMORY:
    case EVENT_GIL_TAKEN:
    case EVENT_GIL_DROPPED:
    case EVENT_GIL_RELEASED:
        return true;
    default:
        return false;
    }
}

uint64_t deed_of_wakeup(const Recording *recording, uint64_t wakeup, uint64_t most)
{
    uint64_t waker = recording_at(recording, wakeup)->a, stop = wakeup > most ? wakeup - most : 0;
    for (uint64_t i = wakeup; i > stop; i--) {
        const TraceRecord *record = recording_at(recording, i - 1);
        if (record->task != waker)
            continue;
        if (wakes_others(record->kind))
            return i - 1;
        if (record->kind == EVENT_OP_BEGUN || record->kind == EVENT_TASK_CREATED)
            break;
    }
    return wakeup;
}
