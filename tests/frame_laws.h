// What every frame must keep, whatever it shows, read from its draw list: no text on another text,
// none that is half hidden, outside the frame, hard to read or cut at its end. (A long name may be
// shortened so that its beginning and its number stay, see draw_name.)
#pragma once
#include "render/draw.h"

// The contrast of two colours, 1 to 21, as WCAG 2 defines it.
double contrast_of(Colour one, Colour other);

// Text and its ground have at least this contrast (WCAG 2, level AA).
#define CONTRAST_LEAST 4.5

// All breaches of the laws in the frame, one a line, "" when there is none. `arena` holds the text.
const char *frame_breaches(const DrawList *list, Arena *arena);
