// The transport: step and play, the speed, and the whole run as one bar to scrub along.
#include "render/panel.h"
#include "render/timeline_view.h"
#include "render/views.h"

#include <stdio.h>

// Cuts a button of this width off the row's left end.
static void cut_button(DrawList *list, Box *row, int w, int h, ButtonLook look, PlayerKey key,
                       const char *label)
{
    Box place = box_cut_left(row, w);
    button_draw(list, (Box){place.x, place.y + (place.h - h) / 2, w, h}, look, key, label);
    box_cut_left(row, theme_px(list->theme, 8));
}

static void steps(DrawList *list, Box *row, const Player *player)
{
    static const struct {
        PlayerKey key;
        const char *label;
    } buttons[] = {{KEY_HOME, "|◀"},
                   {KEY_BACK, "◀ step"},
                   {KEY_PLAY, "▶ play"},
                   {KEY_NEXT, "step ▶"},
                   {KEY_END, "▶|"}};
    static const char pause[] = "❚❚ pause";
    int h = theme_px(list->theme, 32);
    for (size_t i = 0; i < sizeof buttons / sizeof *buttons; i++) {
        bool play = buttons[i].key == KEY_PLAY;
        // The one button that says two things is as wide for both, so that nothing jumps.
        const char *widest = play ? pause : buttons[i].label;
        cut_button(list, row, button_width(list, BUTTON_PLAIN, widest), h,
                   play ? BUTTON_MAIN : BUTTON_PLAIN, buttons[i].key,
                   play && player->playing ? pause : buttons[i].label);
    }
}

// Keys that have no button elsewhere, at the right, as many as fit.
static void more_keys(DrawList *list, Box *row)
{
    static const struct {
        PlayerKey key;
        const char *label;
    } keys[] = {{KEY_HELP, "help"},     {KEY_WHY, "why"},          {KEY_QUIZ, "quiz"},
                {KEY_LARGE, "large"},   {KEY_THEME, "theme"},      {KEY_PICTURE, "picture"},
                {KEY_RELOAD, "reload"}, {KEY_FULLSCREEN, "screen"}};
    int gap = theme_px(list->theme, 8), least = row->w / 2;
    int h = theme_px(list->theme, 20), text_h = draw_line_height(list, STYLE_SMALL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *shown = player_key_info(keys[i].key)->shown;
        int w = draw_text_width(list, STYLE_SMALL, keys[i].label);
        int button = button_width(list, BUTTON_SETTING, shown);
        w = w > button ? w : button;
        if (row->w - w - gap < least)
            return;
        Box place = box_cut_right(row, w);
        int y = place.y + (place.h - h - text_h) / 2;
        button_draw(list, (Box){place.x + (w - button) / 2, y, button, h}, BUTTON_SETTING,
                    keys[i].key, shown);
        Box label = {place.x, y + h, w, text_h};
        draw_text(list, label, ALIGN_CENTRE, STYLE_SMALL, COLOUR_TEXT_SOFT, keys[i].label);
        draw_hit(list, label, HIT_KEY, keys[i].key);
        box_cut_right(row, gap);
    }
}

static void speed(DrawList *list, Box *row, const Player *player)
{
    char text[32], whole[48];
    int h = theme_px(list->theme, 24), w = button_width(list, BUTTON_SETTING, "+");
    if (player_by_event(player))
        snprintf(whole, sizeof whole, "%.0f ev/s", player->speed);
    else
        snprintf(whole, sizeof whole, "%s/s", duration_text((int64_t)player->speed, text));
    cut_button(list, row, w, h, BUTTON_SETTING, KEY_SLOWER, "−");
    Box place = box_cut_left(row, draw_text_width(list, STYLE_MONO, "999.9 ms/s"));
    draw_text(list, place, ALIGN_CENTRE, STYLE_MONO, COLOUR_TEXT, whole);
    box_cut_left(row, theme_px(list->theme, 8));
    cut_button(list, row, w, h, BUTTON_SETTING, KEY_FASTER, "+");
}

// What the program says along the bar, and who asks for the GIL: where there is something to see.
// Too many would be a hedge; in a quiz they would tell what comes.
static void draw_instants(DrawList *list, Box bar, const Player *player, int64_t end)
{
    const Timeline *timeline = &player->take->timeline;
    int most = bar.w / theme_px(list->theme, 6), w = theme_px(list->theme, 1.5f);
    int over = theme_px(list->theme, 5);
    if (player->quiz || end <= 0 || timeline->instants.count > 4 * (size_t)most)
        return;
    for (int kind = 0; kind < INSTANT_KIND_COUNT; kind++) {
        if (flag_legend(kind) == NULL || timeline->instant_counts[kind] > (size_t)most)
            continue;
        for (size_t i = 0; i < timeline->instants.count; i++) {
            const TimelineInstant *instant = &timeline->instants.at[i];
            int x = bar.x + (int)((double)instant->time_ns / (double)end * bar.w);
            if (instant->kind == kind && x <= box_right(bar))
                draw_fill(list, (Box){x, bar.y - over, w, bar.h + 2 * over}, flag_colour(kind));
        }
    }
}

void view_transport(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    draw_fill(list, box, COLOUR_PANEL);
    draw_fill(list, (Box){box.x, box.y, box.w, 1}, COLOUR_PANEL_EDGE);
    Box row = {box.x + theme_px(theme, 18), box.y, box.w - theme_px(theme, 36), box.h};
    steps(list, &row, player);
    speed(list, &row, player);
    more_keys(list, &row);
    Box bar = {row.x + theme_px(theme, 12), row.y + row.h / 2 - theme_px(theme, 3),
               row.w - theme_px(theme, 30), theme_px(theme, 6)};
    if (bar.w < theme_px(theme, 40))
        return;
    int64_t end =
        player_by_event(player) ? (int64_t)player->recording->count : player->recording->end_ns;
    int done = end > 0 ? (int)((double)player_place(player) / (double)end * bar.w) : 0;
    draw_round(list, bar, bar.h / 2, COLOUR_PANEL_EDGE);
    draw_round(list, (Box){bar.x, bar.y, done, bar.h}, bar.h / 2, COLOUR_ACCENT);
    draw_instants(list, bar, player, end);
    int knob = theme_px(theme, 16);
    Box round = {bar.x + done - knob / 2, box.y + (box.h - knob) / 2, knob, knob};
    draw_round(list, round, knob / 2, COLOUR_PANEL);
    draw_stroke(list, round, knob / 2, theme_px(theme, 2), COLOUR_ACCENT);
    draw_hit(list, (Box){bar.x, box.y, bar.w, box.h}, HIT_SEEK, 0);
}
