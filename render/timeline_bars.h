// The bars of one row of the timeline: what the row was doing, drawn over a stretch of time. Part
// of view_timeline.c, which knows where rows are; this knows what their states look like.
//
// Where one interval fills a pixel column, the column is that interval's bar, in its state's
// colour, height and hatch. Where many share a few columns, those four are drawn as one stack: each
// colour as high as its share of the time, who runs at the bottom, then who waits; what is drawn as
// nothing (idle, ended) is the room that is left, and what is drawn as a thin line is one where it
// has most of the time. A stack has at most as many layers as columns, the largest, and equal
// neighbours are one: so a row is never more than one rectangle a column.
#pragma once
#include "render/panel.h"
#include "sim/analysis/timeline.h"

typedef struct BarsRow {
    const Timeline *timeline;
    const TimelineRow *row;
    TimeSpan span;
    Box box;                // as long as the span; its width is a multiple of BARS_GROUP
    uint32_t selected_task; // whose bars in other rows have a rim; 0: none
    bool ghost;             // pale, without text, and one colour a column: the run before
} BarsRow;

enum { BARS_GROUP = 4 };

void bars_draw(DrawList *list, const BarsRow *row);

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
