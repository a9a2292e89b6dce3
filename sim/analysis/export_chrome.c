#include "sim/analysis/export_chrome.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>

typedef enum SliceKind {
    SLICE_TASK,     // what: task id
    SLICE_RUNNING,  // core
    SLICE_RUNNABLE, // -
    SLICE_REASON,   // SwitchReason that it left its core for
    SLICE_LOCK,     // SyncId that it waits for
    SLICE_SWITCH,   // -
    SLICE_SYSCALL,  // SyscallId
    SLICE_TRAP,     // EventKind of what took it into the kernel without a call
    SLICE_IRQ,      // IrqId
} SliceKind;

typedef enum ThreadState { THREAD_BLOCKED, THREAD_RUNNABLE, THREAD_RUNNING } ThreadState;

typedef struct ChromeTask {
    TaskRow row;
    ChromeTrack track;
    uint64_t flow;     // the arrow on its way to it; 0: none
    uint32_t span;     // its innermost open span
    uint32_t syscall1; // the system call that it is in, plus 1; 0: none
    uint8_t state;     // ThreadState
    bool queued;       // enqueued again before it has left its core
} ChromeTask;

// --- events -------------------------------------------------------------------------------------

// {"ph":"B","pid":1,"tid":2,"ts":3.456 with the fields that follow left to the caller.
static void event_begin(ChromeExport *chrome, char phase, uint64_t pid, uint64_t tid, int64_t ns)
{
    Writer *writer = chrome->writer;
    writer_text(writer, chrome->some ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    chrome->some = true;
    writer_char(writer, phase);
    writer_text(writer, "\",\"pid\":");
    writer_u64(writer, pid);
    writer_text(writer, ",\"tid\":");
    writer_u64(writer, tid);
    if (phase == 'M')
        return; // names have no time
    writer_text(writer, ",\"ts\":");
    writer_us(writer, ns);
}

static void event_name(ChromeExport *chrome, const char *category, const char *name)
{
    writer_text(chrome->writer, ",\"cat\":\"");
    writer_text(chrome->writer, category);
    writer_text(chrome->writer, "\",\"name\":");
    writer_json_text(chrome->writer, name);
}

static void event_end(ChromeExport *chrome)
{
    writer_char(chrome->writer, '}');
}

// Names a process ("process_name") or a track ("thread_name") and gives it its place.
static void name_of_track(ChromeExport *chrome, const char *which, uint64_t pid, uint64_t tid,
                          const char *name)
{
    event_begin(chrome, 'M', pid, tid, 0);
    writer_format(chrome->writer, ",\"name\":\"%s\",\"args\":{\"name\":", which);
    writer_json_text(chrome->writer, name);
    writer_text(chrome->writer, "}}");
}

static void place_of_track(ChromeExport *chrome, const char *which, uint64_t pid, uint64_t tid,
                           uint64_t place)
{
    event_begin(chrome, 'M', pid, tid, 0);
    writer_format(chrome->writer, ",\"name\":\"%s\",\"args\":{\"sort_index\":", which);
    writer_u64(chrome->writer, place);
    writer_text(chrome->writer, "}}");
}

static void track_show(ChromeExport *chrome, ChromeTrack *track);

static void instant(ChromeExport *chrome, ChromeTrack *track, char scope, const char *category,
                    const char *name)
{
    track_show(chrome, track); // what began before it is written before it
    event_begin(chrome, 'i', track->pid, track->tid, chrome->now_ns);
    writer_text(chrome->writer, ",\"s\":\"");
    writer_char(chrome->writer, scope);
    writer_char(chrome->writer, '"');
    event_name(chrome, category, name);
    event_end(chrome);
}

static const char *lock_name(const Scenario *scenario, uint64_t lock)
{
    return lock == 0 || lock > scenario->sync_count
               ? "lock"
               : scenario_string(scenario, scenario->syncs[lock - 1].name);
}

static const char *string_of(const ChromeExport *chrome, uint64_t string)
{
    return scenario_string(chrome->scenario,
                           (StringId){string > UINT32_MAX ? 0 : (uint32_t)string});
}

// --- slices -------------------------------------------------------------------------------------

static void slice_name(ChromeExport *chrome, const ChromeSlice *slice)
{
    char text[128];
    switch ((SliceKind)slice->kind) {
    case SLICE_TASK:
        event_name(chrome, "task",
                   task_table_name(&chrome->tasks, chrome->scenario, slice->what, text));
        break;
    case SLICE_RUNNING:
        event_name(chrome, "state", "running");
        writer_text(chrome->writer, ",\"args\":{\"core\":");
        writer_u64(chrome->writer, slice->what);
        writer_char(chrome->writer, '}');
        break;
    case SLICE_RUNNABLE:
        event_name(chrome, "state", "runnable");
        break;
    case SLICE_REASON:
        event_name(chrome, "state", switch_reason_word(slice->what));
        break;
    case SLICE_LOCK:
        event_name(chrome, "state", "lock");
        writer_text(chrome->writer, ",\"args\":{\"lock\":");
        writer_json_text(chrome->writer, lock_name(chrome->scenario, slice->what));
        writer_char(chrome->writer, '}');
        break;
    case SLICE_SWITCH:
        event_name(chrome, "kernel", "context switch");
        break;
    case SLICE_SYSCALL:
        event_name(chrome, "kernel", syscall_name(slice->what));
        break;
    case SLICE_TRAP:
        event_name(chrome, "kernel", event_info((unsigned)slice->what)->name);
        break;
    case SLICE_IRQ:
        event_name(chrome, "interrupt", irq_name(slice->what));
        break;
    }
}

// Writes the beginnings of all open slices that are not written yet.
static void track_show(ChromeExport *chrome, ChromeTrack *track)
{
    for (uint32_t i = 0; i < track->depth; i++) {
        ChromeSlice *slice = &track->slices[i];
        if (slice->shown)
            continue;
        slice->shown = true;
        event_begin(chrome, 'B', track->pid, track->tid, slice->begin_ns);
        slice_name(chrome, slice);
        event_end(chrome);
    }
}

static void track_push(ChromeTrack *track, SliceKind kind, uint64_t what, int64_t ns)
{
    CHECK(track->depth < CHROME_DEPTH);
    track->slices[track->depth++] =
        (ChromeSlice){.begin_ns = ns, .what = (uint32_t)what, .kind = (uint8_t)kind};
}

static void track_pop(ChromeExport *chrome, ChromeTrack *track, int64_t ns)
{
    CHECK(track->depth > 0);
    ChromeSlice *slice = &track->slices[track->depth - 1];
    if (!slice->shown && ns > slice->begin_ns)
        track_show(chrome, track);
    if (slice->shown) {
        event_begin(chrome, 'E', track->pid, track->tid, ns);
        event_end(chrome);
    }
    track->depth--;
}

// Ends slices until `depth` are open.
static void track_pop_to(ChromeExport *chrome, ChromeTrack *track, uint32_t depth, int64_t ns)
{
    while (track->depth > depth)
        track_pop(chrome, track, ns);
}

// --- cores --------------------------------------------------------------------------------------

// Ends the interrupts that were over before `ns` (or at it, when `also_at`).
static void core_catch_up(ChromeExport *chrome, ChromeCore *core, int64_t ns, bool also_at)
{
    while (core->irq_count > 0 &&
           (core->irqs[0].end_ns < ns || (also_at && core->irqs[0].end_ns == ns))) {
        int64_t end = core->irqs[0].end_ns;
        track_pop(chrome, &core->track, end);
        core->irq_count--;
        for (uint32_t i = 0; i < core->irq_count; i++)
            core->irqs[i] = core->irqs[i + 1];
        if (core->irq_count > 0)
            track_push(&core->track, SLICE_IRQ, core->irqs[0].irq, end);
    }
}

// Puts an interrupt that is still going on aside, so that the slices around it can change;
// core_resume goes on with it.
static void core_suspend(ChromeExport *chrome, ChromeCore *core)
{
    core_catch_up(chrome, core, chrome->now_ns, true);
    if (core->irq_count > 0)
        track_pop(chrome, &core->track, chrome->now_ns);
}

static void core_resume(ChromeExport *chrome, ChromeCore *core)
{
    if (core->irq_count > 0)
        track_push(&core->track, SLICE_IRQ, core->irqs[0].irq, chrome->now_ns);
}

static ChromeCore *core_of(ChromeExport *chrome, int64_t number)
{
    if (number < 0 || number >= CORES_MAX)
        return NULL;
    ChromeCore *core = &chrome->cores[number];
    if (core->track.pid == 0) {
        char name[32];
        core->track.pid = CHROME_PID_CORES;
        core->track.tid = (uint32_t)number + 1;
        snprintf(name, sizeof name, "core %d", (int)number);
        name_of_track(chrome, "thread_name", core->track.pid, core->track.tid, name);
        place_of_track(chrome, "thread_sort_index", core->track.pid, core->track.tid,
                       core->track.tid);
    }
    return core;
}

static void core_interrupt(ChromeExport *chrome, ChromeCore *core, const TraceRecord *record)
{
    core_catch_up(chrome, core, record->time_ns, true);
    uint32_t count = core->irq_count;
    int64_t begin = count > 0 ? core->irqs[count - 1].end_ns : record->time_ns;
    int64_t room = INSTANT_NEVER.ns - (begin < INSTANT_NEVER.ns ? begin : INSTANT_NEVER.ns);
    int64_t end = begin + (record->b < (uint64_t)room ? (int64_t)record->b : room);
    if (count == CHROME_IRQS) {
        core->irqs[count - 1].end_ns = end; // too many at once: drawn as one
        return;
    }
    core->irqs[count].end_ns = end;
    core->irqs[count].irq = (uint32_t)record->a;
    core->irq_count++;
    if (count == 0)
        track_push(&core->track, SLICE_IRQ, record->a, record->time_ns);
}

// --- threads ------------------------------------------------------------------------------------

static void count_state(ChromeExport *chrome, uint8_t state, int64_t change)
{
    if (state == THREAD_RUNNABLE)
        chrome->runnable += change;
    else if (state == THREAD_RUNNING)
        chrome->running += change;
}

static void task_state(ChromeExport *chrome, ChromeTask *task, ThreadState state, SliceKind kind,
                       uint64_t what)
{
    track_pop_to(chrome, &task->track, 0, chrome->now_ns);
    track_push(&task->track, kind, what, chrome->now_ns);
    count_state(chrome, task->state, -1);
    task->state = (uint8_t)state;
    count_state(chrome, task->state, 1);
}

static void flow(ChromeExport *chrome, ChromeTrack *track, char phase, uint64_t id)
{
    track_show(chrome, track); // an arrow holds on to the slice around it
    event_begin(chrome, phase, track->pid, track->tid, chrome->now_ns);
    event_name(chrome, "wakeup", "wake-up");
    writer_text(chrome->writer, phase == 'f' ? ",\"bp\":\"e\",\"id\":" : ",\"id\":");
    writer_u64(chrome->writer, id);
    event_end(chrome);
}

static void flow_arrive(ChromeExport *chrome, ChromeTask *task)
{
    if (task->flow != 0)
        flow(chrome, &task->track, 'f', task->flow);
    task->flow = 0;
}

// An arrow leaves the waker, or the core whose interrupt woke the task.
static void wakeup(ChromeExport *chrome, const TraceRecord *record)
{
    ChromeTask *wakee = task_table_at(&chrome->tasks, record->task);
    ChromeTask *waker = task_table_at(&chrome->tasks, record->a);
    if (wakee == NULL || wakee == waker || wakee->flow != 0)
        return;
    ChromeTrack *track = NULL;
    if (waker != NULL && waker->state == THREAD_RUNNING) {
        track = &waker->track;
    } else if (waker == NULL && record->b > 0 && record->b <= CORES_MAX) {
        ChromeCore *core = core_of(chrome, (int64_t)record->b - 1);
        core_catch_up(chrome, core, record->time_ns, false);
        track = &core->track;
    }
    if (track == NULL || track->depth == 0)
        return;
    wakee->flow = ++chrome->flows;
    flow(chrome, track, 's', wakee->flow);
}

static void span_edge(ChromeExport *chrome, ChromeTask *task, char phase, const OpenSpan *span)
{
    track_show(chrome, &task->track);
    event_begin(chrome, phase, task->track.pid, task->track.tid, chrome->now_ns);
    event_name(chrome, "span", string_of(chrome, span->name));
    writer_text(chrome->writer, ",\"id\":\"0x");
    writer_hex(chrome->writer, task->track.tid - CHROME_TID_TASKS, 8);
    writer_hex(chrome->writer, span->serial, 8);
    writer_char(chrome->writer, '"');
    event_end(chrome);
}

static void span_event(ChromeExport *chrome, ChromeTask *task, const TraceRecord *record)
{
    OpenSpan span = {.begin_ns = record->time_ns,
                     .serial = record->b,
                     .name = record->a > UINT32_MAX ? 0 : (uint32_t)record->a};
    if (record->kind == EVENT_SPAN_BEGIN) {
        open_spans_push(&chrome->spans, &task->span, span);
        span_edge(chrome, task, 'b', &span);
    } else if (open_spans_end(&chrome->spans, &task->span, span.name, span.serial, &span)) {
        span_edge(chrome, task, 'e', &span);
    }
}

// Closes all that the task has open, at its end or the trace's.
static void task_close(ChromeExport *chrome, ChromeTask *task)
{
    flow_arrive(chrome, task);
    OpenSpan span;
    while (open_spans_pop(&chrome->spans, &task->span, &span))
        span_edge(chrome, task, 'e', &span);
    track_pop_to(chrome, &task->track, 0, chrome->now_ns);
    count_state(chrome, task->state, -1);
    task->state = THREAD_BLOCKED;
}

static void task_create(ChromeExport *chrome, const TraceRecord *record)
{
    ChromeTask *task =
        task_table_add(&chrome->tasks, chrome->scenario, record->task, record->a, record->b);
    if (task == NULL)
        return;
    ThreadDef *def = &chrome->scenario->threads[task->row.def - 1];
    task->track.pid = CHROME_PID_CORES + def->process.index1;
    task->track.tid = CHROME_TID_TASKS + record->task;
    char name[96];
    name_of_track(chrome, "thread_name", task->track.pid, task->track.tid,
                  task_table_name(&chrome->tasks, chrome->scenario, record->task, name));
    place_of_track(chrome, "thread_sort_index", task->track.pid, task->track.tid, record->task);
}

// --- records ------------------------------------------------------------------------------------

static void switch_in(ChromeExport *chrome, const TraceRecord *record)
{
    ChromeCore *core = core_of(chrome, record->core);
    ChromeTask *task = task_table_at(&chrome->tasks, record->task);
    uint32_t syscall1 = task == NULL ? 0 : task->syscall1;
    SliceKind kind = syscall1 == 0 ? SLICE_SWITCH : SLICE_SYSCALL;
    bool in_kernel = record->a != 0;
    if (core != NULL) {
        core_suspend(chrome, core);
        track_pop_to(chrome, &core->track, 0, record->time_ns);
        track_push(&core->track, SLICE_TASK, record->task, record->time_ns);
        if (in_kernel)
            track_push(&core->track, kind, syscall1 - 1, record->time_ns);
        core_resume(chrome, core);
    }
    if (task != NULL) {
        task_state(chrome, task, THREAD_RUNNING, SLICE_RUNNING,
                   record->core < 0 ? 0 : (uint64_t)record->core);
        flow_arrive(chrome, task);
        if (in_kernel)
            track_push(&task->track, kind, syscall1 - 1, record->time_ns);
    }
}

static void switch_out(ChromeExport *chrome, const TraceRecord *record)
{
    ChromeCore *core = core_of(chrome, record->core);
    if (core != NULL) {
        core_suspend(chrome, core);
        track_pop_to(chrome, &core->track, 0, record->time_ns);
        core_resume(chrome, core);
    }
    ChromeTask *task = task_table_at(&chrome->tasks, record->task);
    if (task == NULL)
        return;
    SwitchReason reason = (SwitchReason)record->a;
    if (reason == SWITCH_EXITED)
        task_close(chrome, task);
    else if (reason <= SWITCH_YIELDED || task->queued)
        task_state(chrome, task, THREAD_RUNNABLE, SLICE_RUNNABLE, 0);
    else if (reason == SWITCH_BLOCKED_LOCK)
        task_state(chrome, task, THREAD_BLOCKED, SLICE_LOCK, record->b);
    else
        task_state(chrome, task, THREAD_BLOCKED, SLICE_REASON, reason);
    task->queued = false;
}

// The task's part of the core's time in the kernel, on both tracks.
static void kernel_mode(ChromeExport *chrome, const TraceRecord *record)
{
    bool calls = record->kind == EVENT_KERNEL_ENTER, enters = record->kind != EVENT_KERNEL_EXIT;
    SliceKind kind = calls ? SLICE_SYSCALL : SLICE_TRAP;
    uint64_t what = calls ? record->a : record->kind;
    ChromeTask *task = task_table_at(&chrome->tasks, record->task);
    ChromeCore *core = core_of(chrome, record->core);
    if (task != NULL)
        task->syscall1 = calls ? (uint32_t)record->a + 1 : 0;
    if (task == NULL || task->state != THREAD_RUNNING || core == NULL)
        return;
    track_pop_to(chrome, &task->track, 1, record->time_ns);
    if (enters)
        track_push(&task->track, kind, what, record->time_ns);
    core_suspend(chrome, core);
    bool runs_here = core->track.depth > 0 && core->track.slices[0].what == record->task;
    if (runs_here) {
        track_pop_to(chrome, &core->track, 1, record->time_ns);
        if (enters)
            track_push(&core->track, kind, what, record->time_ns);
    }
    core_resume(chrome, core);
}

// Writes how many threads run and wait, when that is news; at the time before it moves on.
static void counters(ChromeExport *chrome)
{
    if (chrome->runnable == chrome->shown_runnable && chrome->running == chrome->shown_running)
        return;
    chrome->shown_runnable = chrome->runnable;
    chrome->shown_running = chrome->running;
    event_begin(chrome, 'C', CHROME_PID_CORES, 0, chrome->now_ns);
    writer_text(chrome->writer, ",\"name\":\"threads\",\"args\":{\"running\":");
    writer_i64(chrome->writer, chrome->running);
    writer_text(chrome->writer, ",\"runnable\":");
    writer_i64(chrome->writer, chrome->runnable);
    writer_text(chrome->writer, "}}");
}

// What happens to a task that is known.
static void task_event(ChromeExport *chrome, ChromeTask *task, const TraceRecord *record)
{
    switch ((EventKind)record->kind) {
    case EVENT_TASK_EXITED:
        break; // its last switch out, which follows, ends its slices
    case EVENT_TASK_KILLED:
        task_close(chrome, task);
        break;
    case EVENT_ENQUEUED:
        if (task->state == THREAD_BLOCKED)
            task_state(chrome, task, THREAD_RUNNABLE, SLICE_RUNNABLE, 0);
        else if (task->state == THREAD_RUNNING)
            task->queued = true;
        break;
    case EVENT_MIGRATED:
        instant(chrome, &task->track, 't', "migration", "migrated");
        break;
    case EVENT_PRINT:
        instant(chrome, &task->track, 't', "print", string_of(chrome, record->a));
        break;
    case EVENT_MARK:
        instant(chrome, &task->track, 't', "mark", string_of(chrome, record->a));
        break;
    case EVENT_SPAN_BEGIN:
    case EVENT_SPAN_END:
        span_event(chrome, task, record);
        break;
    case EVENT_DEADLOCK:
        instant(chrome, &task->track, 't', "deadlock", "deadlock");
        break;
    default:
        break;
    }
}

static void add_one(ChromeExport *chrome, const TraceRecord *record)
{
    if (record->time_ns > chrome->now_ns) {
        counters(chrome);
        chrome->now_ns = record->time_ns;
    }
    switch ((EventKind)record->kind) {
    case EVENT_TASK_CREATED:
        task_create(chrome, record);
        return;
    case EVENT_SWITCH_IN:
        switch_in(chrome, record);
        return;
    case EVENT_SWITCH_OUT:
        switch_out(chrome, record);
        return;
    case EVENT_KERNEL_ENTER:
    case EVENT_PAGE_FAULT:
    case EVENT_SIGNAL_HANDLED:
    case EVENT_KERNEL_EXIT:
        kernel_mode(chrome, record);
        return;
    case EVENT_IRQ:
        if (record->core >= 0)
            core_interrupt(chrome, core_of(chrome, record->core), record);
        return;
    case EVENT_WAKEUP:
        wakeup(chrome, record);
        return;
    case EVENT_RUN_END: {
        ChromeTrack all = {.pid = CHROME_PID_CORES, .tid = 0};
        instant(chrome, &all, 'g', "run", end_reason_text((unsigned)record->a));
        chrome->ended = true;
        return;
    }
    default:
        break;
    }
    ChromeTask *task = task_table_at(&chrome->tasks, record->task);
    if (task != NULL)
        task_event(chrome, task, record);
}

void chrome_add(ChromeExport *chrome, const TraceRecord *records, size_t count)
{
    for (size_t i = 0; i < count && !chrome->ended; i++)
        add_one(chrome, &records[i]);
}

static bool chrome_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    ChromeExport *chrome = (ChromeExport *)sink;
    chrome_add(chrome, records, count);
    return !chrome->writer->failed;
}

