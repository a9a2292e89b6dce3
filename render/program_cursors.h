// Where threads and coroutines are in the program: which of them stand at each line. Part of the
// program's view.
#pragma once
#include "render/coroutine_chip.h"

enum { CURSORS_MOST = 4 };

typedef struct Cursor {
    uint32_t task;      // TaskId; 0: it is a coroutine's
    uint32_t coroutine; // serial
} Cursor;

// Who is at one line, those first that matter: the current event's, then those that run.
typedef struct LineCursors {
    Cursor at[CURSORS_MOST];
    uint32_t shown, count;
} LineCursors;

// Of the lines 1 .. `count` of the program, which are zero before. A thread that runs an event loop
// has no cursor besides those of its coroutines. Of more than 65536 coroutines only so many of the
// first are looked at: more would take longer than a frame may.
void program_cursors(const Player *player, LineCursors *lines, uint32_t count);
// The line that an operation stands at; 0: none.
uint32_t program_line(const Player *player, uint32_t op);

int cursor_width(DrawList *list, const Player *player, int width_most, Cursor cursor);
void cursor_draw(DrawList *list, const Player *player, Box box, Cursor cursor);
