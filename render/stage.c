#include "render/stage.h"

#include "sim/base/count.h"

#include <stdarg.h>
#include <stdio.h>

int stage_chip_h(const Stage *stage)
{
    return draw_line_height(stage->list, STYLE_MONO) + theme_px(stage->list->theme, 2);
}

int stage_row_h(const Stage *stage)
{
    return stage_chip_h(stage) + theme_px(stage->list->theme, 4);
}

Box stage_row(Stage *stage, Box *box)
{
    return box_cut_top(box, stage_row_h(stage));
}

bool stage_has_row(const Stage *stage, Box box)
{
    return box.h >= stage_row_h(stage);
}

int stage_gap(const Stage *stage)
{
    return theme_px(stage->list->theme, 6);
}

void stage_text(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *text)
{
    int w = draw_text_width(stage->list, style, text);
    if (w <= 0 || w > row->w)
        return;
    if (!stage->dry)
        draw_text(stage->list, (Box){row->x, row->y, w, row->h}, ALIGN_LEFT, style, colour, text);
    box_cut_left(row, w + stage_gap(stage));
}

void stage_label(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *name)
{
    int wanted = draw_text_width(stage->list, style, name);
    int w = wanted < row->w ? wanted : row->w;
    if (w <= 0 || (w < wanted && w < theme_px(stage->list->theme, 40))) // a beginning at least
        return;
    if (!stage->dry)
        draw_name(stage->list, (Box){row->x, row->y, w, row->h}, ALIGN_LEFT, style, colour, name);
    box_cut_left(row, w + stage_gap(stage));
}

void stage_textf(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *format,
                 ...)
{
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    stage_text(stage, row, style, colour, text);
}

void stage_aside(Stage *stage, Box *row, const char *text)
{
    if (draw_text_width(stage->list, STYLE_SMALL, text) <= row->w)
        stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
}

void stage_soft(Stage *stage, Box *row, const char *text)
{
    stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
}

void stage_soft_ns(Stage *stage, Box *row, const char *format, int64_t ns)
{
    char text[32];
    stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, format, duration_text(ns, text));
}

void stage_more(Stage *stage, Box *row, uint32_t count)
{
    char text[32];
    if (count > 0)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "+ %s more",
                    count_text(count, text));
}

int stage_more_w(const Stage *stage, uint32_t count)
{
    char text[64], number[32];
    snprintf(text, sizeof text, "+ %s more", count_text(count, number));
    return draw_text_width(stage->list, STYLE_SMALL, text) + 1;
}

bool stage_flag(Stage *stage, Box *row, const char *text)
{
    const Theme *theme = stage->list->theme;
    int w = draw_text_width(stage->list, STYLE_SMALL, text) + 2 * theme_px(theme, 6);
    int h = draw_line_height(stage->list, STYLE_SMALL) + theme_px(theme, 1);
    if (w > row->w)
        return false;
    Box place = box_cut_left(row, w);
    place = (Box){place.x, place.y + (place.h - h) / 2, w, h};
    box_cut_left(row, stage_gap(stage));
    if (stage->dry)
        return true;
    draw_round(stage->list, place, theme_px(theme, 3), COLOUR_LOCK);
    draw_text(stage->list, place, ALIGN_CENTRE, STYLE_SMALL, COLOUR_ON_LOCK, text);
    return true;
}

static int chip_most(const Stage *stage)
{
    return theme_px(stage->list->theme, 120);
}

static bool put_chip(Stage *stage, Box *row, uint32_t task, uint32_t coroutine, int w)
{
    if (w > row->w || stage->count == STAGE_CHIPS)
        return false;
    int h = stage_chip_h(stage);
    Box place = box_cut_left(row, w);
    stage->chips[stage->count++] =
        (StageChip){task, coroutine, {place.x, place.y + (place.h - h) / 2, w, h}};
    box_cut_left(row, stage_gap(stage));
    return true;
}

bool stage_chip(Stage *stage, Box *row, uint32_t task)
{
    return put_chip(stage, row, task, 0,
                    chip_width(stage->list, stage->player, chip_most(stage), task));
}

bool stage_chip_first(Stage *stage, Box *row, uint32_t task)
{
    enum { CUT_LEAST = 50 }; // points: a name's beginning and its number
    int most = chip_most(stage), room = row->w - stage_gap(stage);
    if (room < most && room >= theme_px(stage->list->theme, CUT_LEAST))
        most = room;
    return put_chip(stage, row, task, 0, chip_width(stage->list, stage->player, most, task));
}

void stage_chip_cut(Stage *stage, Box *row, uint32_t task)
{
    int most = chip_most(stage) < row->w ? chip_most(stage) : row->w;
    put_chip(stage, row, task, 0, chip_width(stage->list, stage->player, most, task));
}

bool stage_coroutine(Stage *stage, Box *row, const SceneCoroutine *coroutine, bool first)
{
    // The name's beginning and its number, with what a chip has on both sides of them.
    char shortest[32];
    snprintf(shortest, sizeof shortest, "%.*s…#%u", NAME_BEGINNING, "mmmm", coroutine->serial);
    int most = chip_most(stage), cut = draw_text_width(stage->list, STYLE_MONO, shortest) +
                                       2 * theme_px(stage->list->theme, 9);
    int room = row->w - stage_gap(stage);
    most = first && room >= cut && room < most ? room : most;
    int w = coroutine_chip_width(stage->list, stage->player, most, coroutine);
    return put_chip(stage, row, 0, coroutine->serial, w);
}

