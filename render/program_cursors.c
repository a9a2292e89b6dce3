#include "render/program_cursors.h"

uint32_t program_line(const Player *player, uint32_t op)
{
    return op != 0 && op < player->scenario->op_count ? player->scenario->op_at[op].line : 0;
}

static void put_cursor(LineCursors *line, Cursor cursor, bool matters)
{
    line->count++;
    if (line->shown < CURSORS_MOST)
        line->at[line->shown++] = cursor;
    else if (!matters)
        return;
    for (uint32_t i = line->shown - 1; matters && i > 0; i--)
        line->at[i] = line->at[i - 1];
    if (matters)
        line->at[0] = cursor;
}

// The lines, and the cursor of the current event, which is put last so that it stands first.
typedef struct Lines {
    LineCursors *lines;
    uint32_t count;
    Cursor current;
    uint32_t current_at;
} Lines;

static void add(Lines *lines, uint32_t line, Cursor cursor, bool runs)
{
    if (line == 0 || line > lines->count)
        return;
    if (cursor.task == lines->current.task && cursor.coroutine == lines->current.coroutine)
        lines->current_at = line;
    else
        put_cursor(&lines->lines[line - 1], cursor, runs);
}

static void add_coroutines(const Player *player, Lines *lines)
{
    enum { LOOKED_AT = 65536 };
    const ScenePython *python = &player->scene.python;
    size_t most = python->coroutines.count < LOOKED_AT ? python->coroutines.count : LOOKED_AT;
    for (size_t i = 0; i < most; i++) {
        const SceneCoroutine *coroutine = &python->coroutines.at[i];
        if (coroutine->state != COROUTINE_STATE_ENDED)
            add(lines, program_line(player, coroutine->op), (Cursor){0, coroutine->serial},
                coroutine->state == COROUTINE_STATE_RUNNING);
    }
}

void program_cursors(const Player *player, LineCursors *lines, uint32_t count)
{
    const Scene *scene = &player->scene;
    const TraceRecord *record = player_current(player);
    Lines all = {.lines = lines, .count = count};
    if (record != NULL) {
        const SceneLoop *loop = scene_loop_of(scene, record->task);
        all.current = loop != NULL ? (Cursor){0, loop->running} : (Cursor){record->task, 0};
    }
    for (uint32_t id = 1; id <= scene->tasks.count; id++) {
        const SceneTask *task = &scene->tasks.at[id - 1];
        if (task->op != 0 && task->state != TASK_STATE_ENDED && task->loop == 0)
            add(&all, program_line(player, task->op), (Cursor){id, 0},
                task_state_runs((TaskState)task->state));
    }
    add_coroutines(player, &all);
    if (all.current_at > 0)
        put_cursor(&lines[all.current_at - 1], all.current, true);
}

int cursor_width(DrawList *list, const Player *player, int width_most, Cursor cursor)
{
    const SceneCoroutine *coroutine = scene_coroutine(&player->scene, cursor.coroutine);
    return coroutine != NULL ? coroutine_chip_width(list, player, width_most, coroutine)
                             : chip_width(list, player, width_most, cursor.task);
}

void cursor_draw(DrawList *list, const Player *player, Box box, Cursor cursor)
{
    const SceneCoroutine *coroutine = scene_coroutine(&player->scene, cursor.coroutine);
    if (coroutine != NULL)
        coroutine_chip_draw(list, player, box, coroutine);
    else
        chip_draw(list, player, box.x, box.y, box.h, box.w, cursor.task);
}
