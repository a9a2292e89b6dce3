// Where the player is: seeking, stepping, playing; and what the timeline shows about it.
#include "render/player_parts.h"

// How many records lie before the instant.
static uint64_t records_before(const Player *player, int64_t time_ns)
{
    return time_ns > 0 ? recording_by(player->recording, time_ns - 1) : 0;
}

static void keep_instant(Player *player)
{
    player->kept_ns = player->time_ns;
    player->kept_records = player->scene.next - records_before(player, player->time_ns);
}

const TraceRecord *player_current(const Player *player)
{
    return player->scene.next > 0 ? recording_at(player->recording, player->scene.next - 1) : NULL;
}

const TraceRecord *player_next(const Player *player)
{
    return player->scene.next < player->recording->count
               ? recording_at(player->recording, player->scene.next)
               : NULL;
}

// The timeline follows the instant: when it leaves what is shown, what is shown goes after it.
static void keep_in_view(Player *player)
{
    int64_t length = player->zoom.to_ns - player->zoom.from_ns;
    TimeSpan whole = player_whole(player);
    int64_t place = player_place(player);
    if (place >= player->zoom.from_ns && place <= player->zoom.to_ns)
        return;
    int64_t from = place - length / 3;
    if (from > whole.to_ns - length)
        from = whole.to_ns - length;
    if (from < 0)
        from = 0;
    player->zoom = (TimeSpan){from, from + length};
}

void player_new_question(Player *player)
{
    player->revealed = false;
    player->guess = GUESS_NONE;
    player->message = NULL;
}

void player_go_to_event(Player *player, uint64_t next)
{
    if (next > player->recording->count)
        next = player->recording->count;
    scene_copy(&player->was, &player->scene);
    player->moved = 0;
    rewind_seek(&player->rewind, &player->scene, next);
    player->time_ns = next > 0 ? recording_at(player->recording, next - 1)->time_ns : 0;
    player->elapsed_ns = 0;
    keep_in_view(player);
    player_new_question(player);
}

void player_seek_event(Player *player, uint64_t next)
{
    player_go_to_event(player, next);
    keep_instant(player);
}

void player_go_to_time(Player *player, int64_t time_ns)
{
    int64_t end = player->recording->end_ns;
    player->time_ns = time_ns < 0 ? 0 : time_ns > end ? end : time_ns;
    uint64_t next = player->scene.next;
    recording_seek_time(player->recording, &player->scene, player->time_ns);
    player->moved = 1;
    player->elapsed_ns = 0;
    keep_in_view(player);
    if (player->scene.next != next)
        player_new_question(player);
}

void player_seek_time(Player *player, int64_t time_ns)
{
    player_go_to_time(player, time_ns);
    keep_instant(player);
}

void player_seek_place(Player *player, int64_t place)
{
    if (player_by_event(player))
        player_seek_event(player, place > 0 ? (uint64_t)place : 0);
    else
        player_seek_time(player, place);
}

static void step(Player *player, int direction, const RecordFilter *filter)
{
    player->playing = false;
    uint64_t at = player->scene.next;
    // Backwards the record that happened last is undone: the search begins before it.
    uint64_t from = direction > 0 ? at : at > 0 ? at - 1 : 0;
    int64_t found = recording_find(player->recording, from, direction, filter);
    if (found == RECORD_NONE)
        player_seek_event(player, direction > 0 ? player->recording->count : 0);
    else
        player_seek_event(player, (uint64_t)found + 1);
}

void player_step_event(Player *player, int direction)
{
    player->playing = false;
    uint64_t next = player->scene.next;
    if (direction > 0)
        player_seek_event(player, next + 1);
    else if (next > 0)
        player_seek_event(player, next - 1);
}

