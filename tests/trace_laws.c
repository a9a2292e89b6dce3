#include "tests/trace_laws.h"

#include "sim/base/check.h"
#include "tests/laws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 3))) void laws_broken(Laws *laws, const char *format, ...)
{
    if (!laws->report->hold)
        return;
    laws->report->hold = false;
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    const TraceRecord *record =
        &laws->records[laws->index < laws->count ? laws->index : laws->count - 1];
    snprintf(laws->report->violated, sizeof laws->report->violated,
             "%s (record %zu: %s, %lld ns, core %d, task %u, a %llu, b %llu)", text, laws->index,
             event_info(record->kind)->id, (long long)record->time_ns, record->core, record->task,
             (unsigned long long)record->a, (unsigned long long)record->b);
}

// ---- life

static void on_created(Laws *laws, const TraceRecord *record)
{
    LAW(record->task == laws->task_count + 1, "life: tasks are not numbered as they come");
    LAW(record->a > 0 && record->a <= laws->scenario->thread_count, "life: of no thread");
    if (!laws->report->hold || record->task >= LAWS_TASKS_MAX)
        return;
    LawTask *task = &laws->tasks[++laws->task_count];
    LawGroup *group = &laws->groups[record->a - 1];
    *task = (LawTask){.work = {.def = (uint32_t)record->a,
                               .instance = created_instance(record->b),
                               .alive = true,
                               .created_at = laws->index},
                      .woken = true,
                      .core = NONE,
                      .queue = NONE,
                      .joins = NONE,
                      .last_core = NONE,
                      .daemon = laws->daemon_defs[record->a - 1]};
    group->created++;
    uint32_t by = created_by(record->b);
    task->scheduled_as = (uint32_t)record->a;
    if (by != 0 && by < laws->task_count &&
        laws_scheduled(laws, &laws->tasks[by])->policy != POLICY_DEADLINE)
        task->scheduled_as = laws->tasks[by].scheduled_as;
    const ThreadDef *def = laws_def(laws, task);
    LAW(created_daemon(record->b) == task->daemon, "life: a daemon or not, it is the other");
    LAW((created_by(record->b) != 0) == (def->spawned || def->forked),
        "life: made by a thread or by the scenario, it is the other");
    LAW(def->spawned || group->created <= def->count, "life: more threads than the scenario has");
    LawProcess *process = &laws->processes[def->process.index1 - 1];
    LAW(!process->ended, "life: created in a process that has ended");
    if (def->spawned && !task->daemon) {
        process->workers++;
        laws->workers++;
    }
}

static bool no_member_lives(const Laws *laws, uint32_t process)
{
    for (uint32_t i = 1; i <= laws->task_count; i++)
        if (laws->tasks[i].work.alive && laws_def(laws, &laws->tasks[i])->process.index1 == process)
            return false;
    return true;
}

static void end_task(Laws *laws, LawTask *task, int64_t now)
{
    task->work.alive = false;
    task->work.ended_ns = now;
    task->waits = WAITS_NOT;
    if (task->queue != NONE)
        laws_leave_queue(laws, task);
}

static void on_exited(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->in_call && task->call == SYSCALL_EXIT, "life: ends outside of exit");
    end_task(laws, task, record->time_ns);
    laws->groups[task->work.def - 1].ended++;
    LawProcess *process = &laws->processes[laws_def(laws, task)->process.index1 - 1];
    if (task->daemon)
        return;
    laws->workers--;
    process->ended = --process->workers == 0;
}

static void on_killed(Laws *laws, const TraceRecord *record, LawTask *task)
{
    LAW(task->daemon, "life: killed, but not a daemon");
    LAW(laws->processes[laws_def(laws, task)->process.index1 - 1].ended,
        "life: killed while its process works");
    end_task(laws, task, record->time_ns);
    task->work.killed = true;
}

// At the end of each instant, and of the run, nobody is left of a process that has ended.
static void check_ended_processes(Laws *laws)
{
    for (uint32_t i = 1; i <= laws->scenario->process_count; i++)
        LAW(!laws->processes[i - 1].ended || no_member_lives(laws, i),
            "life: process %u has ended and a daemon of it lives", i);
}

// ---- the end

