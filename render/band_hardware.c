// The lower band: the cores, each with who runs on it, in which mode, and how busy it was so far.
#include "render/machine_bands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CORE_LEAST_W = 150, CORE_COMPACT_W = 100, CORE_ROWS_MOST = 2 };

static int core_h(const Stage *stage)
{
    const Theme *theme = stage->list->theme;
    if (stage->compact)
        return stage_row_h(stage) + theme_px(theme, 11);
    return stage_row_h(stage) + draw_line_height(stage->list, STYLE_SMALL) + theme_px(theme, 12);
}

static int cores_across(const Stage *stage, int w)
{
    const Theme *theme = stage->list->theme;
    int cores = (int)stage->scene->core_count, gap = theme_px(theme, 8);
    int least = theme_px(theme, stage->compact ? CORE_COMPACT_W : CORE_LEAST_W);
    int across = (w + gap) / (least + gap);
    return across < 1 ? 1 : across < cores ? across : cores;
}

int band_hardware_h(const Stage *stage, int w)
{
    int across = cores_across(stage, w);
    int down = ((int)stage->scene->core_count + across - 1) / across;
    down = down < CORE_ROWS_MOST ? down : CORE_ROWS_MOST;
    return down * core_h(stage) + (down - 1) * theme_px(stage->list->theme, 6);
}

static ColourRole core_colour(const Stage *stage, uint32_t number)
{
    const SceneTask *task = scene_task(stage->scene, stage->scene->cores[number].task);
    if (scene_core_interrupted(stage->scene, number))
        return COLOUR_TEXT;
    if (task == NULL || !task_state_runs((TaskState)task->state))
        return COLOUR_PANEL_EDGE;
    return state_look(task->state)->colour;
}

// What it does, in two or three words.
static void mode_text(const Stage *stage, uint32_t number, char text[static 64])
{
    const SceneCore *core = &stage->scene->cores[number];
    const SceneTask *task = scene_task(stage->scene, core->task);
    const Scenario *scenario = stage->scene->scenario;
    char ns[32], name[96];
    if (scene_core_interrupted(stage->scene, number))
        snprintf(text, 64, "%s", irq_name(core->irq));
    else if (task == NULL)
        snprintf(text, 64, "idle %s", duration_text(stage->scene->time_ns - core->since_ns, ns));
    else if (task->state == TASK_STATE_ENDED)
        snprintf(text, 64, "leaves");
    else if (task->errand == KERNEL_ERRAND_SYSCALL && task->syscall != 0)
        snprintf(text, 64, "kernel · %s", syscall_name(task->syscall - 1u));
    else if (task->errand != KERNEL_ERRAND_NONE)
        snprintf(text, 64, "kernel · %s", kernel_errand_word(task->errand));
    else if (task->state == TASK_STATE_SPINNING)
        snprintf(text, 64, "user · spins");
    else if (task->lender != 0)
        snprintf(text, 64, "user · priority of %.30s",
                 recording_task_name(stage->player->recording, task->lender, name));
    else if (task->op != 0 && task->op < scenario->op_count &&
             op_info(scenario->ops[task->op].code) != NULL)
        snprintf(text, 64, "user · %s", op_info(scenario->ops[task->op].code)->name);
    else
        snprintf(text, 64, "user");
}

// User, kernel and interrupt time so far, of all time so far.
static void busy_bar(const Stage *stage, Box bar, const CoreTimes *times)
{
    const struct {
        int64_t ns;
        ColourRole colour;
    } parts[] = {{times->user_ns, COLOUR_RUNNING},
                 {times->kernel_ns, COLOUR_KERNEL},
                 {times->irq_ns, COLOUR_TEXT}};
    double scale = stage->scene->time_ns > 0 ? (double)bar.w / (double)stage->scene->time_ns : 0;
    double x = 0;
    draw_fill(stage->list, bar, COLOUR_RULE);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double end = x + (double)parts[i].ns * scale;
        Box part = {bar.x + (int)x, bar.y, (int)end - (int)x, bar.h};
        if (part.w > 0)
            draw_fill(stage->list, part, parts[i].colour);
        x = end;
    }
}

