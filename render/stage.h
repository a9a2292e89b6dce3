// The stage of the machine view: where each thread's chip stands in a scene. The same code places
// the chips of two scenes, the one shown and the one before, so that a chip can be drawn on its way
// from the one place to the other. What is not a chip is drawn at once, and for the scene shown
// only.
#pragma once
#include "render/coroutine_chip.h"

// More chips than this are not told apart by anybody; the rows end in "+37".
enum { STAGE_CHIPS = 512 };

typedef struct StageChip {
    uint32_t task;      // TaskId; 0: it is a coroutine's
    uint32_t coroutine; // serial
    Box box;
} StageChip;

typedef struct Stage {
    DrawList *list;
    const Player *player;
    const Scene *scene; // the one that is placed
    bool dry;           // chips are placed, nothing is drawn
    bool compact;       // the window is low: what can be left out is
    uint32_t count;
    StageChip chips[STAGE_CHIPS];
} Stage;

// What chips and the rows that they stand in are high, and the gap between them.
int stage_chip_h(const Stage *stage);
int stage_row_h(const Stage *stage);
int stage_gap(const Stage *stage);
// A row cut off the box's top, and whether it has room for one.
Box stage_row(Stage *stage, Box *box);
bool stage_has_row(const Stage *stage, Box box);

// Text in the row, whose part it becomes that is left: what it takes and a gap are cut off its left
// end. (In a dry stage too.) Nothing when the row has no room for all of it.
void stage_text(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *text);
__attribute__((format(printf, 5, 6))) void stage_textf(Stage *stage, Box *row, TextStyle style,
                                                       ColourRole colour, const char *format, ...);
// The same with a name, which is shortened when the row has no room for all of it.
void stage_label(Stage *stage, Box *row, TextStyle style, ColourRole colour, const char *name);
// Small soft text that is left out when the row has no room for all of it: what is not the point.
void stage_aside(Stage *stage, Box *row, const char *text);
// Small soft text; the same with a duration in the place of "%s".
void stage_soft(Stage *stage, Box *row, const char *text);
void stage_soft_ns(Stage *stage, Box *row, const char *format, int64_t ns);
// "+ 37 more" for those who have no room; nothing for none. And the room that it takes for at most
// so many.
void stage_more(Stage *stage, Box *row, uint32_t count);
int stage_more_w(const Stage *stage, uint32_t count);
// What somebody should see: small type on a strong ground. False, and nothing, when there is no
// room for it.
bool stage_flag(Stage *stage, Box *row, const char *text);
// A chip at the row's left end. False, and nothing, when there is no room for it.
bool stage_chip(Stage *stage, Box *row, uint32_t task);
// The same for the first of a list: rather than be left out, its name is cut to the room that there
// is, if that leaves enough of it.
bool stage_chip_first(Stage *stage, Box *row, uint32_t task);
// The same, but its name is cut to whatever room there is.
void stage_chip_cut(Stage *stage, Box *row, uint32_t task);
// A coroutine's chip at the row's left end. False, and nothing, when there is no room for it; the
// first one of a row has its name cut to the room that there is, unless that is next to none.
bool stage_coroutine(Stage *stage, Box *row, const SceneCoroutine *coroutine, bool first);
// Whether the coroutine has a chip already.
bool stage_has_coroutine(const Stage *stage, uint32_t serial);
// A name with a rim that is nobody's chip: what a callback is about, for one.
void stage_rimmed(Stage *stage, Box *row, ColourRole rim, const char *name);
// A thread that stands elsewhere, by its name with a rim: who holds a lock.
void stage_name(Stage *stage, Box *row, uint32_t task);
// The chips of a list of the scene, `count` long; "+37" for those that the row has no room for. Who
// is in the list but runs (it spins, or is about to sleep) has its chip on its core, and its name
// here.
// `note`, unless NULL, says something in small type behind each chip; false: it has nothing to say.
typedef bool (*StageNote)(const Stage *stage, const SceneTask *task, char text[static 48]);
void stage_list(Stage *stage, Box *row, uint32_t first, uint32_t count, StageNote note);

// Draws the chips of `stage` on their way from where `from` has them.
void stage_draw_chips(const Stage *stage, const Stage *from);
