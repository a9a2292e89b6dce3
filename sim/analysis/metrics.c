#include "sim/analysis/metrics.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_BLOCKED, STATE_RUNNABLE, STATE_RUNNING, STATE_ENDED };

static void *zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, bytes);
    CHECKF(memory != NULL, "out of memory for %zu items of %zu bytes", count, bytes);
    return memory;
}

static NameMetrics *name_metrics(Metrics *metrics, uint64_t string)
{
    if (string == 0 || string > metrics->scenario->string_count)
        return NULL;
    uint32_t *index1 = &metrics->name_of[string];
    if (*index1 == 0) {
        *ARRAY_PUSH(&metrics->names) = (NameMetrics){.name = (uint32_t)string};
        *index1 = (uint32_t)metrics->names.count;
    }
    return &metrics->names.at[*index1 - 1];
}

static bool metrics_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    metrics_add((Metrics *)sink, records, count);
    return true;
}

// Those that have come since; [0] is not used.
static void open_syncs(Metrics *metrics)
{
    uint32_t count = instances_sync_count(&metrics->instances);
    if (count == metrics->sync_count)
        return;
    if (count >= metrics->sync_room) {
        metrics->sync_room = count + count / 2 + 1;
        metrics->syncs =
            realloc(metrics->syncs, (size_t)metrics->sync_room * sizeof *metrics->syncs);
        CHECKF(metrics->syncs != NULL, "out of memory for %u objects", count);
    }
    for (uint32_t i = metrics->sync_count + 1; i <= count; i++) {
        uint32_t id = instances_sync_at(&metrics->instances, i).id;
        sync_metrics_open(&metrics->syncs[i], &metrics->scenario->syncs[id - 1], metrics->now_ns);
    }
    metrics->sync_count = count;
}

void metrics_open(Metrics *metrics, const Scenario *scenario)
{
    memset(metrics, 0, sizeof *metrics);
    metrics->sink.write = metrics_write;
    metrics->scenario = scenario;
    metrics->threads.row_bytes = sizeof(ThreadMetrics);
    metrics->core_count = scenario->machine.cores;
    metrics->worker_exit_ns = -1;
    instances_open(&metrics->instances, scenario);
    metrics->sync_room = 1;
    metrics->syncs = zeroed(metrics->sync_room, sizeof *metrics->syncs);
    open_syncs(metrics);
    lock_order_open(&metrics->lock_order, &metrics->instances);
    shared_data_open(&metrics->data, &metrics->instances);
    races_open(&metrics->races, &metrics->instances);
    process_table_open(&metrics->processes, scenario);
    stream_table_open(&metrics->streams, scenario);
    metrics->wakes = zeroed(scenario->thread_count + 1, sizeof *metrics->wakes);
    for (uint32_t i = 0; i <= scenario->thread_count; i++)
        metrics->wakes[i].owned = true;
    metrics->name_of = zeroed(scenario->string_count + 1, sizeof *metrics->name_of);
    // Marks and spans that nobody reaches are reported too: with a count of 0.
    for (uint32_t i = 0; i < scenario->op_count; i++) {
        const Op *op = &scenario->ops[i];
        NameMetrics *name =
            op->code == OP_MARK || op->code == OP_SPAN ? name_metrics(metrics, op->arg[0]) : NULL;
        if (name != NULL && op->code == OP_MARK)
            name->is_mark = true;
        else if (name != NULL)
            name->is_span = true;
    }
}

