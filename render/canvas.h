// The canvas: pixels in memory, and how a draw list becomes them. Fills are our own: a library call
// a rectangle costs more than the rectangle.
#pragma once
#include "render/draw.h"

enum { CANVAS_SIDE_MAX = 16384 };

typedef struct Canvas {
    uint32_t *pixels; // 0x00RRGGBB, row by row
    int w, h;
} Canvas;

// A black canvas; 1 <= w, h <= CANVAS_SIDE_MAX, CHECKed.
void canvas_open(Canvas *canvas, int w, int h);
// Another size, and black; with the size that it has, what is drawn stays.
void canvas_resize(Canvas *canvas, int w, int h);
void canvas_free(Canvas *canvas);
// Draws the items in their order, over what is there. What lies outside the canvas shows nowhere.
void canvas_draw(Canvas *canvas, const DrawList *list);
// The canvas as a PNG file's bytes, which the caller frees. sdl.c does it.
bool canvas_encode_png(const Canvas *canvas, unsigned char **png, size_t *count, Diag *diag);
// Writes a PNG, whole or not at all: a temporary file beside it, then a rename.
bool canvas_save_png(const Canvas *canvas, const char *path, Diag *diag);
