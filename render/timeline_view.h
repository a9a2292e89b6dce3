// What the files of the timeline's view share: where everything stands in this frame
// (timeline_plan.c), the line above (timeline_caption.c), and what lies over the rows
// (timeline_overlay.c). All of it belongs to view_timeline.c.
#pragma once
#include "render/timeline_bars.h"

// Where things are in this frame.
typedef struct TimelinePlan {
    const Player *player;
    const Timeline *timeline, *ghost; // `ghost` NULL: none
    TimeSpan span;
    Box labels, axis, plot; // the plot is below the axis
    Box scroll;             // beside the rows that scroll; empty when all are shown
    int pitch, bar_h;       // pixels from row to row, and of a bar
    // The first rows, cores, GILs and objects, stay; when they would take more than half of the
    // room, those of them that are in use for the longest. Threads scroll, with the rows that do
    // not stay behind the last one.
    int pinned;
    const int *upper;       // those rows in this order, the ones that stay first
    const int *upper_place; // by row: its place in `upper`
    int first;              // of those that scroll, the first one shown
    int shown;              // rows shown, the pinned ones included
    int rows;               // that there are
    int kept;               // the selected thread's row, shown last when it would not be; -1: none
    BarText *texts;         // of the bars, to be written last
    unsigned char *crossed; // by column of the plot: something upright crosses the rows there
} TimelinePlan;

// Where everything stands in `inside`, what is selected, shown and scrolled being the player's.
TimelinePlan plan_make(DrawList *list, Box inside, const Player *player);
int plan_x(const TimelinePlan *plan, int64_t time_ns); // also of instants that are not shown
bool plan_shows(const TimelinePlan *plan, int64_t time_ns);
// The row that stands at place `i` from above, i < shown.
const TimelineRow *plan_row(const TimelinePlan *plan, int i);
// The place of a row; -1: it is not shown, or NULL.
int plan_place(const TimelinePlan *plan, const TimelineRow *row);
// Whether the row at place `i` does not follow the one above: a line stands between them.
bool plan_divides(const TimelinePlan *plan, int i);
int plan_bar_y(const TimelinePlan *plan, int i);
bool plan_selected(const TimelinePlan *plan, const TimelineRow *row);
// Whether it is about what the thread does whose row is above it: its spans, its event loop.
bool plan_belongs(const TimelineRow *row);
const char *plan_label(const TimelinePlan *plan, const TimelineRow *row, char text[static 192]);
TextStyle plan_label_style(const TimelinePlan *plan, const TimelineRow *row);

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

static inline bool plan_has_mark(const TimelinePlan *plan)
{
    return plan->player->marked.to_ns > plan->player->marked.from_ns;
}

// The title, the states that occur, and at the right end what else is to say.
void caption_draw(DrawList *list, Box line, const TimelinePlan *plan);

// The marked stretch; it goes behind the rows.
void overlay_draw_mark(DrawList *list, const TimelinePlan *plan);
// All that lies over the rows, and then the texts of the bars, where nothing crosses them.
void overlay_draw(DrawList *list, const TimelinePlan *plan);
// What a thread does at one instant is a small flag on its bars, by TimelineInstantKind: what the
// legend says, NULL for kinds without one; and one that is drawn about a point.
const char *flag_legend(int kind);
ColourRole flag_colour(int kind);
void flag_draw(DrawList *list, int x, int y, int kind);
int flag_px(const DrawList *list);
int path_px(const DrawList *list); // width of the critical path's line
