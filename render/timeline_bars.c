#include "render/timeline_bars.h"

#include "sim/base/check.h"

#include <string.h>

// ---- looks

BarLook bar_look(unsigned state)
{
    static const BarLook looks[TIMELINE_STATE_COUNT] = {
        [TIMELINE_INTERRUPT] = {COLOUR_TEXT, COLOUR_PANEL, SHAPE_FULL, false, "interrupt"},
        [TIMELINE_IDLE] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_NONE, false, "idle"},
        [TIMELINE_FREE] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_NONE, false, "free"},
        [TIMELINE_HELD] = {COLOUR_GOOD, COLOUR_TEXT, SHAPE_FULL, true, "held"},
        [TIMELINE_CONTENDED] = {COLOUR_LOCK, COLOUR_TEXT, SHAPE_FULL, true, "held, others wait"},
        [TIMELINE_READ] = {COLOUR_IO, COLOUR_TEXT, SHAPE_FULL, true, "readers hold it"},
        [TIMELINE_LEVEL] = {COLOUR_GHOST, COLOUR_TEXT, SHAPE_NONE, false, "level"},
        [TIMELINE_IN_SPAN] = {COLOUR_ACCENT, COLOUR_TEXT, SHAPE_FULL, true, "span"},
        [TIMELINE_NO_SPAN] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_NONE, false, "no span"},
        [TIMELINE_GIL_ASKED] = {COLOUR_GIL, COLOUR_TEXT, SHAPE_FULL, true, "asked to drop it"},
        [TIMELINE_LOOP_CALLS] = {COLOUR_RUNNING, COLOUR_TEXT, SHAPE_FULL, true, "loop calls"},
        [TIMELINE_LOOP_POLLS] = {COLOUR_IO, COLOUR_TEXT, SHAPE_THIN, false, "loop selects"},
        [TIMELINE_LOOP_TURNS] = {COLOUR_GHOST, COLOUR_TEXT, SHAPE_HALF, false, "loop's own work"},
    };
    CHECKF(state < TIMELINE_STATE_COUNT, "state %u", state);
    if (state >= TASK_STATE_COUNT)
        return looks[state];
    const StateLook *look = state_look(state);
    return (BarLook){look->colour, look->on, look->shape, false, look->legend};
}

// The colour that a layer of a stack is of, and in which order layers stand: who runs first.
static int layer_rank(unsigned state)
{
    if (state == TIMELINE_INTERRUPT)
        return 2;
    BarLook look = bar_look(state);
    switch (look.shape) {
    case SHAPE_FULL:
        return state == TASK_STATE_RUNNING_USER ? 0 : 3;
    case SHAPE_HATCHED:
        return 1;
    case SHAPE_HALF:
        return 4;
    case SHAPE_THIN:
    case SHAPE_NONE:
        break;
    }
    return -1; // no layer
}

static Box upright(Box box, int h)
{
    h = h < 1 ? 1 : h > box.h ? box.h : h;
    return (Box){box.x, box.y + (box.h - h) / 2, box.w, h};
}

static int thin_px(const DrawList *list)
{
    int px = theme_px(list->theme, 2.5f);
    return px < 2 ? 2 : px;
}

static void draw_outlined(DrawList *list, Box box, const BarLook *look)
{
    enum { TINT = 70 };
    int edge = theme_px(list->theme, 1), radius = box.w >= 8 ? theme_px(list->theme, 2) : 0;
    if (box.w <= 2 * edge) {
        draw_fill(list, box, look->colour);
        return;
    }
    draw_opacity(list, TINT);
    draw_round(list, box, radius, look->colour);
    draw_opacity(list, 255);
    draw_stroke(list, box, radius, edge, look->colour);
}

// Stripes where there is room for some.
static void draw_hatched(DrawList *list, Box box, ColourRole colour)
{
    enum { HATCH_LEAST = 5 };
    if (box.w >= HATCH_LEAST && box.h >= HATCH_LEAST)
        draw_hatch(list, box, COLOUR_KERNEL_STRIPE, colour);
    else
        draw_fill(list, box, colour);
}

void bar_draw(DrawList *list, Box box, unsigned state)
{
    BarLook look = bar_look(state);
    if (look.outlined) {
        draw_outlined(list, box, &look);
        return;
    }
    switch (look.shape) {
    case SHAPE_NONE:
        break;
    case SHAPE_HATCHED:
        draw_hatched(list, box, look.colour);
        break;
    case SHAPE_FULL:
        draw_fill(list, box, look.colour);
        break;
    case SHAPE_HALF:
        draw_fill(list, upright(box, box.h / 2), look.colour);
        break;
    case SHAPE_THIN:
        draw_fill(list, upright(box, thin_px(list)), look.colour);
        break;
    }
}

