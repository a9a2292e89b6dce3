#include "render/timeline_view.h"

#include "sim/base/count.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int legend_gap(const DrawList *list)
{
    return theme_px(list->theme, 16);
}

static int legend_w(DrawList *list, const char *label)
{
    return theme_px(list->theme, 16) + theme_px(list->theme, 6) +
           draw_text_width(list, STYLE_SMALL, label) + 1;
}

// Makes room for an entry at the left of what is left of the line and writes its label. Returns
// where its sample goes; empty when the entry does not fit.
static Box legend_entry(DrawList *list, Box *line, const char *label)
{
    const Theme *theme = list->theme;
    int gap = theme_px(theme, 6), sample = theme_px(theme, 16), h = theme_px(theme, 12);
    int w = draw_text_width(list, STYLE_SMALL, label) + 1;
    if (legend_w(list, label) > line->w)
        return (Box){0, 0, 0, 0};
    Box box = box_cut_left(line, sample);
    box_cut_left(line, gap);
    draw_text(list, box_cut_left(line, w), ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, label);
    box_cut_left(line, legend_gap(list));
    return (Box){box.x, box.y + (box.h - h) / 2, box.w, h};
}

// A look in the legend, and for how long the rows that are shown have it.
typedef struct Look {
    unsigned state; // the first with this look
    const char *label;
    int64_t ns;
} Look;

// The states that occur, each look once.
static int looks_of(const TimelinePlan *plan, Look looks[static TIMELINE_STATE_COUNT])
{
    int count = 0, of_state[TIMELINE_STATE_COUNT];
    for (unsigned state = 0; state < TIMELINE_STATE_COUNT; state++) {
        BarLook look = bar_look(state);
        of_state[state] = -1;
        if ((plan->timeline->states >> state & 1) == 0 || look.shape == SHAPE_NONE ||
            state == TIMELINE_IN_SPAN) // which says itself what it is
            continue;
        int i = 0;
        while (i < count && strcmp(looks[i].label, look.legend) != 0)
            i++;
        if (i == count)
            looks[count++] = (Look){state, look.legend, 0};
        of_state[state] = i;
    }
    for (int row = 0; row < plan->shown; row++) {
        int64_t ns[TIMELINE_STATE_COUNT];
        timeline_sums(plan->timeline, plan_row(plan, row), plan->span.from_ns, plan->span.to_ns,
                      ns);
        for (unsigned state = 0; state < TIMELINE_STATE_COUNT; state++)
            if (of_state[state] >= 0)
                looks[of_state[state]].ns += ns[state];
    }
    return count;
}

// Where there is no room for all, what is seen least is left out. Returns how many are left.
static int leave_out(DrawList *list, int line_w, Look *looks, int count)
{
    int w = -legend_gap(list);
    for (int i = 0; i < count; i++)
        w += legend_w(list, looks[i].label) + legend_gap(list);
    while (count > 0 && w > line_w) {
        int rarest = 0;
        for (int i = 1; i < count; i++)
            if (looks[i].ns <= looks[rarest].ns)
                rarest = i;
        w -= legend_w(list, looks[rarest].label) + legend_gap(list);
        count--;
        memmove(&looks[rarest], &looks[rarest + 1], (size_t)(count - rarest) * sizeof *looks);
    }
    return count;
}

// The states that occur, and what lies over the rows.
static void legend(DrawList *list, Box line, const TimelinePlan *plan)
{
    Look looks[TIMELINE_STATE_COUNT];
    int count = leave_out(list, line.w, looks, looks_of(plan, looks));
    for (int i = 0; i < count; i++) {
        Box sample = legend_entry(list, &line, looks[i].label);
        if (!box_empty(sample))
            bar_draw(list, sample, looks[i].state);
    }
    for (int kind = 0; kind < INSTANT_KIND_COUNT; kind++) {
        if (plan->timeline->instant_counts[kind] == 0 || flag_legend(kind) == NULL)
            continue;
        Box sample = legend_entry(list, &line, flag_legend(kind));
        if (!box_empty(sample))
            flag_draw(list, sample.x + sample.w / 2, sample.y + sample.h / 2, kind);
    }
    if (plan->player->why) {
        Box sample = legend_entry(list, &line, "critical path");
        if (!box_empty(sample))
            draw_fill(list, (Box){sample.x, sample.y + sample.h / 2, sample.w, path_px(list)},
                      COLOUR_TEXT);
    }
}

