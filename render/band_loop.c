// asyncio's event loops in the box of their process: what runs, what is ready, which timers are
// set, which files the selector watches, and who waits.
#include "render/machine_bands.h"

#include <inttypes.h>
#include <stdio.h>

// ---- a loop's lists

// A callback in few words, where a coroutine's name does not say enough.
static const char *callback_label(uint32_t kind)
{
    switch ((CallbackKind)kind) {
    case CALLBACK_GATHER:
        return "gather";
    case CALLBACK_WAIT:
        return "wait";
    case CALLBACK_STOP:
        return "stop";
    case CALLBACK_RUNNER:
        return "asyncio.run";
    case CALLBACK_TIMEOUT:
    case CALLBACK_LATE:
        return "timeout";
    case CALLBACK_MEMBER:
        return "task group";
    case CALLBACK_COMPLETED:
        return "as_completed";
    case CALLBACK_SHIELD_INNER:
    case CALLBACK_SHIELD_OUTER:
        return "shield";
    case CALLBACK_CALL:
        return "call";
    case CALLBACK_READ_SELF:
        return "self-pipe";
    case CALLBACK_READ_READY:
        return "read";
    case CALLBACK_WRITE_READY:
        return "write";
    default:
        return "callback";
    }
}

// Whether the callback takes the coroutine itself on, so that this is where it stands.
static bool takes_on(uint32_t kind)
{
    return kind == CALLBACK_STEP || kind == CALLBACK_SET_RESULT || kind == CALLBACK_RELEASE;
}

// What is called, as the ready list and the loop have it.
typedef struct Called {
    uint32_t kind, coroutine, function; // CallbackKind, serial, FunctionDef's index1
} Called;

// A callback that is no coroutine's step: "gather: fetch #3", about that coroutine; of a plain
// function its name.
static void callback_text(const Stage *stage, const Called *called, char text[static 96])
{
    char name[96];
    if (called->coroutine == 0 && called->function != 0)
        coroutine_name(stage->player, 0, called->function, text);
    else if (called->coroutine != 0)
        snprintf(text, 96, "%s: %.60s", callback_label(called->kind),
                 coroutine_name(stage->player, called->coroutine, called->function, name));
    else
        snprintf(text, 96, "%s", callback_label(called->kind));
}

static bool put_callback(Stage *stage, Box *row, Called called, bool first)
{
    char text[96];
    const SceneCoroutine *coroutine = scene_coroutine(stage->scene, called.coroutine);
    if (coroutine != NULL && takes_on(called.kind) && !stage_has_coroutine(stage, called.coroutine))
        return stage_coroutine(stage, row, coroutine, first);
    callback_text(stage, &called, text);
    if (draw_text_width(stage->list, STYLE_MONO, text) + theme_px(stage->list->theme, 18) > row->w)
        return false;
    stage_rimmed(stage, row, COLOUR_RUNNABLE, text);
    return true;
}

static void running_part(Stage *stage, Box row, const SceneLoop *loop)
{
    const SceneCoroutine *coroutine = scene_coroutine(stage->scene, loop->running);
    if (coroutine != NULL)
        stage_coroutine(stage, &row, coroutine, true);
    else if (loop->callback != 0)
        put_callback(stage, &row, (Called){loop->callback - 1, loop->about, loop->function}, true);
    else
        stage_soft(stage, &row, "nobody");
    if (coroutine != NULL || loop->callback != 0)
        stage_soft_ns(stage, &row, "for %s", stage->scene->time_ns - loop->calls_since_ns);
}

static void ready_part(Stage *stage, Box row, const SceneLoop *loop)
{
    uint32_t placed = 0;
    if (loop->ready == 0)
        stage_soft(stage, &row, "empty");
    for (uint32_t at = loop->first; at != 0 && placed < loop->ready; placed++) {
        const SceneReady *entry = &stage->scene->python.ready.at[at - 1];
        Box room = row;
        room.w -= entry->next != 0 ? stage_more_w(stage, loop->ready) : 0;
        int before = room.w;
        Called called = {entry->callback, entry->coroutine, entry->function};
        if (!put_callback(stage, &room, called, placed == 0))
            break;
        box_cut_left(&row, before - room.w);
        at = entry->next;
    }
    stage_more(stage, &row, loop->ready - placed);
}