void metrics_free(Metrics *metrics)
{
    task_table_free(&metrics->threads);
    for (uint32_t i = 0; i <= metrics->sync_count; i++)
        sync_metrics_free(&metrics->syncs[i]);
    ARRAY_FREE(&metrics->deadlocks);
    lock_order_free(&metrics->lock_order);
    shared_data_free(&metrics->data);
    races_free(&metrics->races);
    instances_free(&metrics->instances);
    free(metrics->syncs);
    for (uint32_t i = 0; i <= metrics->scenario->thread_count; i++)
        samples_free(&metrics->wakes[i]);
    free(metrics->wakes);
    free(metrics->name_of);
    for (size_t i = 0; i < metrics->names.count; i++)
        samples_free(&metrics->names.at[i].latency);
    ARRAY_FREE(&metrics->names);
    ARRAY_FREE(&metrics->printed);
    open_spans_free(&metrics->spans);
    process_table_free(&metrics->processes);
    stream_table_free(&metrics->streams);
    for (size_t i = 0; i < metrics->answers.count; i++)
        free(metrics->answers.at[i].values);
    ARRAY_FREE(&metrics->answers);
    ARRAY_FREE(&metrics->lines);
    memset(metrics, 0, sizeof *metrics);
}

static inline ThreadMetrics *thread_of(const Metrics *metrics, uint32_t id)
{
    return task_table_at(&metrics->threads, id);
}

const ThreadMetrics *metrics_thread(const Metrics *metrics, uint32_t id)
{
    return thread_of(metrics, id);
}

static void thread_create(Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread =
        task_table_add(&metrics->threads, metrics->scenario, record->task, record->a, record->b);
    if (thread == NULL)
        return;
    thread->start_ns = record->time_ns;
    thread->first_ns = thread->end_ns = thread->woken_ns = -1;
    thread->state = STATE_BLOCKED;
    thread->daemon = created_daemon(record->b);
    lock_order_made(&metrics->lock_order, record->task, created_by(record->b));
}

// Shares out the core's time up to `now`: first to the interrupts that have it, then to who runs.
static inline void core_account(CoreMetrics *core, int64_t now)
{
    int64_t at = core->at_ns;
    if (core->irq_until_ns > at) {
        int64_t end = core->irq_until_ns < now ? core->irq_until_ns : now;
        core->interrupt_ns += end - at;
        at = end;
    }
    int64_t ran = now - at;
    core->at_ns = now;
    if (core->task == 0) {
        core->idle_ns += ran;
    } else if (core->in_kernel) {
        core->kernel_ns += ran;
        core->task_kernel_ns += ran;
    } else {
        core->user_ns += ran;
        core->task_user_ns += ran;
    }
}

// Nobody has the core from now: gives the thread that had it its times.
static void core_leave(Metrics *metrics, CoreMetrics *core)
{
    ThreadMetrics *thread = thread_of(metrics, core->task);
    if (thread != NULL) {
        thread->cpu_user_ns += core->task_user_ns;
        thread->cpu_kernel_ns += core->task_kernel_ns;
    }
    core->task_user_ns = core->task_kernel_ns = 0;
    core->task = 0;
    core->in_kernel = false;
}

static CoreMetrics *core_of(Metrics *metrics, const TraceRecord *record)
{
    if (record->core < 0 || record->core >= CORES_MAX)
        return NULL;
    if ((uint32_t)record->core >= metrics->core_count)
        metrics->core_count = (uint32_t)record->core + 1;
    return &metrics->cores[record->core];
}

static void thread_runnable(ThreadMetrics *thread, int64_t now)
{
    if (thread->state == STATE_RUNNABLE)
        return;
    thread->state = STATE_RUNNABLE;
    thread->since_ns = now;
}

static void switch_in(Metrics *metrics, const TraceRecord *record)
{
    CoreMetrics *core = core_of(metrics, record);
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (core == NULL || thread == NULL)
        return;
    core_account(core, record->time_ns);
    if (core->task != 0)
        core_leave(metrics, core);
    core->task = record->task;
    core->in_kernel = record->a != 0;
    core->switches++;

    if (thread->state == STATE_RUNNABLE)
        thread->wait_ns += record->time_ns - thread->since_ns;
    if (thread->state != STATE_ENDED)
        thread->state = STATE_RUNNING;
    if (thread->first_ns < 0) {
        thread->first_ns = record->time_ns;
    } else if (thread->woken_ns >= 0) {
        samples_add(&metrics->wakes[thread->row.def], record->time_ns - thread->woken_ns,
                    thread->row.instance);
        thread->wakeups++;
    }
    thread->woken_ns = -1;
}

