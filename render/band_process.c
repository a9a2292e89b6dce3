// One process in user space: its name and what its threads do, what Python has in it, what its
// threads synchronise by: who has it, who waits. Where there is room left, what its threads have
// had of the cores so far.
#include "render/machine_bands.h"

#include "sim/base/size.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static bool waits_note(const Stage *stage, const SceneTask *task, char text[static 48])
{
    if (task->deadlocked)
        snprintf(text, 48, "deadlock");
    else
        duration_text(stage->scene->time_ns - task->wants_since_ns, text);
    return true;
}

// ---- one object: a line

static void lock_line(Stage *stage, Box *row, uint32_t number)
{
    const SceneSync *sync = scene_sync(stage->scene, number);
    char text[32];
    const SceneCoroutine *coroutine = scene_coroutine(stage->scene, sync->coroutine);
    if (coroutine != NULL) {
        char name[96];
        stage_rimmed(stage, row, coroutine_look(stage->scene, coroutine)->colour,
                     coroutine_name(stage->player, coroutine->serial, coroutine->function, name));
    } else if (sync->holder != 0) {
        stage_name(stage, row, sync->holder);
        stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT,
                   duration_text(stage->scene->time_ns - sync->held_since_ns, text));
        if (scene_sync_orphaned(stage->scene, number))
            stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "since the fork, for ever");
        if (sync->depth > 1)
            stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "%" PRIu32 " deep", sync->depth);
    } else if (sync->readers > 0) {
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT, "%" PRIu32 " read", sync->readers);
    } else {
        stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "free");
    }
}

enum { CELLS_MOST = 12 };

// A queue's places, those with an item filled.
static void queue_cells(Stage *stage, Box *row, const SceneSync *sync, uint32_t places)
{
    const Theme *theme = stage->list->theme;
    int side = theme_px(theme, 10), step = side + theme_px(theme, 3);
    Box cells = box_cut_left(row, (int)places * step + theme_px(theme, 4));
    for (uint32_t i = 0; i < places && !stage->dry; i++) {
        Box cell = {cells.x + (int)i * step, cells.y + (cells.h - side) / 2, side, side};
        if (box_right(cell) > box_right(cells))
            return;
        if ((int64_t)i < sync->level)
            draw_round(stage->list, cell, theme_px(theme, 2), COLOUR_GOOD);
        else
            draw_stroke(stage->list, cell, theme_px(theme, 2), 1, COLOUR_TEXT_SOFT);
    }
}

static void level_line(Stage *stage, Box *row, const SyncDef *def, const SceneSync *sync)
{
    if (def->kind == SYNC_EVENT)
        stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT, sync->level != 0 ? "set" : "clear");
    else if (def->kind == SYNC_SEMAPHORE)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT, "%" PRId64 " left", sync->level);
    else if (def->kind == SYNC_BARRIER)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT, "%" PRId64 " of %" PRIu32 " are here",
                    sync->level, def->parameter);
    else if (def->kind == SYNC_QUEUE && def->parameter > 0 && def->parameter <= CELLS_MOST)
        queue_cells(stage, row, sync, def->parameter);
    else if (def->kind == SYNC_QUEUE)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT, "%" PRId64 " item%s", sync->level,
                    sync->level == 1 ? "" : "s");
}

static void sync_line(Stage *stage, Box row, uint32_t number)
{
    const Scenario *scenario = stage->scene->scenario;
    const SyncDef *def = scene_sync_def(stage->scene, number);
    const SceneSync *sync = scene_sync(stage->scene, number);
    // With little room, who waits is more than what it is, and how much of it there is: nothing.
    bool slim = row.w < theme_px(stage->list->theme, 170);
    if (!slim)
        stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, sync_kind_word(def->kind));
    stage_label(stage, &row, STYLE_BOLD, COLOUR_TEXT, scenario_string(scenario, def->name));
    if (sync_is_lock(def->kind))
        lock_line(stage, &row, number);
    else if (!slim || sync->waiting == 0)
        level_line(stage, &row, def, sync);
    if (sync->coroutines > 0)
        stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "%" PRIu32 " wait%s",
                    sync->coroutines, sync->coroutines == 1 ? "s" : "");
    if (sync->waiting == 0)
        return;
    if (!slim)
        stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "waiting");
    stage_list(stage, &row, sync->first, sync->waiting, waits_note);
}

// ---- one thread's share of the time: a line

static void share_bar(const Stage *stage, Box row, const TaskTimes *times)
{
    DrawList *list = stage->list;
    int h = theme_px(list->theme, 7);
    Box bar = {row.x, row.y + (row.h - h) / 2, row.w, h};
    draw_fill(list, bar, COLOUR_RULE);
    const struct {
        int64_t ns;
        ColourRole colour;
        int h;
    } parts[] = {{times->user_ns, COLOUR_RUNNING, h},
                 {times->kernel_ns, COLOUR_KERNEL, h},
                 {times->runnable_ns, COLOUR_RUNNABLE, h / 2}};
    double scale = stage->scene->time_ns > 0 ? (double)bar.w / (double)stage->scene->time_ns : 0;
    double x = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double end = x + (double)parts[i].ns * scale;
        Box part = {bar.x + (int)x, bar.y + h - parts[i].h, (int)end - (int)x, parts[i].h};
        if (part.w > 0)
            draw_fill(list, box_meet(part, bar), parts[i].colour);
        x = end;
    }
}

