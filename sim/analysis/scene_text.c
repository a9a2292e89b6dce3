#include "sim/analysis/scene_say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

char *scene_sync_name(const Scene *scene, const Names *names, uint32_t number,
                      char text[static SYNC_NAME_SIZE])
{
    Instance object = instances_sync_at(&scene->instances, number);
    return narrate_own(names, object.pid, scene_sync_def(scene, number)->name, text,
                       SYNC_NAME_SIZE);
}

// The tasks of a list, each with what `detail` says of it; a long list is cut.
static void say_list(const Teller *teller, const char *before, uint32_t first, uint32_t count,
                     void (*detail)(const Teller *, const SceneTask *))
{
    say(teller, before);
    int said = 0;
    for (uint32_t at = first; at != 0 && said < NAMES_MOST; said++) {
        const SceneTask *task = &teller->scene->tasks.at[at - 1];
        if (said > 0)
            say(teller, ", ");
        say_value(teller, ARG_TASK, at);
        say(teller, " (");
        detail(teller, task);
        say(teller, ")");
        at = task->next;
    }
    if (count > NAMES_MOST)
        writer_format(teller->writer, " and %" PRIu32 " more", count - NAMES_MOST);
}

static void say_queued(const Teller *teller, const SceneTask *task)
{
    say(teller, "waits for ");
    say_ns(teller, since(teller, task->since_ns));
    if (!scene_knows_vruntime(teller->scene, task))
        return;
    say(teller, ", vruntime ");
    say_ns(teller, task->vruntime);
}

static void say_waiting(const Teller *teller, const SceneTask *task)
{
    if (task->spins) {
        say(teller, "spins for ");
        say_ns(teller, since(teller, task->wants_since_ns));
        return;
    }
    say_ns(teller, since(teller, task->wants != 0 ? task->wants_since_ns : task->since_ns));
    if (task->wakes_ns >= 0) {
        say(teller, ", at most ");
        say_ns(teller, task->wakes_ns - teller->scene->time_ns);
        say(teller, " more");
    }
}

static void say_waiters(const Teller *teller, uint32_t first, uint32_t count)
{
    if (count > 0)
        say_list(teller, "; waiting: ", first, count, say_waiting);
}

// ---- cores

static void say_mode(const Teller *teller, const SceneTask *task)
{
    if (task->state == TASK_STATE_ENDED) {
        say(teller, "has ended and leaves");
    } else if (task->state == TASK_STATE_SPINNING) {
        say(teller, "spins for ");
        char name[SYNC_NAME_SIZE + 32];
        say(teller, sync_text(teller, task->wants, name));
    } else if (task->errand == KERNEL_ERRAND_NONE) {
        say(teller, "in user mode");
    } else {
        say(teller, "in the kernel: ");
        say(teller, task->errand == KERNEL_ERRAND_SYSCALL && task->syscall != 0
                        ? syscall_name(task->syscall - 1u)
                        : kernel_errand_word(task->errand));
    }
    if (task->lender != 0) {
        say(teller, ", with the priority of ");
        say_value(teller, ARG_TASK, task->lender);
    }
    if (task->op != 0 && task->state != TASK_STATE_ENDED) {
        say(teller, ", at ");
        say_value(teller, ARG_OP, task->op);
    }
}

static void say_core(const Teller *teller, uint32_t number)
{
    const SceneCore *core = &teller->scene->cores[number];
    label(teller, ARG_CORE, number + 1, "core ");
    if (core->task == 0) {
        say(teller, "idle for ");
        say_ns(teller, since(teller, core->since_ns));
    } else {
        say_value(teller, ARG_TASK, core->task);
        say(teller, ", for ");
        say_ns(teller, since(teller, core->since_ns));
        say(teller, ", ");
        say_mode(teller, &teller->scene->tasks.at[core->task - 1]);
    }
    if (scene_core_interrupted(teller->scene, number)) {
        say(teller, "; ");
        say_value(teller, ARG_IRQ, core->irq);
        say(teller, " for ");
        say_ns(teller, core->irq_until_ns - teller->scene->time_ns);
        say(teller, " more");
    }
    writer_char(teller->writer, '\n');
    if (core->queued == 0)
        return;
    writer_fill(teller->writer, ' ', LABEL_COLUMNS + 4);
    bool shared = teller->scene->scenario->machine.global_queue && number == 0;
    say_list(teller, shared ? "run queue of all cores: " : "run queue: ", core->first, core->queued,
             say_queued);
    writer_char(teller->writer, '\n');
}