static bool put_timer(Stage *stage, Box *row, uint32_t number, bool first)
{
    const SceneTimer *timer = &stage->scene->python.timers.at[number - 1];
    const SceneCoroutine *coroutine = scene_coroutine(stage->scene, timer->coroutine);
    char text[96];
    bool sleeps = coroutine != NULL && coroutine->state == COROUTINE_STATE_SLEEPS &&
                  coroutine->waits_for == number;
    if (sleeps && !stage_coroutine(stage, row, coroutine, first))
        return false;
    if (!sleeps) {
        // Set for something else: a timeout, a call_later.
        snprintf(text, sizeof text, "timer");
        if (coroutine != NULL)
            snprintf(text, sizeof text, "timer of #%" PRIu32, coroutine->serial);
        if (row->w < theme_px(stage->list->theme, 60))
            return false;
        stage_rimmed(stage, row, COLOUR_SLEEP, text);
    }
    int64_t left = timer->due_ns - stage->scene->time_ns;
    duration_text(left, text);
    stage_aside(stage, row, left > 0 ? text : "due");
    return true;
}

static void timers_part(Stage *stage, Box row, uint32_t number)
{
    enum { TIMERS_MOST = 16 };
    const SceneLoop *loop = &stage->scene->python.loops.at[number - 1];
    uint32_t timers[TIMERS_MOST], placed = 0;
    size_t count = scene_next_timers(stage->scene, number, timers, TIMERS_MOST);
    if (loop->timers == 0)
        stage_soft(stage, &row, "none");
    while (placed < count) {
        Box room = row;
        room.w -= placed + 1 < loop->timers ? stage_more_w(stage, loop->timers) : 0;
        int before = room.w;
        if (!put_timer(stage, &room, timers[placed], placed == 0))
            break;
        box_cut_left(&row, before - room.w);
        placed++;
    }
    stage_more(stage, &row, loop->timers - placed);
}

// A look at more coroutines than these would take longer than a frame may.
enum { COROUTINES_LOOKED_AT = 4096 };

static void several_note(const Scene *scene, const SceneCoroutine *coroutine, char text[static 128])
{
    const ScenePython *python = &scene->python;
    uint32_t left = 0;
    for (size_t i = 0; i < python->coroutines.count && i < COROUTINES_LOOKED_AT; i++) {
        const SceneCoroutine *other = &python->coroutines.at[i];
        left += other->state != COROUTINE_STATE_ENDED && other->awaited_by == coroutine->serial &&
                scene_awaited_by(scene, other, coroutine->serial);
    }
    if (python->coroutines.count > COROUTINES_LOOKED_AT || left == 0)
        snprintf(text, 128, "for several");
    else
        snprintf(text, 128, "for %" PRIu32 " other%s", left, left == 1 ? "" : "s");
}

// What a coroutine waits for that no timer ends.
static void wait_note(const Stage *stage, const SceneCoroutine *coroutine, char text[static 128])
{
    const Scene *scene = stage->scene;
    char name[96];
    text[0] = 0;
    if (coroutine->state == COROUTINE_STATE_WAITS_OBJECT) {
        const SyncDef *def = scene_sync_def(scene, coroutine->waits_for);
        if (def != NULL)
            snprintf(text, 128, "at %s", scenario_string(scene->scenario, def->name));
    } else if (coroutine->state == COROUTINE_STATE_WAITS_ITEM) {
        const SceneItem *item = scene_item(scene, coroutine->waits_for);
        if (item != NULL && item->worker != 0)
            snprintf(text, 128, "for %s",
                     recording_task_name(stage->player->recording, item->worker, name));
        else if (item != NULL)
            snprintf(text, 128, "for %s, queued",
                     scenario_string(scene->scenario,
                                     scene->scenario->executors[item->executor - 1].name));
    } else if (coroutine->state == COROUTINE_STATE_WAITS_STREAM) {
        bool drains = scene->scenario->ops[coroutine->op].code == OP_WRITER_DRAIN;
        snprintf(text, 128, "%s %s", drains ? "drains" : "reads",
                 scenario_string(scene->scenario,
                                 scene->scenario->pipes[coroutine->waits_for - 1].name));
    } else if (coroutine->state == COROUTINE_STATE_WAITS_TASK) {
        const SceneCoroutine *other = scene_coroutine(scene, coroutine->waits_for);
        if (coroutine->waits_for == 0)
            several_note(scene, coroutine, text);
        else if (other != NULL)
            snprintf(text, 128, "for %s",
                     coroutine_name(stage->player, other->serial, other->function, name));
    }
}

