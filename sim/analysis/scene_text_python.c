// A scene's GILs, event loops and coroutines in words.
#include "sim/analysis/scene_say.h"

#include <inttypes.h>

// ---- GILs

static void say_gil_waiter(const Teller *teller, uint32_t id)
{
    const SceneTask *task = scene_task(teller->scene, id);
    say_value(teller, ARG_TASK, id);
    say(teller, " (");
    say_ns(teller, since(teller, task->gil_since_ns));
    int64_t asks_ns = scene_gil_asks_ns(teller->scene, id);
    if (asks_ns > teller->scene->time_ns) {
        say(teller, ", asks in ");
        say_ns(teller, asks_ns - teller->scene->time_ns);
    }
    say(teller, ")");
}

static void say_gil_waiters(const Teller *teller, const SceneGil *gil)
{
    uint32_t said = 0;
    for (uint32_t at = gil->first; at != 0 && said < NAMES_MOST; said++) {
        say(teller, said == 0 ? "; waiting: " : ", ");
        say_gil_waiter(teller, at);
        at = scene_task(teller->scene, at)->gil_next;
    }
    if (gil->waiting > said)
        writer_format(teller->writer, " and %" PRIu32 " more", gil->waiting - said);
}

static void say_gil(Teller *teller, const SceneGil *gil)
{
    heading(teller, "GILs");
    label(teller, ARG_PROCESS, gil->process, "GIL of ");
    if (gil->interpreter != 0)
        writer_format(teller->writer, "interpreter %" PRIu32 ": ", gil->interpreter);
    if (gil->holder != 0) {
        say_value(teller, ARG_TASK, gil->holder);
        say(teller, " has it for ");
    } else {
        say(teller, "free for ");
    }
    say_ns(teller, since(teller, gil->since_ns));
    if (gil->asked_ns >= 0) {
        say(teller, "; ");
        say_value(teller, ARG_TASK, gil->asker);
        say(teller, " has asked for it ");
        say_ns(teller, since(teller, gil->asked_ns));
        say(teller, " ago");
    }
    if (gil->dropper != 0) {
        say(teller, "; ");
        say_value(teller, ARG_TASK, gil->dropper);
        say(teller, " has dropped it and waits until another has taken it");
    }
    say_gil_waiters(teller, gil);
    writer_char(teller->writer, '\n');
}

// ---- loops

// "resume task_a #2".
static void say_callback(const Teller *teller, uint32_t callback, uint32_t about, uint32_t function)
{
    say(teller, callback_sentence(callback));
    if (function == 0)
        return;
    say(teller, " ");
    say_value(teller, ARG_COROUTINE, coroutine_pack(about, function));
}

static void begin_line(const Teller *teller, const char *text)
{
    writer_fill(teller->writer, ' ', LABEL_COLUMNS + 4);
    say(teller, text);
}

static void say_ready(const Teller *teller, const SceneLoop *loop)
{
    const ScenePython *python = &teller->scene->python;
    uint32_t said = 0;
    begin_line(teller, "ready: ");
    for (uint32_t at = loop->first; at != 0 && said < NAMES_MOST; said++) {
        const SceneReady *ready = &python->ready.at[at - 1];
        if (said > 0)
            say(teller, said == loop->snapshot ? " | next turn: " : ", ");
        say_callback(teller, ready->callback, ready->coroutine, ready->function);
        say(teller, " (for ");
        say_ns(teller, since(teller, ready->since_ns));
        say(teller, ")");
        at = ready->next;
    }
    if (loop->ready > said)
        writer_format(teller->writer, " and %" PRIu32 " more", loop->ready - said);
    writer_char(teller->writer, '\n');
}

// Those that are due next.
static void say_timers(const Teller *teller, const SceneLoop *loop, uint32_t number)
{
    enum { TIMERS_MOST = 5 };
    uint32_t timers[TIMERS_MOST];
    size_t count = scene_next_timers(teller->scene, number, timers, TIMERS_MOST);
    begin_line(teller, "timers: ");
    for (size_t i = 0; i < count; i++) {
        const SceneTimer *timer = &teller->scene->python.timers.at[timers[i] - 1];
        if (i > 0)
            say(teller, ", ");
        if (timer->coroutine != 0) {
            say_coroutine(teller, timer->coroutine);
            say(teller, "'s ");
        }
        if (timer->due_ns > teller->scene->time_ns) {
            say(teller, "in ");
            say_ns(teller, timer->due_ns - teller->scene->time_ns);
        } else {
            say(teller, "due");
        }
    }
    if (loop->timers > count)
        writer_format(teller->writer, " and %zu more", loop->timers - count);
    writer_char(teller->writer, '\n');
}

