#include "sim/analysis/preference.h"

#include <inttypes.h>
#include <string.h>

// What is known of the two.
typedef struct Rivals {
    Arena *arena;
    const Recording *recording;
    const Scene *scene;
    const SceneTask *runs, *waits;
    uint32_t runs_id, waits_id;
    const ThreadDef *runs_def, *waits_def;
} Rivals;

// ---- virtual time

// The last record before the scene's instant that says where the task's virtual time is: an
// ENQUEUED or a SWITCH_IN; NULL when it has left a core since, because that is charged and not
// told.
static const TraceRecord *virtual_record(const Rivals *rivals, uint32_t task, EventKind wanted,
                                         uint64_t *index)
{
    for (uint64_t i = rivals->scene->next; i > 0; i--) {
        const TraceRecord *record = recording_at(rivals->recording, i - 1);
        if (record->task != task)
            continue;
        *index = i - 1;
        if (record->kind == wanted)
            return record;
        if (record->kind == EVENT_ENQUEUED || record->kind == EVENT_SWITCH_IN ||
            record->kind == EVENT_SWITCH_OUT)
            return NULL;
    }
    return NULL;
}

// Both as when the choice fell on the one that runs, or when the other came: the virtual times, and
// whether they can be known.
typedef struct VirtualTimes {
    bool known;
    bool chosen; // the choice fell while the other was waiting already
    int64_t runs, waits, runs_deadline, waits_deadline;
    bool runs_deadline_known;
} VirtualTimes;

// The deadline that a task was told on joining holds until its virtual time has reached it.
static VirtualTimes virtual_times(const Rivals *rivals)
{
    VirtualTimes times = {0};
    uint64_t in_at, joined_at;
    const TraceRecord *in = virtual_record(rivals, rivals->runs_id, EVENT_SWITCH_IN, &in_at);
    const TraceRecord *joined =
        virtual_record(rivals, rivals->waits_id, EVENT_ENQUEUED, &joined_at);
    if (in == NULL || joined == NULL)
        return times;
    times.known = true;
    times.chosen = joined_at < in_at;
    times.runs = (int64_t)in->b;
    times.waits = (int64_t)joined->a;
    times.waits_deadline = (int64_t)joined->b;
    times.runs_deadline = rivals->runs->deadline;
    // A nice level or a policy of its own makes virtual time run at another rate.
    bool plain = rivals->runs_def->nice == 0 && rivals->runs_def->policy == POLICY_NORMAL;
    if (!times.chosen && plain)
        times.runs += joined->time_ns - in->time_ns;
    times.runs_deadline_known = (times.chosen || plain) && times.runs < times.runs_deadline;
    return times;
}

// A thread in the kernel is not preempted there, whoever has a better claim. On its way to its own
// program after the switch to it, it has only just been chosen: that holds for newcomers.
static bool in_kernel(const Rivals *rivals)
{
    const SceneTask *runs = rivals->runs;
    if (runs->state != TASK_STATE_RUNNING_KERNEL || runs->core < 0)
        return false;
    return runs->errand != KERNEL_ERRAND_SWITCH ||
           rivals->waits->since_ns > rivals->scene->cores[runs->core].since_ns;
}

static const char in_kernel_text[] = ", which is in the kernel, where it is not preempted";

// The lesser of two times against the other; by how much, where both would be told alike.
static const char *against(Arena *arena, const char *what, int64_t left, int64_t right)
{
    char one[32], other[32];
    duration_text(left, one);
    duration_text(right, other);
    if (strcmp(one, other) == 0)
        return arena_format(arena, "%s, by %s", what, duration_text(right - left, one));
    return arena_format(arena, "%s (%s against %s)", what, one, other);
}

static const char *by_deadline(const Rivals *rivals)
{
    VirtualTimes times = virtual_times(rivals);
    if (times.known && times.runs_deadline_known) {
        if (times.runs_deadline < times.waits_deadline)
            return against(rivals->arena, ", whose virtual deadline is earlier",
                           times.runs_deadline, times.waits_deadline);
        if (times.chosen && times.runs_deadline > times.waits_deadline)
            return ", whose virtual deadline is later, but which has not had its share";
        if (!times.chosen && !in_kernel(rivals))
            return ", which has not used up its slice";
    }
    if (in_kernel(rivals))
        return in_kernel_text;
    return "; of those that have not had their share, eevdf runs the one with the earliest virtual "
           "deadline";
}

static const char *by_virtual_time(const Rivals *rivals)
{
    VirtualTimes times = virtual_times(rivals);
    if (times.known && times.chosen && times.runs < times.waits)
        return against(rivals->arena, ", whose virtual run time is less", times.runs, times.waits);
    return "; cfs runs the one that has had the least for its weight";
}

// ---- the machine's scheduler