static bool is_waiting(const Stage *stage, const SceneCoroutine *coroutine, uint32_t loop)
{
    return coroutine->loop == loop && coroutine->state >= COROUTINE_STATE_WAITS_TASK &&
           coroutine->state <= COROUTINE_STATE_WAITS &&
           !stage_has_coroutine(stage, coroutine->serial);
}

// How many wait for something that no timer ends.
static uint32_t count_waiting(const SceneLoop *loop)
{
    uint32_t count = 0;
    for (int state = COROUTINE_STATE_WAITS_TASK; state <= COROUTINE_STATE_WAITS; state++)
        count += loop->in_state[state];
    return count;
}

static void waiting_part(Stage *stage, Box row, uint32_t number)
{
    const ScenePython *python = &stage->scene->python;
    uint32_t all = count_waiting(&python->loops.at[number - 1]);
    size_t most = python->coroutines.count < COROUTINES_LOOKED_AT ? python->coroutines.count
                                                                  : COROUTINES_LOOKED_AT;
    uint32_t placed = 0;
    char note[128];
    if (all == 0)
        stage_soft(stage, &row, "nobody");
    for (size_t i = 0; i < most && placed < all; i++) {
        const SceneCoroutine *coroutine = &python->coroutines.at[i];
        if (!is_waiting(stage, coroutine, number))
            continue;
        Box room = row;
        room.w -= placed + 1 < all ? stage_more_w(stage, all) : 0;
        int before = room.w;
        if (!stage_coroutine(stage, &room, coroutine, placed == 0))
            break;
        wait_note(stage, coroutine, note);
        stage_aside(stage, &room, note);
        box_cut_left(&row, before - room.w);
        placed++;
    }
    stage_more(stage, &row, all - placed);
}

// ---- a loop

// The parts of a turn in their order, the present one in bold; that one only, where there is not
// room for all.
static void phases(Stage *stage, Box *row, const SceneLoop *loop)
{
    typedef struct LoopStep {
        LoopPhase phase;
        const char *word;
    } LoopStep;
    static const LoopStep asyncio[] = {{LOOP_PHASE_TURN, "begin"},
                                       {LOOP_PHASE_POLLS, "select"},
                                       {LOOP_PHASE_CALLBACKS, "callbacks"}};
    static const LoopStep libuv[] = {{LOOP_PHASE_CALLBACKS, "idle"},
                                     {LOOP_PHASE_POLLS, "poll"},
                                     {LOOP_PHASE_EVENTS, "events"},
                                     {LOOP_PHASE_TIMERS, "timers"}};
    const LoopStep *steps = loop->libuv ? libuv : asyncio;
    size_t count = loop->libuv ? sizeof libuv / sizeof *libuv : sizeof asyncio / sizeof *asyncio;
    const char *whole =
        loop->libuv ? "idle › poll › events › timers" : "begin › select › callbacks";
    int all = draw_text_width(stage->list, STYLE_BOLD, whole) + 4 * stage_gap(stage);
    bool fits = all <= row->w;
    for (size_t i = 0; i < count; i++) {
        bool now = steps[i].phase == (LoopPhase)loop->phase;
        if (!fits && !now)
            continue;
        if (i > 0 && fits)
            stage_soft(stage, row, "›");
        stage_text(stage, row, now ? STYLE_BOLD : STYLE_SMALL, now ? COLOUR_TEXT : COLOUR_TEXT_SOFT,
                   steps[i].word);
    }
}

// The name of a file that the loop's selector watches for the scenario; NULL: it does not, or the
// file is the loop's own.
static const char *watched_name(const Scene *scene, const SceneLoop *loop, const SceneWatch *watch)
{
    uint32_t pipe = file_id(watch->file);
    if (watch->thread != loop->thread || watch->events == 0 ||
        file_kind(watch->file) > FILE_PIPE_WRITE || pipe - 1 >= scene->scenario->pipe_count)
        return NULL;
    return scenario_string(scene->scenario, scene->scenario->pipes[pipe - 1].name);
}

