#include "render/coroutine_chip.h"

#include "sim/analysis/sentence.h"

// As in the timeline's rows, but for one that runs.
static TaskState state_like(const Scene *scene, const SceneCoroutine *coroutine)
{
    const SyncDef *def;
    const SceneTask *thread = NULL;
    switch ((CoroutineState)coroutine->state) {
    case COROUTINE_STATE_READY:
        return TASK_STATE_RUNNABLE;
    case COROUTINE_STATE_RUNNING:
        if (coroutine->loop - 1 < scene->python.loops.count)
            thread = scene_task(scene, scene->python.loops.at[coroutine->loop - 1].thread);
        return thread != NULL ? (TaskState)thread->state : TASK_STATE_RUNNING_USER;
    case COROUTINE_STATE_SLEEPS:
        return TASK_STATE_SLEEPS;
    case COROUTINE_STATE_WAITS_TASK:
        return TASK_STATE_WAITS_JOIN;
    case COROUTINE_STATE_WAITS_OBJECT:
        def = scene_sync_def(scene, coroutine->waits_for);
        return def != NULL && sync_is_lock(def->kind) ? TASK_STATE_WAITS_LOCK
                                                      : TASK_STATE_WAITS_SYNC;
    case COROUTINE_STATE_WAITS:
        return TASK_STATE_WAITS_SYNC;
    case COROUTINE_STATE_ENDED:
    case COROUTINE_STATE_COUNT:
        break;
    }
    return TASK_STATE_ENDED;
}

const StateLook *coroutine_look(const Scene *scene, const SceneCoroutine *coroutine)
{
    return state_look(state_like(scene, coroutine));
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
