// The timeline: a row a core, lock, thread and its spans, time from left to right. Here is where
// everything stands; what a row's bars look like is timeline_bars.c's.
#include "render/timeline_bars.h"
#include "render/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Where things are in this frame.
typedef struct Plan {
    const Player *player;
    const Timeline *timeline, *ghost; // `ghost` NULL: none
    TimeSpan span;
    Box labels, axis, plot; // the plot is below the axis
    int pitch, bar_h;       // pixels from row to row, and of a bar
    int pinned;             // rows that stay: cores and locks; 0: all scroll
    int first;              // of the others, the first one shown
    int shown;              // rows shown, the pinned ones included
    int rows;               // that there are
} Plan;

static int least(int a, int b)
{
    return a < b ? a : b;
}

// ---- time

static int x_of(const Plan *plan, int64_t time_ns)
{
    double share =
        (double)(time_ns - plan->span.from_ns) / (double)(plan->span.to_ns - plan->span.from_ns);
    return plan->plot.x + (int)(share * plan->plot.w + 0.5);
}

static bool in_span(const Plan *plan, int64_t time_ns)
{
    return time_ns >= plan->span.from_ns && time_ns <= plan->span.to_ns;
}

typedef struct Ticks {
    int64_t step_ns, unit_ns;
    const char *unit;
    int decimals;
} Ticks;

// The next larger one of 1, 2, 5, 10, 20, 50 …
static int64_t rounder(int64_t step)
{
    int64_t power = 1;
    while (power <= step / 10)
        power *= 10;
    return step / power >= 5 ? 10 * power : step / power >= 2 ? 5 * power : 2 * power;
}

static const char *tick_text(const Ticks *ticks, int64_t time_ns, char text[static 40])
{
    int64_t whole = time_ns / ticks->unit_ns, rest = time_ns % ticks->unit_ns;
    int length = snprintf(text, 40, "%" PRId64, whole);
    if (ticks->decimals > 0) {
        int64_t unit = ticks->unit_ns;
        text[length++] = '.';
        for (int i = 0; i < ticks->decimals; i++) {
            unit /= 10;
            text[length++] = (char)('0' + rest / unit % 10);
        }
    }
    snprintf(text + length, 40 - (size_t)length, " %s", ticks->unit);
    return text;
}

static void set_unit(Ticks *ticks, int64_t to_ns)
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    size_t i = 0;
    while (i < 3 && to_ns < units[i].ns)
        i++;
    ticks->unit_ns = units[i].ns;
    ticks->unit = units[i].name;
    ticks->decimals = 0;
    for (int64_t unit = ticks->unit_ns; unit > ticks->step_ns && ticks->step_ns % unit != 0;
         unit /= 10)
        ticks->decimals++;
}

// Round steps whose labels have room beside each other.
static Ticks choose_ticks(DrawList *list, const Plan *plan)
{
    Ticks ticks = {.step_ns = 1};
    int64_t length = plan->span.to_ns - plan->span.from_ns;
    char text[40];
    for (;; ticks.step_ns = rounder(ticks.step_ns)) {
        set_unit(&ticks, plan->span.to_ns);
        double px = (double)ticks.step_ns / (double)length * plan->plot.w;
        if (px < theme_px(list->theme, 40))
            continue;
        int label =
            draw_text_width(list, STYLE_MONO_SMALL, tick_text(&ticks, plan->span.to_ns, text));
        if (px >= label + theme_px(list->theme, 28))
            return ticks;
    }
}

