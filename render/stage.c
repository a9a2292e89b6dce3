#include "render/stage.h"

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

int stage_gap(const Stage *stage)
{
    return theme_px(stage->list->theme, 6);
}

void stage_text(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *text)
{
    int w = draw_text_width(stage->list, style, text);
    w = w < row->w ? w : row->w;
    if (w <= 0)
        return;
    if (!stage->dry)
        draw_text(stage->list, (Box){row->x, row->y, w, row->h}, ALIGN_LEFT, style, colour, text);
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

static int chip_most(const Stage *stage)
{
    return theme_px(stage->list->theme, 120);
}

static bool put_chip(Stage *stage, Box *row, uint32_t task, int w)
{
    if (w > row->w || stage->count == STAGE_CHIPS)
        return false;
    int h = stage_chip_h(stage);
    Box place = box_cut_left(row, w);
    stage->chips[stage->count++] = (StageChip){task, {place.x, place.y + (place.h - h) / 2, w, h}};
    box_cut_left(row, stage_gap(stage));
    return true;
}

bool stage_chip(Stage *stage, Box *row, uint32_t task)
{
    return put_chip(stage, row, task,
                    chip_width(stage->list, stage->player, chip_most(stage), task));
}

void stage_chip_cut(Stage *stage, Box *row, uint32_t task)
{
    int most = chip_most(stage) < row->w ? chip_most(stage) : row->w;
    put_chip(stage, row, task, chip_width(stage->list, stage->player, most, task));
}

void stage_name(Stage *stage, Box *row, uint32_t task)
{
    DrawList *list = stage->list;
    char name[96];
    int w = chip_width(list, stage->player, chip_most(stage), task), h = stage_chip_h(stage);
    w = w < row->w ? w : row->w;
    Box place = box_cut_left(row, w);
    place = (Box){place.x, place.y + (place.h - h) / 2, w, h};
    box_cut_left(row, stage_gap(stage));
    if (stage->dry || w < theme_px(list->theme, 16))
        return;
    const SceneTask *state = scene_task(stage->scene, task);
    ColourRole rim = state != NULL ? state_look(state->state)->colour : COLOUR_SLEEP;
    int radius = theme_px(list->theme, 4);
    draw_round(list, place, radius, COLOUR_PANEL);
    draw_stroke(list, place, radius, theme_px(list->theme, 2), rim);
    draw_text(list, box_inset(place, theme_px(list->theme, 3)), ALIGN_CENTRE, STYLE_MONO,
              COLOUR_TEXT, recording_task_name(stage->player->recording, task, name));
    draw_hit(list, place, HIT_TASK, task);
}

static bool put_listed(Stage *stage, Box *room, uint32_t id, const SceneTask *task)
{
    if (!task_state_runs((TaskState)task->state))
        return stage_chip(stage, room, id);
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
        if (!put_listed(stage, &room, at, task))
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

static const StageChip *chip_of(const Stage *stage, uint32_t task)
{
    for (uint32_t i = 0; i < stage->count; i++)
        if (stage->chips[i].task == task)
            return &stage->chips[i];
    return NULL;
}

// Fast at first, slow at the end.
static int between(int from, int to, float moved)
{
    float left = 1 - moved;
    return to + (int)((float)(from - to) * left * left * left);
}

void stage_draw_chips(const Stage *stage, const Stage *from)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        const StageChip *chip = &stage->chips[i];
        const StageChip *was = from != NULL ? chip_of(from, chip->task) : NULL;
        int x = chip->box.x, y = chip->box.y;
        if (was != NULL) {
            x = between(was->box.x, x, stage->player->moved);
            y = between(was->box.y, y, stage->player->moved);
        }
        chip_draw(stage->list, stage->player, x, y, chip->box.h, chip->box.w, chip->task);
    }
}