static void check_end(Laws *laws, const RunResult *result)
{
    const TraceRecord *last = &laws->records[laws->count - 1];
    LAW(last->kind == EVENT_RUN_END && last->a == result->end &&
            last->time_ns == result->ended.ns && laws->task_count == result->tasks,
        "time: the trace does not end as the result says");
    LAW((laws->workers == 0) == (result->end == END_DONE), "life: %u workers at the end",
        laws->workers);
    if (result->end == END_UNTIL)
        LAW(last->time_ns == laws->scenario->until_ns, "time: it does not end at its until");
    if (result->end == END_DEADLOCK)
        laws_deadlock_end(laws);
    for (uint32_t i = 0; i < laws->scenario->machine.cores; i++) {
        LawCore *core = &laws->cores[i];
        laws_account(laws, core, last->time_ns);
        LAW(core->must_switch_ns == NONE ||
                last->time_ns <= later(core->must_switch_ns, core->irq_until_ns),
            "idle: core %u idles at the end", i);
    }
    LawsReport *report = laws->report;
    LAW(report->user_ns + report->kernel_ns + report->interrupt_ns + report->idle_ns ==
            last->time_ns * laws->scenario->machine.cores,
        "sum: the cores' times do not add up");
}

// ---- one record

static bool needs_core(EventKind kind)
{
    switch (kind) {
    case EVENT_TASK_CREATED:
    case EVENT_TASK_KILLED:
    case EVENT_DEADLOCK:
    case EVENT_DEADLOCK_PLACE:
    case EVENT_PRIORITY_LENT:
    case EVENT_PRIORITY_BACK:
    case EVENT_RUN_END:
        return false;
    default:
        return true;
    }
}

// Records of what a task does itself, which takes a core to do.
static bool is_deed(EventKind kind)
{
    switch (kind) {
    case EVENT_ENQUEUED:
    case EVENT_SWITCH_IN:
    case EVENT_SWITCH_OUT:
    case EVENT_WAKEUP:
    case EVENT_MIGRATED:
    case EVENT_IRQ:
        return false;
    default:
        return needs_core(kind);
    }
}

static bool check_record(Laws *laws, const TraceRecord *record)
{
    EventKind kind = (EventKind)record->kind;
    int cores = (int)laws->scenario->machine.cores;
    LAW(needs_core(kind) ? record->core >= 0 && record->core < cores : record->core == CORE_NONE,
        "core: there is no such core");
    bool anonymous = kind == EVENT_RUN_END || kind == EVENT_IRQ || kind == EVENT_TASK_CREATED;
    LAW(anonymous || (record->task > 0 && record->task <= laws->task_count),
        "life: there is no such task");
    if (!laws->report->hold || anonymous)
        return laws->report->hold;
    const LawTask *task = &laws->tasks[record->task];
    LAW(task->work.alive || kind == EVENT_SWITCH_OUT, "life: it has ended");
    LAW(!task->woken || kind == EVENT_ENQUEUED || kind == EVENT_MIGRATED,
        "wakeup: it does not join a queue");
    LAW(!is_deed(kind) || task->core == record->core, "core: it runs on core %d", task->core);
    LAW(!is_deed(kind) || task->waits == WAITS_NOT, "core: it is blocked");
    bool in_user_mode = kind == EVENT_OP_BEGUN || kind == EVENT_MARK || kind == EVENT_SPAN_BEGIN ||
                        kind == EVENT_SPAN_END || kind == EVENT_LOCK_TAKEN ||
                        kind == EVENT_LOCK_RELEASED;
    LAW(!in_user_mode || !task->in_kernel, "kernel: it does this in user mode");
    LAW(kind != EVENT_PRINT || (task->in_call && task->call == SYSCALL_WRITE),
        "kernel: prints without a system call");
    return laws->report->hold;
}

static void apply(Laws *laws, const TraceRecord *record)
{
    LawTask *task = &laws->tasks[record->task < LAWS_TASKS_MAX ? record->task : 0];
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
        on_created(laws, record);
        break;
    case EVENT_TASK_EXITED:
        on_exited(laws, record, task);
        break;
    case EVENT_TASK_KILLED:
        on_killed(laws, record, task);
        break;
    case EVENT_ENQUEUED:
        laws_on_enqueued(laws, record, task);
        break;
    case EVENT_SWITCH_IN:
        laws_on_switch_in(laws, record, task);
        break;
    case EVENT_SWITCH_OUT:
        laws_on_switch_out(laws, record, task);
        break;
    case EVENT_WAKEUP:
        laws_on_wakeup(laws, record, task);
        break;
    case EVENT_MIGRATED:
        laws_on_migrated(laws, record, task);
        break;
    case EVENT_KERNEL_ENTER:
        laws_on_kernel_enter(laws, record, task);
        break;
    case EVENT_KERNEL_EXIT:
        laws_on_kernel_exit(laws, task);
        break;
    case EVENT_IRQ:
        laws_on_irq(laws, record);
        break;
    case EVENT_TIMER_SET:
        laws_on_timer_set(laws, record, task);
        break;
    case EVENT_LOCK_WAIT:
        laws_on_lock_wait(laws, record, task);
        break;
    case EVENT_LOCK_TAKEN:
        laws_on_lock_taken(laws, record, task);
        break;
    case EVENT_LOCK_RELEASED:
        laws_on_lock_released(laws, record);
        break;
    case EVENT_JOIN_WAIT:
        laws_on_join_wait(laws, record, task);
        break;
    case EVENT_DEADLOCK:
        laws_on_deadlock(laws, record, task);
        break;
    default:
        break;
    }
}

