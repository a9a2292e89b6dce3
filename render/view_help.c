// The help: every key and what it does, over the window; from the list of keys, so that it is
// complete.
#include "render/panel.h"
#include "render/views.h"

void view_help(DrawList *list, Box box, const Player *player)
{
    (void)player;
    const Theme *theme = list->theme;
    int line = draw_line_height(list, STYLE_BODY) + theme_px(theme, 4);
    int per_column = (KEY_COUNT + 1) / 2;
    Box sheet = {0, 0, theme_px(theme, 860), (per_column + 2) * line + theme_px(theme, 30)};
    if (sheet.w > box.w)
        sheet.w = box.w;
    if (sheet.h > box.h)
        sheet.h = box.h;
    sheet.x = box.x + (box.w - sheet.w) / 2;
    sheet.y = box.y + (box.h - sheet.h) / 2;
    draw_opacity(list, 150);
    draw_fill(list, box, COLOUR_GROUND);
    draw_opacity(list, 255);
    draw_hit(list, box, HIT_KEY, KEY_LEAVE);
    Box inside = panel_draw(list, sheet, "KEYS");
    Box columns[2];
    columns[0] = box_cut_left(&inside, inside.w / 2);
    columns[1] = inside;
    for (int key = 0; key < KEY_COUNT; key++) {
        const PlayerKeyInfo *info = player_key_info((PlayerKey)key);
        Box row = box_cut_top(&columns[key / per_column], line);
        Box shown = box_cut_left(&row, theme_px(theme, 86));
        draw_text(list, shown, ALIGN_LEFT, STYLE_MONO_BOLD, COLOUR_TEXT, info->shown);
        draw_text(list, row, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, info->text);
    }
}
