// The middle band: the run queues, who is blocked in the kernel, pipes and message queues.
#include "render/machine_bands.h"

#include "sim/base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Where there is little room, the rows say themselves what they are.
static void title(Stage *stage, Box *column, const char *text)
{
    if (stage->compact)
        return;
    Box row = box_cut_top(column, stage_row_h(stage));
    stage_text(stage, &row, STYLE_BOLD, COLOUR_TEXT, text);
}

// A row of a column with a label at its left; labels of a column are equally wide.
static Box labelled(Stage *stage, Box *column, int label_w, const char *label)
{
    Box row = box_cut_top(column, stage_row_h(stage));
    Box place = box_cut_left(&row, label_w);
    if (label_w < column->w) // a long name does not touch what follows
        box_cut_right(&place, stage_gap(stage) / 2);
    stage_label(stage, &place, STYLE_SMALL, COLOUR_TEXT_SOFT, label);
    return row;
}

static bool has_room(const Stage *stage, Box column)
{
    return column.h >= stage_row_h(stage);
}

// ---- run queues

static bool vruntime_note(const Stage *stage, const SceneTask *task, char text[static 48])
{
    if (!scene_knows_vruntime(stage->scene, task))
        return false;
    char ns[32];
    snprintf(text, 48, "v %s", duration_text(task->vruntime, ns));
    return true;
}

static void shared_queue(Stage *stage, Box column)
{
    int label_w = draw_text_width(stage->list, STYLE_SMALL, "all cores") + stage_gap(stage);
    Box row = labelled(stage, &column, label_w, "all cores");
    // Threads that go before the normal ones wait at a core of their own.
    for (uint32_t i = 0; i < stage->scene->core_count; i++) {
        const SceneCore *core = &stage->scene->cores[i];
        if (core->queued > 0)
            stage_list(stage, &row, core->first, core->queued, vruntime_note);
    }
    if (stage->scene->in_state[TASK_STATE_RUNNABLE] == 0)
        stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "empty");
}

static void run_queues(Stage *stage, Box column)
{
    const Scene *scene = stage->scene;
    title(stage, &column, "run queues");
    if (scene->scenario->machine.global_queue) {
        shared_queue(stage, column);
        return;
    }
    char label[32];
    const char *what = stage->compact ? "queue" : "core";
    snprintf(label, sizeof label, "%s %u", what, scene->core_count - 1);
    int label_w = draw_text_width(stage->list, STYLE_SMALL, label) + stage_gap(stage);
    uint32_t rows = (uint32_t)(column.h / stage_row_h(stage)), left = scene->core_count;
    bool all = left <= rows;
    for (uint32_t i = 0; i < scene->core_count && has_room(stage, column); i++) {
        const SceneCore *core = &scene->cores[i];
        // With more cores than rows, only those where somebody waits.
        if (!all && core->queued == 0)
            continue;
        snprintf(label, sizeof label, "%s %u", what, i);
        Box row = labelled(stage, &column, label_w, label);
        if (core->queued > 0)
            stage_list(stage, &row, core->first, core->queued, vruntime_note);
        else
            stage_text(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "empty");
    }
    if (!all && scene->in_state[TASK_STATE_RUNNABLE] == 0 && has_room(stage, column)) {
        const char *whole = stage->compact ? "run queues: empty" : "all empty";
        bool fits = draw_text_width(stage->list, STYLE_SMALL, whole) <= column.w;
        labelled(stage, &column, column.w, fits ? whole : "no queue");
    }
}

// ---- the blocked

static bool time_left_note(const Stage *stage, const SceneTask *task, char text[static 48])
{
    if (task->wakes_ns < 0)
        return false;
    char ns[32];
    // Behind its time it waits for the timer's slack, or for the interrupt.
    int64_t left = task->wakes_ns - stage->scene->time_ns;
    snprintf(text, 48, left > 0 ? "%s left" : "due", duration_text(left, ns));
    return true;
}

// Those of the blocked that are in one state.
static void blocked_group(Stage *stage, Box *row, TaskState state)
{
    char text[48];
    int more_w = draw_text_width(stage->list, STYLE_SMALL, "+9999");
    uint32_t placed = 0, count = stage->scene->in_state[state];
    for (uint32_t at = stage->scene->first_blocked; at != 0 && placed < count;) {
        const SceneTask *task = &stage->scene->tasks.at[at - 1];
        uint32_t id = at;
        at = task->next;
        if (task->state != state)
            continue;
        Box room = *row;
        room.w -= placed + 1 < count ? more_w : 0;
        int before = room.w;
        if (placed == 0 ? !stage_chip_first(stage, &room, id) : !stage_chip(stage, &room, id))
            break;
        box_cut_left(row, before - room.w);
        placed++;
        if (time_left_note(stage, task, text) &&
            draw_text_width(stage->list, STYLE_SMALL, text) + more_w <= row->w)
            stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
    }
    if (placed < count)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "+%" PRIu32, count - placed);
}

// Whether anybody waits at a lock, a queue or a pipe, which are drawn where those are.
static bool waits_elsewhere(const Scene *scene)
{
    for (int state = 0; state < TASK_STATE_COUNT; state++) {
        if (task_state_blocked((TaskState)state) && scene->in_state[state] > 0)
            return true;
    }
    return false;
}