// ---- all of it

// Which spawned threads are daemons: those of spawns in daemons' programs.
static void mark_list(Laws *laws, uint32_t index, bool daemon, int depth)
{
    const Op *ops = laws->scenario->ops;
    CHECKF(depth < 64, "op %u", index);
    for (; ops[index].code != OP_RETURN && ops[index].code != OP_BLOCK_END;
         index = ops[index].next) {
        const OpInfo *info = op_info(ops[index].code);
        for (int i = 0; i < OP_FIELDS_MAX && info->fields[i].name != NULL; i++) {
            uint32_t arg = ops[index].arg[i];
            if (info->fields[i].type == FIELD_BLOCK && arg != 0)
                mark_list(laws, arg, daemon, depth + 1);
            if (info->fields[i].type == FIELD_FUNCTION && ops[index].code == OP_CALL)
                mark_list(laws, arg, daemon, depth + 1);
            if (info->fields[i].type == FIELD_SPAWNED) {
                laws->daemon_defs[arg - 1] = daemon;
                mark_list(laws, laws->scenario->threads[arg - 1].entry, daemon, depth + 1);
            }
        }
    }
}

static void open_laws(Laws *laws)
{
    const Scenario *scenario = laws->scenario;
    laws->cores = calloc(scenario->machine.cores, sizeof *laws->cores);
    laws->processes = calloc(scenario->process_count, sizeof *laws->processes);
    laws->groups = calloc(scenario->thread_count, sizeof *laws->groups);
    laws->daemon_defs = calloc(scenario->thread_count, sizeof *laws->daemon_defs);
    laws->holders = calloc(scenario->sync_count + 1, sizeof *laws->holders);
    for (uint32_t i = 0; i < scenario->machine.cores; i++)
        laws->cores[i].must_switch_ns = laws->cores[i].out_ns = NONE;
    laws->free_of_cost = true;
    for (int i = 0; i < COST_COUNT; i++)
        laws->free_of_cost = laws->free_of_cost && scenario->machine.costs[i] == 0;
    for (uint32_t i = 0; i < scenario->thread_count; i++) {
        const ThreadDef *def = &scenario->threads[i];
        if (def->spawned)
            continue;
        laws->daemon_defs[i] = def->daemon;
        mark_list(laws, def->entry, def->daemon, 0);
        laws->processes[def->process.index1 - 1].workers += def->daemon ? 0 : def->count;
        laws->workers += def->daemon ? 0 : def->count;
    }
}

static void close_laws(Laws *laws)
{
    free(laws->cores);
    free(laws->processes);
    free(laws->groups);
    free(laws->daemon_defs);
    free(laws->holders);
    free(laws);
}

static void fold(Laws *laws)
{
    int64_t now = 0;
    for (laws->index = 0; laws->index < laws->count && laws->report->hold; laws->index++) {
        const TraceRecord *record = &laws->records[laws->index];
        LAW(record->time_ns >= now, "time: it goes back");
        LAW(record->kind != EVENT_RUN_END || laws->index == laws->count - 1,
            "time: the run goes on behind its end");
        LAW(laws->circle_next == 0 || record->kind == EVENT_DEADLOCK,
            "deadlock: a circle is not reported");
        if (record->time_ns > now || record->kind == EVENT_RUN_END)
            check_ended_processes(laws);
        now = record->time_ns;
        if (!check_record(laws, record))
            return;
        if (record->core != CORE_NONE)
            laws_account(laws, &laws->cores[record->core], now);
        apply(laws, record);
    }
}

void trace_laws(const Scenario *scenario, const TraceRecord *records, size_t count,
                const RunResult *result, LawsReport *report)
{
    *report = (LawsReport){.hold = true};
    Laws *laws = calloc(1, sizeof *laws);
    laws->scenario = scenario;
    laws->records = records;
    laws->count = count;
    laws->report = report;
    open_laws(laws);
    LAW(count > 0, "time: there is no trace");
    fold(laws);
    if (report->hold) {
        laws->index = count - 1;
        check_end(laws, result);
    }
    TaskWork *works = calloc(laws->task_count + 1, sizeof *works);
    for (uint32_t i = 1; i <= laws->task_count; i++) {
        works[i] = laws->tasks[i].work;
        report->tasks[i].user_ns = works[i].user_ns;
        report->tasks[i].kernel_ns = works[i].kernel_ns;
    }
    if (report->hold)
        report->hold = trace_work(scenario, records, count, works, laws->task_count,
                                  report->violated, sizeof report->violated);
    free(works);
    close_laws(laws);
}
