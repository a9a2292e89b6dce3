// The answer to "why?" that the window shows, which is not asked for anew in every frame.
#include "render/player.h"

const Why *player_why(const Player *player, uint32_t task, uint32_t coroutine)
{
    PlayerWhy *asked = player->asked;
    if (asked->known && asked->next == player->scene.next && asked->time_ns == player->time_ns &&
        asked->task == task && asked->coroutine == coroutine)
        return &asked->why;
    asked->known = true;
    asked->next = player->scene.next;
    asked->time_ns = player->time_ns;
    asked->task = task;
    asked->coroutine = coroutine;
    if (coroutine != 0)
        why_coroutine_now(&asked->why, player->recording, &player->scene, coroutine);
    else
        why_now(&asked->why, player->recording, &player->scene, task);
    return &asked->why;
}
