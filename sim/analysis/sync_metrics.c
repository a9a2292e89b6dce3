#include "sim/analysis/sync_metrics.h"

#include <string.h>

void sync_metrics_open(SyncMetrics *metrics, const SyncDef *def, int64_t now_ns)
{
    *metrics = (SyncMetrics){.begun_ns = now_ns, .level_since_ns = now_ns};
    if (def->kind == SYNC_SEMAPHORE)
        metrics->level = metrics->level_min = metrics->level_max = def->parameter;
}

void sync_metrics_free(SyncMetrics *metrics)
{
    samples_free(&metrics->waits);
    samples_free(&metrics->holds);
    ARRAY_FREE(&metrics->holders);
    ARRAY_FREE(&metrics->awaiting);
}

void sync_metrics_copy(SyncMetrics *metrics, const SyncMetrics *from, int64_t now_ns,
                       uint32_t forker, uint32_t child)
{
    metrics->level = metrics->level_min = metrics->level_max = from->level;
    metrics->holders.count = 0;
    for (size_t i = 0; i < from->holders.count; i++) {
        SyncHold hold = from->holders.at[i];
        hold.task = hold.task == forker ? child : hold.task;
        hold.wave = 1;
        hold.since_ns = now_ns;
        *ARRAY_PUSH(&metrics->holders) = hold;
    }
}

static void set_level(SyncMetrics *metrics, int64_t level, int64_t now)
{
    metrics->level_ns += (double)metrics->level * (double)(now - metrics->level_since_ns);
    metrics->level_since_ns = now;
    metrics->level = level;
    if (level < metrics->level_min)
        metrics->level_min = level;
    if (level > metrics->level_max)
        metrics->level_max = level;
}

static void wait_begins(SyncWait *wait, const TraceRecord *record)
{
    if (wait->sync != record->a)
        wait->since_ns = record->time_ns;
    wait->sync = (uint32_t)record->a;
}

// Returns whether there was a wait to end.
static bool wait_ends(SyncMetrics *metrics, SyncWait *wait, const TraceRecord *record)
{
    bool waited = wait->sync != 0 && wait->sync == record->a;
    if (waited)
        samples_add(&metrics->waits, record->time_ns - wait->since_ns, 0);
    wait->sync = 0;
    return waited;
}

static void hold_begins(SyncMetrics *metrics, const TraceRecord *record, bool waited)
{
    uint32_t wave = waited ? metrics->given_up_wave + 1 : 1;
    *ARRAY_PUSH(&metrics->holders) =
        (SyncHold){record->task, (uint32_t)record->b, wave, record->time_ns, 0};
    if (wave > metrics->waves)
        metrics->waves = wave;
}

// A semaphore may be released by one who has not acquired it: that ends nobody's hold.
static void hold_ends(SyncMetrics *metrics, const TraceRecord *record)
{
    size_t at = metrics->holders.count;
    uint32_t task = record->kind == EVENT_LOCK_RELEASED ? released_holder(record) : record->task;
    while (at > 0 && metrics->holders.at[at - 1].task != task)
        at--;
    if (at == 0)
        return;
    SyncHold *hold = &metrics->holders.at[at - 1];
    samples_add(&metrics->holds, record->time_ns - hold->since_ns, 0);
    metrics->given_up_wave = hold->wave;
    *hold = metrics->holders.at[metrics->holders.count - 1];
    metrics->holders.count--;
}

// ---- asyncio's

static void await_begins(SyncMetrics *metrics, const TraceRecord *record)
{
    size_t from = metrics->awaiting_from, count = metrics->awaiting.count;
    if (count > 64 && from > count / 2) { // make room of those who have gone on
        memmove(metrics->awaiting.at, metrics->awaiting.at + from,
                (count - from) * sizeof *metrics->awaiting.at);
        metrics->awaiting.count = count - from;
        metrics->awaiting_from = 0;
    }
    *ARRAY_PUSH(&metrics->awaiting) = (AsyncWaiter){record->b, record->time_ns};
}

