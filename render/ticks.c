#include "render/ticks.h"

#include <inttypes.h>
#include <stdio.h>

// The next larger one of 1, 2, 5, 10, 20, 50 …
static int64_t rounder(int64_t step)
{
    int64_t power = 1;
    while (power <= step / 10)
        power *= 10;
    return step / power >= 5 ? 10 * power : step / power >= 2 ? 5 * power : 2 * power;
}

const char *tick_text(const Ticks *ticks, int64_t time_ns, char text[static 40])
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
    if (ticks->unit != NULL)
        snprintf(text + length, 40 - (size_t)length, " %s", ticks->unit);
    return text;
}

static void set_unit(Ticks *ticks, int64_t to_ns, bool by_event)
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    size_t i = by_event ? 3 : 0;
    while (i < 3 && to_ns < units[i].ns)
        i++;
    ticks->unit_ns = units[i].ns;
    ticks->unit = by_event ? NULL : units[i].name;
    ticks->decimals = 0;
    for (int64_t unit = ticks->unit_ns; unit > ticks->step_ns && ticks->step_ns % unit != 0;
         unit /= 10)
        ticks->decimals++;
}

Ticks ticks_choose(DrawList *list, TimeSpan span, bool by_event, int w)
{
    Ticks ticks = {.step_ns = 1};
    int64_t length = span.to_ns - span.from_ns;
    char text[40];
    for (;; ticks.step_ns = rounder(ticks.step_ns)) {
        set_unit(&ticks, span.to_ns, by_event);
        double px = (double)ticks.step_ns / (double)length * w;
        if (ticks.step_ns > length) // no two labels fit
            return ticks;
        if (px < theme_px(list->theme, 40))
            continue;
        int label = draw_text_width(list, STYLE_MONO_SMALL, tick_text(&ticks, span.to_ns, text));
        if (px >= label + theme_px(list->theme, 28))
            return ticks;
    }
}
