#include "render/timeline_view.h"

#include <string.h>

// None of them looks like the head of a wake-up's arrow, which stands at the same places.
typedef enum FlagShape { FLAG_PENNANT, FLAG_DOT, FLAG_TRIANGLE } FlagShape;

static const struct {
    FlagShape shape;
    ColourRole colour;
    const char *legend; // NULL: it is not shown
} flags[INSTANT_KIND_COUNT] = {
    [INSTANT_MARK] = {FLAG_PENNANT, COLOUR_TEXT, "mark"},
    [INSTANT_PRINT] = {FLAG_DOT, COLOUR_LOCK, "print"},
    [INSTANT_MIGRATED] = {FLAG_DOT, COLOUR_TEXT, NULL}, // the rows of the cores show it
    [INSTANT_GIL_ASKED] = {FLAG_TRIANGLE, COLOUR_LOCK, "asks for the GIL"},
};

const char *flag_legend(int kind)
{
    return flags[kind].legend;
}

ColourRole flag_colour(int kind)
{
    return kind == INSTANT_GIL_ASKED ? COLOUR_GIL : flags[kind].colour;
}

int flag_px(const DrawList *list)
{
    return theme_px(list->theme, 6);
}

void flag_draw(DrawList *list, int x, int y, int kind)
{
    int size = flag_px(list), pole = theme_px(list->theme, 1.5f);
    Box box = {x - size / 2, y - size / 2, size, size};
    switch (flags[kind].shape) {
    case FLAG_PENNANT:
        draw_fill(list, (Box){x, box.y, pole, size * 2}, flags[kind].colour);
        draw_triangle(list, (Box){x + pole, box.y, size, size}, 0, flags[kind].colour);
        break;
    case FLAG_DOT:
        draw_round(list, box, size / 2, flags[kind].colour);
        break;
    case FLAG_TRIANGLE:
        draw_triangle(list, box, 1, flags[kind].colour);
        break;
    }
}

int path_px(const DrawList *list)
{
    return theme_px(list->theme, 3);
}

// ---- text among what crosses the bars

// Columns x - by .. x + by are no place for text.
static void cross(const TimelinePlan *plan, int x, int by)
{
    for (int i = x - by - plan->plot.x; i <= x + by - plan->plot.x; i++)
        if (i >= 0 && i < plan->plot.w)
            plan->crossed[i] = 1;
}

static void upright_line(DrawList *list, const TimelinePlan *plan, int64_t time_ns, int width,
                         int dash, ColourRole colour)
{
    int x = plan_x(plan, time_ns);
    draw_line(list, x, plan->plot.y, x, box_bottom(plan->plot), width, dash, colour);
    cross(plan, x, width);
}

// Text goes into the middle of the longest part of its bar that nothing crosses, or nowhere.
static void draw_bar_text(DrawList *list, const TimelinePlan *plan, const BarText *text)
{
    int best = 0, best_w = 0, free_w = 0;
    for (int i = text->bar.x - plan->plot.x; i < box_right(text->bar) - plan->plot.x; i++) {
        free_w = plan->crossed[i] ? 0 : free_w + 1;
        if (free_w > best_w) {
            best_w = free_w;
            best = i + 1 - free_w;
        }
    }
    if (best_w < text->w + 2 * theme_px(list->theme, 3))
        return;
    Box box = {plan->plot.x + best + (best_w - text->w) / 2, text->bar.y, text->w, text->bar.h};
    draw_text(list, box, ALIGN_LEFT, STYLE_MONO_SMALL, text->colour, text->text);
}

// ---- stretches and instants of the whole run

void overlay_draw_mark(DrawList *list, const TimelinePlan *plan)
{
    enum { TINT = 36 };
    TimeSpan marked = plan->player->marked;
    Box band = plan->plot;
    int from = marked.from_ns > plan->span.from_ns ? plan_x(plan, marked.from_ns) : band.x;
    int to = marked.to_ns < plan->span.to_ns ? plan_x(plan, marked.to_ns) : box_right(band);
    band = (Box){from, band.y, to - from, band.h};
    draw_opacity(list, TINT);
    draw_fill(list, band, COLOUR_CURSOR);
    draw_opacity(list, 255);
}

// The ends of both runs, when they lie within what is shown.
static void draw_ends(DrawList *list, const TimelinePlan *plan)
{
    int width = theme_px(list->theme, 1), dash = theme_px(list->theme, 3);
    if (plan_shows(plan, plan->timeline->end_ns))
        upright_line(list, plan, plan->timeline->end_ns, width, 0, COLOUR_TEXT_SOFT);
    if (plan->ghost != NULL && plan_shows(plan, plan->ghost->end_ns))
        upright_line(list, plan, plan->ghost->end_ns, width, dash, COLOUR_TEXT_SOFT);
}

// ---- what happens between rows

// Who woke whom: an arrow from the waker's row to the woken one's, or from the edge behind which
// the waker's is when it is not shown. An interrupt's is short.
static void draw_wakeup(DrawList *list, const TimelinePlan *plan, const TimelineWakeup *wakeup)
{
    const TimelineRow *waker = timeline_task_row(plan->timeline, wakeup->waker);
    const TimelineRow *woken = timeline_task_row(plan->timeline, wakeup->woken);
    int from = plan_place(plan, waker), to = plan_place(plan, woken);
    if (to < 0 || from == to)
        return;
    int x = plan_x(plan, wakeup->time_ns), tip = theme_px(list->theme, 7);
    bool down = from >= 0 || waker == NULL ? from < to : waker < woken;
    int y1 = plan_bar_y(plan, to) + (down ? 0 : plan->bar_h);
    int y0 = down ? plan->plot.y + plan->pinned * plan->pitch : box_bottom(plan->plot);
    if (wakeup->waker == 0)
        y0 = y1 - tip;
    else if (from >= 0)
        y0 = plan_bar_y(plan, from) + (down ? plan->bar_h : 0);
    draw_line(list, x, y0, x, y1, theme_px(list->theme, 1.5f), 0, COLOUR_TEXT);
    draw_triangle(list, (Box){x - tip / 2, down ? y1 - tip + 1 : y1, tip, tip}, down ? 1 : 3,
                  COLOUR_TEXT);
    cross(plan, x, tip);
}

