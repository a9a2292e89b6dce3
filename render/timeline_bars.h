// The bars of one row of the timeline: what the row was doing, drawn over a stretch of time. Part
// of view_timeline.c, which knows where rows are; this knows what their states look like.
//
// Where one interval fills a pixel column, the column is that interval's bar, in its state's
// colour, height and hatch. Where many share a few columns, those four are drawn as one stack: each
// colour as high as its share of the time, who runs at the bottom, then who waits; what is drawn as
// nothing (idle, ended) is the room that is left, and what is drawn as a thin line is one where it
// has most of the time. A share below half a pixel is left out, unless all are. A stack has at most
// four rectangles and equal neighbours are one, so that a row is never more rectangles than
// columns.
#pragma once
#include "render/panel.h"
#include "sim/analysis/timeline.h"

// A text that belongs into a bar, to be written when it is known what crosses the bars. In the
// frame's arena, as its text.
typedef struct BarText {
    struct BarText *next;
    Box bar;
    int w; // of the text
    const char *text;
    ColourRole colour;
} BarText;

typedef struct BarsRow {
    const Timeline *timeline;
    const TimelineRow *row;
    TimeSpan span;
    Box box;                // as long as the span; its width is a multiple of BARS_GROUP
    uint32_t selected_task; // whose bars in other rows have a rim; 0: none
    uint32_t selected_coroutine;
    bool ghost;      // pale, without text, and one colour a column: the run before
    BarText **texts; // who runs or holds is put before these; NULL with a ghost
} BarsRow;

enum { BARS_GROUP = 4 };

void bars_draw(DrawList *list, const BarsRow *row);

// Goes along the row's columns: `take` gets what lies in the next `w` of them, from `x` on, as one
// bin from `from_ns` to `to_ns`. One column where few intervals share a group, else a whole group.
typedef void (*BarsColumns)(void *context, const TimelineBin *bin, int64_t from_ns, int64_t to_ns,
                            int x, int w);
void bars_walk(const BarsRow *row, BarsColumns take, void *context);

// A ROW_LEVEL, which bars_draw leaves to timeline_levels.c: a surface as high as the level, the
// mean one where many share a group, the row's highest being as high as the bar.
void levels_draw(DrawList *list, const BarsRow *row);
// A level of the row for a person: "3", or "64 KiB" for a pipe's. Returns `text`.
char *level_text(const TimelineRow *row, uint32_t level, char text[static 32]);

// The look of any TimelineState; `outlined` ones are a tinted box with text.
typedef struct BarLook {
    ColourRole colour, on;
    StateShape shape;
    bool outlined;
    const char *legend;
} BarLook;

BarLook bar_look(unsigned state);
// A bar of this state that fills the box, as rows have it and the legend shows it.
void bar_draw(DrawList *list, Box box, unsigned state);