// ---- what threads wait at

static void say_held(const Teller *teller, uint32_t number)
{
    const SceneSync *sync = scene_sync(teller->scene, number);
    if (sync->holder != 0) {
        say_value(teller, ARG_TASK, sync->holder);
        say(teller, scene_sync_orphaned(teller->scene, number)
                        ? " had it at the fork, and nobody will release it, for "
                        : " has it for ");
        say_ns(teller, since(teller, sync->held_since_ns));
        if (sync->depth > 1)
            writer_format(teller->writer, ", %" PRIu32 " deep", sync->depth);
    } else if (sync->coroutine != 0) {
        say_coroutine(teller, sync->coroutine);
        say(teller, " has it for ");
        say_ns(teller, since(teller, sync->held_since_ns));
    } else if (sync->readers > 0) {
        writer_format(teller->writer, "%" PRIu32 " read", sync->readers);
    } else {
        say(teller, "free");
    }
}

static void say_sync(const Teller *teller, uint32_t number)
{
    const SyncDef *def = scene_sync_def(teller->scene, number);
    const SceneSync *sync = scene_sync(teller->scene, number);
    char name[SYNC_NAME_SIZE + 32];
    label_text(teller, "", sync_text(teller, number, name));
    if (sync_is_lock(def->kind)) {
        say_held(teller, number);
    } else if (def->kind == SYNC_EVENT) {
        say(teller, sync->level != 0 ? "set" : "clear");
    } else if (def->kind == SYNC_CONDITION) {
        writer_format(teller->writer, "%" PRIu32 " wait", sync->waiting + sync->coroutines);
    } else {
        writer_i64(teller->writer, sync->level);
        if (def->kind != SYNC_SEMAPHORE && def->parameter > 0)
            writer_format(teller->writer, " of %" PRIu32, def->parameter);
        say(teller, def->kind == SYNC_SEMAPHORE ? " left"
                    : def->kind == SYNC_QUEUE   ? " items"
                                                : " have come");
    }
    say_waiters(teller, sync->first, sync->waiting);
    if (sync->coroutines > 0)
        writer_format(teller->writer, "; waiting: %" PRIu32 " coroutine%s", sync->coroutines,
                      sync->coroutines == 1 ? "" : "s");
    writer_char(teller->writer, '\n');
}

static void say_pipes(Teller *teller)
{
    const Scenario *scenario = teller->scene->scenario;
    for (uint32_t id = 1; id <= scenario->pipe_count; id++) {
        const ScenePipe *pipe = &teller->scene->pipes[id - 1];
        heading(teller, "pipes and message queues");
        label(teller, ARG_PIPE, id, "pipe ");
        say_size(teller, pipe->bytes);
        for (unsigned end = 0; end < PIPE_END_COUNT; end++)
            if (pipe->closed[end])
                writer_format(teller->writer, "; a %s end is closed", pipe_end_name(end));
        say_waiters(teller, pipe->first, pipe->waiting);
        writer_char(teller->writer, '\n');
    }
    for (uint32_t id = 1; id <= scenario->message_queue_count; id++) {
        const SceneMessages *queue = &teller->scene->messages[id - 1];
        heading(teller, "pipes and message queues");
        label(teller, ARG_MESSAGES, id, "message queue ");
        writer_format(teller->writer, "%" PRIu32 " of %" PRIu32, queue->count,
                      scenario->message_queues[id - 1].capacity);
        say_waiters(teller, queue->first, queue->waiting);
        writer_char(teller->writer, '\n');
    }
}

