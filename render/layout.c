// The whole window: which view is where. Narrow windows give the program's column less, low ones
// the machine.
#include "render/views.h"

static void error_bar(DrawList *list, Box *box, const Player *player)
{
    const Theme *theme = list->theme;
    // The message in full, as a compiler would say it, its line and caret included.
    int line = draw_line_height(list, STYLE_MONO), lines = 0, pad = theme_px(theme, 8);
    const char *at = player->error;
    for (const char *c = at; *c != 0; c++)
        lines += *c == '\n';
    lines = lines < 1 ? 1 : lines > 6 ? 6 : lines;
    Box bar = box_cut_top(box, (lines + 1) * line + 2 * pad);
    draw_fill(list, bar, COLOUR_LOCK);
    bar = box_inset(bar, pad);
    draw_text(list, box_cut_top(&bar, line), ALIGN_LEFT, STYLE_BOLD, COLOUR_ON_LOCK,
              player->change_failed ? "That cannot be run; this is still the last good run."
                                    : "The file has a mistake; this is still the last good run.");
    for (int i = 0; i < lines && *at != 0; i++) {
        size_t length = 0;
        while (at[length] != 0 && at[length] != '\n')
            length++;
        draw_textf(list, box_cut_top(&bar, line), ALIGN_LEFT, STYLE_MONO, COLOUR_ON_LOCK, "%.*s",
                   (int)length, at);
        at += length + (at[length] == '\n');
    }
}

// The column of the sentences and the program, in percent of the width.
static int side_percent(const Theme *theme, int w)
{
    return w < theme_px(theme, 900) ? 43 : w < theme_px(theme, 1200) ? 38 : 34;
}

static void draw_side(DrawList *list, Box side, const Player *player)
{
    const Theme *theme = list->theme;
    enum { NOW_LEAST = 190, PROGRAM_LEAST = 90 }; // points
    int gap = theme_px(theme, 10), now = side.h * 42 / 100;
    if (now < theme_px(theme, NOW_LEAST))
        now = theme_px(theme, NOW_LEAST);
    if (side.h - now - gap < theme_px(theme, PROGRAM_LEAST)) {
        view_now(list, side, player);
        return;
    }
    view_now(list, box_cut_top(&side, now), player);
    box_cut_top(&side, gap);
    view_program(list, side, player);
}

void layout_draw(DrawList *list, int w, int h, const Player *player)
{
    const Theme *theme = list->theme;
    int gap = theme_px(theme, 10);
    Box all = {0, 0, w, h};
    draw_fill(list, all, COLOUR_GROUND);
    view_header(list, box_cut_top(&all, theme_px(theme, 44)), player);
    view_transport(list, box_cut_bottom(&all, theme_px(theme, 58)), player);
    if (player->error != NULL)
        error_bar(list, &all, player);
    all = box_inset(all, gap);
    int timeline = h < theme_px(theme, 560) ? 36 : 42; // percent of the height
    view_timeline(list, box_cut_bottom(&all, all.h * timeline / 100), player);
    box_cut_bottom(&all, gap);
    Box side = box_cut_right(&all, all.w * side_percent(theme, w) / 100);
    box_cut_right(&all, gap);
    view_machine(list, all, player);
    draw_side(list, side, player);
    if (player->help)
        view_help(list, (Box){0, 0, w, h}, player);
}
