#include "render/canvas.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void canvas_open(Canvas *canvas, int w, int h)
{
    CHECKF(w >= 1 && w <= CANVAS_SIDE_MAX && h >= 1 && h <= CANVAS_SIDE_MAX, "%d x %d", w, h);
    canvas->pixels = calloc((size_t)w * (size_t)h, sizeof *canvas->pixels);
    CHECKF(canvas->pixels != NULL, "out of memory for %d x %d pixels", w, h);
    canvas->w = w;
    canvas->h = h;
}

void canvas_resize(Canvas *canvas, int w, int h)
{
    if (canvas->w == w && canvas->h == h)
        return;
    canvas_free(canvas);
    canvas_open(canvas, w, h);
}

void canvas_free(Canvas *canvas)
{
    free(canvas->pixels);
    *canvas = (Canvas){0};
}

// ---- pixels

// How much of a pixel something covers, 0 to 256, so that blending shifts instead of dividing.
typedef uint32_t Cover;

enum { COVER_FULL = 256 };

static Cover cover_of(uint8_t byte)
{
    return byte + (byte >> 7);
}

static Cover cover_of_share(float share)
{
    return share <= 0 ? 0 : share >= 1 ? COVER_FULL : (Cover)(share * COVER_FULL + 0.5f);
}

// How much of the unit from `at` lies in [from, to).
static float overlap(float from, float to, int at)
{
    float low = from > (float)at ? from : (float)at;
    float high = to < (float)at + 1 ? to : (float)at + 1;
    return high > low ? high - low : 0;
}

// Red and blue in one multiplication, green in another.
static uint32_t blend(uint32_t below, Colour above, Cover cover)
{
    uint32_t red_blue = below & 0xFF00FF, green = below & 0x00FF00;
    red_blue += (((above & 0xFF00FF) - red_blue) * cover) >> 8;
    green += (((above & 0x00FF00) - green) * cover) >> 8;
    return (red_blue & 0xFF00FF) | (green & 0x00FF00);
}

// What a shape is filled with: one colour, or stripes that repeat along x + y, so that pieces of a
// timeline that lie beside each other have one hatch.
enum { STRIPES_MAX = 96 };

typedef struct Paint {
    int period; // 1: one colour
    Colour colours[STRIPES_MAX];
} Paint;

typedef struct Raster {
    Canvas *canvas;
    Box clip; // within the canvas
    Cover opacity;
    const Paint *paint;
} Raster;

static uint32_t *pixel_at(const Raster *raster, int x, int y)
{
    return raster->canvas->pixels + (size_t)y * (size_t)raster->canvas->w + x;
}

// ---- paints

// The share of the pixels with x + y = `phase` that a stripe over [0, width) of x + y covers: on
// such a pixel x + y runs over two units, most densely in the middle, hence the four samples, in
// sixths.
static float stripe_share(int phase, int width, int period)
{
    static const int samples[] = {3, 5, 7, 9};
    float share = 0;
    for (int i = 0; i < 4; i++)
        share += (6 * phase + samples[i]) % (6 * period) < 6 * width ? 0.25f : 0;
    return share;
}

static void paint_stripes(Paint *paint, const DrawItem *item)
{
    int width = item->width < STRIPES_MAX / 4 ? item->width : STRIPES_MAX / 4;
    paint->period = 4 * width;
    for (int i = 0; i < paint->period; i++) {
        float share = stripe_share(i, width, paint->period);
        paint->colours[i] = blend(item->other, item->colour, cover_of_share(share));
    }
}

// ---- spans

// `w` pixels of one colour, wholly inside the clip.
static void solid_span(uint32_t *to, int w, Colour colour, Cover cover)
{
    if (cover == COVER_FULL) {
        for (int i = 0; i < w; i++)
            to[i] = colour;
    } else {
        for (int i = 0; i < w; i++)
            to[i] = blend(to[i], colour, cover);
    }
}

static void striped_span(uint32_t *to, int x, int y, int w, const Paint *paint, Cover cover)
{
    int phase = (x + y) % paint->period;
    for (int i = 0; i < w; i++) {
        Colour colour = paint->colours[phase];
        to[i] = cover == COVER_FULL ? colour : blend(to[i], colour, cover);
        phase = phase + 1 == paint->period ? 0 : phase + 1;
    }
}

