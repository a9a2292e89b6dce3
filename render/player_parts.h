// What the files of the player share: player.c, player_instant.c (where it is, and zoom),
// player_change.c (the machine) and player_pointer.c. Not for others.
#pragma once
#include "render/player.h"

// ---- player_instant.c

// As player_seek_time and player_seek_event, but the instant to come back to is not another one.
void player_go_to_time(Player *player, int64_t time_ns);
void player_go_to_event(Player *player, uint64_t next);
void player_go_back(Player *player); // to that instant, as near as this take has it
// To a place of the timeline's axis; see player_place.
void player_seek_place(Player *player, int64_t place);
void player_step_event(Player *player, int direction);
void player_step_switch(Player *player, int direction); // of what is selected
void player_new_question(Player *player);
// Keeps `about` where it is, a place of the axis; factor below 1 shows less.
void player_zoom_about(Player *player, int64_t about, double factor);
void player_pan(Player *player, TimeSpan from, double by);

// ---- player_change.c

void player_ask_for_run(Player *player);
void player_change_cores(Player *player);
void player_change_scheduler(Player *player);
void player_change_costs(Player *player);
void player_change_seed(Player *player);
void player_change_gil(Player *player);
// Another take is shown: whether its threads could have a GIL each.
void player_look_at_gils(Player *player);

// ---- player.c

// Of the three at most one is something: the others are 0, CORE_NONE and 0.
void player_select(Player *player, uint32_t task, int core, uint32_t coroutine);