// What its selector watches; which of it the last epoll_wait has handed over.
static void say_watches(const Teller *teller, const SceneLoop *loop)
{
    const ScenePython *python = &teller->scene->python;
    uint32_t said = 0;
    begin_line(teller, "selector: ");
    for (size_t i = 0; i < python->watches.count && said < NAMES_MOST; i++) {
        const SceneWatch *watch = &python->watches.at[i];
        if (watch->thread != loop->thread)
            continue;
        say(teller, said++ > 0 ? ", " : "");
        say_value(teller, ARG_FILE, watch->file);
        if (watch->taken != 0 && watch->turn == loop->turns)
            say(teller, " (handed over)");
    }
    if (loop->watched > said)
        writer_format(teller->writer, " and %" PRIu32 " more", loop->watched - said);
    writer_char(teller->writer, '\n');
}

static void say_phase(const Teller *teller, const SceneLoop *loop)
{
    if (loop->callback != 0) {
        say(teller, "calls: ");
        say_callback(teller, loop->callback - 1, loop->about, loop->function);
        say(teller, ", for ");
        say_ns(teller, since(teller, loop->calls_since_ns));
        return;
    }
    say(teller, loop_phase_word(loop->phase));
    say(teller, " for ");
    say_ns(teller, since(teller, loop->phase_since_ns));
    if (loop->phase != LOOP_PHASE_POLLS)
        return;
    if (loop->poll_until_ns < 0) {
        say(teller, ", without end");
    } else if (loop->poll_until_ns > teller->scene->time_ns) {
        say(teller, ", at most ");
        say_ns(teller, loop->poll_until_ns - teller->scene->time_ns);
        say(teller, " more");
    }
}

static void say_loop(Teller *teller, uint32_t number)
{
    const SceneLoop *loop = &teller->scene->python.loops.at[number - 1];
    if (loop->thread == 0)
        return;
    heading(teller, "event loops");
    label(teller, ARG_TASK, loop->thread, "loop of ");
    writer_format(teller->writer, "%sturn %" PRIu32 ", ", loop->libuv ? "uvloop's, " : "",
                  loop->turns);
    say_phase(teller, loop);
    writer_format(teller->writer, "; %" PRIu32 " ready, %" PRIu32 " timer%s", loop->ready,
                  loop->timers, loop->timers == 1 ? "" : "s");
    for (unsigned state = 0; state < COROUTINE_STATE_COUNT; state++)
        if (loop->in_state[state] > 0 && state != COROUTINE_STATE_READY)
            writer_format(teller->writer, ", %" PRIu32 " %s", loop->in_state[state],
                          coroutine_state_word(state));
    writer_char(teller->writer, '\n');
    if (loop->ready > 0)
        say_ready(teller, loop);
    if (loop->timers > 0)
        say_timers(teller, loop, number);
    if (loop->watched > 0)
        say_watches(teller, loop);
}

// ---- coroutines

static void say_awaited(const Teller *teller, const SceneCoroutine *coroutine)
{
    if (coroutine->waits_for != 0) {
        say(teller, "waits for the end of ");
        say_coroutine(teller, coroutine->waits_for);
        return;
    }
    uint32_t left = 0;
    const ScenePython *python = &teller->scene->python;
    for (size_t i = 0; i < python->coroutines.count; i++)
        left += python->coroutines.at[i].state != COROUTINE_STATE_ENDED &&
                python->coroutines.at[i].awaited_by == coroutine->serial &&
                scene_awaited_by(teller->scene, &python->coroutines.at[i], coroutine->serial);
    writer_format(teller->writer, "waits for the end of %" PRIu32 " other%s", left,
                  left == 1 ? "" : "s");
}