static void draw_wakeups(DrawList *list, const TimelinePlan *plan)
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
static void draw_flags(DrawList *list, const TimelinePlan *plan, int i)
{
    const TimelineRow *row = plan_row(plan, i);
    if (row->kind != ROW_TASK)
        return;
    TimelineItems items =
        timeline_instants(plan->timeline, row->id, plan->span.from_ns, plan->span.to_ns);
    if (items.count > (size_t)(plan->plot.w / (2 * flag_px(list))))
        return;
    for (size_t k = 0; k < items.count; k++) {
        const TimelineInstant *instant = &plan->timeline->instants.at[items.ids[k]];
        if (flag_legend(instant->kind) != NULL)
            flag_draw(list, plan_x(plan, instant->time_ns), plan_bar_y(plan, i), instant->kind);
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

// Where the path goes over from one row to another, which stand at these places.
static void draw_passing(DrawList *list, const TimelinePlan *plan, int x, int from, int to)
{
    int width = path_px(list), low = from < to ? from : to, high = from < to ? to : from;
    int y = plan_bar_y(plan, low) + plan->bar_h - width;
    int h = plan_bar_y(plan, high) + plan->bar_h - width - y;
    draw_fill(list, (Box){x, y, width / 2, h}, COLOUR_TEXT);
    cross(plan, x, width);
}

// The critical path: a line along the bars of who is on it, with upright ones where it goes over to
// another thread, unless these would be a hedge. One segment a pixel column at most is looked at.
static void draw_path(DrawList *list, const TimelinePlan *plan)
{
    const CriticalPath *path = &plan->player->take->path;
    int width = path_px(list), before = -1;
    size_t i = segment_behind(path, plan->span.from_ns);
    size_t count = segment_behind(path, plan->span.to_ns) - i;
    bool uprights = count <= (size_t)(plan->plot.w / theme_px(list->theme, 12));
    while (i < path->segments.count && path->segments.at[i].from_ns < plan->span.to_ns) {
        const PathSegment *segment = &path->segments.at[i];
        bool begins = segment->from_ns >= plan->span.from_ns;
        bool ends = segment->to_ns < plan->span.to_ns;
        int x0 = begins ? plan_x(plan, segment->from_ns) : plan->plot.x;
        int x1 = ends ? plan_x(plan, segment->to_ns) : box_right(plan->plot);
        x1 = x1 > x0 ? x1 : x0 + 1;
        int place = plan_place(plan, timeline_task_row(plan->timeline, segment->task));
        if (place >= 0)
            draw_fill(list,
                      (Box){x0, plan_bar_y(plan, place) + plan->bar_h - width, x1 - x0, width},
                      COLOUR_TEXT);
        if (uprights && begins && place >= 0 && before >= 0 && before != place)
            draw_passing(list, plan, x0, before, place);
        before = place;
        // On to the first segment that ends behind this column.
        int64_t column_ns = timeline_bin_ns(plan->span.from_ns, plan->span.to_ns,
                                            (size_t)plan->plot.w, (size_t)(x1 - plan->plot.x));
        size_t next = segment_behind(path, column_ns);
        i = next > i ? next : i + 1;
    }
}

// ---- the instant

static void draw_cursor(DrawList *list, const TimelinePlan *plan)
{
    if (!plan_shows(plan, player_place(plan->player)))
        return;
    int x = plan_x(plan, player_place(plan->player)), tip = theme_px(list->theme, 10);
    upright_line(list, plan, player_place(plan->player), theme_px(list->theme, 2), 0,
                 COLOUR_CURSOR);
    draw_triangle(list, (Box){x - tip / 2, plan->plot.y - tip * 2 / 3, tip, tip * 2 / 3}, 1,
                  COLOUR_CURSOR);
}

// What comes next is the question: it is not shown.
static void hide_future(DrawList *list, const TimelinePlan *plan)
{
    Box future = plan->plot;
    int x = plan_x(plan, player_place(plan->player));
    if (x > future.x)
        box_cut_left(&future, x - future.x);
    draw_fill(list, future, COLOUR_PANEL);
    memset(plan->crossed + (future.x - plan->plot.x), 1, (size_t)future.w);
    if (future.w > 2 * draw_text_width(list, STYLE_TITLE, "?"))
        draw_text(list, future, ALIGN_CENTRE, STYLE_TITLE, COLOUR_TEXT_SOFT, "?");
}

void overlay_draw(DrawList *list, const TimelinePlan *plan)
{
    for (int i = 0; i < plan->shown; i++)
        draw_flags(list, plan, i);
    if (plan->player->why)
        draw_path(list, plan);
    draw_wakeups(list, plan);
    if (plan->player->quiz) // the answer is in words; what comes after it stays a question
        hide_future(list, plan);
    else
        draw_ends(list, plan);
    draw_cursor(list, plan);
    for (const BarText *text = plan->texts; text != NULL; text = text->next)
        draw_bar_text(list, plan, text);
}
