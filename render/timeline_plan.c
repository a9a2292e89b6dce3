#include "render/timeline_view.h"

#include <stdio.h>
#include <string.h>

int plan_x(const TimelinePlan *plan, int64_t time_ns)
{
    double share =
        (double)(time_ns - plan->span.from_ns) / (double)(plan->span.to_ns - plan->span.from_ns);
    return plan->plot.x + (int)(share * plan->plot.w + 0.5);
}

bool plan_shows(const TimelinePlan *plan, int64_t time_ns)
{
    return time_ns >= plan->span.from_ns && time_ns <= plan->span.to_ns;
}

static int thread_rows(const TimelinePlan *plan)
{
    return plan->rows - (int)plan->timeline->task_first;
}

const TimelineRow *plan_row(const TimelinePlan *plan, int i)
{
    const TimelineRow *rows = plan->timeline->rows.at;
    if (plan->kept >= 0 && i == plan->shown - 1)
        return &rows[plan->kept];
    if (i < plan->pinned)
        return &rows[plan->upper[i]];
    int scrolled = i - plan->pinned + plan->first, threads = thread_rows(plan);
    if (scrolled < threads)
        return &rows[plan->timeline->task_first + (size_t)scrolled];
    return &rows[plan->upper[plan->pinned + scrolled - threads]];
}

int plan_place(const TimelinePlan *plan, const TimelineRow *row)
{
    if (row == NULL)
        return -1;
    int i = (int)(row - plan->timeline->rows.at), first_thread = (int)plan->timeline->task_first;
    if (i == plan->kept)
        return plan->shown - 1;
    int scrolled = i - first_thread; // of a thread
    if (i < first_thread) {
        int place = plan->upper_place[i];
        if (place < plan->pinned)
            return place;
        scrolled = thread_rows(plan) + place - plan->pinned;
    }
    if (scrolled < plan->first)
        return -1;
    i = plan->pinned + scrolled - plan->first;
    return i < plan->shown - (plan->kept >= 0) ? i : -1;
}

bool plan_divides(const TimelinePlan *plan, int i)
{
    return i == plan->pinned || (plan->kept >= 0 && i == plan->shown - 1) ||
           i == plan->pinned + thread_rows(plan) - plan->first;
}

int plan_bar_y(const TimelinePlan *plan, int i)
{
    int ghost_h = plan->ghost != NULL ? plan->bar_h / 4 + 2 : 0;
    return plan->plot.y + i * plan->pitch + (plan->pitch - plan->bar_h - ghost_h) / 2;
}

bool plan_belongs(const TimelineRow *row)
{
    return row->kind == ROW_SPANS || row->kind == ROW_LOOP || row->kind == ROW_COROUTINE ||
           (row->kind == ROW_LEVEL && row->place == PLACE_LOOP);
}

bool plan_selected(const TimelinePlan *plan, const TimelineRow *row)
{
    if (row->kind == ROW_CORE)
        return (int)row->id == plan->player->selected_core;
    if (row->kind == ROW_COROUTINE)
        return row->id == plan->player->selected_coroutine;
    bool of_task = row->kind == ROW_TASK || row->kind == ROW_SPANS;
    return of_task && row->id == plan->player->selected_task;
}

const char *plan_label(const TimelinePlan *plan, const TimelineRow *row, char text[static 192])
{
    if (row->kind == ROW_SPANS)
        return "spans";
    if (row->kind == ROW_GIL && plan->timeline->object_first - plan->timeline->gil_first == 1)
        return "GIL"; // the only one
    timeline_row_name(plan->timeline, row, text);
    if (row->kind == ROW_LEVEL) {
        char most[32];
        size_t length = strlen(text);
        snprintf(text + length, 192 - length, " ≤ %s", level_text(row, row->level_most, most));
    }
    return text;
}

TextStyle plan_label_style(const TimelinePlan *plan, const TimelineRow *row)
{
    bool strong =
        row->kind == ROW_CORE || row->kind == ROW_GIL ||
        ((row->kind == ROW_TASK || row->kind == ROW_COROUTINE) && plan_selected(plan, row));
    return strong ? STYLE_BOLD : STYLE_SMALL;
}

static int labels_width(DrawList *list, const TimelinePlan *plan, int most)
{
    int widest = 0;
    for (int i = 0; i < plan->shown; i++) {
        char text[192];
        const TimelineRow *row = plan_row(plan, i);
        int w = draw_text_width(list, plan_label_style(plan, row), plan_label(plan, row, text));
        widest = w > widest ? w : widest;
    }
    return least(widest + theme_px(list->theme, 14), most);
}

// ---- which rows stay

// How long a core or a GIL is in use; of other objects, which have a row only if they are, nothing
// is asked.
static int64_t use_ns(const Timeline *timeline, const TimelineRow *row)
{
    int64_t ns[TIMELINE_STATE_COUNT];
    if (row->kind != ROW_CORE && row->kind != ROW_GIL)
        return 0;
    timeline_sums(timeline, row, 0, timeline->end_ns, ns);
    return timeline->end_ns - ns[TIMELINE_IDLE] - ns[TIMELINE_FREE];
}