static void draw_axis(DrawList *list, const Plan *plan)
{
    Ticks ticks = choose_ticks(list, plan);
    int64_t before = plan->span.from_ns % ticks.step_ns;
    int64_t first = plan->span.from_ns + (before > 0 ? ticks.step_ns - before : 0);
    int right = box_right(plan->axis), gap = theme_px(list->theme, 8), taken = plan->axis.x - gap;
    int64_t count = (plan->span.to_ns - first) / ticks.step_ns;
    for (int64_t i = 0; i <= count; i++) {
        int64_t t = first + i * ticks.step_ns;
        char text[40];
        int x = x_of(plan, t);
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

// ---- legend

// What a thread does at one instant is a small flag on its bars.
static const struct {
    ColourRole colour;
    const char *legend; // NULL: it is not shown
} flags[INSTANT_KIND_COUNT] = {
    [INSTANT_MARK] = {COLOUR_TEXT, "mark"},
    [INSTANT_PRINT] = {COLOUR_LOCK, "print"},
    [INSTANT_MIGRATED] = {COLOUR_TEXT, NULL}, // the rows of the cores show it
};

static int flag_px(const DrawList *list)
{
    return theme_px(list->theme, 6);
}

static void draw_flag(DrawList *list, int x, int y, int kind)
{
    int size = flag_px(list);
    draw_triangle(list, (Box){x - size / 2, y - size / 2, size, size}, 1, flags[kind].colour);
}

static int path_px(const DrawList *list)
{
    return theme_px(list->theme, 3);
}

// Makes room for an entry at the left of what is left of the line and writes its label. Returns
// where its sample goes; empty when the entry does not fit.
static Box legend_entry(DrawList *list, Box *line, const char *label)
{
    const Theme *theme = list->theme;
    int gap = theme_px(theme, 6), sample = theme_px(theme, 16), h = theme_px(theme, 12);
    int w = draw_text_width(list, STYLE_SMALL, label) + 1;
    if (sample + gap + w > line->w)
        return (Box){0, 0, 0, 0};
    Box box = box_cut_left(line, sample);
    box_cut_left(line, gap);
    draw_text(list, box_cut_left(line, w), ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, label);
    box_cut_left(line, theme_px(theme, 16));
    return (Box){box.x, box.y + (box.h - h) / 2, box.w, h};
}

// The states that occur, each look once, and what lies over the rows.
static void legend(DrawList *list, Box line, const Plan *plan)
{
    const char *shown[TIMELINE_STATE_COUNT];
    int count = 0;
    for (unsigned state = 0; state < TIMELINE_STATE_COUNT; state++) {
        BarLook look = bar_look(state);
        bool known = (plan->timeline->states >> state & 1) == 0 || look.shape == SHAPE_NONE ||
                     state == TIMELINE_IN_SPAN; // which says itself what it is
        for (int i = 0; i < count && !known; i++)
            known = strcmp(shown[i], look.legend) == 0;
        if (known)
            continue;
        shown[count++] = look.legend;
        Box sample = legend_entry(list, &line, look.legend);
        if (!box_empty(sample))
            bar_draw(list, sample, state);
    }
    for (int kind = 0; kind < INSTANT_KIND_COUNT; kind++) {
        if (plan->timeline->instant_counts[kind] == 0 || flags[kind].legend == NULL)
            continue;
        Box sample = legend_entry(list, &line, flags[kind].legend);
        if (!box_empty(sample))
            draw_flag(list, sample.x + sample.w / 2, sample.y + sample.h / 2, kind);
    }
    if (plan->player->why) {
        Box sample = legend_entry(list, &line, "critical path");
        if (!box_empty(sample))
            draw_fill(list, (Box){sample.x, sample.y + sample.h / 2, sample.w, path_px(list)},
                      COLOUR_TEXT);
    }
}

// What the pale strips are, at the right end of the line. Returns its width.
static int ghost_legend(DrawList *list, Box line, const Plan *plan)
{
    if (plan->ghost == NULL)
        return 0;
    char length[32], text[64];
    snprintf(text, sizeof text, "below, pale: before, %s",
             duration_text(plan->ghost->end_ns, length));
    int w = draw_text_width(list, STYLE_SMALL, text) + 1;
    draw_text(list, (Box){box_right(line) - w, line.y, w, line.h}, ALIGN_LEFT, STYLE_SMALL,
              COLOUR_TEXT_SOFT, text);
    return w + theme_px(list->theme, 16);
}

static void draw_caption(DrawList *list, Box line, const Plan *plan)
{
    static const char caption[] = "TIMELINE";
    int w = draw_text_width(list, STYLE_CAPTION, caption) + 1;
    draw_text(list, (Box){line.x, line.y, w, line.h}, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT,
              caption);
    box_cut_left(&line, w + theme_px(list->theme, 22));
    box_cut_right(&line, ghost_legend(list, line, plan));
    legend(list, line, plan);
}

// ---- rows

// The row that stands at place `i` from above.
static const TimelineRow *row_at(const Plan *plan, int i)
{
    return &plan->timeline->rows.at[i < plan->pinned ? i : i + plan->first];
}

// The place of a row; -1: it is not shown.
static int place_of(const Plan *plan, const TimelineRow *row)
{
    int i = row == NULL ? -1 : (int)(row - plan->timeline->rows.at);
    if (i >= plan->pinned)
        i = i - plan->first < plan->pinned ? -1 : i - plan->first;
    return i < plan->shown ? i : -1;
}

static int bar_y(const Plan *plan, int i)
{
    int ghost_h = plan->ghost != NULL ? plan->bar_h / 4 + 2 : 0;
    return plan->plot.y + i * plan->pitch + (plan->pitch - plan->bar_h - ghost_h) / 2;
}

static const char *label_of(const Plan *plan, const TimelineRow *row, char text[static 128])
{
    return row->kind == ROW_SPANS ? "spans" : timeline_row_name(plan->timeline, row, text);
}

static TextStyle label_style(const Plan *plan, const TimelineRow *row)
{
    bool selected = row->kind == ROW_CORE
                        ? (int)row->id == plan->player->selected_core
                        : row->kind == ROW_TASK && row->id == plan->player->selected_task;
    return selected || row->kind == ROW_CORE ? STYLE_BOLD : STYLE_SMALL;
}

static bool is_selected(const Plan *plan, const TimelineRow *row)
{
    if (row->kind == ROW_CORE)
        return (int)row->id == plan->player->selected_core;
    return row->kind != ROW_LOCK && row->id == plan->player->selected_task;
}

static int labels_width(DrawList *list, const Plan *plan, int most)
{
    int widest = 0;
    for (int i = 0; i < plan->shown; i++) {
        char text[128];
        const TimelineRow *row = row_at(plan, i);
        int w = draw_text_width(list, label_style(plan, row), label_of(plan, row, text));
        widest = w > widest ? w : widest;
    }
    return least(widest + theme_px(list->theme, 14), most);
}

static void draw_label(DrawList *list, const Plan *plan, int i)
{
    const TimelineRow *row = row_at(plan, i);
    char text[128];
    Box box = {plan->labels.x, plan->plot.y + i * plan->pitch, plan->labels.w, plan->pitch};
    Box inside = {box.x, bar_y(plan, i), box.w - theme_px(list->theme, 8), plan->bar_h};
    bool strong = row->kind == ROW_CORE || is_selected(plan, row);
    draw_text(list, inside, row->kind == ROW_SPANS ? ALIGN_RIGHT : ALIGN_LEFT,
              label_style(plan, row), strong ? COLOUR_TEXT : COLOUR_TEXT_SOFT,
              label_of(plan, row, text));
    if (row->kind == ROW_CORE)
        draw_hit(list, box, HIT_CORE, row->id);
    else if (row->kind != ROW_LOCK)
        draw_hit(list, box, HIT_TASK, row->id);
}

static void draw_row(DrawList *list, const Plan *plan, int i)
{
    const TimelineRow *row = row_at(plan, i);
    if (is_selected(plan, row)) {
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
                    .box = {plan->plot.x, bar_y(plan, i), plan->plot.w, plan->bar_h},
                    .selected_task = plan->player->selected_task};
    bars_draw(list, &bars);
    const TimelineRow *before = plan->ghost == NULL ? NULL : timeline_like(plan->ghost, row);
    if (before != NULL) {
        enum { PALE = 120 };
        bars.timeline = plan->ghost;
        bars.row = before;
        bars.ghost = true;
        bars.box.y += plan->bar_h + 2;
        bars.box.h = plan->bar_h / 4;
        draw_opacity(list, PALE);
        bars_draw(list, &bars);
        draw_opacity(list, 255);
    }
}

// How many rows there are besides those shown, in the line under them.
static void draw_more(DrawList *list, const Plan *plan, Box line)
{
    int below = plan->rows - plan->shown - plan->first;
    if (plan->first == 0 && below == 0)
        return;
    char text[96];
    int length = 0;
    if (plan->first > 0)
        length = snprintf(text, sizeof text, "%d rows above", plan->first);
    if (below > 0)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%d rows below",
                           length > 0 ? ", " : "", below);
    draw_textf(list, line, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT,
               "%s: turn the wheel over the names", text);
}

// ---- what lies over the rows

static void upright_line(DrawList *list, const Plan *plan, int64_t time_ns, int width, int dash,
                         ColourRole colour)
{
    int x = x_of(plan, time_ns);
    draw_line(list, x, plan->plot.y, x, box_bottom(plan->plot), width, dash, colour);
}

// The ends of both runs, when they lie within what is shown.
static void draw_ends(DrawList *list, const Plan *plan)
{
    int width = theme_px(list->theme, 1), dash = theme_px(list->theme, 3);
    if (in_span(plan, plan->timeline->end_ns))
        upright_line(list, plan, plan->timeline->end_ns, width, 0, COLOUR_TEXT_SOFT);
    if (plan->ghost != NULL && in_span(plan, plan->ghost->end_ns))
        upright_line(list, plan, plan->ghost->end_ns, width, dash, COLOUR_TEXT_SOFT);
}

// Who woke whom: an arrow from the waker's row to the woken one's, or from the edge when the
// waker's is not shown. An interrupt's is short.
static void draw_wakeup(DrawList *list, const Plan *plan, const TimelineWakeup *wakeup)
{
    int from = place_of(plan, timeline_task_row(plan->timeline, wakeup->waker));
    int to = place_of(plan, timeline_task_row(plan->timeline, wakeup->woken));
    if (to < 0 || from == to)
        return;
    int x = x_of(plan, wakeup->time_ns), tip = theme_px(list->theme, 7);
    bool down = from < to;
    int y1 = bar_y(plan, to) + (down ? 0 : plan->bar_h), y0 = plan->plot.y;
    if (wakeup->waker == 0)
        y0 = y1 - tip;
    else if (from >= 0)
        y0 = bar_y(plan, from) + (down ? plan->bar_h : 0);
    draw_line(list, x, y0, x, y1, theme_px(list->theme, 1.5f), 0, COLOUR_TEXT);
    draw_triangle(list, (Box){x - tip / 2, down ? y1 - tip + 1 : y1, tip, tip}, down ? 1 : 3,
                  COLOUR_TEXT);
}

static void draw_wakeups(DrawList *list, const Plan *plan)
{
    TimelineItems items = timeline_wakeups(plan->timeline, plan->player->selected_task,
                                           plan->span.from_ns, plan->span.to_ns);
    // More than these would be a hedge; zooming in shows them.
    if (items.count > (size_t)(plan->plot.w / theme_px(list->theme, 12)))
        return;
    for (size_t i = 0; i < items.count; i++)
        draw_wakeup(list, plan, &plan->timeline->wakeups.at[items.ids[i]]);
}

// Marks and printed lines of a row: small flags on its bars.
static void draw_flags(DrawList *list, const Plan *plan, int i)
{
    const TimelineRow *row = row_at(plan, i);
    if (row->kind != ROW_TASK)
        return;
    TimelineItems items =
        timeline_instants(plan->timeline, row->id, plan->span.from_ns, plan->span.to_ns);
    if (items.count > (size_t)(plan->plot.w / (2 * flag_px(list))))
        return;
    for (size_t k = 0; k < items.count; k++) {
        const TimelineInstant *instant = &plan->timeline->instants.at[items.ids[k]];
        if (flags[instant->kind].legend != NULL)
            draw_flag(list, x_of(plan, instant->time_ns), bar_y(plan, i), instant->kind);
    }
}

// The first segment of the path that ends behind `time_ns`.
static size_t segment_behind(const CriticalPath *path, int64_t time_ns)
{
    size_t low = 0, high = path->segments.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (path->segments.at[middle].to_ns <= time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The critical path: a line along the bars of who is on it, with upright ones where it goes over to
// another thread. One segment a pixel column at most is looked at.
static void draw_path(DrawList *list, const Plan *plan)
{
    const CriticalPath *path = &plan->player->take->path;
    int width = path_px(list), before = -1;
    size_t i = segment_behind(path, plan->span.from_ns);
    while (i < path->segments.count && path->segments.at[i].from_ns < plan->span.to_ns) {
        const PathSegment *segment = &path->segments.at[i];
        bool begins = segment->from_ns >= plan->span.from_ns;
        int x0 = begins ? x_of(plan, segment->from_ns) : plan->plot.x;
        int x1 =
            segment->to_ns < plan->span.to_ns ? x_of(plan, segment->to_ns) : box_right(plan->plot);
        x1 = x1 > x0 ? x1 : x0 + 1;
        int place = place_of(plan, timeline_task_row(plan->timeline, segment->task));
        int y = place < 0 ? 0 : bar_y(plan, place) + plan->bar_h - width;
        if (place >= 0)
            draw_fill(list, (Box){x0, y, x1 - x0, width}, COLOUR_TEXT);
        if (begins && place >= 0 && before >= 0 && before != place) {
            int other = bar_y(plan, before) + plan->bar_h - width;
            draw_fill(list,
                      (Box){x0, least(y, other), width / 2, y < other ? other - y : y - other},
                      COLOUR_TEXT);
        }
        before = place;
        int64_t column_ns = timeline_bin_ns(plan->span.from_ns, plan->span.to_ns,
                                            (size_t)plan->plot.w, (size_t)(x1 - plan->plot.x));
        i = segment->to_ns > column_ns ? i + 1 : segment_behind(path, column_ns);
        i = i > (size_t)(segment - path->segments.at) ? i : i + 1;
    }
}

static void draw_cursor(DrawList *list, const Plan *plan)
{
    if (!in_span(plan, plan->player->time_ns))
        return;
    int x = x_of(plan, plan->player->time_ns), tip = theme_px(list->theme, 10);
    upright_line(list, plan, plan->player->time_ns, theme_px(list->theme, 2), 0, COLOUR_CURSOR);
    draw_triangle(list, (Box){x - tip / 2, plan->plot.y - tip * 2 / 3, tip, tip * 2 / 3}, 1,
                  COLOUR_CURSOR);
}

// What comes next is the question: it is not shown.
static void hide_future(DrawList *list, const Plan *plan)
{
    Box future = plan->plot;
    int x = x_of(plan, plan->player->time_ns);
    if (x > future.x)
        box_cut_left(&future, x - future.x);
    draw_fill(list, future, COLOUR_PANEL);
    draw_text(list, future, ALIGN_CENTRE, STYLE_TITLE, COLOUR_TEXT_SOFT, "?");
}

// ---- all of it

// How high rows are, how many are shown and which.
static void place_rows(DrawList *list, Plan *plan, int h)
{
    const Theme *theme = list->theme;
    int text_h = draw_line_height(list, STYLE_SMALL);
    int most = theme_px(theme, 34), fewest = text_h + theme_px(theme, 2);
    plan->rows = (int)plan->timeline->rows.count;
    plan->pitch = plan->rows > 0 ? h / plan->rows : most;
    plan->pitch = plan->pitch > most ? most : plan->pitch < fewest ? fewest : plan->pitch;
    plan->shown = least(plan->rows, h / plan->pitch);
    if (plan->shown < plan->rows) // a line to say so
        plan->shown = least(plan->shown, (h - text_h) / plan->pitch);
    plan->shown = plan->shown < 0 ? 0 : plan->shown;
    plan->pinned = (int)plan->timeline->task_first;
    if (plan->shown < plan->rows && plan->pinned > plan->shown / 2)
        plan->pinned = 0;
    int last = plan->rows - plan->shown;
    plan->first = plan->player->first_row > last ? last : plan->player->first_row;
    plan->bar_h = plan->ghost != NULL ? plan->pitch * 11 / 20 : plan->pitch * 7 / 10;
}

static Plan make_plan(DrawList *list, Box inside, const Player *player)
{
    const Theme *theme = list->theme;
    Plan plan = {.player = player,
                 .timeline = &player->take->timeline,
                 .ghost = player->before != NULL ? &player->before->timeline : NULL,
                 .span = player->zoom};
    if (plan.span.to_ns <= plan.span.from_ns)
        plan.span.to_ns = plan.span.from_ns + 1;
    plan.axis = box_cut_top(&inside, draw_line_height(list, STYLE_MONO_SMALL));
    box_cut_top(&inside, theme_px(theme, 8)); // of the cursor's tip
    place_rows(list, &plan, inside.h);
    plan.labels = box_cut_left(&inside, labels_width(list, &plan, inside.w / 4));
    plan.plot = inside;
    plan.plot.w -= plan.plot.w % BARS_GROUP;
    plan.plot.h = least(inside.h, plan.shown * plan.pitch);
    return plan;
}

// The wheel scrolls rows over the names; a click in the plot goes to an instant, and selects the
// thread whose row it is.
static void draw_hits(DrawList *list, const Plan *plan, Box inside)
{
    int scrolled = plan->rows - plan->shown;
    draw_hit(list, inside, HIT_ROWS, (uint32_t)(scrolled > 0 ? scrolled : 0));
    for (int i = 0; i < plan->shown; i++) {
        const TimelineRow *row = row_at(plan, i);
        bool of_task = row->kind == ROW_TASK || row->kind == ROW_SPANS;
        Box box = {plan->plot.x, plan->plot.y + i * plan->pitch, plan->plot.w, plan->pitch};
        draw_hit(list, box, HIT_TIMELINE, of_task ? row->id : 0);
    }
}

void view_timeline(DrawList *list, Box box, const Player *player)
{
    Box inside = panel_plain(list, box);
    Box caption = box_cut_top(&inside, draw_line_height(list, STYLE_SMALL));
    box_cut_top(&inside, theme_px(list->theme, 6));
    Plan plan = make_plan(list, inside, player);
    draw_caption(list, caption, &plan);
    if (plan.shown == 0 || plan.plot.w < BARS_GROUP)
        return;
    draw_axis(list, &plan);
    if (plan.pinned > 0 && plan.pinned < plan.shown)
        draw_fill(list,
                  (Box){plan.labels.x, plan.plot.y + plan.pinned * plan.pitch,
                        box_right(plan.plot) - plan.labels.x, theme_px(list->theme, 1)},
                  COLOUR_PANEL_EDGE);
    draw_hits(list, &plan, inside);
    for (int i = 0; i < plan.shown; i++) {
        draw_row(list, &plan, i);
        draw_label(list, &plan, i);
    }
    for (int i = 0; i < plan.shown; i++)
        draw_flags(list, &plan, i);
    if (player->why)
        draw_path(list, &plan);
    draw_wakeups(list, &plan);
    if (player->quiz && !player->revealed)
        hide_future(list, &plan);
    else
        draw_ends(list, &plan);
    draw_cursor(list, &plan);
    Box more = {inside.x, box_bottom(plan.plot), inside.w, draw_line_height(list, STYLE_SMALL)};
    draw_more(list, &plan, more);
}