// The pixels of row `y` from `x` to before `right`.
static void span(const Raster *raster, int x, int right, int y)
{
    const Box *clip = &raster->clip;
    x = x > clip->x ? x : clip->x;
    right = right < box_right(*clip) ? right : box_right(*clip);
    if (x >= right || y < clip->y || y >= box_bottom(*clip))
        return;
    if (raster->paint->period == 1)
        solid_span(pixel_at(raster, x, y), right - x, raster->paint->colours[0], raster->opacity);
    else
        striped_span(pixel_at(raster, x, y), x, y, right - x, raster->paint, raster->opacity);
}

static void dot(const Raster *raster, int x, int y, Cover cover)
{
    if (cover == 0 || !box_has(raster->clip, x, y))
        return;
    const Paint *paint = raster->paint;
    uint32_t *to = pixel_at(raster, x, y);
    *to = blend(*to, paint->colours[(x + y) % paint->period], cover * raster->opacity >> 8);
}

static void fill_box(const Raster *raster, Box box)
{
    box = box_meet(box, raster->clip);
    if (box_empty(box))
        return;
    span(raster, box.x, box_right(box), box.y);
    bool alike = raster->paint->period == 1 && raster->opacity == COVER_FULL;
    const uint32_t *first = pixel_at(raster, box.x, box.y);
    for (int y = box.y + 1; y < box_bottom(box); y++) {
        if (alike) // the fastest way to have the same row again
            memcpy(pixel_at(raster, box.x, y), first, (size_t)box.w * sizeof *first);
        else
            span(raster, box.x, box_right(box), y);
    }
}

// ---- rounded boxes

enum { RADIUS_MAX = 64 };

// Of a quarter of a disk in the upper left corner of a square of `radius` pixels: in each of four
// samples a row, everything to the right of where the circle begins.
static void corner_covers(Cover *covers, int radius)
{
    enum { SAMPLES = 4 };
    for (int y = 0; y < radius; y++) {
        float edge[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            float up = (float)(radius - y) - ((float)i + 0.5f) / SAMPLES;
            edge[i] = (float)radius - sqrtf((float)(radius * radius) - up * up);
        }
        for (int x = 0; x < radius; x++) {
            float share = 0;
            for (int i = 0; i < SAMPLES; i++)
                share += overlap(edge[i], (float)radius, x) / SAMPLES;
            covers[y * radius + x] = cover_of_share(share);
        }
    }
}

static int radius_within(int radius, Box box)
{
    int side = box.w < box.h ? box.w : box.h;
    radius = radius < side / 2 ? radius : side / 2;
    return radius < RADIUS_MAX ? radius : RADIUS_MAX;
}

// The same covers in all four corners of a box, each turned its way.
static void four_corners(const Raster *raster, Box box, const Cover *covers, int radius)
{
    int right = box_right(box) - 1, bottom = box_bottom(box) - 1;
    for (int y = 0; y < radius; y++) {
        for (int x = 0; x < radius; x++) {
            Cover cover = covers[y * radius + x];
            dot(raster, box.x + x, box.y + y, cover);
            dot(raster, right - x, box.y + y, cover);
            dot(raster, box.x + x, bottom - y, cover);
            dot(raster, right - x, bottom - y, cover);
        }
    }
}

static void fill_round(const Raster *raster, Box box, int radius)
{
    radius = radius_within(radius, box);
    if (radius == 0) {
        fill_box(raster, box);
        return;
    }
    Cover covers[RADIUS_MAX * RADIUS_MAX];
    corner_covers(covers, radius);
    int right = box_right(box), bottom = box_bottom(box) - 1;
    for (int y = 0; y < radius; y++) {
        const Cover *row = covers + y * radius;
        int full = 0; // where the row is covered in full
        for (; full < radius && row[full] < COVER_FULL; full++) {
            dot(raster, box.x + full, box.y + y, row[full]);
            dot(raster, right - 1 - full, box.y + y, row[full]);
            dot(raster, box.x + full, bottom - y, row[full]);
            dot(raster, right - 1 - full, bottom - y, row[full]);
        }
        span(raster, box.x + full, right - full, box.y + y);
        span(raster, box.x + full, right - full, bottom - y);
    }
    fill_box(raster, (Box){box.x, box.y + radius, box.w, box.h - 2 * radius});
}

