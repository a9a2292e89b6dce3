// What render asks of SDL, in our own words: sdl.c is the only file that includes SDL's headers, so
// that everything else compiles, and most of it is tested, without them.
#pragma once
#include "render/canvas.h"
#include "render/font.h"
#include "render/player.h"

// A font's file, open for its glyphs.
typedef struct SdlFont SdlFont;

// NULL, with a message, when the file cannot be read or is no font.
SdlFont *sdl_font_open(const char *path, Diag *diag);
void sdl_font_close(SdlFont *font);
bool sdl_font_has(const SdlFont *font, uint32_t code_point);
// Of type `px` high: from the upper edge of a line to the base line, and of the whole line.
void sdl_font_metrics(SdlFont *font, int px, int *ascent, int *height);
// Rasterises a glyph that the font has. The caller frees `glyph->grey`, which is NULL for a blank.
// False when the library refuses.
bool sdl_font_glyph(SdlFont *font, int px, uint32_t code_point, Glyph *glyph);

// The window: shows a canvas, and gives what people do to it in the player's words.
typedef struct SdlWindow SdlWindow;

typedef enum WindowEventKind {
    WINDOW_KEY,
    WINDOW_POINTER,
    WINDOW_CHANGED, // its size, or it must be drawn again
    WINDOW_CLOSED
} WindowEventKind;

typedef struct WindowEvent {
    WindowEventKind kind;
    PlayerKey key;
    Pointer pointer;
} WindowEvent;

// `w` and `h` in points. NULL, with a message, when there is no display.
SdlWindow *sdl_window_open(const char *title, int w, int h, Diag *diag);
void sdl_window_close(SdlWindow *window);
// Its size in pixels, and how many of them are a point (1; more on high-DPI screens).
void sdl_window_size(const SdlWindow *window, int *w, int *h, float *density);
// The next event, waiting for one `wait_ms` milliseconds at most. False: none came.
bool sdl_window_event(SdlWindow *window, int wait_ms, WindowEvent *event);
void sdl_window_show(SdlWindow *window, const Canvas *canvas); // of the window's size
void sdl_window_title(SdlWindow *window, const char *title);
void sdl_window_fullscreen(SdlWindow *window, bool on);
double sdl_seconds(void); // of the wall, since some moment