// A look at more files than these would take longer than a frame may.
enum { FILES_LOOKED_AT = 4096 };

static uint32_t count_watched(const Scene *scene, const SceneLoop *loop)
{
    const ScenePython *python = &scene->python;
    uint32_t count = 0;
    for (size_t i = 0; loop->watched > 0 && i < python->watches.count && i < FILES_LOOKED_AT; i++)
        count += watched_name(scene, loop, &python->watches.at[i]) != NULL;
    return count;
}

// With a rim those that it has reported in this turn.
static void files_part(Stage *stage, Box row, const SceneLoop *loop, uint32_t count)
{
    const ScenePython *python = &stage->scene->python;
    uint32_t placed = 0;
    for (size_t i = 0; i < python->watches.count && placed < count; i++) {
        const SceneWatch *watch = &python->watches.at[i];
        const char *name = watched_name(stage->scene, loop, watch);
        if (name == NULL)
            continue;
        int w = draw_text_width(stage->list, STYLE_MONO, name) + theme_px(stage->list->theme, 18);
        if (w + (placed + 1 < count ? stage_more_w(stage, count) : 0) > row.w)
            break;
        if (watch->taken != 0 && watch->turn == loop->turns)
            stage_rimmed(stage, &row, COLOUR_IO, name);
        else
            stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT, name);
        placed++;
    }
    stage_more(stage, &row, count - placed);
}

// Whether its thread waits for something else than the loop's selector.
static bool stands_still(const SceneLoop *loop, const SceneTask *thread)
{
    if (thread == NULL || !task_state_blocked((TaskState)thread->state))
        return false;
    return thread->state == TASK_STATE_WAITS_GIL ||
           (loop->phase == LOOP_PHASE_CALLBACKS && loop->callback != 0);
}

static void loop_title(Stage *stage, Box row, const SceneLoop *loop)
{
    const Scene *scene = stage->scene;
    const SceneTask *thread = scene_task(scene, loop->thread);
    stage_text(stage, &row, STYLE_BOLD, COLOUR_TEXT, loop->libuv ? "uvloop" : "event loop");
    // With little room, that it stands still is more than whose it is.
    bool still = stands_still(loop, thread);
    if (!still || row.w >= theme_px(stage->list->theme, 190))
        stage_name(stage, &row, loop->thread);
    if (still) {
        char text[64];
        snprintf(text, sizeof text, "stands still: its thread %s", task_state_word(thread->state));
        if (!stage_flag(stage, &row, text))
            stage_flag(stage, &row, "stands still");
    }
    stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "turn %" PRIu32, loop->turns);
    phases(stage, &row, loop);
    int64_t left = loop->poll_until_ns - scene->time_ns;
    bool polls = loop->phase == LOOP_PHASE_POLLS;
    if (polls && loop->poll_until_ns < 0)
        stage_soft(stage, &row, "until something comes");
    else if (polls && left > 0)
        stage_soft_ns(stage, &row, "for %s at most", left);
}

static Box labelled(Stage *stage, Box *row, int label_w, const char *label)
{
    Box place = box_cut_left(row, label_w);
    stage_label(stage, &place, STYLE_SMALL, COLOUR_TEXT_SOFT, label);
    return *row;
}

static void titled(Stage *stage, Box *row, const char *label)
{
    int w = draw_text_width(stage->list, STYLE_SMALL, label) + stage_gap(stage);
    labelled(stage, row, w, label);
}

// Where the loop's box has how many rows, and how they are used.
typedef struct LoopRows {
    int label_w;
    bool apart;    // what is ready has a row of its own
    bool together; // timers and who waits share one
    bool title;
} LoopRows;

enum { LOOP_PAD = 3 }; // points