// ---- runs of equal columns

enum { LAYERS_MAX = BARS_GROUP };

typedef struct Layer {
    ColourRole colour;
    bool hatched, tinted;
    int h; // pixels
} Layer;

// What one column shows, or several equal ones.
typedef struct Run {
    int x, w; // w 0: none yet
    bool stacked;
    unsigned state;  // when not stacked: its TimelineState,
    size_t interval; // and the interval, which a ghost does not have
    int thin;        // when stacked: the colour of its line plus 1; 0: none
    int layer_count;
    Layer layers[LAYERS_MAX];
} Run;

typedef struct Bars {
    DrawList *list;
    const BarsRow *row;
    Run run;
    int bar_end, bar_w; // where the last bar of one interval ended and how wide it was
    size_t bar_interval;
} Bars;

static bool same_picture(const Run *a, const Run *b)
{
    if (a->stacked != b->stacked)
        return false;
    if (!a->stacked)
        return a->interval == b->interval && a->state == b->state;
    if (a->thin != b->thin || a->layer_count != b->layer_count)
        return false;
    for (int i = 0; i < a->layer_count; i++)
        if (a->layers[i].colour != b->layers[i].colour || a->layers[i].h != b->layers[i].h)
            return false;
    return true;
}

static bool is_held(unsigned state)
{
    return state == TIMELINE_HELD || state == TIMELINE_CONTENDED || state == TIMELINE_GIL_ASKED;
}

// The name of a coroutine of a loop's row: the rows of its coroutines, those that have one, follow.
static const char *called_name(const BarsRow *row, uint32_t serial, char text[static 128])
{
    const Scenario *scenario = row->timeline->recording->scenario;
    if (row->row->def != 0) // Node's: a function
        return serial - 1 < scenario->function_count
                   ? scenario_string(scenario, scenario->functions[serial - 1].name)
                   : NULL;
    const TimelineRow *end = row->timeline->rows.at + row->timeline->rows.count;
    for (const TimelineRow *at = row->row + 1; at < end; at++) {
        if (at->kind != ROW_LEVEL && at->kind != ROW_COROUTINE)
            break;
        if (at->kind == ROW_COROUTINE && at->id == serial)
            return timeline_row_name(row->timeline, at, text);
    }
    return NULL;
}

// What stands in the bar: who runs on a core or holds a lock, the name of a span. NULL: nothing.
static const char *bar_text(const BarsRow *row, const TimelineInterval *interval,
                            char text[static 128])
{
    const Recording *recording = row->timeline->recording;
    switch ((TimelineRowKind)row->row->kind) {
    case ROW_CORE:
        if (interval->state != TASK_STATE_RUNNING_USER || interval->subject == 0)
            return NULL;
        return recording_task_name(recording, interval->subject, text);
    case ROW_LOCK:
    case ROW_GIL:
        return is_held(interval->state) ? recording_task_name(recording, interval->subject, text)
                                        : NULL;
    case ROW_LOOP:
        return interval->state == TIMELINE_LOOP_CALLS ? called_name(row, interval->subject, text)
                                                      : NULL;
    case ROW_SPANS:
        return interval->state != TIMELINE_IN_SPAN
                   ? NULL
                   : scenario_string(recording->scenario, (StringId){interval->subject});
    case ROW_LEVEL:
    case ROW_TASK:
    case ROW_COROUTINE:
        break;
    }
    return NULL;
}

static bool is_about(const BarsRow *row, const TimelineInterval *interval)
{
    bool of_task = row->row->kind == ROW_CORE || is_held(interval->state);
    if (row->row->kind == ROW_LOOP)
        return row->row->def == 0 && row->selected_coroutine != 0 &&
               interval->subject == row->selected_coroutine;
    return of_task && row->selected_task != 0 && interval->subject == row->selected_task;
}

static void annotate(Bars *bars, Box box, const TimelineInterval *interval)
{
    enum { TEXT_LEAST = 22, MARKED_LEAST = 6 };
    DrawList *list = bars->list;
    char name[128];
    const char *text = box.w >= TEXT_LEAST ? bar_text(bars->row, interval, name) : NULL;
    int w = text == NULL ? 0 : draw_text_width(list, STYLE_MONO_SMALL, text) + 1;
    if (text != NULL && w <= box.w && draw_line_height(list, STYLE_MONO_SMALL) <= box.h + 2) {
        BarText *item = ARENA_NEW(&list->arena, BarText);
        const char *copy = arena_text(&list->arena, text, strlen(text));
        *item = (BarText){*bars->row->texts, box, w, copy, bar_look(interval->state).on};
        *bars->row->texts = item;
    }
    if (box.w >= MARKED_LEAST && is_about(bars->row, interval))
        draw_stroke(list, box, 0, theme_px(list->theme, 2), COLOUR_TEXT);
}