static void say_blocked(Teller *teller)
{
    int said = 0;
    for (uint32_t at = teller->scene->first_blocked; at != 0 && said < NAMES_MOST; said++) {
        const SceneTask *task = &teller->scene->tasks.at[at - 1];
        heading(teller, "blocked");
        label(teller, ARG_TASK, at, "");
        say(teller, task_state_sentence(task->state));
        if (task->place == PLACE_JOIN) {
            say(teller, ": ");
            say_value(teller, ARG_DEF, task->place_id);
        }
        say(teller, ", for ");
        say_ns(teller, since(teller, task->since_ns));
        if (task->wakes_ns >= 0) {
            int64_t left = task->wakes_ns - teller->scene->time_ns;
            say(teller, ", ");
            if (left > 0) {
                say_ns(teller, left);
                say(teller, " left");
            } else { // behind its time it waits for the timer's slack, or for the interrupt
                say(teller, "due");
            }
        }
        writer_char(teller->writer, '\n');
        at = task->next;
    }
    if (teller->scene->blocked > NAMES_MOST)
        writer_format(teller->writer, "  and %" PRIu32 " more\n",
                      teller->scene->blocked - NAMES_MOST);
}

// ---- processes, data, all of it

static void say_process(Teller *teller, uint32_t pid)
{
    const SceneProcess *process = scene_process(teller->scene, pid);
    if (process == NULL)
        return;
    heading(teller, "processes");
    label(teller, ARG_PROCESS, pid, "");
    if (process->ended)
        say(teller, process->reaped ? "has ended" : "is a zombie: nobody has collected its end");
    else
        writer_format(teller->writer, "%" PRIu32 " thread%s", process->threads,
                      process->threads == 1 ? "" : "s");
    if (!process->ended && process->reserved > 0) {
        say(teller, "; ");
        say_size(teller, process->reserved);
        say(teller, " reserved, ");
        say_size(teller, process->resident);
        say(teller, " resident, ");
        say_size(teller, process->shared);
        say(teller, " of it shared");
        if (process->heap > 0) {
            say(teller, ", ");
            say_size(teller, process->heap);
            say(teller, " of Python's objects");
        }
    }
    writer_char(teller->writer, '\n');
}

static void say_threads(const Teller *teller)
{
    say(teller, "threads\n  ");
    bool any = false;
    for (unsigned state = 0; state < TASK_STATE_COUNT; state++) {
        if (teller->scene->in_state[state] == 0)
            continue;
        writer_format(teller->writer, "%s%" PRIu32 " %s", any ? ", " : "",
                      teller->scene->in_state[state], task_state_word(state));
        any = true;
    }
    say(teller, any ? "\n" : "none yet\n");
}

static void say_variables(Teller *teller)
{
    const Scene *scene = teller->scene;
    for (uint32_t number = 1; number <= scene->variables.count; number++) {
        Instance object = instances_variable_at(&scene->instances, number);
        if (!scene_variable_there(scene, number))
            continue;
        heading(teller, "variables");
        say(teller, "  ");
        sentence_own(teller->writer, teller->names, object.pid,
                     scene->scenario->variables[object.id - 1].name);
        writer_format(teller->writer, " = %" PRId64 "\n", scene->variables.at[number - 1]);
    }
}

// What only Python's library knows of is told while somebody waits there, has it, or has put
// something there.
static bool is_idle_library(const Scene *scene, uint32_t number)
{
    const SyncDef *def = scene_sync_def(scene, number);
    const SceneSync *sync = scene_sync(scene, number);
    return def->library && sync->waiting == 0 && sync->coroutines == 0 && sync->holder == 0 &&
           (def->kind != SYNC_QUEUE || sync->level == 0);
}