static void core_frame(const Stage *stage, Box box, uint32_t number)
{
    const Theme *theme = stage->list->theme;
    int radius = theme_px(theme, 5);
    bool selected = stage->player->selected_core == (int)number;
    draw_round(stage->list, box, radius, COLOUR_PANEL);
    draw_stroke(stage->list, box, radius, theme_px(theme, selected ? 3 : 2),
                selected ? COLOUR_TEXT : core_colour(stage, number));
    draw_hit(stage->list, box, HIT_CORE, number);
}

// What it does, and how much of the time so far it was busy.
static void mode_line(const Stage *stage, Box *box, uint32_t number, const CoreTimes *times)
{
    DrawList *list = stage->list;
    char text[64];
    Box line = box_cut_top(box, draw_line_height(list, STYLE_SMALL));
    int64_t busy = stage->scene->time_ns - times->idle_ns;
    int percent = stage->scene->time_ns > 0
                      ? (int)((double)busy * 100 / (double)stage->scene->time_ns + 0.5)
                      : 0;
    Box share = box_cut_right(&line, draw_text_width(list, STYLE_SMALL, "100 %"));
    draw_textf(list, share, ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, "%d %%", percent);
    mode_text(stage, number, text);
    // Where that has no room, its end, which says more than its beginning; or nothing.
    const char *dot = strstr(text, "· "), *shown = text;
    if (dot != NULL && draw_text_width(list, STYLE_SMALL, text) > line.w)
        shown = dot + strlen("· ");
    if (draw_text_width(list, STYLE_SMALL, shown) <= line.w)
        draw_text(list, line, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, shown);
}

// "core 3"; "3" where the name of who runs there needs the room.
static void core_name(Stage *stage, Box *row, uint32_t number)
{
    char name[32];
    TextStyle style = stage->compact ? STYLE_SMALL : STYLE_BOLD;
    uint32_t task = stage->scene->cores[number].task;
    snprintf(name, sizeof name, "core %" PRIu32, number);
    int chip_w = task != 0 ? chip_width(stage->list, stage->player, row->w, task) : 0;
    if (draw_text_width(stage->list, style, name) + stage_gap(stage) + chip_w > row->w)
        snprintf(name, sizeof name, "%" PRIu32, number);
    stage_text(stage, row, style, COLOUR_TEXT, name);
}

static void draw_core(Stage *stage, Box box, uint32_t number)
{
    const Theme *theme = stage->list->theme;
    const SceneCore *core = &stage->scene->cores[number];
    if (!stage->dry)
        core_frame(stage, box, number);
    int pad = theme_px(theme, stage->compact ? 3 : 4);
    Box inside = {box.x + theme_px(theme, 8), box.y + pad, box.w - theme_px(theme, 16),
                  box.h - 2 * pad};
    Box upper = box_cut_top(&inside, stage_row_h(stage));
    core_name(stage, &upper, number);
    if (core->task != 0)
        stage_chip_cut(stage, &upper, core->task);
    if (stage->dry)
        return;
    CoreTimes times = scene_core_times(stage->scene, number);
    if (!stage->compact)
        mode_line(stage, &inside, number, &times);
    busy_bar(stage, box_cut_bottom(&inside, theme_px(theme, 3)), &times);
}

void band_hardware(Stage *stage, Box box)
{
    const Theme *theme = stage->list->theme;
    int gap = theme_px(theme, 8), across = cores_across(stage, box.w), h = core_h(stage);
    int w = (box.w - (across - 1) * gap) / across, most = theme_px(theme, 260);
    int down = (box.h + theme_px(theme, 6)) / (h + theme_px(theme, 6));
    down = down < 1 ? 1 : down;
    w = w < most ? w : most;
    uint32_t room = (uint32_t)(across * down), cores = stage->scene->core_count;
    for (uint32_t i = 0; i < cores && i < room; i++) {
        Box place = {box.x + (int)(i % (uint32_t)across) * (w + gap),
                     box.y + (int)(i / (uint32_t)across) * (h + theme_px(theme, 6)), w, h};
        if (i + 1 == room && cores > room) {
            stage_textf(stage, &place, STYLE_SMALL, COLOUR_TEXT_SOFT, "and %" PRIu32 " more cores",
                        cores - i);
            return;
        }
        draw_core(stage, place, i);
    }
}