static void callbacks_rows(Stage *stage, Box *inside, const LoopRows *rows, const SceneLoop *loop)
{
    const Theme *theme = stage->list->theme;
    Box row = stage_row(stage, inside);
    if (rows->apart) {
        running_part(stage, labelled(stage, &row, rows->label_w, "running"), loop);
        row = stage_row(stage, inside);
        ready_part(stage, labelled(stage, &row, rows->label_w, "ready"), loop);
        return;
    }
    int wide = rows->label_w + theme_px(theme, 190), half = row.w / 2;
    Box left = box_cut_left(&row, wide < half ? wide : half);
    box_cut_left(&row, stage_gap(stage));
    running_part(stage, labelled(stage, &left, rows->label_w, "running"), loop);
    titled(stage, &row, "ready");
    ready_part(stage, row, loop);
}

static void waiters_rows(Stage *stage, Box *inside, const LoopRows *rows, uint32_t number)
{
    if (!stage_has_row(stage, *inside))
        return;
    const SceneLoop *loop = &stage->scene->python.loops.at[number - 1];
    uint32_t files = rows->together ? 0 : count_watched(stage->scene, loop);
    Box row = stage_row(stage, inside), right = row;
    if (rows->together || files > 0) {
        right = box_cut_right(&row, row.w / 2);
        box_cut_right(&row, stage_gap(stage));
    }
    if (files > 0) {
        titled(stage, &right, "watches");
        files_part(stage, right, loop, files);
    }
    if (rows->together)
        titled(stage, &row, "timers");
    else
        labelled(stage, &row, rows->label_w, "timers");
    timers_part(stage, row, number);
    if (rows->together) {
        titled(stage, &right, "waiting");
        waiting_part(stage, right, number);
    } else if (stage_has_row(stage, *inside)) {
        row = stage_row(stage, inside);
        waiting_part(stage, labelled(stage, &row, rows->label_w, "waiting"), number);
    }
}

// In a slim box of few rows a part has a row of its own or none; those where somebody is go first.
static void slim_rows(Stage *stage, Box *inside, const LoopRows *rows, uint32_t number)
{
    const SceneLoop *loop = &stage->scene->python.loops.at[number - 1];
    bool waits = count_waiting(loop) > 0;
    const bool any[] = {loop->callback != 0, loop->ready > 0, loop->timers > 0, waits};
    static const char *const labels[] = {"running", "ready", "timers", "waiting"};
    for (int part = 0; part < 8 && stage_has_row(stage, *inside); part++) {
        if (any[part % 4] != (part < 4))
            continue;
        Box row = stage_row(stage, inside);
        labelled(stage, &row, rows->label_w, labels[part % 4]);
        if (part % 4 == 0)
            running_part(stage, row, loop);
        else if (part % 4 == 1)
            ready_part(stage, row, loop);
        else if (part % 4 == 2)
            timers_part(stage, row, number);
        else
            waiting_part(stage, row, number);
    }
}

static void draw_loop(Stage *stage, Box *box, uint32_t number)
{
    const Theme *theme = stage->list->theme;
    const SceneLoop *loop = &stage->scene->python.loops.at[number - 1];
    int pad = theme_px(theme, LOOP_PAD), row_h = stage_row_h(stage);
    bool narrow = box->w < theme_px(theme, 330), slim = box->w < theme_px(theme, 240);
    int most = BAND_LOOP_ROWS + narrow, count = (box->h - 2 * pad) / row_h;
    count = count < most ? count : most;
    if (count < 1)
        return;
    Box frame = box_cut_top(box, count * row_h + 2 * pad);
    box_cut_top(box, pad);
    if (!stage->dry) {
        draw_round(stage->list, frame, theme_px(theme, 8), COLOUR_USER_BAND);
        draw_stroke(stage->list, frame, theme_px(theme, 8), 1, COLOUR_ACCENT);
    }
    Box inside = {frame.x + theme_px(theme, 8), frame.y + pad, frame.w - theme_px(theme, 16),
                  count * row_h};
    LoopRows rows = {
        .label_w = draw_text_width(stage->list, STYLE_SMALL, "running") + stage_gap(stage),
        .apart = narrow && count == most,
        .title = count > 2,
        .together = count < BAND_LOOP_ROWS,
    };
    if (rows.title)
        loop_title(stage, stage_row(stage, &inside), loop);
    if (slim && count < most) {
        slim_rows(stage, &inside, &rows, number);
        return;
    }
    callbacks_rows(stage, &inside, &rows, loop);
    waiters_rows(stage, &inside, &rows, number);
}

enum { UV_ROWS = 3 };