static void draw_stack(Bars *bars, const Run *run)
{
    enum { LAYER_TINT = 140 }; // more than an outlined bar's: it has no edge
    Box box = bars->row->box;
    box.x = run->x;
    box.w = run->w;
    if (run->thin != 0)
        draw_fill(bars->list, upright(box, thin_px(bars->list)), (ColourRole)(run->thin - 1));
    for (int i = 0; i < run->layer_count; i++) {
        Box layer = box_cut_bottom(&box, run->layers[i].h);
        if (run->layers[i].hatched) {
            draw_hatched(bars->list, layer, run->layers[i].colour);
            continue;
        }
        if (run->layers[i].tinted)
            draw_opacity(bars->list, LAYER_TINT);
        draw_fill(bars->list, layer, run->layers[i].colour);
        draw_opacity(bars->list, 255);
    }
}

// The same thread goes on with the same thing after what is too short for a column, a timer tick
// say. Whether such a thing falls between two columns or into one is chance: it parts no bar.
static bool goes_on(const Bars *bars, const Run *run)
{
    const TimelineInterval *intervals = bars->row->row->intervals.at;
    const TimelineInterval *before = &intervals[bars->bar_interval];
    const TimelineInterval *now = &intervals[run->interval];
    return !bar_look(now->state).outlined && run->interval > bars->bar_interval + 1 &&
           before->state == now->state && before->subject == now->subject;
}

// The bar of one interval. A gap tells it from the one before, which may have the same colour.
static void draw_interval(Bars *bars, const Run *run)
{
    enum { GAP_LEAST = 2 };
    bool beside = bars->bar_end == run->x && bars->bar_w >= GAP_LEAST && run->w >= GAP_LEAST;
    int gap = beside && !bars->row->ghost && !goes_on(bars, run);
    Box box = {run->x + gap, bars->row->box.y, run->w - gap, bars->row->box.h};
    if (bars->row->ghost && bar_look(run->state).outlined) {
        draw_fill(bars->list, box, bar_look(run->state).colour);
    } else {
        bar_draw(bars->list, box, run->state);
        if (!bars->row->ghost)
            annotate(bars, box, &bars->row->row->intervals.at[run->interval]);
    }
    bars->bar_end = run->x + run->w;
    bars->bar_w = run->w;
    bars->bar_interval = run->interval;
}

static void flush(Bars *bars)
{
    const Run *run = &bars->run;
    if (run->w > 0 && run->stacked)
        draw_stack(bars, run);
    else if (run->w > 0)
        draw_interval(bars, run);
    bars->run.w = 0;
}

static void add_columns(Bars *bars, const Run *columns)
{
    Run *run = &bars->run;
    if (run->w > 0 && run->x + run->w == columns->x && same_picture(run, columns)) {
        run->w += columns->w;
        return;
    }
    flush(bars);
    *run = *columns;
}

// ---- stacks

// How much of the bin each colour has, those that are layers; one entry a rank and colour.
typedef struct Share {
    ColourRole colour;
    int rank;
    bool hatched, tinted;
    int64_t ns;
} Share;

static int collect_shares(const TimelineBin *bin, uint32_t states, Share *shares)
{
    int count = 0;
    for (; states != 0; states &= states - 1) {
        unsigned state = (unsigned)__builtin_ctz(states);
        int rank = bin->ns[state] > 0 ? layer_rank(state) : -1;
        if (rank < 0)
            continue;
        BarLook look = bar_look(state);
        int i = 0;
        while (i < count && (shares[i].rank != rank || shares[i].colour != look.colour))
            i++;
        if (i == count)
            shares[count++] = (Share){.colour = look.colour,
                                      .rank = rank,
                                      .hatched = look.shape == SHAPE_HATCHED,
                                      .tinted = look.outlined};
        shares[i].ns += bin->ns[state];
    }
    return count;
}

// Leaves the `most` largest, in the order in which they stand.
static int order_shares(Share *shares, int count, int most)
{
    while (count > most) {
        int least = 0;
        for (int i = 1; i < count; i++)
            if (shares[i].ns < shares[least].ns)
                least = i;
        shares[least] = shares[--count];
    }
    for (int i = 1; i < count; i++) {
        Share share = shares[i];
        int at = i;
        for (; at > 0 &&
               (shares[at - 1].rank > share.rank ||
                (shares[at - 1].rank == share.rank && shares[at - 1].colour > share.colour));
             at--)
            shares[at] = shares[at - 1];
        shares[at] = share;
    }
    return count;
}