// They mostly go on in the order in which they came.
static void await_ends(SyncMetrics *metrics, const TraceRecord *record)
{
    AsyncWaiter *waiters = metrics->awaiting.at;
    size_t at = metrics->awaiting_from, from = at;
    while (at < metrics->awaiting.count && waiters[at].coroutine != record->b)
        at++;
    if (at == metrics->awaiting.count)
        return;
    samples_add(&metrics->waits, record->time_ns - waiters[at].since_ns, 0);
    for (; at > from; at--)
        waiters[at] = waiters[at - 1];
    metrics->awaiting_from++;
    metrics->woken = record->b;
    if (metrics->awaiting_from < metrics->awaiting.count)
        return;
    metrics->awaiting.count = metrics->awaiting_from = 0;
}

static void async_takes(SyncMetrics *metrics, const TraceRecord *record)
{
    uint32_t wave = metrics->woken == record->b ? metrics->given_up_wave + 1 : 1;
    *ARRAY_PUSH(&metrics->holders) = (SyncHold){
        .task = record->task, .wave = wave, .since_ns = record->time_ns, .coroutine = record->b};
    if (wave > metrics->waves)
        metrics->waves = wave;
    metrics->woken = 0;
}

// By one who has not taken it: that ends nobody's hold.
static void async_releases(SyncMetrics *metrics, const TraceRecord *record)
{
    size_t at = metrics->holders.count;
    while (at > 0 && metrics->holders.at[at - 1].coroutine != record->b)
        at--;
    if (at == 0)
        return;
    SyncHold *hold = &metrics->holders.at[at - 1];
    samples_add(&metrics->holds, record->time_ns - hold->since_ns, 0);
    metrics->given_up_wave = hold->wave;
    *hold = metrics->holders.at[metrics->holders.count - 1];
    metrics->holders.count--;
}

static void async_add(SyncMetrics *metrics, const TraceRecord *record)
{
    switch (record->kind) {
    case EVENT_ASYNC_WAIT:
        await_begins(metrics, record);
        break;
    case EVENT_ASYNC_WAIT_OVER:
        await_ends(metrics, record);
        break;
    case EVENT_ASYNC_TAKEN:
        async_takes(metrics, record);
        break;
    case EVENT_ASYNC_RELEASED:
        async_releases(metrics, record);
        break;
    default:
        break;
    }
}

void sync_metrics_add(SyncMetrics *metrics, SyncWait *wait, const TraceRecord *record)
{
    int64_t now = record->time_ns;
    switch (record->kind) {
    case EVENT_LOCK_WAIT:
    case EVENT_LOCK_SPIN:
    case EVENT_SYNC_WAIT:
        wait_begins(wait, record);
        break;
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_READ:
        hold_begins(metrics, record, wait_ends(metrics, wait, record));
        set_level(metrics, (int64_t)metrics->holders.count, now);
        break;
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_READ_RELEASED:
        hold_ends(metrics, record);
        set_level(metrics, (int64_t)metrics->holders.count, now);
        break;
    case EVENT_LOCK_NESTED:
        set_level(metrics, record->b > INT64_MAX ? 0 : (int64_t)record->b, now);
        break;
    case EVENT_SYNC_WAIT_OVER:
        // Who acquires a semaphore at once after this has waited for it.
        if (wait_ends(metrics, wait, record) && record->b == WAIT_WOKEN)
            wait->woken_by = (uint32_t)record->a;
        break;
    case EVENT_ACQUIRED:
        hold_begins(metrics, record, wait->woken_by == record->a);
        wait->woken_by = 0;
        break;
    case EVENT_RELEASED:
        hold_ends(metrics, record);
        break;
    case EVENT_SYNC_LEVEL:
        set_level(metrics, record->b > INT64_MAX ? 0 : (int64_t)record->b, now);
        break;
    case EVENT_NOTIFIED:
        metrics->lost += record->b == 0;
        break;
    case EVENT_BARRIER_OPENED:
        metrics->waves++;
        break;
    default:
        async_add(metrics, record);
        break;
    }
}

double sync_metrics_level_mean(const SyncMetrics *metrics, int64_t now_ns)
{
    if (now_ns <= metrics->begun_ns)
        return (double)metrics->level;
    double total =
        metrics->level_ns + (double)metrics->level * (double)(now_ns - metrics->level_since_ns);
    return total / (double)(now_ns - metrics->begun_ns);
}
