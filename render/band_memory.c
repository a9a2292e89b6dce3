// What memory the processes have, as bars of one scale, so that they can be compared: resident is
// filled; what Python's objects take of that is hatched, and what other processes have too is half
// as high. What is only reserved is an outline. As a rule more is reserved than a bar of that scale
// can be long: then it has a break, and the number beside it says how much it is. The scale is the
// same from the run's beginning to its end. Only where the scenario speaks of memory.
#include "render/machine_bands.h"

#include "sim/base/size.h"

#include <inttypes.h>
#include <stdio.h>

enum { PROCESSES_MOST = 4 };

// A row for each that the scenario names, and for one of each kind that is forked.
static int process_rows(const Scenario *scenario)
{
    int count = (int)scenario->process_count;
    return count < 1 ? 1 : count < PROCESSES_MOST ? count : PROCESSES_MOST;
}

int band_memory_rows(const Scenario *scenario)
{
    return scenario->names_memory ? 1 + process_rows(scenario) : 0;
}

// What a bar is as long as: the most that any process has resident in this run and a twentieth,
// rounded up to one of four steps a power of two.
static uint64_t scale_of(uint64_t most)
{
    uint64_t step = 1024;
    most += most / 20;
    while (step * 8 < most)
        step *= 2;
    return (most + step - 1) / step * step;
}

typedef struct Bars {
    uint64_t scale;       // bytes
    int label, bar, text; // widths
} Bars;

static int pixels(const Bars *bars, uint64_t bytes)
{
    int w = (int)((double)bytes / (double)bars->scale * bars->bar);
    return w > bars->bar ? bars->bar : bytes > 0 && w == 0 ? 1 : w;
}

// Where there is no legend it says itself what it is.
static char *numbers(const Stage *stage, const SceneProcess *process, char text[static 96])
{
    char resident[32], reserved[32];
    snprintf(text, 96, "%s %sof %s", size_text(process->resident, resident),
             stage->compact ? "resident " : "", size_text(process->reserved, reserved));
    return text;
}

// More is reserved than the bar is long.
static void draw_break(DrawList *list, Box bar)
{
    const Theme *theme = list->theme;
    int gap = theme_px(theme, 4), slant = theme_px(theme, 3), over = theme_px(theme, 2);
    Box hole = {box_right(bar) - 3 * gap, bar.y, gap, bar.h};
    draw_fill(list, hole, COLOUR_USER_BAND);
    for (int side = 0; side < 2; side++)
        draw_line(list, hole.x + side * gap - slant / 2, box_bottom(bar) + over,
                  hole.x + side * gap + slant / 2 + 1, bar.y - over, theme_px(theme, 1), 0,
                  COLOUR_TEXT);
}

static void draw_bar(DrawList *list, Box row, const Bars *bars, const SceneProcess *process)
{
    const Theme *theme = list->theme;
    int h = row.h - 2 * theme_px(theme, 3), line = theme_px(theme, 1);
    Box bar = {row.x, row.y + (row.h - h) / 2, bars->bar, h};
    bool has_own = process->shared < process->resident;
    int resident = pixels(bars, process->resident);
    int own = has_own ? pixels(bars, process->resident - process->shared) : 0;
    int heap = pixels(bars, process->heap);
    heap = heap < own ? heap : own;
    Box outline = {bar.x, bar.y, pixels(bars, process->reserved), h};
    if (own - heap > 0)
        draw_fill(list, (Box){bar.x, bar.y, own - heap, h}, COLOUR_ACCENT);
    if (heap > 0)
        draw_hatch(list, (Box){bar.x + own - heap, bar.y, heap, h}, COLOUR_ACCENT, COLOUR_PANEL);
    if (resident - own > 0)
        draw_fill(list, (Box){bar.x + own, bar.y + h - h / 2, resident - own, h / 2},
                  COLOUR_ACCENT);
    draw_stroke(list, outline, 0, line, COLOUR_TEXT_SOFT);
    if (process->reserved > bars->scale)
        draw_break(list, bar);
}

typedef enum Mark { RESIDENT, OBJECTS, SHARED, RESERVED } Mark;

// A swatch and what it means.
static void legend(Stage *stage, Box *row, Mark mark, const char *text)
{
    DrawList *list = stage->list;
    const Theme *theme = list->theme;
    int side = theme_px(theme, 9), gap = theme_px(theme, 5);
    if (row->w < side + gap + draw_text_width(list, STYLE_SMALL, text))
        return;
    Box swatch = box_cut_left(row, side);
    swatch = (Box){swatch.x, swatch.y + (swatch.h - side) / 2, side, side};
    if (mark == RESIDENT)
        draw_fill(list, swatch, COLOUR_ACCENT);
    if (mark == OBJECTS)
        draw_hatch(list, swatch, COLOUR_ACCENT, COLOUR_PANEL);
    if (mark == SHARED)
        draw_fill(list, (Box){swatch.x, swatch.y + side - side / 2, side, side / 2}, COLOUR_ACCENT);
    draw_stroke(list, swatch, 0, theme_px(theme, 1),
                mark == RESERVED ? COLOUR_TEXT_SOFT : COLOUR_ACCENT);
    box_cut_left(row, gap);
    stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
    box_cut_left(row, 2 * gap);
}

