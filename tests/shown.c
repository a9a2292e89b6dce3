#include "tests/shown.h"

#include "sim/ringside.h"

#include <string.h>

Fonts *fonts;
DrawList list;
Player player;
Take *take;

int shown_setup(void **state)
{
    (void)state;
    Diag diag = {0};
    if (!fonts_open(&fonts, &diag))
        fail_msg("%s", diag_text(&diag));
    diag_free(&diag);
    return 0;
}

static void leave(void)
{
    if (take != NULL)
        player_free(&player);
    take_free(take);
    take = NULL;
}

int shown_teardown(void **state)
{
    (void)state;
    leave();
    draw_free(&list);
    list = (DrawList){0};
    fonts_close(fonts);
    return 0;
}

Take *shown_take(const char *yaml, const char *change)
{
    char *error;
    Take *made = take_of_bytes("test.yaml", yaml, strlen(yaml), &change, change != NULL,
                               ringside_run, &error);
    if (made == NULL)
        fail_msg("%s", error);
    return made;
}

void shown_open(const char *yaml, int64_t us)
{
    leave();
    take = shown_take(yaml, NULL);
    player_open(&player, take);
    player_seek_time(&player, us * 1000);
    player.moved = 1;
}

void shown_draw(ThemeName name, bool large, int w, int h)
{
    static Theme theme;
    theme = theme_for_window(name, large, 1, w, h);
    draw_begin(&list, fonts, &theme, w, h);
    layout_draw(&list, w, h, &player);
}

const DrawItem *text_item(const char *text)
{
    for (size_t i = 0; i < list.items.count; i++)
        if (list.items.at[i].kind == DRAW_TEXT && strcmp(list.items.at[i].text, text) == 0)
            return &list.items.at[i];
    return NULL;
}

const DrawItem *expect_text(const char *text)
{
    const DrawItem *item = text_item(text);
    if (item == NULL)
        fail_msg("'%s' is not there", text);
    return item;
}