bool stage_has_coroutine(const Stage *stage, uint32_t serial)
{
    for (uint32_t i = 0; i < stage->count; i++)
        if (stage->chips[i].coroutine == serial)
            return true;
    return false;
}

// A place of at most `w` pixels for a name with a rim, as high as a chip; its width is 0 when there
// is no room for even a short name.
static Box rimmed_place(Stage *stage, Box *row, int w)
{
    int h = stage_chip_h(stage), short_w = theme_px(stage->list->theme, 50);
    int least_w = w < short_w ? w : short_w, room = row->w - stage_gap(stage);
    w = w < room ? w : room > 0 ? room : 0; // something may follow, which must not touch it
    Box place = box_cut_left(row, w);
    box_cut_left(row, stage_gap(stage));
    return (Box){place.x, place.y + (place.h - h) / 2, w < least_w ? 0 : w, h};
}

static void draw_rimmed(Stage *stage, Box place, int radius, ColourRole rim, const char *name)
{
    DrawList *list = stage->list;
    draw_round(list, place, radius, COLOUR_PANEL);
    draw_stroke(list, place, radius, theme_px(list->theme, 2), rim);
    draw_name(list, box_inset(place, theme_px(list->theme, 3)), ALIGN_CENTRE, STYLE_MONO,
              COLOUR_TEXT, name);
}

void stage_rimmed(Stage *stage, Box *row, ColourRole rim, const char *name)
{
    const Theme *theme = stage->list->theme;
    int w = draw_text_width(stage->list, STYLE_MONO, name) + 2 * theme_px(theme, 9);
    Box place = rimmed_place(stage, row, w < chip_most(stage) ? w : chip_most(stage));
    if (!stage->dry && place.w > 0)
        draw_rimmed(stage, place, place.h / 2, rim, name);
}

void stage_name(Stage *stage, Box *row, uint32_t task)
{
    DrawList *list = stage->list;
    char name[96];
    Box place = rimmed_place(stage, row, chip_width(list, stage->player, chip_most(stage), task));
    if (stage->dry || place.w == 0)
        return;
    const SceneTask *state = scene_task(stage->scene, task);
    draw_rimmed(stage, place, theme_px(list->theme, 4),
                state != NULL ? state_look(state->state)->colour : COLOUR_SLEEP,
                recording_task_name(stage->player->recording, task, name));
    draw_hit(list, place, HIT_TASK, task);
}

static bool put_listed(Stage *stage, Box *room, uint32_t id, const SceneTask *task, bool first)
{
    if (!task_state_runs((TaskState)task->state))
        return first ? stage_chip_first(stage, room, id) : stage_chip(stage, room, id);
    if (chip_width(stage->list, stage->player, chip_most(stage), id) > room->w)
        return false;
    stage_name(stage, room, id);
    return true;
}

void stage_list(Stage *stage, Box *row, uint32_t first, uint32_t count, StageNote note)
{
    char text[48];
    // Room for "+123" is kept as long as somebody is left.
    int more_w = draw_text_width(stage->list, STYLE_SMALL, "+9999");
    uint32_t placed = 0;
    for (uint32_t at = first; at != 0; placed++) {
        const SceneTask *task = &stage->scene->tasks.at[at - 1];
        Box room = *row;
        if (task->next != 0)
            room.w -= more_w;
        int before = room.w;
        if (!put_listed(stage, &room, at, task, placed == 0))
            break;
        box_cut_left(row, before - room.w);
        if (note != NULL && note(stage, task, text) &&
            draw_text_width(stage->list, STYLE_SMALL, text) <= row->w - (task->next ? more_w : 0))
            stage_text(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, text);
        at = task->next;
    }
    if (placed < count)
        stage_textf(stage, row, STYLE_SMALL, COLOUR_TEXT_SOFT, "+%u", count - placed);
}

static const StageChip *same_chip(const Stage *stage, const StageChip *chip)
{
    for (uint32_t i = 0; i < stage->count; i++)
        if (stage->chips[i].task == chip->task && stage->chips[i].coroutine == chip->coroutine)
            return &stage->chips[i];
    return NULL;
}

// Fast at first, slow at the end.
static int between(int from, int to, float moved)
{
    float left = 1 - moved;
    return to + (int)((float)(from - to) * left * left * left);
}

static void draw_chip(const Stage *stage, const StageChip *chip, int x, int y)
{
    const SceneCoroutine *coroutine = scene_coroutine(stage->scene, chip->coroutine);
    if (chip->task != 0)
        chip_draw(stage->list, stage->player, x, y, chip->box.h, chip->box.w, chip->task);
    else if (coroutine != NULL)
        coroutine_chip_draw(stage->list, stage->player, (Box){x, y, chip->box.w, chip->box.h},
                            coroutine);
}

void stage_draw_chips(const Stage *stage, const Stage *from)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        const StageChip *chip = &stage->chips[i];
        const StageChip *was = from != NULL ? same_chip(from, chip) : NULL;
        int x = chip->box.x, y = chip->box.y;
        if (was != NULL) {
            x = between(was->box.x, x, stage->player->moved);
            y = between(was->box.y, y, stage->player->moved);
        }
        draw_chip(stage, chip, x, y);
    }
}