// Name, bar and time; where there is little room, without the bar, then without the time.
static void share_line(const Stage *stage, Box row, uint32_t id)
{
    enum { NAME_LEAST = 60, NAME_MOST = 104, BAR_LEAST = 24 }; // points
    DrawList *list = stage->list;
    const Theme *theme = list->theme;
    char name[96], text[32];
    TaskTimes times = scene_task_times(stage->scene, id);
    int gap = stage_gap(stage), time_w = draw_text_width(list, STYLE_SMALL, "CPU 8888.8 ms");
    int label_w = theme_px(theme, NAME_MOST), least = theme_px(theme, NAME_LEAST);
    label_w = label_w < row.w * 2 / 5 ? label_w : row.w * 2 / 5;
    label_w = label_w > least ? label_w : least;
    bool has_time = row.w >= label_w + gap + time_w;
    draw_hit(list, row, HIT_TASK, id);
    Box label = box_cut_left(&row, has_time ? label_w : row.w);
    draw_name(list, label, ALIGN_LEFT, STYLE_MONO_SMALL, COLOUR_TEXT,
              recording_task_name(stage->player->recording, id, name));
    if (!has_time)
        return;
    draw_textf(list, box_cut_right(&row, time_w), ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT,
               "CPU %s", duration_text(times.user_ns + times.kernel_ns, text));
    row = (Box){row.x + gap, row.y, row.w - 2 * gap, row.h};
    if (row.w >= theme_px(theme, BAR_LEAST))
        share_bar(stage, row, &times);
}

// ---- one process

enum { TITLE_BYTES = 512 };

// Adds a part to the `length` bytes of text, if that still fits into `room` pixels. Returns its
// length.
__attribute__((format(printf, 5, 6))) static int
add_part(Stage *stage, char text[static TITLE_BYTES], int length, int room, const char *format, ...)
{
    va_list values;
    int added = length > 0 ? snprintf(text + length, (size_t)(TITLE_BYTES - length), " · ") : 0;
    va_start(values, format);
    added +=
        vsnprintf(text + length + added, (size_t)(TITLE_BYTES - length - added), format, values);
    va_end(values);
    if (length + added < TITLE_BYTES && draw_text_width(stage->list, STYLE_SMALL, text) <= room)
        return length + added;
    text[length] = 0;
    return length;
}

// "process 1 · 69 MiB · running 1 · runnable 2"
static void process_title(Stage *stage, Box row, uint32_t pid, const SceneProcess *process)
{
    char text[TITLE_BYTES], size[32];
    const Player *player = stage->player;
    stage_label(stage, &row, STYLE_BOLD, COLOUR_TEXT,
                process_names_text(&player->recording->processes, &player->recording->tasks,
                                   player->scenario, pid, text));
    // With little room, what its threads do is more than its number; what does not fit is left out.
    int length = 0, room = row.w;
    if (room > theme_px(stage->list->theme, 240))
        length = add_part(stage, text, length, room, "process %" PRIu32, pid);
    if (process->reserved > 0)
        length = add_part(stage, text, length, room, "%s", size_text(process->resident, size));
    for (unsigned state = 0; state < TASK_STATE_COUNT; state++) {
        if (process->in_state[state] > 0)
            length = add_part(stage, text, length, room, "%s %" PRIu32, task_state_word(state),
                              process->in_state[state]);
    }
    if (length > 0)
        stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
}

// The cells of a grid that is filled column by column.
typedef struct Cells {
    Box box;
    int w, rows, columns;
    uint32_t count, used;
} Cells;

static Cells cells_of(const Stage *stage, Box box, int columns)
{
    int rows = box.h / stage_row_h(stage);
    return (Cells){box, box.w / columns, rows, columns, (uint32_t)(rows * columns), 0};
}

static Box next_cell(const Stage *stage, Cells *cells)
{
    int column = (int)cells->used / cells->rows, row = (int)cells->used % cells->rows;
    int h = stage_row_h(stage), gap = cells->columns > 1 ? theme_px(stage->list->theme, 16) : 0;
    cells->used++;
    return (Box){cells->box.x + column * cells->w, cells->box.y + row * h, cells->w - gap, h};
}

// How many columns of at least `least` points there are room for; at least one.
static int columns_of(const Stage *stage, Box box, float least)
{
    int columns = box.w / theme_px(stage->list->theme, least);
    return columns < 1 ? 1 : columns;
}

