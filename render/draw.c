#include "render/draw.h"

#include "sim/base/check.h"

#include <stdarg.h>
#include <string.h>

static const char ellipsis[] = "…";

void draw_begin(DrawList *list, Fonts *fonts, const Theme *theme, int w, int h)
{
    arena_reset(&list->arena);
    list->items.count = 0;
    list->hits.count = 0;
    list->fonts = fonts;
    list->theme = theme;
    list->frame = list->clip = (Box){0, 0, w, h};
    list->opacity = 255;
}

void draw_free(DrawList *list)
{
    ARRAY_FREE(&list->items);
    ARRAY_FREE(&list->hits);
    arena_free(&list->arena);
}

static Colour colour_of(const DrawList *list, ColourRole role)
{
    CHECKF(role < COLOUR_COUNT, "%d", (int)role);
    return list->theme->colours[role];
}

static DrawItem *add(DrawList *list, DrawKind kind, Box box)
{
    DrawItem *item = ARRAY_PUSH(&list->items);
    item->kind = (uint8_t)kind;
    item->opacity = list->opacity;
    item->box = box;
    return item;
}

static bool invisible(const DrawList *list, Box box)
{
    return box_empty(box) || list->opacity == 0;
}

// ---- shapes

void draw_fill(DrawList *list, Box box, ColourRole colour)
{
    draw_round(list, box, 0, colour);
}

void draw_round(DrawList *list, Box box, int radius, ColourRole colour)
{
    if (invisible(list, box))
        return;
    DrawItem *item = add(list, DRAW_FILL, box);
    item->radius = (uint16_t)radius;
    item->colour = colour_of(list, colour);
}

void draw_stroke(DrawList *list, Box box, int radius, int width, ColourRole colour)
{
    if (invisible(list, box) || width <= 0)
        return;
    DrawItem *item = add(list, DRAW_STROKE, box);
    item->radius = (uint16_t)radius;
    item->width = (uint16_t)width;
    item->colour = colour_of(list, colour);
}

void draw_hatch_round(DrawList *list, Box box, int radius, ColourRole stripes, ColourRole ground)
{
    if (invisible(list, box))
        return;
    const float stripe_points = 2;
    int width = theme_px(list->theme, stripe_points);
    DrawItem *item = add(list, DRAW_HATCH, box);
    item->radius = (uint16_t)radius;
    item->width = (uint16_t)(width > 0 ? width : 1);
    item->colour = colour_of(list, stripes);
    item->other = colour_of(list, ground);
}

void draw_hatch(DrawList *list, Box box, ColourRole stripes, ColourRole ground)
{
    draw_hatch_round(list, box, 0, stripes, ground);
}

void draw_line(DrawList *list, int x0, int y0, int x1, int y1, int width, int dash,
               ColourRole colour)
{
    if (list->opacity == 0 || width <= 0 || (x0 == x1 && y0 == y1))
        return;
    DrawItem *item = add(list, DRAW_LINE, (Box){x0, y0, x1 - x0, y1 - y0});
    item->width = (uint16_t)width;
    item->dash = (uint8_t)(dash > 255 ? 255 : dash);
    item->colour = colour_of(list, colour);
}

void draw_triangle(DrawList *list, Box box, int turn, ColourRole colour)
{
    if (invisible(list, box))
        return;
    DrawItem *item = add(list, DRAW_TRIANGLE, box);
    item->turn = (uint8_t)(turn & 3);
    item->colour = colour_of(list, colour);
}

// ---- state

void draw_clip(DrawList *list, Box box)
{
    list->clip = box_meet(box, list->frame);
    add(list, DRAW_CLIP, list->clip);
}

void draw_clip_end(DrawList *list)
{
    draw_clip(list, list->frame);
}

void draw_opacity(DrawList *list, uint8_t opacity)
{
    list->opacity = opacity;
}

// ---- text

int draw_text_width(DrawList *list, TextStyle style, const char *text)
{
    return font_text_width(list->fonts, theme_face(style), theme_text_px(list->theme, style), text);
}

int draw_line_height(const DrawList *list, TextStyle style)
{
    return font_height(list->fonts, theme_face(style), theme_text_px(list->theme, style));
}

// How much of `text`, up to `end`, fits into `room` pixels: its bytes, and its width in `*width`.
static size_t fitting(DrawList *list, TextStyle style, const char *text, const char *end, int room,
                      int *width)
{
    FontFace face = theme_face(style);
    int px = theme_text_px(list->theme, style);
    const char *at = text;
    *width = 0;
    while (at < end) {
        const char *next = at;
        int advance = font_glyph(list->fonts, face, px, utf8_next(&next))->advance;
        if (*width + advance > room)
            break;
        *width += advance;
        at = next;
    }
    return (size_t)(at - text);
}

// Adds `text`, which is the arena's and takes `width` pixels.
static void add_text(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
                     const char *text, int width, bool cut)
{
    int height = draw_line_height(list, style);
    int x = align == ALIGN_LEFT    ? box.x
            : align == ALIGN_RIGHT ? box_right(box) - width
                                   : box.x + (box.w - width) / 2;
    DrawItem *item = add(list, DRAW_TEXT, (Box){x, box.y + (box.h - height) / 2, width, height});
    item->style = (uint8_t)style;
    item->colour = colour_of(list, colour);
    item->text = text;
    item->cut = cut;
}

