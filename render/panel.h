// What every view is made of: panels with a caption, buttons, chips for tasks. Also the colours of
// what a task does, which all views share.
#pragma once
#include "render/draw.h"
#include "render/player.h"

// Whether the window is low for its type: then edges and gaps are narrower, so that more is shown.
bool frame_is_low(const DrawList *list);

// A panel with a caption ("TIMELINE"). Returns the box inside, below the caption.
Box panel_draw(DrawList *list, Box box, const char *caption);
// The same without a caption.
Box panel_plain(DrawList *list, Box box);

typedef enum ButtonLook { BUTTON_PLAIN, BUTTON_MAIN, BUTTON_SETTING } ButtonLook;

// A button that presses `key`. As a rule its box is as wide as button_width says.
void button_draw(DrawList *list, Box box, ButtonLook look, PlayerKey key, const char *label);
int button_width(DrawList *list, ButtonLook look, const char *label);

// How a state is drawn, everywhere: its colour, and a height and hatch that say the same without
// it.
typedef enum StateShape {
    SHAPE_NONE, // not there
    SHAPE_FULL,
    SHAPE_HATCHED,
    SHAPE_HALF,
    SHAPE_THIN
} StateShape;

typedef struct StateLook {
    ColourRole colour, on; // `on`: text upon it
    StateShape shape;
    const char *legend; // "running user"
} StateLook;

const StateLook *state_look(unsigned state); // TaskState

// A task's chip: rounded, in the colour of what it does, its name in it; a click selects it.
// `selected` has a rim. A name that does not fit into `width_most` is shortened (draw_name).
// Returns the width.
int chip_draw(DrawList *list, const Player *player, int x, int y, int h, int width_most,
              uint32_t task);
int chip_width(DrawList *list, const Player *player, int width_most, uint32_t task);