static void switch_out(Metrics *metrics, const TraceRecord *record)
{
    CoreMetrics *core = core_of(metrics, record);
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (core == NULL || thread == NULL)
        return;
    core_account(core, record->time_ns);
    if (core->task == record->task)
        core_leave(metrics, core);

    SwitchReason reason = (SwitchReason)record->a;
    if (thread->state == STATE_ENDED || reason == SWITCH_EXITED)
        return;
    if (switch_is_voluntary(reason))
        thread->switches_voluntary++;
    else
        thread->switches_forced++;
    // One that blocks may have been woken while it was still leaving: then it waits from now.
    if (reason <= SWITCH_YIELDED || thread->queued)
        thread_runnable(thread, record->time_ns);
    else
        thread->state = STATE_BLOCKED;
    thread->queued = false;
}

static void kernel_mode(Metrics *metrics, const TraceRecord *record, bool in_kernel)
{
    CoreMetrics *core = core_of(metrics, record);
    if (core == NULL || core->task != record->task)
        return;
    core_account(core, record->time_ns);
    core->in_kernel = in_kernel;
}

static void interrupt(Metrics *metrics, const TraceRecord *record)
{
    CoreMetrics *core = core_of(metrics, record);
    if (core == NULL)
        return;
    core_account(core, record->time_ns);
    core->interrupts++;
    int64_t begin = core->irq_until_ns > record->time_ns ? core->irq_until_ns : record->time_ns;
    int64_t room = INT64_MAX - begin;
    core->irq_until_ns = begin + (record->b < (uint64_t)room ? (int64_t)record->b : room);
}

static void thread_end(Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (thread == NULL || thread->state == STATE_ENDED)
        return;
    if (thread->state == STATE_RUNNABLE) // a daemon that was killed in a run queue
        thread->wait_ns += record->time_ns - thread->since_ns;
    thread->state = STATE_ENDED;
    thread->end_ns = record->time_ns;
    OpenSpan span;
    while (open_spans_pop(&metrics->spans, &thread->span, &span))
        continue; // a span that its thread's end cuts short has no latency
    if (!thread->daemon)
        metrics->worker_exit_ns = record->time_ns;
}

// It is its process's main thread from now on.
static void thread_execs(Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (thread != NULL)
        thread->daemon = false;
}

static void sync_event(Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (thread == NULL || record->a == 0 || record->a > metrics->scenario->sync_count)
        return;
    uint32_t number = instances_sync(&metrics->instances, record->task, (uint32_t)record->a);
    sync_metrics_add(&metrics->syncs[number], &thread->waits_for, record);
    lock_order_add(&metrics->lock_order, record, number);
}

// A process begins with copies of what its parent's threads synchronise by.
static void process_copied(Metrics *metrics, const TraceRecord *record)
{
    if (record->a > UINT32_MAX || record->b > UINT32_MAX)
        return;
    uint32_t child = process_names_first(&metrics->processes.names, metrics->scenario, record->a);
    for (uint32_t id = 1; id <= metrics->scenario->sync_count; id++) {
        uint32_t to = instances_sync_of(&metrics->instances, (uint32_t)record->a, id);
        uint32_t from = instances_sync_of(&metrics->instances, (uint32_t)record->b, id);
        if (to != id && to != from && !metrics->scenario->syncs[id - 1].library)
            sync_metrics_copy(&metrics->syncs[to], &metrics->syncs[from], record->time_ns,
                              record->task, child);
    }
}