// The colour of a thin line that has more than half of the bin, plus 1; 0: none has.
static int thin_line(const TimelineBin *bin, int64_t length_ns)
{
    BarLook look = bar_look(bin->state);
    return look.shape == SHAPE_THIN && bin->ns[bin->state] * 2 > length_ns ? (int)look.colour + 1
                                                                           : 0;
}

static void add_layer(Run *columns, const Share *share, int h)
{
    if (h > 0)
        columns->layers[columns->layer_count++] =
            (Layer){share->colour, share->hatched, share->tinted, h};
}

static Run stack_columns(const Bars *bars, const TimelineBin *bin, int64_t length_ns, int x, int w)
{
    // One column, the only one of its group with so many, may have a layer and a line.
    enum { SINGLE_MOST = 2, ONLY_LAYER_LEAST = 2 };
    Run columns = {.x = x, .w = w, .stacked = true, .thin = thin_line(bin, length_ns)};
    Share shares[TIMELINE_STATE_COUNT];
    int most = (w == 1 ? SINGLE_MOST : LAYERS_MAX) - (columns.thin != 0);
    int count = order_shares(shares, collect_shares(bin, bars->row->row->states, shares), most);
    double ns = 0, pixels = (double)bars->row->box.h / (double)length_ns;
    for (int i = 0, below = 0; i < count; i++) {
        ns += (double)shares[i].ns;
        int upper = (int)(ns * pixels + 0.5);
        add_layer(&columns, &shares[i], upper - below);
        below = upper;
    }
    // What is too little for a pixel is shown all the same when it is all that there is.
    if (columns.layer_count == 0 && count > 0)
        add_layer(&columns, &shares[0], ONLY_LAYER_LEAST);
    return columns;
}

static void add_bin(void *context, const TimelineBin *bin, int64_t from_ns, int64_t to_ns, int x,
                    int w)
{
    Bars *bars = context;
    if (bin->touched == 0) {
        flush(bars);
    } else if (bin->touched <= 2 || bars->row->ghost) {
        size_t interval = bars->row->ghost ? 0 : bin->interval;
        add_columns(bars, &(Run){.x = x, .w = w, .state = bin->state, .interval = interval});
    } else {
        Run columns = stack_columns(bars, bin, to_ns - from_ns, x, w);
        add_columns(bars, &columns);
    }
}

void bars_draw(DrawList *list, const BarsRow *row)
{
    if (row->row->kind == ROW_LEVEL) {
        levels_draw(list, row);
        return;
    }
    Bars bars = {.list = list, .row = row};
    bars_walk(row, add_bin, &bars);
    flush(&bars);
}

// ---- columns

// The columns of a group, of `groups`, one by one.
static void walk_group(const BarsRow *row, BarsColumns take, void *context, size_t group,
                       size_t groups)
{
    TimelineBin bins[BARS_GROUP];
    int64_t from = row->span.from_ns, to = row->span.to_ns;
    size_t columns = groups * BARS_GROUP, first = group * BARS_GROUP;
    timeline_bins(row->timeline, row->row, from, to, columns, first, BARS_GROUP, bins);
    for (size_t i = 0; i < BARS_GROUP; i++)
        take(context, &bins[i], timeline_bin_ns(from, to, columns, first + i),
             timeline_bin_ns(from, to, columns, first + i + 1), row->box.x + (int)(first + i), 1);
}

void bars_walk(const BarsRow *row, BarsColumns take, void *context)
{
    // Groups of so few intervals are looked at column by column: at most one of the columns then
    // meets more than two.
    enum { CHUNK = 64, FEW = 3 };
    TimelineBin bins[CHUNK];
    size_t groups = row->box.w > 0 ? (size_t)row->box.w / BARS_GROUP : 0;
    int64_t from = row->span.from_ns, to = row->span.to_ns;
    for (size_t i = 0; i < groups; i++) {
        if (i % CHUNK == 0)
            timeline_bins(row->timeline, row->row, from, to, groups, i,
                          groups - i < CHUNK ? groups - i : CHUNK, bins);
        const TimelineBin *bin = &bins[i % CHUNK];
        int64_t begin = timeline_bin_ns(from, to, groups, i);
        int64_t end = timeline_bin_ns(from, to, groups, i + 1);
        int x = row->box.x + (int)i * BARS_GROUP;
        // The row may begin or end within the group.
        bool partly = bin->touched == 1 && bin->ns[bin->state] < end - begin;
        // Of so few nanoseconds that its columns may begin at different ones all the same.
        bool short_group = end - begin < BARS_GROUP && bin->touched > 0;
        if (partly || short_group || (bin->touched > 1 && bin->touched <= FEW))
            walk_group(row, take, context, i, groups);
        else
            take(context, bin, begin, end, x, BARS_GROUP);
    }
}
