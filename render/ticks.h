// Round steps along an axis of time, and how the instants at them are written: all in one unit,
// with as many decimals as the step needs.
#pragma once
#include "render/player.h"

typedef struct Ticks {
    int64_t step_ns; // 1, 2 or 5 times a power of ten
    int64_t unit_ns;
    const char *unit; // NULL: events
    int decimals;
} Ticks;

// For `span` on `w` pixels: steps whose labels, in STYLE_MONO_SMALL, have room beside each other.
// `by_event`: it counts events, whose ticks have no unit.
Ticks ticks_choose(DrawList *list, TimeSpan span, bool by_event, int w);
// "12.50 ms". Returns `text`.
const char *tick_text(const Ticks *ticks, int64_t time_ns, char text[static 40]);