static bool is_shown(const SceneProcess *process)
{
    return process != NULL && process->started && !process->ended && process->reserved > 0;
}

static void draw_legend(Stage *stage, Box row, const Bars *bars)
{
    char size[32];
    Box label = box_cut_left(&row, bars->label);
    draw_text(stage->list, label, ALIGN_LEFT, STYLE_BOLD, COLOUR_TEXT, "memory");
    bool shared = false;
    for (uint32_t pid = 1; pid <= stage->scene->processes.count; pid++) {
        const SceneProcess *process = scene_process(stage->scene, pid);
        shared = shared || (is_shown(process) && process->shared > 0);
    }
    legend(stage, &row, RESIDENT, "resident");
    if (python_runtime(stage->scene->scenario) != NULL)
        legend(stage, &row, OBJECTS, "of it Python's objects");
    if (shared)
        legend(stage, &row, SHARED, "of it shared");
    legend(stage, &row, RESERVED, "reserved");
    stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT, "a bar is %s",
                size_text(bars->scale, size));
}

static char *name_of(const Player *player, uint32_t pid, char text[static 96])
{
    return process_names_text(&player->recording->processes, &player->recording->tasks,
                              player->scenario, pid, text);
}

// How wide the columns are; false: there is no room for bars.
static bool measure(Stage *stage, Box box, int rows, Bars *bars)
{
    enum { LABEL_LEAST = 56, LABEL_MOST = 140, BAR_LEAST = 60 }; // points
    DrawList *list = stage->list;
    const Theme *theme = list->theme;
    char text[96];
    int gap = stage_gap(stage), shown = 0;
    bars->label = theme_px(theme, LABEL_LEAST);
    bars->text = draw_text_width(list, STYLE_SMALL, "888.88 MiB of 888.88 MiB");
    if (stage->compact)
        bars->text += draw_text_width(list, STYLE_SMALL, "resident ");
    for (uint32_t pid = 1; pid <= stage->scene->processes.count && shown < rows; pid++) {
        if (!is_shown(scene_process(stage->scene, pid)))
            continue;
        int w = draw_text_width(list, STYLE_SMALL, name_of(stage->player, pid, text));
        bars->label = w > bars->label ? w : bars->label;
        shown++;
    }
    int most = theme_px(theme, LABEL_MOST);
    bars->label = (bars->label < most ? bars->label : most) + gap;
    bars->bar = box.w - bars->label - gap - bars->text;
    return bars->bar >= theme_px(theme, BAR_LEAST);
}

static void draw_process(Stage *stage, Box row, const Bars *bars, uint32_t pid)
{
    const SceneProcess *process = scene_process(stage->scene, pid);
    char text[96];
    Box label = box_cut_left(&row, bars->label - stage_gap(stage));
    draw_name(stage->list, label, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT,
              name_of(stage->player, pid, text));
    box_cut_left(&row, stage_gap(stage));
    draw_bar(stage->list, box_cut_left(&row, bars->bar), bars, process);
    box_cut_left(&row, stage_gap(stage));
    draw_text(stage->list, row, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT,
              numbers(stage, process, text));
}

void band_memory(Stage *stage, Box *box, int least_h)
{
    const Scenario *scenario = stage->scene->scenario;
    int line = draw_line_height(stage->list, STYLE_SMALL) + theme_px(stage->list->theme, 2);
    int rows = process_rows(scenario), gap = theme_px(stage->list->theme, 4);
    int all = (!stage->compact + rows) * line + gap;
    Bars bars = {.scale = scale_of(stage->player->take->headline.resident_max)};
    if (band_memory_rows(scenario) == 0 || box->h - all < least_h ||
        !measure(stage, *box, rows, &bars))
        return;
    Box strip = box_cut_bottom(box, all);
    if (stage->dry)
        return;
    box_cut_top(&strip, gap);
    if (!stage->compact)
        draw_legend(stage, box_cut_top(&strip, line), &bars);
    uint32_t count = 0;
    for (uint32_t pid = 1; pid <= stage->scene->processes.count; pid++)
        count += is_shown(scene_process(stage->scene, pid));
    for (uint32_t pid = 1; pid <= stage->scene->processes.count && rows > 0; pid++) {
        if (!is_shown(scene_process(stage->scene, pid)))
            continue;
        Box row = box_cut_top(&strip, line);
        if (rows-- == 1 && count > 1) {
            stage_textf(stage, &row, STYLE_SMALL, COLOUR_TEXT_SOFT,
                        "and %" PRIu32 " more processes", count);
            return;
        }
        draw_process(stage, row, &bars, pid);
        count--;
    }
}