static void stroke_round(const Raster *raster, Box box, int radius, int width)
{
    if (2 * width >= box.w || 2 * width >= box.h) { // nothing is left inside
        fill_round(raster, box, radius);
        return;
    }
    radius = radius_within(radius, box);
    if (radius > 0) {
        Cover covers[RADIUS_MAX * RADIUS_MAX], inner[RADIUS_MAX * RADIUS_MAX];
        corner_covers(covers, radius);
        int hole = radius > width ? radius - width : 0; // its radius
        corner_covers(inner, hole);
        for (int y = 0; y < hole; y++) {
            for (int x = 0; x < hole; x++)
                covers[(y + width) * radius + x + width] -= inner[y * hole + x];
        }
        four_corners(raster, box, covers, radius);
    }
    // The straight parts between the corners. Where the stroke is wider than a corner, the upper
    // and lower ones reach past it and the sides begin beneath them.
    int side = radius > width ? radius : width;
    int straight = box.w - 2 * radius;
    fill_box(raster, (Box){box.x + radius, box.y, straight, width});
    fill_box(raster, (Box){box.x + radius, box_bottom(box) - width, straight, width});
    if (width > radius) {
        Box edge = {box.x, box.y + radius, radius, width - radius};
        fill_box(raster, edge);
        edge.x = box_right(box) - radius;
        fill_box(raster, edge);
        edge.y = box_bottom(box) - width;
        fill_box(raster, edge);
        edge.x = box.x;
        fill_box(raster, edge);
    }
    fill_box(raster, (Box){box.x, box.y + side, width, box.h - 2 * side});
    fill_box(raster, (Box){box_right(box) - width, box.y + side, width, box.h - 2 * side});
}

// ---- lines

// Whether a dashed line is off `along` pixels from its beginning.
static bool between_dashes(int along, int dash)
{
    return dash > 0 && along / dash % 2 == 1;
}

static void straight_line(const Raster *raster, Box line, int width, int dash)
{
    bool level = line.h == 0;
    int length = abs(level ? line.w : line.h);
    int from =
        level ? (line.w > 0 ? line.x : line.x + line.w) : (line.h > 0 ? line.y : line.y + line.h);
    int across = (level ? line.y : line.x) - width / 2;
    int step = dash > 0 ? dash : length;
    for (int at = 0; at < length; at += step) {
        if (between_dashes(at, dash))
            continue;
        int piece = length - at < step ? length - at : step;
        fill_box(raster, level ? (Box){from + at, across, piece, width}
                               : (Box){across, from + at, width, piece});
    }
}

// Goes along the axis on which the line is longer; on the other one it covers, in each step, what
// its width is there, in 256ths of a pixel. Smooth at its long edges; its ends are cut along the
// axis.
static void slanting_line(const Raster *raster, Box line, int width, int dash)
{
    bool steep = abs(line.h) > abs(line.w);
    int length = abs(steep ? line.h : line.w);
    int way = (steep ? line.h : line.w) > 0 ? 1 : -1;
    double slope = (double)(steep ? line.w : line.h) / length, stretch = sqrt(1 + slope * slope);
    int start = steep ? line.y : line.x, across = steep ? line.x : line.y;
    int half = (int)(width * stretch * 128 + 0.5);
    for (int at = 0; at < length; at++) {
        if (between_dashes((int)(at * stretch), dash))
            continue;
        int centre = across * 256 + 128 + (int)lround(slope * (at + 0.5) * 256);
        int along = way > 0 ? start + at : start - at - 1;
        for (int from = centre - half, to = centre + half; from < to;) {
            int next = (from >> 8) * 256 + 256; // where the next pixel begins
            Cover cover = (Cover)((next < to ? next : to) - from);
            dot(raster, steep ? from >> 8 : along, steep ? along : from >> 8, cover);
            from = next;
        }
    }
}

// ---- triangles