static const char *by_slice(const Rivals *rivals)
{
    char slice[32];
    return arena_format(rivals->arena, ", whose slice of %s is not used up",
                        duration_text(rivals->scene->scenario->machine.slice_ns, slice));
}

static const char *by_scheduler(const Rivals *rivals)
{
    switch (rivals->scene->scenario->machine.scheduler) {
    case SCHEDULER_FIFO:
        return ", which keeps the core until it blocks, yields or ends";
    case SCHEDULER_SJF:
        return ", which keeps the core until it blocks, yields or ends; then the shortest job is "
               "next";
    case SCHEDULER_STCF:
        return in_kernel(rivals) ? in_kernel_text
                                 : ", which asks for no more time than it until it blocks or ends";
    case SCHEDULER_RR:
    case SCHEDULER_MULTI:
        return by_slice(rivals);
    case SCHEDULER_MLFQ:
        return in_kernel(rivals) ? in_kernel_text : ", whose level is not lower";
    case SCHEDULER_LOTTERY:
        return ", whose slice is not used up; then a ticket is drawn";
    case SCHEDULER_STRIDE:
        return ", whose slice is not used up; then the one is next that has had the least for its "
               "tickets";
    case SCHEDULER_CFS:
        return by_virtual_time(rivals);
    case SCHEDULER_EEVDF:
        return by_deadline(rivals);
    default:
        return arena_format(rivals->arena, "; the scheduler is %s",
                            scheduler_info(rivals->scene->scenario->machine.scheduler)->name);
    }
}

// ---- classes

static bool is_realtime(const ThreadDef *def)
{
    return def->policy == POLICY_FIFO || def->policy == POLICY_RR;
}

// Deadline before real-time before all others.
static int class_of(const ThreadDef *def)
{
    return def->policy == POLICY_DEADLINE ? 0 : is_realtime(def) ? 1 : 2;
}

static const char *lent_text(const Rivals *rivals)
{
    char name[96];
    return arena_format(rivals->arena,
                        ", which runs with the priority of %s, because that one "
                        "waits for a lock that it holds",
                        recording_task_name(rivals->recording, rivals->runs->lender, name));
}

static const char *by_priority(const Rivals *rivals)
{
    unsigned runs = rivals->runs_def->priority, waits = rivals->waits_def->priority;
    if (runs > waits)
        return arena_format(rivals->arena, ", whose priority is higher (%u against %u)", runs,
                            waits);
    if (runs < waits)
        return in_kernel(rivals) ? in_kernel_text : "";
    return rivals->runs_def->policy == POLICY_RR
               ? ", which is of the same priority and has not used up its slice"
               : ", which is of the same priority and keeps the core until it blocks or yields";
}

// Whether the one that waits was taken off its core so that normal threads get their share.
static bool lost_to_server(const Rivals *rivals)
{
    for (uint64_t i = rivals->scene->next; i > 0; i--) {
        const TraceRecord *record = recording_at(rivals->recording, i - 1);
        if (record->task != rivals->waits_id)
            continue;
        if (record->kind == EVENT_SWITCH_OUT || record->kind == EVENT_ENQUEUED)
            return record->kind == EVENT_SWITCH_OUT && record->a == SWITCH_PREEMPTED_SERVER;
    }
    return false;
}

static const char *by_class(const Rivals *rivals)
{
    int runs = class_of(rivals->runs_def), waits = class_of(rivals->waits_def);
    if (runs > waits && in_kernel(rivals))
        return in_kernel_text;
    if (runs > waits)
        return lost_to_server(rivals)
                   ? ", because real-time threads have kept normal ones waiting for long"
                   : "";
    if (runs == 0 && waits == 0)
        return ", whose deadline is not later";
    return runs == 0 ? ", which is a deadline thread: those go before all others"
                     : ", which is a real-time thread: those go before normal ones";
}

const char *preference_text(Arena *arena, const Recording *recording, const Scene *scene,
                            uint32_t runs, uint32_t waits)
{
    const Scenario *scenario = scene->scenario;
    Rivals rivals = {.arena = arena,
                     .recording = recording,
                     .scene = scene,
                     .runs = scene_task(scene, runs),
                     .waits = scene_task(scene, waits),
                     .runs_id = runs,
                     .waits_id = waits};
    if (rivals.runs == NULL || rivals.waits == NULL)
        return "";
    rivals.runs_def = &scenario->threads[rivals.runs->def - 1];
    rivals.waits_def = &scenario->threads[rivals.waits->def - 1];
    if (rivals.runs->lender != 0)
        return lent_text(&rivals);
    if (rivals.waits->lender != 0)
        return ""; // it has a priority that no record tells
    int runs_class = class_of(rivals.runs_def), waits_class = class_of(rivals.waits_def);
    if (runs_class != waits_class || runs_class == 0)
        return by_class(&rivals);
    return runs_class == 1 ? by_priority(&rivals) : by_scheduler(&rivals);
}