static void deadlock_event(Metrics *metrics, const TraceRecord *record)
{
    metrics->deadlocked++;
    if (metrics->deadlocks.count >= DEADLOCKS_MAX)
        return;
    bool known = record->a > 0 && record->a <= metrics->scenario->sync_count;
    *ARRAY_PUSH(&metrics->deadlocks) = (DeadlockMetrics){
        .task = record->task,
        .sync = (uint32_t)record->a,
        .holder = (uint32_t)record->b,
        .number =
            known ? instances_sync(&metrics->instances, record->task, (uint32_t)record->a) : 0};
}

static void deadlock_place(Metrics *metrics, const TraceRecord *record)
{
    for (size_t i = metrics->deadlocks.count; i > 0; i--) {
        DeadlockMetrics *member = &metrics->deadlocks.at[i - 1];
        if (member->task != record->task)
            continue;
        member->op = (uint32_t)record->a;
        return;
    }
}

static void span_event(Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread = thread_of(metrics, record->task);
    NameMetrics *name = name_metrics(metrics, record->a);
    if (thread == NULL || name == NULL)
        return;
    name->is_span = true;
    OpenSpan span = {record->time_ns, record->b, name->name, 0};
    if (record->kind == EVENT_SPAN_BEGIN)
        open_spans_push(&metrics->spans, &thread->span, span);
    else if (open_spans_end(&metrics->spans, &thread->span, name->name, record->b, &span))
        samples_add(&name->latency, record->time_ns - span.begin_ns, 0);
}

static void mark_event(Metrics *metrics, const TraceRecord *record)
{
    NameMetrics *name = name_metrics(metrics, record->a);
    if (name == NULL)
        return;
    name->is_mark = true;
    name->passages++;
}

static void print_event(Metrics *metrics, const TraceRecord *record)
{
    if (metrics->printed_count++ < PRINTED_MAX)
        *ARRAY_PUSH(&metrics->printed) = record->a > UINT32_MAX ? 0 : (uint32_t)record->a;
}

// The end of the run closes every account.
static void run_end(Metrics *metrics)
{
    lock_order_finish(&metrics->lock_order);
    int64_t now = metrics->now_ns;
    for (uint32_t i = 0; i < metrics->core_count; i++) {
        core_account(&metrics->cores[i], now);
        core_leave(metrics, &metrics->cores[i]);
    }
    for (uint32_t id = 1; id <= metrics->threads.id_max; id++) {
        ThreadMetrics *thread = thread_of(metrics, id);
        if (thread == NULL || thread->state == STATE_ENDED)
            continue;
        // Who waits for nothing counts at [0].
        uint32_t waits_for = thread->waits_for.sync;
        if (waits_for != 0)
            waits_for = instances_sync(&metrics->instances, id, waits_for);
        metrics->syncs[waits_for].open_waits++;
        if (thread->state != STATE_RUNNABLE)
            continue;
        thread->wait_ns += now - thread->since_ns;
        thread->since_ns = now;
    }
    for (uint32_t i = 1; i <= metrics->sync_count; i++)
        metrics->syncs[i].open_waits += sync_metrics_awaiting(&metrics->syncs[i]);
    metrics->ended = true;
}

static bool is_sync_event(EventKind kind)
{
    switch (kind) {
    case EVENT_LOCK_WAIT:
    case EVENT_LOCK_TAKEN:
    case EVENT_LOCK_RELEASED:
    case EVENT_LOCK_SPIN:
    case EVENT_LOCK_NESTED:
    case EVENT_LOCK_READ:
    case EVENT_LOCK_READ_RELEASED:
    case EVENT_SYNC_WAIT:
    case EVENT_SYNC_WAIT_OVER:
    case EVENT_SYNC_LEVEL:
    case EVENT_ACQUIRED:
    case EVENT_RELEASED:
    case EVENT_NOTIFIED:
    case EVENT_BARRIER_OPENED:
    case EVENT_ASYNC_WAIT:
    case EVENT_ASYNC_WAIT_OVER:
    case EVENT_ASYNC_TAKEN:
    case EVENT_ASYNC_RELEASED:
        return true;
    default:
        return false;
    }
}

