#include "tests/trace_work.h"

#include "sim/base/check.h"
#include "tests/program_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Check {
    const Scenario *scenario;
    const TraceRecord *records;
    size_t count, index;
    const TaskWork *tasks;
    uint32_t task_count;
    int64_t *line_ns; // by task: what it has waited for cache lines
    bool hold;
    char *violated;
    size_t violated_bytes;
} Check;

__attribute__((format(printf, 2, 3))) static void broken(Check *check, const char *format, ...)
{
    if (!check->hold)
        return;
    check->hold = false;
    va_list values;
    va_start(values, format);
    int length = vsnprintf(check->violated, check->violated_bytes, format, values);
    va_end(values);
    const TraceRecord *record = &check->records[check->index];
    if (length > 0 && (size_t)length < check->violated_bytes)
        snprintf(check->violated + length, check->violated_bytes - (size_t)length,
                 " (record %zu: %s, %lld ns, task %u, a %llu)", check->index,
                 event_info(record->kind)->id, (long long)record->time_ns, record->task,
                 (unsigned long long)record->a);
}

#define LAW(condition, ...)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            broken(check, __VA_ARGS__);                                                            \
    } while (0)

static int64_t cost(const Check *check, CostId id)
{
    return check->scenario->machine.costs[id];
}

enum { JOINS_MAX = 64, SPANS_MAX = 64 };

typedef struct Shown {
    Check *check;
    uint32_t id;
    size_t next;               // where to look for the task's next record
    uint32_t joins[JOINS_MAX]; // ThreadDefIds that it has joined since the last record
    int join_count;
    uint64_t spans[SPANS_MAX]; // serials of those that it is in
    int span_count;
} Shown;

// Whoever had been created by the record before the join has ended by the record behind it.
static void check_join(Check *check, const Shown *shown, uint32_t joined, int64_t now)
{
    const ThreadDef *def = &check->scenario->threads[joined - 1];
    uint32_t members = 0;
    for (uint32_t i = 1; i <= check->task_count; i++) {
        const TaskWork *task = &check->tasks[i];
        if (task->def != joined)
            continue;
        members++;
        LAW(task->created_at >= shown->next || (!task->alive && task->ended_ns <= now),
            "join: task %u returned before task %u ended", shown->id, i);
    }
    LAW(def->spawned || members == def->count, "join: it did not wait for all to come");
}

static bool joins(const Shown *shown, uint64_t def)
{
    for (int i = 0; i < shown->join_count; i++)
        if (shown->joins[i] == def)
            return true;
    return false;
}

// The next record of the task that shows its program; `count` when there is none. Waits on the way
// are for what the program waits for there.
static size_t find_shown(Check *check, const Shown *shown, WalkStep step)
{
    for (size_t at = shown->next; at < check->count; at++) {
        const TraceRecord *record = &check->records[at];
        if (record->task != shown->id)
            continue;
        if (program_walk_shows(record))
            return at;
        check->index = at;
        LAW(record->kind != EVENT_JOIN_WAIT || joins(shown, record->a),
            "work: its program does not join that");
        LAW(record->kind != EVENT_LOCK_WAIT ||
                (step.kind == EVENT_LOCK_TAKEN && step.a == record->a),
            "work: its program does not lock that");
    }
    return check->count;
}

static void match_span(Check *check, Shown *shown, const TraceRecord *record)
{
    if (record->kind == EVENT_SPAN_BEGIN) {
        CHECK(shown->span_count < SPANS_MAX);
        shown->spans[shown->span_count++] = record->b;
    } else if (record->kind == EVENT_SPAN_END) {
        CHECK(shown->span_count > 0);
        LAW(record->b == shown->spans[--shown->span_count], "work: it ends another span");
    }
}

static bool match_step(void *context, WalkStep step)
{
    Shown *shown = context;
    Check *check = shown->check;
    if (step.kind == WALK_JOIN) {
        if (shown->join_count < JOINS_MAX)
            shown->joins[shown->join_count++] = (uint32_t)step.a;
        return true;
    }
    size_t at = find_shown(check, shown, step);
    if (at == check->count || !check->hold)
        return false;
    check->index = at;
    const TraceRecord *record = &check->records[at];
    LAW(record->kind == step.kind && (step.kind == EVENT_TASK_EXITED || record->a == step.a),
        "work: its program says %s %llu", event_info(step.kind)->id, (unsigned long long)step.a);
    if (check->hold)
        match_span(check, shown, record);
    for (int i = 0; i < shown->join_count; i++)
        check_join(check, shown, shown->joins[i], record->time_ns);
    shown->join_count = 0;
    shown->next = at + 1;
    return check->hold;
}