static void blocked(Stage *stage, Box column)
{
    static const struct {
        TaskState state;
        const char *label;
    } groups[] = {{TASK_STATE_SLEEPS, "sleep"},        {TASK_STATE_WAITS_EVENTS, "epoll"},
                  {TASK_STATE_THROTTLED, "throttled"}, {TASK_STATE_WAITS_JOIN, "join"},
                  {TASK_STATE_WAITS_CHILD, "child"},   {TASK_STATE_WAITS_SIGNAL, "signal"}};
    title(stage, &column, "blocked");
    int label_w = draw_text_width(stage->list, STYLE_SMALL, "throttled") + stage_gap(stage);
    bool any = false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups && has_room(stage, column); i++) {
        if (stage->scene->in_state[groups[i].state] == 0)
            continue;
        any = true;
        Box row = labelled(stage, &column, label_w, groups[i].label);
        blocked_group(stage, &row, groups[i].state);
    }
    const char *whole = "nobody is blocked";
    if (!stage->compact || draw_text_width(stage->list, STYLE_SMALL, whole) > column.w)
        whole = "nobody";
    if (!any && has_room(stage, column))
        labelled(stage, &column, column.w, waits_elsewhere(stage->scene) ? "nobody else" : whole);
}

// ---- pipes and message queues

// A pipe's capacity, as Linux has it.
enum { PIPE_BYTES = 65536 };

static void level_bar(Stage *stage, Box *row, double share)
{
    const Theme *theme = stage->list->theme;
    int h = theme_px(theme, 9);
    Box place = box_cut_left(row, theme_px(theme, stage->compact ? 30 : 48));
    Box bar = {place.x, place.y + (place.h - h) / 2, place.w, h};
    box_cut_left(row, stage_gap(stage));
    if (stage->dry)
        return;
    draw_round(stage->list, bar, h / 2, COLOUR_PANEL);
    share = share > 1 ? 1 : share;
    if (share > 0)
        draw_round(stage->list, (Box){bar.x, bar.y, (int)(share * bar.w), h}, h / 2, COLOUR_IO);
    draw_stroke(stage->list, bar, h / 2, 1, COLOUR_TEXT_SOFT);
}

static void pipe_row(Stage *stage, Box row, const ScenePipe *pipe)
{
    char text[32];
    level_bar(stage, &row, (double)pipe->bytes / PIPE_BYTES);
    if (pipe->waiting > 0)
        stage_list(stage, &row, pipe->first, pipe->waiting, NULL);
    stage_aside(stage, &row, size_text(pipe->bytes, text));
}

static void message_row(Stage *stage, Box row, const SceneMessages *queue, uint32_t capacity)
{
    level_bar(stage, &row, capacity > 0 ? (double)queue->count / capacity : 0);
    stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "%" PRIu32 " of %" PRIu32, queue->count,
                capacity);
    if (queue->waiting > 0)
        stage_list(stage, &row, queue->first, queue->waiting, NULL);
}

// How wide the names of pipes and queues are, at most two fifths of the column.
static int names_w(Stage *stage, Box column)
{
    const Scenario *scenario = stage->scene->scenario;
    int widest = theme_px(stage->list->theme, 60) - stage_gap(stage), most = column.w * 2 / 5;
    for (uint32_t i = 0; i < scenario->pipe_count + scenario->message_queue_count; i++) {
        StringId name = i < scenario->pipe_count
                            ? scenario->pipes[i].name
                            : scenario->message_queues[i - scenario->pipe_count].name;
        int w = draw_text_width(stage->list, STYLE_SMALL, scenario_string(scenario, name)) + 1;
        widest = w > widest ? w : widest;
    }
    widest += stage_gap(stage);
    return widest < most ? widest : most;
}

static void pipes(Stage *stage, Box column)
{
    const Scenario *scenario = stage->scene->scenario;
    int label_w = names_w(stage, column);
    title(stage, &column, scenario->message_queue_count > 0 ? "pipes, messages" : "pipes");
    for (uint32_t i = 0; i < scenario->pipe_count && has_room(stage, column); i++) {
        const char *name = scenario_string(scenario, scenario->pipes[i].name);
        pipe_row(stage, labelled(stage, &column, label_w, name), &stage->scene->pipes[i]);
    }
    for (uint32_t i = 0; i < scenario->message_queue_count && has_room(stage, column); i++) {
        const char *name = scenario_string(scenario, scenario->message_queues[i].name);
        message_row(stage, labelled(stage, &column, label_w, name), &stage->scene->messages[i],
                    scenario->message_queues[i].capacity);
    }
}

void band_kernel(Stage *stage, Box box)
{
    const Scenario *scenario = stage->scene->scenario;
    int gap = theme_px(stage->list->theme, 14);
    if (scenario->pipe_count + scenario->message_queue_count > 0) {
        pipes(stage, box_cut_right(&box, box.w * (stage->compact ? 44 : 36) / 100));
        box_cut_right(&box, gap);
    }
    blocked(stage, box_cut_right(&box, box.w * 45 / 100));
    box_cut_right(&box, gap);
    run_queues(stage, box);
}