// The number of the object that the process has of its own, or that is declared in it; 0: it has
// none. Under its process's name a copy needs no other. What only Python's library knows of is
// shown while somebody waits there.
static uint32_t number_of_own(const Scene *scene, uint32_t id, uint32_t pid)
{
    if (band_work_has(scene->scenario, id))
        return 0;
    uint32_t number = instances_sync_of(&scene->instances, pid, id);
    const SyncDef *def = &scene->scenario->syncs[id - 1];
    const SceneSync *sync = scene_sync(scene, number);
    if (number == id && def->process.index1 != pid)
        return 0;
    return def->library && (sync == NULL || sync->waiting == 0) ? 0 : number;
}

// What the process's threads synchronise by: each a line of its own as long as there is room, else
// in columns. Cuts off `box` what it takes.
static void draw_syncs(Stage *stage, Box *box, uint32_t pid)
{
    const Scene *scene = stage->scene;
    uint32_t mine = 0, ids = scene->scenario->sync_count;
    for (uint32_t id = 1; id <= ids; id++)
        mine += number_of_own(scene, id, pid) != 0;
    int rows = box->h / stage_row_h(stage), columns = columns_of(stage, *box, 250);
    if (mine == 0 || rows < 1)
        return;
    int wanted = ((int)mine + rows - 1) / rows;
    Cells cells = cells_of(stage, *box, wanted < columns ? wanted : columns);
    for (uint32_t id = 1; id <= ids && cells.used < cells.count; id++) {
        uint32_t number = number_of_own(scene, id, pid);
        if (number == 0)
            continue;
        Box cell = next_cell(stage, &cells);
        if (cells.used == cells.count && mine > 1)
            stage_textf(stage, &cell, STYLE_SMALL, COLOUR_TEXT_SOFT, "and %" PRIu32 " more", mine);
        else
            sync_line(stage, cell, number);
        mine--;
    }
    int taken = cells.columns > 1 ? cells.rows : (int)cells.used;
    box_cut_top(box, taken * stage_row_h(stage));
}

// A look at more threads than these would take longer than a frame may.
enum { THREADS_LOOKED_AT = 4096 };

static void draw_shares(const Stage *stage, Box box, uint32_t pid)
{
    Cells cells = cells_of(stage, box, columns_of(stage, box, 230));
    uint32_t most = (uint32_t)stage->scene->tasks.count;
    most = most < THREADS_LOOKED_AT ? most : THREADS_LOOKED_AT;
    for (uint32_t id = 1; id <= most && cells.used < cells.count; id++) {
        const SceneTask *task = scene_task(stage->scene, id);
        if (task != NULL && task->process == pid && task->state != TASK_STATE_ENDED)
            share_line(stage, next_cell(stage, &cells), id);
    }
}

// A process of which a thread is on a core has a rim of what that does.
static void draw_frame(const Stage *stage, Box box, const SceneProcess *process)
{
    const Theme *theme = stage->list->theme;
    bool user = process->in_state[TASK_STATE_RUNNING_USER] > 0;
    bool kernel = process->in_state[TASK_STATE_RUNNING_KERNEL] > 0;
    if (stage->dry)
        return;
    draw_round(stage->list, box, theme_px(theme, 5), COLOUR_PANEL);
    draw_stroke(stage->list, box, theme_px(theme, 5), user || kernel ? theme_px(theme, 2) : 1,
                user     ? COLOUR_RUNNING
                : kernel ? COLOUR_KERNEL
                         : COLOUR_PANEL_EDGE);
}

void band_process(Stage *stage, Box box, uint32_t pid)
{
    const Theme *theme = stage->list->theme;
    const SceneProcess *process = scene_process(stage->scene, pid);
    draw_frame(stage, box, process);
    Box inside = {box.x + theme_px(theme, 10), box.y + theme_px(theme, 4),
                  box.w - theme_px(theme, 20), box.h - theme_px(theme, 8)};
    process_title(stage, box_cut_top(&inside, stage_row_h(stage)), pid, process);
    band_python(stage, &inside, pid);
    draw_syncs(stage, &inside, pid);
    if (!stage->dry)
        draw_shares(stage, inside, pid);
}

// Whoever has the GIL is its only thread as a rule, and bears its name.
void band_process_brief(Stage *stage, Box box, uint32_t pid)
{
    const Theme *theme = stage->list->theme;
    const Scene *scene = stage->scene;
    const SceneGil *gil = scene_gil(scene, pid);
    draw_frame(stage, box, scene_process(scene, pid));
    Box row = {box.x + theme_px(theme, 8), box.y + theme_px(theme, 3), box.w - theme_px(theme, 12),
               box.h - theme_px(theme, 6)};
    row.h = stage_row_h(stage) < row.h ? stage_row_h(stage) : row.h;
    if (gil != NULL && gil->holder != 0) {
        band_gil_token(stage, &row);
        stage_name(stage, &row, gil->holder);
    } else {
        process_title(stage, row, pid, scene_process(scene, pid));
    }
}