static void check_times(Check *check, uint32_t id, const WalkTotals *asked)
{
    const TaskWork *task = &check->tasks[id];
    int64_t user = asked->compute_ns + (int64_t)asked->locks * cost(check, COST_MUTEX_LOCK) +
                   (int64_t)asked->unlocks * cost(check, COST_MUTEX_UNLOCK) + asked->access_ns +
                   check->line_ns[id];
    LAW(task->user_ns == user, "work: task %u got %lld ns in user mode, asked for %lld", id,
        (long long)task->user_ns, (long long)user);
    int64_t call = cost(check, COST_SYSCALL);
    const int64_t each[SYSCALL_COUNT] = {
        [SYSCALL_CLOCK_NANOSLEEP] = call,
        [SYSCALL_SCHED_YIELD] = call + cost(check, COST_YIELD),
        [SYSCALL_FUTEX_WAIT] = call + cost(check, COST_FUTEX_WAIT),
        [SYSCALL_FUTEX_WAKE] = call + cost(check, COST_FUTEX_WAKE),
        [SYSCALL_CLONE] = cost(check, COST_CLONE),
        [SYSCALL_EXIT] = cost(check, COST_THREAD_EXIT),
        [SYSCALL_WRITE] = call + cost(check, COST_PRINT),
    };
    int64_t kernel = (int64_t)task->switches_paid * cost(check, COST_CONTEXT_SWITCH);
    for (int i = 0; i < SYSCALL_COUNT; i++)
        kernel += (int64_t)task->calls[i] * each[i];
    // Waking an idle core costs the waker; whether it was idle is not looked into here.
    uint64_t wakes = task->calls[SYSCALL_FUTEX_WAKE] + task->calls[SYSCALL_CLONE];
    int64_t most = kernel + (int64_t)wakes * cost(check, COST_WAKE_IDLE_WAKER);
    LAW(task->kernel_ns >= kernel && task->kernel_ns <= most,
        "work: task %u got %lld ns in the kernel, asked for %lld to %lld", id,
        (long long)task->kernel_ns, (long long)kernel, (long long)most);
}

static void check_work(Check *check, uint32_t id)
{
    const TaskWork *task = &check->tasks[id];
    Shown shown = {.check = check, .id = id, .next = task->created_at + 1};
    Walk walk = {.scenario = check->scenario, .step = match_step, .context = &shown};
    bool ended = program_walk(&walk, (ThreadDefId){task->def}, task->instance);
    if (!check->hold)
        return;
    check->index = check->count - 1;
    bool exited = !task->alive && !task->killed;
    LAW(ended == exited, "work: task %u has %sended", id, exited ? "" : "not ");
    if (exited)
        check_times(check, id, &walk.totals);
}

// A line that moves is on its way for the cost of that, one way after the other. Lines are known by
// their names; each declared process has its own.
static void add_lines(Check *check)
{
    const Scenario *scenario = check->scenario;
    size_t names = scenario->string_count + 1;
    int64_t *ready = calloc(names * (scenario->process_count + 1), sizeof *ready);
    CHECK(ready != NULL);
    for (size_t i = 0; i < check->count; i++) {
        const TraceRecord *record = &check->records[i];
        if (record->kind != EVENT_LINE_MOVED || record->task > check->task_count)
            continue;
        uint32_t def = check->tasks[record->task].def;
        uint32_t process = scenario->threads[def - 1].process.index1;
        int64_t *line = &ready[process * names + record->a];
        int64_t from = *line > record->time_ns ? *line : record->time_ns;
        *line = from + cost(check, COST_LINE_TRANSFER);
        check->line_ns[record->task] += *line - record->time_ns;
    }
    free(ready);
}

bool trace_work(const Scenario *scenario, const TraceRecord *records, size_t count,
                const TaskWork *tasks, uint32_t task_count, char *violated, size_t violated_bytes)
{
    Check check = {.scenario = scenario,
                   .records = records,
                   .count = count,
                   .tasks = tasks,
                   .task_count = task_count,
                   .hold = true,
                   .violated = violated,
                   .violated_bytes = violated_bytes};
    check.line_ns = calloc(task_count + 1, sizeof *check.line_ns);
    CHECK(check.line_ns != NULL);
    add_lines(&check);
    for (uint32_t i = 1; i <= task_count && check.hold; i++)
        check_work(&check, i);
    free(check.line_ns);
    return check.hold;
}