static void say_instant(const Teller *teller, const TraceRecord *last, uint64_t records)
{
    const Scene *scene = teller->scene;
    writer_format(teller->writer, "at %" PRId64 ".%06" PRId64 " ms, after event ",
                  scene->time_ns / 1000000, scene->time_ns % 1000000);
    writer_format(teller->writer, "%" PRIu64 " of %" PRIu64, scene->next, records);
    if (last != NULL) {
        say(teller, ": ");
        sentence_say(teller->writer, teller->names, last);
    }
    say(teller, "\ncores\n");
}

void scene_text(const Scene *scene, const Names *names, const TraceRecord *last, uint64_t records,
                Writer *writer)
{
    Teller teller = {.scene = scene, .names = names, .writer = writer};
    say_instant(&teller, last, records);
    for (uint32_t i = 0; i < scene->core_count; i++)
        say_core(&teller, i);
    for (uint32_t number = 1; number <= scene->syncs.count; number++) {
        if (!scene_sync_there(scene, number) || is_idle_library(scene, number))
            continue;
        heading(&teller, "locks and queues");
        say_sync(&teller, number);
    }
    teller.headed = false;
    say_pipes(&teller);
    teller.headed = false;
    scene_text_python(&teller);
    scene_text_work(&teller);
    say_blocked(&teller);
    teller.headed = false;
    for (uint32_t pid = 1; pid <= scene->processes.count; pid++)
        say_process(&teller, pid);
    say_threads(&teller);
    teller.headed = false;
    say_variables(&teller);
}

// ---- the scene of one instant of a run

bool scene_at_parse(SceneAt *at, const char *text)
{
    static const char event[] = "event:";
    *at = (SceneAt){0};
    if (strncmp(text, event, sizeof event - 1) != 0) {
        at->by_time = quantity_duration(text, strlen(text), &at->time_ns) == QUANTITY_GOOD;
        return at->by_time;
    }
    const char *digits = text + sizeof event - 1;
    size_t length = strspn(digits, "0123456789");
    at->by_event = length > 0 && length < 19 && digits[length] == 0;
    at->event = at->by_event ? strtoull(digits, NULL, 10) : 0;
    return at->by_event;
}

static bool still_before(const SceneTeller *teller, const TraceRecord *record)
{
    return (!teller->at.by_time || record->time_ns <= teller->at.time_ns) &&
           (!teller->at.by_event || teller->scene.next < teller->at.event);
}

static bool teller_take(TraceSink *sink, const TraceRecord *records, size_t count)
{
    SceneTeller *teller = (SceneTeller *)sink;
    teller->records += count;
    for (size_t i = 0; i < count && still_before(teller, &records[i]); i++) {
        if (records[i].kind == EVENT_TASK_CREATED)
            task_table_add(&teller->tasks, teller->scene.scenario, records[i].task, records[i].a,
                           records[i].b);
        process_names_add(&teller->processes, teller->scene.scenario, &records[i]);
        scene_fold(&teller->scene, &records[i]);
        teller->last = records[i];
    }
    return true;
}

void scene_teller_open(SceneTeller *teller, const Scenario *scenario, SceneAt at)
{
    *teller = (SceneTeller){
        .sink.write = teller_take,
        .at = at,
        .tasks.row_bytes = sizeof(TaskRow),
    };
    scene_open(&teller->scene, scenario);
}

void scene_teller_write(SceneTeller *teller, Writer *writer)
{
    Scene *scene = &teller->scene;
    // Between two events time goes on; behind the last one it does not.
    if (teller->at.by_time && scene->next < teller->records)
        scene->time_ns = teller->at.time_ns;
    Names names = {scene->scenario, &teller->tasks, &teller->processes};
    scene_text(scene, &names, scene->next > 0 ? &teller->last : NULL, teller->records, writer);
}

void scene_teller_free(SceneTeller *teller)
{
    scene_free(&teller->scene);
    task_table_free(&teller->tasks);
    process_names_free(&teller->processes);
}
