// Fonts: the faces that the themes name, found on the system (Inter and JetBrains Mono, else
// DejaVu), and their glyphs as grey pictures. The library behind it is sdl.c's.
#pragma once
#include "render/theme.h"
#include "sim/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

// A rasterised glyph. `grey` is width * height, 0 to 255, valid until fonts_close.
typedef struct Glyph {
    const uint8_t *grey;
    int16_t width, height;
    int16_t left, top; // where it begins, from the pen on the base line (top: upwards)
    int16_t advance;   // to the next glyph's pen, pixels
} Glyph;

typedef struct Fonts Fonts;

// Finds the faces. On false `diag` says what to install.
bool fonts_open(Fonts **fonts, Diag *diag);
void fonts_close(Fonts *fonts);
// The glyph of a code point; a box for those that no face has. Cached.
const Glyph *font_glyph(Fonts *fonts, FontFace face, int px, uint32_t code_point);
int font_ascent(Fonts *fonts, FontFace face, int px);
int font_height(Fonts *fonts, FontFace face, int px); // of a line
// Width of UTF-8 text in pixels; stray bytes count as U+FFFD.
int font_text_width(Fonts *fonts, FontFace face, int px, const char *text);
// The next code point of UTF-8 text, which moves on; 0 at its end, U+FFFD for stray bytes.
uint32_t utf8_next(const char **text);
