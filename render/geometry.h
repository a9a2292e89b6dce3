// Rectangles in pixels, from the upper left corner.
#pragma once
#include <stdbool.h>

typedef struct Box {
    int x, y, w, h;
} Box;

static inline bool box_has(Box box, int x, int y)
{
    return x >= box.x && y >= box.y && x < box.x + box.w && y < box.y + box.h;
}

static inline bool box_empty(Box box)
{
    return box.w <= 0 || box.h <= 0;
}

static inline int box_right(Box box)
{
    return box.x + box.w;
}

static inline int box_bottom(Box box)
{
    return box.y + box.h;
}

static inline Box box_inset(Box box, int by)
{
    return (Box){box.x + by, box.y + by, box.w - 2 * by, box.h - 2 * by};
}

static inline Box box_meet(Box a, Box b)
{
    int x = a.x > b.x ? a.x : b.x, y = a.y > b.y ? a.y : b.y;
    int right = box_right(a) < box_right(b) ? box_right(a) : box_right(b);
    int bottom = box_bottom(a) < box_bottom(b) ? box_bottom(a) : box_bottom(b);
    return (Box){x, y, right > x ? right - x : 0, bottom > y ? bottom - y : 0};
}

// Cut a strip off a box: it becomes what is left, the strip is returned. Never more than there is.
static inline Box box_cut_top(Box *box, int h)
{
    h = h < 0 ? 0 : h > box->h ? box->h : h;
    Box strip = {box->x, box->y, box->w, h};
    box->y += h;
    box->h -= h;
    return strip;
}

static inline Box box_cut_bottom(Box *box, int h)
{
    h = h < 0 ? 0 : h > box->h ? box->h : h;
    box->h -= h;
    return (Box){box->x, box->y + box->h, box->w, h};
}

static inline Box box_cut_left(Box *box, int w)
{
    w = w < 0 ? 0 : w > box->w ? box->w : w;
    Box strip = {box->x, box->y, w, box->h};
    box->x += w;
    box->w -= w;
    return strip;
}

static inline Box box_cut_right(Box *box, int w)
{
    w = w < 0 ? 0 : w > box->w ? box->w : w;
    box->w -= w;
    return (Box){box->x + box->w, box->y, w, box->h};
}
