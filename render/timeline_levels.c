#include "render/timeline_bars.h"

#include "sim/base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Columns of one height.
typedef struct Step {
    int x, w, h; // pixels; w 0: none yet
    bool one;    // all of it is one interval, of this level
    uint32_t level;
} Step;

typedef struct Steps {
    DrawList *list;
    const BarsRow *row;
    Step step;
} Steps;

char *level_text(const TimelineRow *row, uint32_t level, char text[static 32])
{
    if (row->place == PLACE_PIPE || row->place == PLACE_STREAM)
        return size_text(level, text);
    snprintf(text, 32, "%" PRIu32, level);
    return text;
}

// The level as a number, within the surface or above it, where there is room.
static void annotate(const Steps *steps, Box bar, const Step *step)
{
    char text[32];
    DrawList *list = steps->list;
    level_text(steps->row->row, step->level, text);
    int w = draw_text_width(list, STYLE_MONO_SMALL, text) + 1;
    int line = draw_line_height(list, STYLE_MONO_SMALL) - 2, edge = theme_px(list->theme, 2);
    Box inside = {step->x, box_bottom(bar) - step->h + edge, step->w, step->h - edge};
    Box above = {step->x, bar.y, step->w, bar.h - step->h};
    Box box = inside.h >= line ? inside : above;
    if (w > step->w || box.h < line)
        return;
    BarText *item = ARENA_NEW(&list->arena, BarText);
    *item = (BarText){*steps->row->texts, box, w, arena_text(&list->arena, text, strlen(text)),
                      COLOUR_TEXT};
    *steps->row->texts = item;
}

static void flush(Steps *steps)
{
    const Step *step = &steps->step;
    Box bar = steps->row->box;
    Box surface = {step->x, box_bottom(bar) - step->h, step->w, step->h};
    if (step->w > 0 && step->h > 0)
        draw_fill(steps->list, surface, COLOUR_GHOST);
    if (step->w > 1 && step->h > 0)
        draw_fill(steps->list, box_cut_top(&surface, theme_px(steps->list->theme, 2)),
                  COLOUR_TEXT_SOFT);
    if (step->w > 0 && step->one)
        annotate(steps, bar, step);
    steps->step.w = 0;
}

static void add_step(Steps *steps, Step step)
{
    Step *now = &steps->step;
    bool goes_on = now->w > 0 && now->x + now->w == step.x && now->h == step.h &&
                   now->one == step.one && (!step.one || now->level == step.level);
    if (goes_on) {
        now->w += step.w;
        return;
    }
    flush(steps);
    *now = step;
}

// What is there is at least a pixel high.
static int height_of(const BarsRow *row, double level)
{
    if (level <= 0)
        return 0;
    int h = (int)(level / row->row->level_most * row->box.h + 0.5);
    return h < 1 ? 1 : h;
}

static void add_columns(void *context, const TimelineBin *bin, int64_t from_ns, int64_t to_ns,
                        int x, int w)
{
    Steps *steps = context;
    const BarsRow *row = steps->row;
    if (bin->touched == 0) {
        flush(steps);
    } else if (bin->touched <= 2) {
        uint32_t level = row->row->intervals.at[bin->interval].subject;
        add_step(steps, (Step){x, w, height_of(row, level), true, level});
    } else {
        double mean = timeline_level(row->timeline, row->row, from_ns, to_ns);
        add_step(steps, (Step){x, w, height_of(row, mean), false, 0});
    }
}

void levels_draw(DrawList *list, const BarsRow *row)
{
    Steps steps = {.list = list, .row = row};
    bars_walk(row, add_columns, &steps);
    flush(&steps);
}
