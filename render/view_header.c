// The header: the name, the scenario's title, and the machine as buttons. After a change it also
// says what the change did, in the numbers of both runs.
#include "render/panel.h"
#include "render/views.h"

#include <inttypes.h>
#include <stdio.h>

static void setting(DrawList *list, Box *row, PlayerKey key, const char *label, const char *value)
{
    int h = theme_px(list->theme, 24), gap = theme_px(list->theme, frame_is_low(list) ? 4 : 6);
    int w = button_width(list, BUTTON_SETTING, value);
    Box place = box_cut_right(row, w);
    Box button = {place.x, place.y + (place.h - h) / 2, w, h};
    button_draw(list, button, BUTTON_SETTING, key, value);
    box_cut_right(row, gap);
    int label_w = draw_text_width(list, STYLE_SMALL, label);
    draw_text(list, box_cut_right(row, label_w), ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, label);
    box_cut_right(row, 2 * gap);
}

// What the last change did to the run, in as many numbers of both as there is room for: `most` is
// 3, 2 or 1.
static void compare_text(const Player *player, int most, char *text, size_t bytes)
{
    char was[32], is[32];
    const Headline *a = &player->before->headline, *b = &player->take->headline;
    int length = snprintf(text, bytes, "makespan %s → %s", duration_text(a->makespan_ns, was),
                          duration_text(b->makespan_ns, is));
    if (most > 1)
        length += snprintf(text + length, bytes - (size_t)length,
                           "  ·  switches %" PRIu64 " → %" PRIu64, a->switches, b->switches);
    if (most > 2)
        snprintf(text + length, bytes - (size_t)length, "  ·  waiting for a core %s → %s",
                 duration_text(a->wait_ns, was), duration_text(b->wait_ns, is));
}

// In one line if it fits, else in two smaller ones.
static void title(DrawList *list, Box row, const char *text)
{
    if (draw_text_width(list, STYLE_TITLE, text) <= row.w) {
        draw_text(list, row, ALIGN_LEFT, STYLE_TITLE, COLOUR_TEXT, text);
        return;
    }
    TextStyle style = STYLE_BOLD;
    if (draw_paragraph_h(list, row.w, style, text) > row.h)
        style = STYLE_SMALL;
    int h = draw_paragraph_h(list, row.w, style, text);
    if (h < row.h)
        box_cut_top(&row, (row.h - h) / 2);
    draw_paragraph(list, row, style, COLOUR_TEXT, text);
}

void view_header(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    const Scenario *scenario = player->scenario;
    char value[32];
    draw_fill(list, box, COLOUR_PANEL);
    draw_fill(list, (Box){box.x, box_bottom(box) - 1, box.w, 1}, COLOUR_PANEL_EDGE);
    Box row = {box.x + theme_px(theme, 18), box.y, box.w - theme_px(theme, 36), box.h};
    snprintf(value, sizeof value, "%" PRIu64, scenario->seed);
    setting(list, &row, KEY_SEED, "seed", value);
    setting(list, &row, KEY_COSTS, "costs", costs_word(scenario));
    const Runtime *runtime = python_runtime(scenario);
    if (runtime != NULL) {
        snprintf(value, sizeof value, "%u.%u", runtime->major, runtime->minor);
        bool each = player->change_shown.gil == GIL_EACH;
        setting(list, &row, KEY_GIL, "GIL", !runtime->has_gil ? "none" : each ? "each" : value);
    }
    setting(list, &row, KEY_SCHEDULER, "scheduler",
            scheduler_info(scenario->machine.scheduler)->name);
    snprintf(value, sizeof value, "%" PRIu32, scenario->machine.cores);
    setting(list, &row, KEY_CORES, "cores", value);
    Box name = box_cut_left(&row, draw_text_width(list, STYLE_TITLE, "ringside"));
    draw_text(list, name, ALIGN_LEFT, STYLE_TITLE, COLOUR_ACCENT, "ringside");
    box_cut_left(&row, theme_px(theme, 18));
    if (player->before == NULL) {
        title(list, row, scenario->title);
        return;
    }
    char numbers[256];
    int most = 3;
    compare_text(player, most, numbers, sizeof numbers);
    while (most > 1 && draw_text_width(list, STYLE_SMALL, numbers) > row.w)
        compare_text(player, --most, numbers, sizeof numbers);
    // The numbers are the news: the title is left out when it has no room above them.
    TextStyle style = STYLE_BOLD;
    if (draw_text_width(list, style, scenario->title) > row.w)
        style = STYLE_SMALL;
    if (draw_text_width(list, style, scenario->title) <= row.w)
        draw_text(list, box_cut_top(&row, row.h * 55 / 100), ALIGN_LEFT, style, COLOUR_TEXT,
                  scenario->title);
    draw_text(list, row, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, numbers);
}