void chrome_open(ChromeExport *chrome, const Scenario *scenario, Writer *writer)
{
    *chrome = (ChromeExport){
        .sink.write = chrome_write,
        .scenario = scenario,
        .writer = writer,
        .tasks.row_bytes = sizeof(ChromeTask),
        .cores = calloc(CORES_MAX, sizeof(ChromeCore)),
    };
    CHECK(chrome->cores != NULL);
    writer_text(writer, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"title\":");
    writer_json_text(writer, scenario->title != NULL ? scenario->title : "");
    writer_text(writer, "},\"traceEvents\":[");
    name_of_track(chrome, "process_name", CHROME_PID_CORES, 0, "cores");
    place_of_track(chrome, "process_sort_index", CHROME_PID_CORES, 0, 0);
    for (uint32_t i = 0; i < scenario->machine.cores; i++)
        core_of(chrome, i);
    for (uint32_t i = 0; i < scenario->process_count; i++) {
        uint32_t pid = CHROME_PID_CORES + 1 + i;
        name_of_track(chrome, "process_name", pid, 0,
                      scenario_string(scenario, scenario->processes[i].name));
        place_of_track(chrome, "process_sort_index", pid, 0, i + 1);
    }
}

void chrome_close(ChromeExport *chrome)
{
    counters(chrome);
    for (int i = 0; i < CORES_MAX; i++) {
        ChromeCore *core = &chrome->cores[i];
        core_catch_up(chrome, core, chrome->now_ns, true);
        core->irq_count = 0;
        track_pop_to(chrome, &core->track, 0, chrome->now_ns);
    }
    for (uint32_t id = 1; id <= chrome->tasks.id_max; id++) {
        ChromeTask *task = task_table_at(&chrome->tasks, id);
        if (task != NULL)
            task_close(chrome, task);
    }
    writer_text(chrome->writer, "\n]}\n");
    task_table_free(&chrome->tasks);
    open_spans_free(&chrome->spans);
    free(chrome->cores);
    chrome->cores = NULL;
}