// Of an executor, which a coroutine awaits; NULL: it has been done by now.
static void say_item(const Teller *teller, const SceneItem *item)
{
    if (item == NULL) {
        say(teller, "waits for what an executor has done");
        return;
    }
    writer_format(teller->writer, "waits for item %" PRIu32 " of executor ", item->serial);
    say_value(teller, ARG_TEXT, teller->scene->scenario->executors[item->executor - 1].name.index1);
    writer_format(teller->writer, ", which %s", work_state_word(item->state));
}

static void say_what(const Teller *teller, const SceneCoroutine *coroutine)
{
    if (coroutine->state == COROUTINE_STATE_WAITS_TASK) {
        say_awaited(teller, coroutine);
    } else if (coroutine->state == COROUTINE_STATE_WAITS_OBJECT) {
        char name[SYNC_NAME_SIZE + 32];
        say(teller, "waits at ");
        say(teller, sync_text(teller, coroutine->waits_for, name));
    } else if (coroutine->state == COROUTINE_STATE_WAITS_ITEM) {
        say_item(teller, scene_item(teller->scene, coroutine->waits_for));
    } else if (coroutine->state == COROUTINE_STATE_WAITS_STREAM) {
        say(teller, "waits for the stream of pipe ");
        say_value(teller, ARG_PIPE, coroutine->waits_for);
    } else {
        say(teller, coroutine_state_sentence(coroutine->state));
    }
    say(teller, ", for ");
    say_ns(teller, since(teller, coroutine->since_ns));
    if (coroutine->state == COROUTINE_STATE_SLEEPS) {
        const SceneTimer *timer = &teller->scene->python.timers.at[coroutine->waits_for - 1];
        if (timer->due_ns > teller->scene->time_ns) {
            say(teller, ", ");
            say_ns(teller, timer->due_ns - teller->scene->time_ns);
            say(teller, " left");
        }
    }
    if (coroutine->cancelled)
        say(teller, ", and is to be cancelled");
    if (coroutine->op != 0) {
        say(teller, ", at ");
        say_value(teller, ARG_OP, coroutine->op);
    }
}

static void say_coroutines(Teller *teller)
{
    const ScenePython *python = &teller->scene->python;
    size_t said = 0, left = python->coroutines.count - python->ended;
    for (size_t i = 0; i < python->coroutines.count && said < NAMES_MOST; i++) {
        const SceneCoroutine *coroutine = &python->coroutines.at[i];
        if (coroutine->state == COROUTINE_STATE_ENDED)
            continue;
        heading(teller, "coroutines");
        label(teller, ARG_COROUTINE, coroutine_pack(coroutine->serial, coroutine->function), "");
        say_what(teller, coroutine);
        writer_char(teller->writer, '\n');
        said++;
    }
    if (left > said)
        writer_format(teller->writer, "  and %zu more\n", left - said);
}

static void say_uv(Teller *teller, const SceneUv *uv)
{
    static const char *const phases[] = {"begins", "timers", "poll", "check"};
    if (uv->thread == 0)
        return;
    heading(teller, "event loops");
    label(teller, ARG_TASK, uv->thread, "loop of ");
    writer_format(teller->writer, "libuv's, turn %" PRIu32 ", phase %s", uv->turns,
                  phases[uv->phase]);
    if (uv->function != 0) {
        say(teller, ", has called ");
        say_value(teller, ARG_COROUTINE, coroutine_pack(0, uv->function));
    }
    say(teller, ", for ");
    say_ns(teller, since(teller, uv->since_ns));
    for (unsigned queue = 0; queue < UV_QUEUE_COUNT; queue++)
        if (uv->queued[queue] > 0)
            writer_format(teller->writer, "; %s: %" PRIu32, uv_queue_name(queue),
                          uv->queued[queue]);
    say(teller, "\n");
}

void scene_text_python(Teller *teller)
{
    const ScenePython *python = &teller->scene->python;
    for (size_t i = 0; i < python->gils.count; i++)
        if (!scene_process(teller->scene, python->gils.at[i].process)->ended)
            say_gil(teller, &python->gils.at[i]);
    teller->headed = false;
    for (uint32_t number = 1; number <= python->loops.count; number++)
        say_loop(teller, number);
    for (size_t i = 0; i < python->uvs.count; i++)
        say_uv(teller, &python->uvs.at[i]);
    teller->headed = false;
    say_coroutines(teller);
    teller->headed = false;
}
