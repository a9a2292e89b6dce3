#include "render/panel.h"

#include "sim/base/check.h"

static void panel_ground(DrawList *list, Box box)
{
    int radius = theme_px(list->theme, 6);
    draw_round(list, box, radius, COLOUR_PANEL);
    draw_stroke(list, box, radius, theme_px(list->theme, 1), COLOUR_PANEL_EDGE);
}

bool frame_is_low(const DrawList *list)
{
    const float low_points = 700;
    return list->frame.h < theme_px(list->theme, low_points);
}

Box panel_plain(DrawList *list, Box box)
{
    panel_ground(list, box);
    return box_inset(box, theme_px(list->theme, frame_is_low(list) ? 9 : 12));
}

Box panel_draw(DrawList *list, Box box, const char *caption)
{
    Box inside = panel_plain(list, box);
    Box line = box_cut_top(&inside, draw_line_height(list, STYLE_CAPTION));
    draw_text(list, line, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT, caption);
    box_cut_top(&inside, theme_px(list->theme, 8));
    return inside;
}

// ---- buttons

static TextStyle button_style(ButtonLook look)
{
    return look == BUTTON_SETTING ? STYLE_MONO_BOLD : STYLE_BOLD;
}

int button_width(DrawList *list, ButtonLook look, const char *label)
{
    int pad = theme_px(list->theme, look == BUTTON_SETTING ? 7 : 12);
    return draw_text_width(list, button_style(look), label) + 2 * pad;
}

void button_draw(DrawList *list, Box box, ButtonLook look, PlayerKey key, const char *label)
{
    int radius = theme_px(list->theme, 5);
    draw_round(list, box, radius, look == BUTTON_MAIN ? COLOUR_ACCENT : COLOUR_PANEL);
    if (look != BUTTON_MAIN)
        draw_stroke(list, box, radius, theme_px(list->theme, 1), COLOUR_PANEL_EDGE);
    draw_text(list, box, ALIGN_CENTRE, button_style(look),
              look == BUTTON_MAIN ? COLOUR_ON_ACCENT : COLOUR_TEXT, label);
    draw_hit(list, box, HIT_KEY, key);
}

// ---- states

const StateLook *state_look(unsigned state)
{
    static const StateLook looks[TASK_STATE_COUNT] = {
        [TASK_STATE_NOT_YET] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_NONE, "not started"},
        [TASK_STATE_RUNNING_USER] = {COLOUR_RUNNING, COLOUR_ON_RUNNING, SHAPE_FULL, "running user"},
        [TASK_STATE_RUNNING_KERNEL] = {COLOUR_KERNEL, COLOUR_ON_KERNEL, SHAPE_HATCHED, "in kernel"},
        [TASK_STATE_SPINNING] = {COLOUR_LOCK, COLOUR_ON_LOCK, SHAPE_FULL, "spins for lock"},
        [TASK_STATE_RUNNABLE] = {COLOUR_RUNNABLE, COLOUR_ON_RUNNABLE, SHAPE_HALF, "runnable"},
        [TASK_STATE_WAITS_LOCK] = {COLOUR_LOCK, COLOUR_ON_LOCK, SHAPE_HALF, "waits for lock"},
        [TASK_STATE_WAITS_GIL] = {COLOUR_GIL, COLOUR_ON_GIL, SHAPE_HALF, "waits for GIL"},
        [TASK_STATE_WAITS_WORLD] = {COLOUR_GIL, COLOUR_ON_GIL, SHAPE_HALF, "waits for collector"},
        [TASK_STATE_WAITS_SYNC] = {COLOUR_GOOD, COLOUR_ON_GOOD, SHAPE_HALF, "waits for another"},
        [TASK_STATE_WAITS_JOIN] = {COLOUR_GOOD, COLOUR_ON_GOOD, SHAPE_HALF, "waits for another"},
        [TASK_STATE_WAITS_CHILD] = {COLOUR_GOOD, COLOUR_ON_GOOD, SHAPE_HALF, "waits for another"},
        [TASK_STATE_WAITS_SIGNAL] = {COLOUR_IO, COLOUR_ON_IO, SHAPE_THIN, "waits for I/O"},
        [TASK_STATE_WAITS_PIPE] = {COLOUR_IO, COLOUR_ON_IO, SHAPE_THIN, "waits for I/O"},
        [TASK_STATE_WAITS_MESSAGES] = {COLOUR_IO, COLOUR_ON_IO, SHAPE_THIN, "waits for I/O"},
        [TASK_STATE_WAITS_EVENTS] = {COLOUR_IO, COLOUR_ON_IO, SHAPE_THIN, "waits for I/O"},
        [TASK_STATE_THROTTLED] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_HALF, "throttled"},
        [TASK_STATE_SLEEPS] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_THIN, "sleeps"},
        [TASK_STATE_ENDED] = {COLOUR_SLEEP, COLOUR_ON_SLEEP, SHAPE_NONE, "ended"},
    };
    CHECKF(state < TASK_STATE_COUNT, "state %u", state);
    return &looks[state];
}

// ---- chips

int chip_width(DrawList *list, const Player *player, int width_most, uint32_t task)
{
    char name[96];
    recording_task_name(player->recording, task, name);
    int wanted = draw_text_width(list, STYLE_MONO, name) + 2 * theme_px(list->theme, 7);
    return wanted < width_most ? wanted : width_most;
}

int chip_draw(DrawList *list, const Player *player, int x, int y, int h, int width_most,
              uint32_t task)
{
    char name[96];
    const SceneTask *state = scene_task(&player->scene, task);
    const StateLook *look = state_look(state != NULL ? state->state : TASK_STATE_NOT_YET);
    Box box = {x, y, chip_width(list, player, width_most, task), h};
    int radius = theme_px(list->theme, 4);
    if (look->shape == SHAPE_HATCHED)
        draw_hatch_round(list, box, radius, COLOUR_KERNEL_STRIPE, look->colour);
    else
        draw_round(list, box, radius, look->colour);
    if (task == player->selected_task)
        draw_stroke(list, box, radius, theme_px(list->theme, 2), COLOUR_TEXT);
    Box inside = {box.x + theme_px(list->theme, 6), box.y, box.w - 2 * theme_px(list->theme, 6), h};
    draw_name(list, inside, ALIGN_CENTRE, STYLE_MONO, look->on,
              recording_task_name(player->recording, task, name));
    draw_hit(list, box, HIT_TASK, task);
    return box.w;
}
