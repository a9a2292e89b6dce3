// The help, over the window: every key and what it does, from the list of keys, so that it is
// complete; what the mouse does, and what the picture does not say itself.
#include "render/panel.h"
#include "render/views.h"

typedef struct HelpRow {
    const char *shown, *text;
} HelpRow;

static const HelpRow others[] = {
    {"click", "selects; goes to an instant or a line"},
    {"drag", "pans the timeline; scrubs the bar"},
    {"Shift drag", "marks a stretch and sums it up"},
    {"wheel", "zooms; over names and program, scrolls"},
    {"chip", "square: a thread; round: a coroutine"},
    {"GIL bar", "time left until its waiter asks for it"},
};

enum { OTHER_COUNT = sizeof others / sizeof *others, ROW_COUNT = KEY_COUNT + OTHER_COUNT };

static HelpRow row_at(int index)
{
    if (index >= KEY_COUNT)
        return others[index - KEY_COUNT];
    const PlayerKeyInfo *info = player_key_info((PlayerKey)index);
    return (HelpRow){info->shown, info->text};
}

// In the middle of the window, as large as there is room.
static Box sheet_of(const Theme *theme, Box box, int rows, int line)
{
    int w = theme_px(theme, 1000), h = (rows + 1) * line + theme_px(theme, 30);
    w = w < box.w ? w : box.w;
    h = h < box.h ? h : box.h;
    return (Box){box.x + (box.w - w) / 2, box.y + (box.h - h) / 2, w, h};
}

void view_help(DrawList *list, Box box, const Player *player)
{
    (void)player;
    const Theme *theme = list->theme;
    int line = draw_line_height(list, STYLE_BODY) + theme_px(theme, 3);
    int per_column = (ROW_COUNT + 1) / 2;
    draw_opacity(list, 150);
    draw_fill(list, box, COLOUR_GROUND);
    draw_opacity(list, 255);
    draw_hit(list, box, HIT_KEY, KEY_LEAVE);
    Box inside = panel_draw(list, sheet_of(theme, box, per_column, line), "KEYS AND MOUSE");
    Box columns[2];
    int gap = theme_px(theme, 16);
    columns[0] = box_cut_left(&inside, inside.w / 2 - gap);
    box_cut_left(&inside, gap);
    columns[1] = inside;
    for (int i = 0; i < ROW_COUNT; i++) {
        HelpRow help = row_at(i);
        Box row = box_cut_top(&columns[i / per_column], line);
        Box shown = box_cut_left(&row, theme_px(theme, 86));
        draw_text(list, shown, ALIGN_LEFT, STYLE_MONO_BOLD, COLOUR_TEXT, help.shown);
        draw_text(list, row, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, help.text);
    }
}