// Cuts a text off the right end of the line; not when it would take more than half of it.
static void legend_end(DrawList *list, Box *line, const char *text)
{
    int w = draw_text_width(list, STYLE_SMALL, text) + 1;
    if (w > line->w / 2)
        return;
    draw_text(list, box_cut_right(line, w), ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
    box_cut_right(line, theme_px(list->theme, 16));
}

// How long the marked stretch is and what the selected thread did in it, or all cores together.
static const char *marked_text(const TimelinePlan *plan, char text[static 160])
{
    enum { TOLD = 4 };
    const Player *player = plan->player;
    char length[32];
    TimeSpan marked = player->marked;
    const TimelineRow *row = timeline_task_row(plan->timeline, player->selected_task);
    size_t rows = row != NULL ? 1 : plan->timeline->object_first;
    row = row != NULL ? row : plan->timeline->rows.at;
    int64_t ns[TIMELINE_STATE_COUNT], all[TIMELINE_STATE_COUNT] = {0}, sum = 0;
    for (size_t i = 0; i < rows; i++) {
        timeline_sums(plan->timeline, &row[i], marked.from_ns, marked.to_ns, ns);
        for (unsigned state = 0; state < TIMELINE_STATE_COUNT; state++) {
            all[state] += ns[state];
            sum += ns[state];
        }
    }
    if (plan->timeline->by_event)
        snprintf(length, sizeof length, "%" PRId64 " events", marked.to_ns - marked.from_ns);
    else
        duration_text(marked.to_ns - marked.from_ns, length);
    size_t used = (size_t)snprintf(text, 160, "marked: %s", length);
    for (int told = 0; told < TOLD; told++) {
        unsigned best = 0;
        for (unsigned state = 1; state < TIMELINE_STATE_COUNT; state++)
            best = all[state] > all[best] ? state : best;
        if (all[best] == 0)
            break;
        used += (size_t)snprintf(text + used, 160 - used, ", %s %.0f %%", timeline_state_word(best),
                                 100 * (double)all[best] / (double)sum);
        all[best] = 0;
    }
    return text;
}

// Which rows of how many are shown, what the marked stretch holds, and what the pale strips are.
static void draw_line_end(DrawList *list, Box *line, const TimelinePlan *plan)
{
    char text[160], length[32];
    if (plan_has_mark(plan))
        legend_end(list, line, marked_text(plan, text));
    if (plan->shown < plan->rows) {
        char first[32], last[32], all[32];
        snprintf(text, sizeof text, "rows %s to %s of %s",
                 count_text((uint64_t)(plan->pinned + plan->first + 1), first),
                 count_text((uint64_t)(plan->first + plan->shown - (plan->kept >= 0)), last),
                 count_text((uint64_t)plan->rows, all));
        legend_end(list, line, text);
    }
    if (plan->timeline->coroutines_left_out > 0) {
        snprintf(text, sizeof text, "%s more coroutines",
                 count_text(plan->timeline->coroutines_left_out, length));
        legend_end(list, line, text);
    }
    if (plan->timeline->by_event)
        legend_end(list, line, "event by event: the run takes no time");
    if (plan->ghost != NULL) {
        snprintf(text, sizeof text, "below, pale: before, %s",
                 duration_text(plan->ghost->recording->end_ns, length));
        legend_end(list, line, text);
    }
}

void caption_draw(DrawList *list, Box line, const TimelinePlan *plan)
{
    static const char caption[] = "TIMELINE";
    int w = draw_text_width(list, STYLE_CAPTION, caption) + 1;
    draw_text(list, (Box){line.x, line.y, w, line.h}, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT,
              caption);
    box_cut_left(&line, w + theme_px(list->theme, 22));
    draw_line_end(list, &line, plan);
    legend(list, line, plan);
}