// One line from text[0..length), cut to the box; with `more` the "…" comes in any case. Returns the
// width.
static int add_line(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
                    const char *text, size_t length, bool more)
{
    int width, cut_width;
    size_t fits = fitting(list, style, text, text + length, box.w, &width);
    if (fits == length && !more) {
        add_text(list, box, align, style, colour, arena_text(&list->arena, text, length), width,
                 false);
        return width;
    }
    int dots = draw_text_width(list, style, ellipsis);
    if (dots > box.w)
        return 0;
    fits = fitting(list, style, text, text + length, box.w - dots, &cut_width);
    while (fits > 0 && strchr(" .,;:", text[fits - 1]) != NULL) {
        char last[] = {text[--fits], 0}; // "long…" rather than "long, …"
        cut_width -= draw_text_width(list, style, last);
    }
    const char *line = arena_format(&list->arena, "%.*s%s", (int)fits, text, ellipsis);
    add_text(list, box, align, style, colour, line, cut_width + dots, true);
    return cut_width + dots;
}

int draw_text(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
              const char *text)
{
    if (list->opacity == 0 || text[0] == 0)
        return 0;
    return add_line(list, box, align, style, colour, text, strlen(text), false);
}

int draw_textf(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
               const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *text = arena_vformat(&list->arena, format, values);
    va_end(values);
    return draw_text(list, box, align, style, colour, text);
}

// The number that tells a name from its like, with the stroke or the sign before it ("-12", "#12");
// its end when it has none.
static const char *number_of(const char *name)
{
    const char *end = name + strlen(name), *at = end;
    while (at > name && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at < end && at > name && (at[-1] == '-' || at[-1] == '#') ? at - 1 : at;
}

int draw_name(DrawList *list, Box box, Align align, TextStyle style, ColourRole colour,
              const char *name)
{
    int width = draw_text_width(list, style, name);
    if (width <= box.w || list->opacity == 0)
        return draw_text(list, box, align, style, colour, name);
    const char *number = number_of(name);
    int fixed = draw_text_width(list, style, ellipsis) + draw_text_width(list, style, number);
    size_t begins = fitting(list, style, name, number, box.w - fixed, &width);
    if (fixed > box.w || begins < NAME_BEGINNING)
        return draw_text(list, box, align, style, colour, name);
    const char *text = arena_format(&list->arena, "%.*s%s%s", (int)begins, name, ellipsis, number);
    add_text(list, box, align, style, colour, text, width + fixed, false);
    return width + fixed;
}

size_t draw_line_of(DrawList *list, TextStyle style, const char *text, int w, size_t *skip)
{
    size_t length = strcspn(text, "\n");
    int width;
    size_t fits = fitting(list, style, text, text + length, w, &width);
    if (fits == length) {
        *skip = text[length] == '\n';
        return length;
    }
    size_t end = fits;
    while (end > 0 && text[end] != ' ')
        end--;
    if (end == 0) { // a word longer than the line is broken where the line ends
        *skip = 0;
        const char *first = text;
        utf8_next(&first);
        return fits > 0 ? fits : (size_t)(first - text);
    }
    while (end > 0 && text[end - 1] == ' ')
        end--;
    *skip = strspn(text + end, " ");
    return end;
}

int draw_paragraph(DrawList *list, Box box, TextStyle style, ColourRole colour, const char *text)
{
    int height = draw_line_height(list, style), top = box.y;
    int last = top + box.h - height; // where the last line can begin
    while (*text != 0 && box.y <= last && list->opacity > 0) {
        size_t skip, length = draw_line_of(list, style, text, box.w, &skip);
        const char *rest = text + length + skip;
        bool more = *rest != 0 && box.y + height > last;
        Box line = {box.x, box.y, box.w, height};
        if (length > 0 || more)
            add_line(list, line, ALIGN_LEFT, style, colour, text, length, more);
        text = rest;
        box.y += height;
    }
    return box.y - top;
}

int draw_paragraph_h(DrawList *list, int w, TextStyle style, const char *text)
{
    int lines = 0;
    for (; *text != 0; lines++) {
        size_t skip, length = draw_line_of(list, style, text, w, &skip);
        text += length + skip;
    }
    return lines * draw_line_height(list, style);
}

// ---- hits

void draw_hit(DrawList *list, Box box, HitAction action, uint32_t argument)
{
    box = box_meet(box, list->clip);
    if (!box_empty(box))
        *ARRAY_PUSH(&list->hits) = (Hit){box, action, argument};
}

Hit draw_hit_at(const DrawList *list, int x, int y)
{
    for (size_t i = list->hits.count; i-- > 0;) {
        if (box_has(list->hits.at[i].box, x, y))
            return list->hits.at[i];
    }
    return (Hit){.action = HIT_NONE};
}
