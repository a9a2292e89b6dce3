#include "render/coroutine_chip.h"

#include "sim/analysis/sentence.h"

const StateLook *coroutine_look(const Scene *scene, const SceneCoroutine *coroutine)
{
    return state_look(scene_coroutine_like(scene, coroutine));
}

char *coroutine_name(const Player *player, uint32_t serial, uint32_t function, char text[static 96])
{
    Names names = {player->scenario, &player->recording->tasks, &player->recording->processes};
    return narrate_argument(&names, ARG_COROUTINE, coroutine_pack(serial, function), text, 96);
}

int coroutine_chip_width(DrawList *list, const Player *player, int width_most,
                         const SceneCoroutine *coroutine)
{
    char name[96];
    coroutine_name(player, coroutine->serial, coroutine->function, name);
    int wanted = draw_text_width(list, STYLE_MONO, name) + 2 * theme_px(list->theme, 9);
    return wanted < width_most ? wanted : width_most;
}

void coroutine_chip_draw(DrawList *list, const Player *player, Box box,
                         const SceneCoroutine *coroutine)
{
    char name[96];
    const Theme *theme = list->theme;
    const StateLook *look = coroutine_look(&player->scene, coroutine);
    int radius = box.h / 2, pad = theme_px(theme, 8);
    if (look->shape == SHAPE_HATCHED)
        draw_hatch_round(list, box, radius, COLOUR_KERNEL_STRIPE, look->colour);
    else
        draw_round(list, box, radius, look->colour);
    if (coroutine->serial == player->selected_coroutine)
        draw_stroke(list, box, radius, theme_px(theme, 2), COLOUR_TEXT);
    Box inside = {box.x + pad, box.y, box.w - 2 * pad, box.h};
    draw_name(list, inside, ALIGN_CENTRE, STYLE_MONO, look->on,
              coroutine_name(player, coroutine->serial, coroutine->function, name));
    draw_hit(list, box, HIT_COROUTINE, coroutine->serial);
}
