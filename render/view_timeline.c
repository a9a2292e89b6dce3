// The timeline: a row a core, GIL, lock, thread, its spans and the event loop that it runs with its
// coroutines; time from left to right.
#include "render/ticks.h"
#include "render/timeline_view.h"
#include "render/views.h"

static void draw_axis(DrawList *list, const TimelinePlan *plan)
{
    Ticks ticks = ticks_choose(list, plan->span, plan->timeline->by_event, plan->plot.w);
    int64_t before = plan->span.from_ns % ticks.step_ns;
    int64_t first = plan->span.from_ns + (before > 0 ? ticks.step_ns - before : 0);
    int right = box_right(plan->axis), gap = theme_px(list->theme, 8), taken = plan->axis.x - gap;
    int64_t count = (plan->span.to_ns - first) / ticks.step_ns;
    for (int64_t i = 0; i <= count; i++) {
        int64_t t = first + i * ticks.step_ns;
        char text[40];
        int x = plan_x(plan, t);
        draw_fill(list, (Box){x, plan->plot.y, theme_px(list->theme, 1), plan->plot.h},
                  COLOUR_RULE);
        int w = draw_text_width(list, STYLE_MONO_SMALL, tick_text(&ticks, t, text)) + 1;
        int left = least(x - w / 2, right - w);
        if (left < taken + gap) // the last one, which the edge has moved
            continue;
        taken = left + w;
        draw_text(list, (Box){left, plan->axis.y, w, plan->axis.h}, ALIGN_LEFT, STYLE_MONO_SMALL,
                  COLOUR_TEXT_SOFT, text);
    }
}

// ---- rows

static void draw_label(DrawList *list, const TimelinePlan *plan, int i)
{
    const TimelineRow *row = plan_row(plan, i);
    char text[192];
    Box box = {plan->labels.x, plan->plot.y + i * plan->pitch, plan->labels.w, plan->pitch};
    Box inside = {box.x, plan_bar_y(plan, i), box.w - theme_px(list->theme, 8), plan->bar_h};
    bool strong = row->kind == ROW_CORE || row->kind == ROW_GIL || plan_selected(plan, row);
    draw_name(list, inside, plan_belongs(row) ? ALIGN_RIGHT : ALIGN_LEFT,
              plan_label_style(plan, row), strong ? COLOUR_TEXT : COLOUR_TEXT_SOFT,
              plan_label(plan, row, text));
    if (row->kind == ROW_CORE)
        draw_hit(list, box, HIT_CORE, row->id);
    else if (row->kind == ROW_TASK || row->kind == ROW_SPANS)
        draw_hit(list, box, HIT_TASK, row->id);
    else if (row->kind == ROW_COROUTINE)
        draw_hit(list, box, HIT_COROUTINE, row->id);
}

static void draw_divider(DrawList *list, const TimelinePlan *plan, int i)
{
    Box line = {plan->labels.x, plan->plot.y + i * plan->pitch,
                box_right(plan->plot) - plan->labels.x, theme_px(list->theme, 1)};
    draw_fill(list, line, COLOUR_PANEL_EDGE);
}

static void draw_row(DrawList *list, TimelinePlan *plan, int i)
{
    const TimelineRow *row = plan_row(plan, i);
    if (plan_selected(plan, row)) {
        enum { TINT = 28 };
        draw_opacity(list, TINT);
        draw_fill(list,
                  (Box){plan->labels.x, plan->plot.y + i * plan->pitch,
                        box_right(plan->plot) - plan->labels.x, plan->pitch},
                  COLOUR_ACCENT);
        draw_opacity(list, 255);
    }
    BarsRow bars = {.timeline = plan->timeline,
                    .row = row,
                    .span = plan->span,
                    .box = {plan->plot.x, plan_bar_y(plan, i), plan->plot.w, plan->bar_h},
                    .selected_task = plan->player->selected_task,
                    .selected_coroutine = plan->player->selected_coroutine,
                    .texts = &plan->texts};
    bars_draw(list, &bars);
    // A strip is too low for levels.
    bool has_ghost = plan->ghost != NULL && row->kind != ROW_LEVEL;
    const TimelineRow *before = has_ghost ? timeline_like(plan->ghost, row) : NULL;
    if (before != NULL) {
        enum { PALE = 120 };
        bars.timeline = plan->ghost;
        bars.row = before;
        bars.ghost = true;
        bars.texts = NULL;
        bars.box.y += plan->bar_h + 2;
        bars.box.h = plan->bar_h / 4;
        draw_opacity(list, PALE);
        bars_draw(list, &bars);
        draw_opacity(list, 255);
    }
}

// The wheel scrolls rows over the names; a click in the plot goes to an instant, and selects the
// thread whose row it is.
static void draw_hits(DrawList *list, const TimelinePlan *plan, Box inside)
{
    int scrolled = plan->rows - plan->shown;
    draw_hit(list, inside, HIT_ROWS, (uint32_t)(scrolled > 0 ? scrolled : 0));
    for (int i = 0; i < plan->shown; i++) {
        const TimelineRow *row = plan_row(plan, i);
        bool of_task = row->kind == ROW_TASK || row->kind == ROW_SPANS;
        Box box = {plan->plot.x, plan->plot.y + i * plan->pitch, plan->plot.w, plan->pitch};
        draw_hit(list, box, HIT_TIMELINE, of_task ? row->id : 0);
    }
}

// Which of the rows that scroll are shown: a bar beside them, which can be dragged.
static void draw_scroll(DrawList *list, const TimelinePlan *plan)
{
    const Theme *theme = list->theme;
    Box track = plan->scroll;
    int rows = plan->rows - plan->pinned, shown = plan->shown - plan->pinned;
    if (box_empty(track) || rows <= shown)
        return;
    draw_round(list, track, track.w / 2, COLOUR_RULE);
    int h = track.h * shown / rows, low = theme_px(theme, 12);
    h = h < low ? least(low, track.h) : h;
    int y = (int)((int64_t)(track.h - h) * plan->first / (rows - shown));
    draw_round(list, (Box){track.x, track.y + y, track.w, h}, track.w / 2, COLOUR_TEXT_SOFT);
    int wide = theme_px(theme, 5); // easier to hit than the bar alone
    draw_hit(list, (Box){track.x - wide, track.y, track.w + 2 * wide, track.h}, HIT_SCROLL,
             (uint32_t)(rows - shown));
}

void view_timeline(DrawList *list, Box box, const Player *player)
{
    Box inside = panel_plain(list, box);
    Box caption = box_cut_top(&inside, draw_line_height(list, STYLE_SMALL));
    box_cut_top(&inside, theme_px(list->theme, 6));
    TimelinePlan plan = plan_make(list, inside, player);
    caption_draw(list, caption, &plan);
    if (plan.shown == 0 || plan.plot.w < BARS_GROUP)
        return;
    draw_axis(list, &plan);
    if (plan_has_mark(&plan))
        overlay_draw_mark(list, &plan);
    for (int i = 1; i < plan.shown; i++)
        if (plan_divides(&plan, i))
            draw_divider(list, &plan, i);
    draw_hits(list, &plan, inside);
    for (int i = 0; i < plan.shown; i++) {
        draw_row(list, &plan, i);
        draw_label(list, &plan, i);
    }
    overlay_draw(list, &plan);
    draw_scroll(list, &plan);
}
