// A coroutine's chip: as a thread's (panel.h), but with round ends, and in the colour of what the
// coroutine does. Whoever draws a coroutine takes its name and its look from here.
#pragma once
#include "render/panel.h"

// While its code runs it looks as the thread that runs it: one that blocks its loop sleeps.
const StateLook *coroutine_look(const Scene *scene, const SceneCoroutine *coroutine);
// "worker #3", as in sentences; of one that has ended, too, when its function is told. Returns
// `text`.
char *coroutine_name(const Player *player, uint32_t serial, uint32_t function,
                     char text[static 96]);

// `width_most` as for chip_draw. A click selects it.
int coroutine_chip_width(DrawList *list, const Player *player, int width_most,
                         const SceneCoroutine *coroutine);
void coroutine_chip_draw(DrawList *list, const Player *player, Box box,
                         const SceneCoroutine *coroutine);
