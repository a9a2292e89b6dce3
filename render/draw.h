// The draw list: what a frame consists of, in order, as plain data that canvas.c rasterises, tests
// read and nobody else interprets. Also where a click does what: the hits of a frame.
#pragma once
#include "render/font.h"
#include "render/geometry.h"
#include "render/theme.h"
#include "sim/base/arena.h"
#include "sim/base/array.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum DrawKind {
    DRAW_FILL,   // box, radius
    DRAW_STROKE, // box's edge, inside it; radius, width
    DRAW_HATCH,  // box, radius; slanting stripes of `colour`, `width` wide, on `other`
    DRAW_LINE, // from (box.x, box.y) to (box.x + box.w, box.y + box.h); width; `dash` pixels on and
               // off, 0: solid
    DRAW_TRIANGLE, // points to the right (`turn` 0), down (1), left (2) or up (3), filling the box
    DRAW_TEXT,     // box is the text's own, measured
    DRAW_CLIP,     // what follows shows only inside box, until the next DRAW_CLIP
} DrawKind;

typedef struct DrawItem {
    uint8_t kind;  // DrawKind
    uint8_t style; // TextStyle
    uint8_t turn, dash;
    uint16_t radius, width;
    Colour colour, other;
    uint8_t opacity; // 255: opaque
    bool cut;        // text that did not fit and ends in "…"
    Box box;
    const char *text; // in the frame's arena
} DrawItem;

// What a click, a drag or a hover can mean. The views add rows; player.c acts on them.
// X(ID, "what it does, for the help and for tests")
#define HIT_ACTIONS(X)                                                                             \
    X(NONE, "")                                                                                    \
    X(KEY, "as pressing the key `argument`")                                                       \
    X(TASK, "selects the task `argument`")                                                         \
    X(COROUTINE, "selects the coroutine `argument`, a serial")                                     \
    X(CORE, "selects the core `argument`")                                                         \
    X(LINE, "goes to the next time that line `argument` is begun")                                 \
    X(TIMELINE, "goes to the instant, selects the task `argument`; dragging pans, with Shift "     \
                "marks a stretch; the wheel zooms")                                                \
    X(ROWS, "the wheel scrolls the timeline's rows, the first at most `argument`")                 \
    X(SCROLL, "dragging scrolls the timeline's rows, the first at most `argument`")                \
    X(PROGRAM, "the wheel scrolls the program, whose first line shown is `argument`")              \
    X(SEEK, "goes to the instant under the pointer, along the whole run")

typedef enum HitAction {
#define X(id, text) HIT_##id,
    HIT_ACTIONS(X)
#undef X
} HitAction;

typedef struct Hit {
    Box box;
    HitAction action;
    uint32_t argument;
} Hit;

typedef struct DrawList {
    ARRAY(DrawItem) items;
    ARRAY(Hit) hits;
    Arena arena; // texts; emptied when the next frame begins
    Box frame;   // all of it
    Box clip;
    uint8_t opacity;
    Fonts *fonts;
    const Theme *theme;
} DrawList;

// An empty list for a frame of `w` x `h` pixels. Keeps the memory of the frame before.
void draw_begin(DrawList *list, Fonts *fonts, const Theme *theme, int w, int h);
void draw_free(DrawList *list);

void draw_fill(DrawList *list, Box box, ColourRole colour);
void draw_round(DrawList *list, Box box, int radius, ColourRole colour);
void draw_stroke(DrawList *list, Box box, int radius, int width, ColourRole colour);
void draw_hatch(DrawList *list, Box box, ColourRole stripes, ColourRole ground);
void draw_hatch_round(DrawList *list, Box box, int radius, ColourRole stripes, ColourRole ground);
void draw_line(DrawList *list, int x0, int y0, int x1, int y1, int width, int dash,
               ColourRole colour);
void draw_triangle(DrawList *list, Box box, int turn, ColourRole colour);
void draw_clip(DrawList *list, Box box);            // meets the whole frame
void draw_clip_end(DrawList *list);                 // back to the whole frame
void draw_opacity(DrawList *list, uint8_t opacity); // of what follows; 255 at the frame's beginning

typedef enum Align { ALIGN_LEFT, ALIGN_CENTRE, ALIGN_RIGHT } Align;

// One line of text in `box`, centred upright; what does not fit is cut and ends in "…". Returns the
// width that it took. The text is copied.
int draw_text(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
              const char *text);
__attribute__((format(printf, 6, 7))) int draw_textf(DrawList *list, Box box, Align align,
                                                     TextStyle style, ColourRole colour,
                                                     const char *format, ...);
// A name in one line. Of one that does not fit the middle is left out, so that what tells it from
// others stays: its beginning and its number ("conne…-12"). That counts as cut only when less of
// its beginning has room than NAME_BEGINNING characters.
enum { NAME_BEGINNING = 1 };
int draw_name(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
              const char *name);
// Several lines, broken between words, at most as fit into the box (the last one then ends in "…").
// Returns the height that they took.
int draw_paragraph(DrawList *list, Box box, TextStyle style, ColourRole colour, const char *text);
// The height that it takes when it has all the lines that it needs, `w` pixels wide.
int draw_paragraph_h(DrawList *list, int w, TextStyle style, const char *text);
// The bytes of the next line of a paragraph: as many words as fit into `w` pixels, at least one
// character; a line break ends it. `*skip` is how much follows that no line shows: the blanks or
// the break between two lines.
size_t draw_line_of(DrawList *list, TextStyle style, const char *text, int w, size_t *skip);
int draw_text_width(DrawList *list, TextStyle style, const char *text);
int draw_line_height(const DrawList *list, TextStyle style);

void draw_hit(DrawList *list, Box box, HitAction action, uint32_t argument);
// The last hit under the point, HIT_NONE when there is none.
Hit draw_hit_at(const DrawList *list, int x, int y);