// To where the selected coroutine next goes on, waits or ends, or did so before.
static void step_coroutine(Player *player, int direction)
{
    RecordFilter filter = {.core = CORE_NONE, .by_kind = true};
    filter.kinds[EVENT_COROUTINE_RESUMED] = filter.kinds[EVENT_COROUTINE_SUSPENDED] = true;
    filter.kinds[EVENT_COROUTINE_DONE] = true;
    player->playing = false;
    uint64_t at = player->scene.next, from = direction > 0 ? at : at > 0 ? at - 1 : 0;
    int64_t found;
    while ((found = recording_find(player->recording, from, direction, &filter)) != RECORD_NONE) {
        uint64_t coroutine = recording_at(player->recording, (uint64_t)found)->a;
        if (coroutine_serial(coroutine) == player->selected_coroutine) {
            player_seek_event(player, (uint64_t)found + 1);
            return;
        }
        from = direction > 0 ? (uint64_t)found + 1 : (uint64_t)found;
    }
    player_seek_event(player, direction > 0 ? player->recording->count : 0);
}

void player_step_switch(Player *player, int direction)
{
    if (player->selected_coroutine != 0) {
        step_coroutine(player, direction);
        return;
    }
    RecordFilter filter = {.task = player->selected_task, .core = player->selected_core};
    filter.by_kind = true;
    filter.kinds[EVENT_SWITCH_IN] = filter.kinds[EVENT_SWITCH_OUT] = true;
    step(player, direction, &filter);
}

bool player_pass(Player *player, double seconds)
{
    bool changed = false;
    if (player->moved < 1) {
        player->moved += (float)(seconds / 0.15);
        player->moved = player->moved > 1 ? 1 : player->moved;
        changed = true;
    }
    if (!player->playing)
        return changed;
    bool by_event = player_by_event(player);
    int64_t end = by_event ? (int64_t)player->recording->count : player->recording->end_ns;
    double elapsed = player->elapsed_ns + seconds * player->speed;
    int64_t place = player_place(player), whole = (int64_t)elapsed;
    if (elapsed >= (double)(end - place)) {
        player_seek_place(player, end);
        player->playing = false;
        return true;
    }
    if (whole == 0 && by_event) { // the chips go on moving to where the last event took them
        player->elapsed_ns = elapsed;
        return changed;
    }
    player_seek_place(player, place + whole);
    player->elapsed_ns = elapsed - (double)whole;
    return true;
}

// To the instant that was gone to last, or the nearest that this take has; with as many of that
// instant's records.
void player_go_back(Player *player)
{
    uint64_t before = records_before(player, player->kept_ns);
    uint64_t all = recording_by(player->recording, player->kept_ns);
    if (player->kept_records == 0 && player->kept_ns == 0)
        player_go_to_event(player, 0);
    else if (player->kept_records > 0 && all > before && player->kept_records < all - before)
        player_go_to_event(player, before + player->kept_records);
    else
        player_go_to_time(player, player->kept_ns);
    player->moved = 1;
}

// ---- zoom

enum { ZOOM_LEAST_NS = 20 };

void player_zoom_about(Player *player, int64_t about_ns, double factor)
{
    TimeSpan whole = player_whole(player);
    double length = (double)(player->zoom.to_ns - player->zoom.from_ns);
    double wanted = length * factor, most = (double)(whole.to_ns - whole.from_ns);
    if (wanted < ZOOM_LEAST_NS)
        wanted = ZOOM_LEAST_NS;
    if (wanted >= most) {
        player->zoom = whole;
        return;
    }
    double share = (double)(about_ns - player->zoom.from_ns) / length;
    double from = (double)about_ns - share * wanted;
    from = from < 0 ? 0 : from + wanted > most ? most - wanted : from;
    player->zoom.from_ns = (int64_t)from;
    player->zoom.to_ns = (int64_t)from + (int64_t)wanted;
}

void player_pan(Player *player, TimeSpan from, double by_ns)
{
    TimeSpan whole = player_whole(player);
    int64_t length = from.to_ns - from.from_ns, start = from.from_ns + (int64_t)by_ns;
    if (start > whole.to_ns - length)
        start = whole.to_ns - length;
    if (start < 0)
        start = 0;
    player->zoom = (TimeSpan){start, start + length};
}