// How many functions are to be called later, by where they are queued.
static void queued_part(Stage *stage, Box row, const SceneUv *uv)
{
    static const char *const words[UV_QUEUE_COUNT] = {[UV_QUEUE_TICK] = "nextTick",
                                                      [UV_QUEUE_MICROTASK] = "microtasks",
                                                      [UV_QUEUE_TIMER] = "timers",
                                                      [UV_QUEUE_WORK] = "pool",
                                                      [UV_QUEUE_IMMEDIATE] = "immediates"};
    char text[48];
    titled(stage, &row, "later");
    for (unsigned queue = UV_QUEUE_TICK; queue < UV_QUEUE_COUNT; queue++) {
        bool any = uv->queued[queue] > 0;
        if (!any && queue == UV_QUEUE_WORK)
            continue; // most programs use no pool
        snprintf(text, sizeof text, "%s %" PRIu32, words[queue], uv->queued[queue]);
        if (draw_text_width(stage->list, STYLE_BOLD, text) + stage_gap(stage) > row.w)
            return;
        stage_text(stage, &row, any ? STYLE_BOLD : STYLE_SMALL,
                   any ? COLOUR_TEXT : COLOUR_TEXT_SOFT, text);
    }
}

// Node's loop: its phase, what it has called last there, and what it is to call.
static void draw_uv(Stage *stage, Box *box, const SceneUv *uv)
{
    static const char *const phases[] = {"begins", "timers", "poll", "check"};
    const Theme *theme = stage->list->theme;
    int pad = theme_px(theme, LOOP_PAD), row_h = stage_row_h(stage);
    int rows = (box->h - 2 * pad) / row_h < UV_ROWS ? UV_ROWS - 1 : UV_ROWS, h = rows * row_h;
    if (box->h < h + 2 * pad)
        return;
    Box frame = box_cut_top(box, h + 2 * pad);
    box_cut_top(box, pad);
    if (!stage->dry) {
        draw_round(stage->list, frame, theme_px(theme, 8), COLOUR_USER_BAND);
        draw_stroke(stage->list, frame, theme_px(theme, 8), 1, COLOUR_ACCENT);
    }
    Box inside = {frame.x + theme_px(theme, 8), frame.y + pad, frame.w - theme_px(theme, 16), h};
    Box row = stage_row(stage, &inside);
    stage_text(stage, &row, STYLE_BOLD, COLOUR_TEXT, "libuv loop");
    stage_name(stage, &row, uv->thread);
    for (uint32_t phase = UV_PHASE_TIMERS; phase <= UV_PHASE_CHECK; phase++) {
        bool now = phase == uv->phase;
        if (phase > UV_PHASE_TIMERS)
            stage_soft(stage, &row, "›");
        stage_text(stage, &row, now ? STYLE_BOLD : STYLE_SMALL,
                   now ? COLOUR_TEXT : COLOUR_TEXT_SOFT, phases[phase]);
    }
    int64_t left = uv->poll_until_ns - stage->scene->time_ns;
    if (uv->phase == UV_PHASE_POLL && left > 0)
        stage_soft_ns(stage, &row, "for %s at most", left);
    row = stage_row(stage, &inside);
    titled(stage, &row, "calls");
    if (uv->function != 0) {
        put_callback(stage, &row, (Called){CALLBACK_CALL, 0, uv->function}, true);
        stage_soft_ns(stage, &row, "for %s", stage->scene->time_ns - uv->since_ns);
    } else {
        stage_soft(stage, &row, "nothing");
    }
    if (rows == UV_ROWS)
        queued_part(stage, stage_row(stage, &inside), uv);
}

void band_loops(Stage *stage, Box *box, uint32_t pid)
{
    const ScenePython *python = &stage->scene->python;
    for (uint32_t i = 0; i < python->loops.count; i++) {
        const SceneTask *thread = scene_task(stage->scene, python->loops.at[i].thread);
        if (thread != NULL && thread->process == pid)
            draw_loop(stage, box, i + 1);
    }
    for (uint32_t i = 0; i < python->uvs.count; i++) {
        const SceneTask *thread = scene_task(stage->scene, python->uvs.at[i].thread);
        if (thread != NULL && thread->process == pid)
            draw_uv(stage, box, &python->uvs.at[i]);
    }
}