// Of the rows first .. end - 1 the `most` that are in use for the longest, the first of equals.
static void choose(const int64_t *uses, bool *stays, size_t first, size_t end, int most)
{
    for (int k = 0; k < most; k++) {
        size_t best = end;
        for (size_t i = first; i < end; i++)
            if (!stays[i] && (best == end || uses[i] > uses[best]))
                best = i;
        if (best < end)
            stays[best] = true;
    }
}

// Of the rows that do not scroll as many stay as `pinned` says; a GIL and an object say more than
// the last of the cores.
static void choose_upper(DrawList *list, TimelinePlan *plan)
{
    const Timeline *timeline = plan->timeline;
    size_t count = timeline->task_first;
    int *upper = ARENA_ARRAY(&list->arena, int, count + 1);
    int *place = ARENA_ARRAY(&list->arena, int, count + 1);
    bool *stays = ARENA_ARRAY(&list->arena, bool, count + 1);
    int64_t *uses = ARENA_ARRAY(&list->arena, int64_t, count + 1);
    bool all = plan->pinned == (int)count;
    for (size_t i = 0; i < count; i++) {
        stays[i] = all;
        uses[i] = all ? 0 : use_ns(timeline, &timeline->rows.at[i]);
    }
    if (!all) {
        int objects = least((int)(count - timeline->object_first), plan->pinned / 4);
        int gils = least((int)(timeline->object_first - timeline->gil_first),
                         (plan->pinned - objects + 1) / 3);
        int cores = least((int)timeline->gil_first, plan->pinned - objects - gils);
        gils = least((int)(timeline->object_first - timeline->gil_first),
                     plan->pinned - objects - cores);
        choose(uses, stays, 0, timeline->gil_first, cores);
        choose(uses, stays, timeline->gil_first, timeline->object_first, gils);
        choose(uses, stays, timeline->object_first, count, plan->pinned - cores - gils);
    }
    int next = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < count; i++) {
            if (stays[i] != (round == 0))
                continue;
            place[i] = next;
            upper[next++] = (int)i;
        }
    plan->upper = upper;
    plan->upper_place = place;
}

// How high rows are, how many are shown and which.
static void place_rows(DrawList *list, TimelinePlan *plan, int h)
{
    const Theme *theme = list->theme;
    int text_h = draw_line_height(list, STYLE_SMALL);
    int most = theme_px(theme, 34), fewest = text_h + theme_px(theme, 2);
    plan->rows = (int)plan->timeline->rows.count;
    plan->pitch = plan->rows > 0 ? h / plan->rows : most;
    plan->pitch = plan->pitch > most ? most : plan->pitch < fewest ? fewest : plan->pitch;
    plan->shown = least(plan->rows, h / plan->pitch);
    if (plan->shown > 0 && plan->shown < plan->rows)
        plan->pitch = h / plan->shown; // no room is left over
    plan->pinned = (int)plan->timeline->task_first;
    if (plan->shown < plan->rows)
        plan->pinned = least(plan->pinned, plan->shown / 2);
    choose_upper(list, plan);
    int last = plan->rows - plan->shown;
    plan->first = plan->player->first_row > last ? last : plan->player->first_row;
    plan->kept = -1;
    const TimelineRow *selected = timeline_task_row(plan->timeline, plan->player->selected_task);
    if (selected != NULL && plan->shown > plan->pinned + 1 && plan_place(plan, selected) < 0)
        plan->kept = (int)(selected - plan->timeline->rows.at);
    plan->bar_h = plan->ghost != NULL ? plan->pitch * 11 / 20 : plan->pitch * 7 / 10;
}

// The run before, if it can be drawn along the same axis.
static const Timeline *ghost_of(const Player *player)
{
    const Timeline *ghost = player->before != NULL ? &player->before->timeline : NULL;
    return ghost != NULL && ghost->by_event == player_by_event(player) ? ghost : NULL;
}

TimelinePlan plan_make(DrawList *list, Box inside, const Player *player)
{
    const Theme *theme = list->theme;
    TimelinePlan plan = {.player = player,
                         .timeline = &player->take->timeline,
                         .ghost = ghost_of(player),
                         .span = player->zoom};
    if (plan.span.to_ns <= plan.span.from_ns)
        plan.span.to_ns = plan.span.from_ns + 1;
    plan.axis = box_cut_top(&inside, draw_line_height(list, STYLE_MONO_SMALL));
    box_cut_top(&inside, theme_px(theme, 8)); // of the cursor's tip
    place_rows(list, &plan, inside.h);
    if (plan.shown < plan.rows) {
        plan.scroll = box_cut_right(&inside, theme_px(theme, 5));
        box_cut_right(&inside, theme_px(theme, 5));
        plan.axis.w = box_right(inside) - plan.axis.x;
        plan.scroll.h = least(inside.h, plan.shown * plan.pitch);
        box_cut_top(&plan.scroll, plan.pinned * plan.pitch);
    }
    plan.labels = box_cut_left(&inside, labels_width(list, &plan, inside.w / 4));
    plan.plot = inside;
    plan.plot.w -= plan.plot.w % BARS_GROUP;
    plan.plot.h = least(inside.h, plan.shown * plan.pitch);
    plan.crossed = arena_alloc(&list->arena, (size_t)(plan.plot.w > 0 ? plan.plot.w : 1));
    return plan;
}