// What happens to a thread and to nothing else.
static void thread_event(const Metrics *metrics, const TraceRecord *record)
{
    ThreadMetrics *thread = thread_of(metrics, record->task);
    if (thread == NULL)
        return;
    switch ((EventKind)record->kind) {
    case EVENT_ENQUEUED:
        if (thread->state == STATE_BLOCKED)
            thread_runnable(thread, record->time_ns);
        else if (thread->state == STATE_RUNNING)
            thread->queued = true;
        break;
    case EVENT_WAKEUP:
        thread->woken_ns = record->time_ns;
        break;
    case EVENT_MIGRATED:
        thread->migrations++;
        break;
    case EVENT_CACHE_REFILL:
        if (record->b < (uint64_t)(INT64_MAX - thread->refill_ns))
            thread->refill_ns += (int64_t)record->b;
        break;
    case EVENT_LINE_MOVED:
        thread->lines_moved += record->b != 0;
        break;
    default:
        break;
    }
}

static void add_one(Metrics *metrics, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
        thread_create(metrics, record);
        break;
    case EVENT_TASK_EXITED:
    case EVENT_TASK_KILLED:
        thread_end(metrics, record);
        break;
    case EVENT_ENQUEUED:
    case EVENT_WAKEUP:
    case EVENT_MIGRATED:
    case EVENT_CACHE_REFILL:
    case EVENT_LINE_MOVED:
        thread_event(metrics, record);
        break;
    case EVENT_SWITCH_IN:
        switch_in(metrics, record);
        break;
    case EVENT_SWITCH_OUT:
        switch_out(metrics, record);
        break;
    case EVENT_KERNEL_ENTER:
    case EVENT_PAGE_FAULT:
    case EVENT_SIGNAL_HANDLED:
        kernel_mode(metrics, record, true);
        break;
    case EVENT_KERNEL_EXIT:
        kernel_mode(metrics, record, false);
        break;
    case EVENT_IRQ:
        interrupt(metrics, record);
        break;
    case EVENT_PRINT:
        print_event(metrics, record);
        break;
    case EVENT_MARK:
        mark_event(metrics, record);
        break;
    case EVENT_SPAN_BEGIN:
    case EVENT_SPAN_END:
        span_event(metrics, record);
        break;
    case EVENT_PROCESS_EXECED:
        thread_execs(metrics, record);
        break;
    case EVENT_PROCESS_COPIED:
        process_copied(metrics, record);
        break;
    case EVENT_DEADLOCK:
        deadlock_event(metrics, record);
        break;
    case EVENT_DEADLOCK_PLACE:
        deadlock_place(metrics, record);
        break;
    case EVENT_SLOW_CALLBACK:
        if (metrics->slow_callbacks < SLOW_CALLBACKS_MAX)
            metrics->slow[metrics->slow_callbacks] =
                (SlowCallback){record->a, (int64_t)(record->b & INT64_MAX), record->time_ns};
        metrics->slow_callbacks++;
        break;
    case EVENT_RUN_END:
        metrics->end = (EndReason)record->a;
        metrics->limit = (LimitId)record->b;
        run_end(metrics);
        break;
    default:
        // About an object that threads synchronise by; of the rest nothing is counted here.
        if (is_sync_event((EventKind)record->kind))
            sync_event(metrics, record);
        break;
    }
}

