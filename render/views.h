// The views: each draws one part of the window into a box of the draw list, from the player alone.
#pragma once
#include "render/draw.h"
#include "render/player.h"

// The whole window. The only one that knows where the others are.
void layout_draw(DrawList *list, int w, int h, const Player *player);

void view_header(DrawList *list, Box box, const Player *player);    // title, machine, settings
void view_machine(DrawList *list, Box box, const Player *player);   // the cross-section
void view_now(DrawList *list, Box box, const Player *player);       // event, why, what comes next
void view_program(DrawList *list, Box box, const Player *player);   // the text and the cursors
void view_timeline(DrawList *list, Box box, const Player *player);  // cores, threads, time
void view_transport(DrawList *list, Box box, const Player *player); // buttons, speed, the whole run
void view_help(DrawList *list, Box box, const Player *player);      // over everything
