// The whole window: which view is where. Narrow windows give the program's column less, low ones
// the machine.
#include "render/panel.h"
#include "render/views.h"

// The message in full, as a compiler would say it, its line and caret included. Lines that are too
// long go on in the next one; where a message has more lines than there is room for, it ends with
// how to read the rest.
static void error_bar(DrawList *list, Box *box, const Player *player)
{
    enum { LINES_MOST = 7 };
    const Theme *theme = list->theme;
    int line = draw_line_height(list, STYLE_MONO), pad = theme_px(theme, 8);
    int w = box->w - 2 * pad, lines = draw_paragraph_h(list, w, STYLE_MONO, player->error) / line;
    bool all = lines <= LINES_MOST;
    lines = all ? lines : LINES_MOST;
    Box bar = box_cut_top(box, (lines + 1) * line + 2 * pad);
    draw_fill(list, bar, COLOUR_LOCK);
    bar = box_inset(bar, pad);
    draw_text(list, box_cut_top(&bar, line), ALIGN_LEFT, STYLE_BOLD, COLOUR_ON_LOCK,
              player->change_failed ? "That cannot be run; this is still the last good run."
                                    : "The file cannot be run; this is still the last good run.");
    const char *at = player->error;
    for (int i = 0; i < lines && *at != 0; i++) {
        size_t skip, length = draw_line_of(list, STYLE_MONO, at, w, &skip);
        Box place = box_cut_top(&bar, line);
        if (i + 1 == lines && !all)
            draw_text(list, place, ALIGN_LEFT, STYLE_BOLD, COLOUR_ON_LOCK,
                      "There is more: `ringside check` says all of it.");
        else
            draw_textf(list, place, ALIGN_LEFT, STYLE_MONO, COLOUR_ON_LOCK, "%.*s", (int)length,
                       at);
        at += length + skip;
    }
}

// The column of the sentences and the program, in percent of the width.
static int side_percent(const Theme *theme, int w)
{
    return w < theme_px(theme, 900) ? 43 : w < theme_px(theme, 1200) ? 38 : 34;
}

// A chain of reasons takes the place of the program where there is not room for both.
static void draw_side(DrawList *list, Box side, const Player *player)
{
    const Theme *theme = list->theme;
    enum { NOW_LEAST = 146, NOW_WHY_LEAST = 230, PROGRAM_LEAST = 84 }; // points
    int gap = theme_px(theme, frame_is_low(list) ? 8 : 10);
    int now = side.h * (frame_is_low(list) ? 52 : 46) / 100;
    int least = theme_px(theme, player->why ? NOW_WHY_LEAST : NOW_LEAST);
    now = now < least ? least : now;
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
    bool low = frame_is_low(list);
    int gap = theme_px(theme, low ? 8 : 10);
    Box all = {0, 0, w, h};
    draw_fill(list, all, COLOUR_GROUND);
    view_header(list, box_cut_top(&all, theme_px(theme, low ? 38 : 44)), player);
    view_transport(list, box_cut_bottom(&all, theme_px(theme, low ? 48 : 58)), player);
    if (player->error != NULL)
        error_bar(list, &all, player);
    all = box_inset(all, gap);
    int timeline = low ? 38 : 42; // percent of the height
    view_timeline(list, box_cut_bottom(&all, all.h * timeline / 100), player);
    box_cut_bottom(&all, gap);
    Box side = box_cut_right(&all, all.w * side_percent(theme, w) / 100);
    box_cut_right(&all, gap);
    view_machine(list, all, player);
    draw_side(list, side, player);
    if (player->help)
        view_help(list, (Box){0, 0, w, h}, player);
}