void metrics_add(Metrics *metrics, const TraceRecord *records, size_t count)
{
    bool shared = metrics->scenario->variable_count > 0;
    bool processes = metrics->scenario->tracks_processes;
    for (size_t i = 0; i < count; i++) {
        if (metrics->ended)
            break; // RUN_END is the last record of a run
        metrics->now_ns = records[i].time_ns;
        if (processes) {
            instances_add(&metrics->instances, &records[i]);
            open_syncs(metrics);
        }
        add_one(metrics, &records[i]);
        if (shared) {
            shared_data_add(&metrics->data, &records[i]);
            races_add(&metrics->races, &records[i]);
        }
        if (stream_table_takes(records[i].kind))
            stream_table_add(&metrics->streams, &records[i]);
        if (process_table_takes(records[i].kind)) {
            const ThreadMetrics *thread = thread_of(metrics, records[i].task);
            process_table_add(&metrics->processes, &records[i],
                              thread == NULL ? 0 : thread->row.def);
        }
    }
    metrics->records += count;
}

void metrics_finish(Metrics *metrics, const RunResult *result)
{
    if (!metrics->ended) {
        // The trace was cut short (a limit on records, a full disk): what is known ends here.
        metrics->end = result != NULL ? result->end : END_LIMIT;
        metrics->limit = result != NULL ? result->limit : LIMIT_RECORDS;
        run_end(metrics);
    }
    metrics->has_events = result != NULL;
    metrics->events = result != NULL ? result->events : 0;
}

int64_t metrics_makespan_ns(const Metrics *metrics)
{
    bool by_itself = metrics->end == END_DONE && metrics->worker_exit_ns >= 0;
    return by_itself ? metrics->worker_exit_ns : metrics->now_ns;
}

double metrics_utilization(const Metrics *metrics, uint32_t core)
{
    if (metrics->now_ns <= 0)
        return -1;
    return (double)(metrics->now_ns - metrics->cores[core].idle_ns) / (double)metrics->now_ns;
}

double metrics_throughput(const Metrics *metrics, uint64_t count)
{
    int64_t makespan = metrics_makespan_ns(metrics);
    return makespan <= 0 ? -1 : (double)count * 1e9 / (double)makespan;
}

bool metrics_tells_sync(const Metrics *metrics, uint32_t number)
{
    const SyncMetrics *sync = &metrics->syncs[number];
    return number <= metrics->scenario->sync_count || sync->waits.total > 0 ||
           sync->holds.total > 0 || sync->open_waits > 0 || sync->level_min != sync->level_max;
}

bool metrics_tells_variable(const Metrics *metrics, uint32_t number)
{
    const VariableMetrics *variable = &metrics->data.variables[number];
    return number <= metrics->scenario->variable_count || variable->loads > 0 ||
           variable->updates > 0 || variable->failed_swaps > 0;
}

static char *own_name(const Metrics *metrics, uint32_t pid, StringId name, char text[static 192])
{
    return process_names_own(&metrics->processes.names, &metrics->threads, metrics->scenario, pid,
                             name, text);
}

char *metrics_sync_name(const Metrics *metrics, uint32_t number, char text[static 192])
{
    Instance instance = instances_sync_at(&metrics->instances, number);
    return own_name(metrics, instance.pid, metrics->scenario->syncs[instance.id - 1].name, text);
}

char *metrics_variable_name(const Metrics *metrics, uint32_t number, char text[static 192])
{
    Instance instance = instances_variable_at(&metrics->instances, number);
    if (instance.pid != 0)
        return own_name(metrics, instance.pid, metrics->scenario->variables[instance.id - 1].name,
                        text);
    char name[96];
    snprintf(text, 192, "%s", variable_name(metrics->scenario, number, name));
    return text;
}

uint32_t metrics_holder(const Metrics *metrics, const DeadlockMetrics *member, uint32_t *op)
{
    *op = 0;
    if (member->number == 0)
        return member->holder;
    const SyncMetrics *sync = &metrics->syncs[member->number];
    for (size_t i = 0; i < sync->holders.count; i++) {
        const SyncHold *hold = &sync->holders.at[i];
        if (member->holder != 0 && hold->task != member->holder)
            continue;
        *op = hold->op;
        return hold->task;
    }
    return member->holder;
}