// Row by row with four samples a row; at the ends of each the pixels are partly covered.
static void fill_triangle(const Raster *raster, Box box, int turn)
{
    enum { SAMPLES = 4 };
    Box seen = box_meet(box, raster->clip);
    bool upright = turn % 2 == 1; // points up or down: its rows are centred
    for (int y = seen.y; y < box_bottom(seen); y++) {
        float from[SAMPLES], to[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            float down = ((float)(y - box.y) + ((float)i + 0.5f) / SAMPLES) / (float)box.h;
            float length = upright ? (turn == 3 ? down : 1 - down) : 1 - fabsf(2 * down - 1);
            length *= (float)box.w;
            from[i] = (float)box.x + (upright     ? ((float)box.w - length) / 2
                                      : turn == 2 ? (float)box.w - length
                                                  : 0);
            to[i] = from[i] + length;
        }
        for (int x = seen.x; x < box_right(seen); x++) {
            float share = 0;
            for (int i = 0; i < SAMPLES; i++)
                share += overlap(from[i], to[i], x) / SAMPLES;
            dot(raster, x, y, cover_of_share(share));
        }
    }
}

// ---- text

static void draw_glyph(const Raster *raster, const Glyph *glyph, int pen, int base_line)
{
    Box box = {pen + glyph->left, base_line - glyph->top, glyph->width, glyph->height};
    Box seen = box_meet(box, raster->clip);
    Colour colour = raster->paint->colours[0];
    for (int y = seen.y; y < box_bottom(seen); y++) {
        const uint8_t *grey = glyph->grey + (y - box.y) * box.w + (seen.x - box.x);
        uint32_t *to = pixel_at(raster, seen.x, y);
        for (int i = 0; i < seen.w; i++) {
            Cover cover = cover_of(grey[i]) * raster->opacity >> 8;
            if (cover == COVER_FULL)
                to[i] = colour;
            else if (cover > 0)
                to[i] = blend(to[i], colour, cover);
        }
    }
}

static void write_text(const Raster *raster, const DrawItem *item, const DrawList *list)
{
    if (box_empty(box_meet(item->box, raster->clip)))
        return;
    FontFace face = theme_face(item->style);
    int px = theme_text_px(list->theme, item->style);
    int base_line = item->box.y + font_ascent(list->fonts, face, px);
    int pen = item->box.x;
    const char *text = item->text;
    for (uint32_t code_point; (code_point = utf8_next(&text)) != 0;) {
        const Glyph *glyph = font_glyph(list->fonts, face, px, code_point);
        if (glyph->grey != NULL)
            draw_glyph(raster, glyph, pen, base_line);
        pen += glyph->advance;
    }
}

// ---- the list

static void draw_item(Raster *raster, const DrawItem *item, const DrawList *list)
{
    Paint paint;
    paint.period = 1;
    paint.colours[0] = item->colour;
    if (item->kind == DRAW_HATCH)
        paint_stripes(&paint, item);
    raster->paint = &paint;
    raster->opacity = cover_of(item->opacity);
    switch ((DrawKind)item->kind) {
    case DRAW_FILL:
    case DRAW_HATCH:
        fill_round(raster, item->box, item->radius);
        return;
    case DRAW_STROKE:
        stroke_round(raster, item->box, item->radius, item->width);
        return;
    case DRAW_LINE:
        if (item->box.w == 0 || item->box.h == 0)
            straight_line(raster, item->box, item->width, item->dash);
        else
            slanting_line(raster, item->box, item->width, item->dash);
        return;
    case DRAW_TRIANGLE:
        fill_triangle(raster, item->box, item->turn);
        return;
    case DRAW_TEXT:
        write_text(raster, item, list);
        return;
    case DRAW_CLIP:
        raster->clip = box_meet(item->box, (Box){0, 0, raster->canvas->w, raster->canvas->h});
        return;
    }
    CHECKF(false, "kind %d", item->kind);
}

void canvas_draw(Canvas *canvas, const DrawList *list)
{
    Raster raster = {.canvas = canvas, .clip = {0, 0, canvas->w, canvas->h}};
    for (size_t i = 0; i < list->items.count; i++)
        draw_item(&raster, &list->items.at[i], list);
}
