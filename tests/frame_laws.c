#include "tests/frame_laws.h"

#include <math.h>
#include <string.h>

// ---- contrast

// https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
static double channel(Colour colour, int shift)
{
    double share = (double)(colour >> shift & 0xFF) / 255;
    return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4);
}

static double luminance(Colour colour)
{
    return 0.2126 * channel(colour, 16) + 0.7152 * channel(colour, 8) + 0.0722 * channel(colour, 0);
}

double contrast_of(Colour one, Colour other)
{
    double a = luminance(one), b = luminance(other);
    return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

static Colour mixed(Colour below, Colour above, uint8_t opacity)
{
    Colour colour = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        unsigned under = below >> shift & 0xFF, over = above >> shift & 0xFF;
        colour |= (under * (255u - opacity) + over * opacity + 127) / 255 << shift;
    }
    return colour;
}

// ---- a frame's items, with what the clip leaves of them

typedef struct Seen {
    const DrawItem *item;
    Box box; // what shows of it; of a text what its letters cover
    bool hidden;
} Seen;

typedef struct Walk {
    const DrawList *list;
    Arena *arena;
    const char *breaches;
    int count;
    ARRAY(Seen) grounds;
    ARRAY(Seen) texts;
} Walk;

static const char *place(Walk *walk, const Seen *text)
{
    return arena_format(walk->arena, "'%s' at %d,%d %dx%d", text->item->text, text->box.x,
                        text->box.y, text->box.w, text->box.h);
}

static void breach(Walk *walk, const char *what)
{
    enum { MOST = 30 };
    if (++walk->count <= MOST)
        walk->breaches = arena_format(walk->arena, "%s%s\n", walk->breaches, what);
}

// What the letters of a text cover, which is less than its line.
static Box ink_of(const DrawList *list, const DrawItem *item)
{
    FontFace face = theme_face(item->style);
    int px = theme_text_px(list->theme, item->style);
    int pen = item->box.x, base_line = item->box.y + font_ascent(list->fonts, face, px);
    int left = 1 << 30, top = 1 << 30, right = -(1 << 30), bottom = -(1 << 30);
    const char *text = item->text;
    for (uint32_t code_point; (code_point = utf8_next(&text)) != 0;) {
        const Glyph *glyph = font_glyph(list->fonts, face, px, code_point);
        if (glyph->grey != NULL) {
            int x = pen + glyph->left, y = base_line - glyph->top;
            left = x < left ? x : left;
            top = y < top ? y : top;
            right = x + glyph->width > right ? x + glyph->width : right;
            bottom = y + glyph->height > bottom ? y + glyph->height : bottom;
        }
        pen += glyph->advance;
    }
    return right < left ? (Box){0} : (Box){left, top, right - left, bottom - top};
}

static bool covers(Box outer, Box inner)
{
    return outer.x <= inner.x && outer.y <= inner.y && box_right(outer) >= box_right(inner) &&
           box_bottom(outer) >= box_bottom(inner);
}

static bool is_ground(const DrawItem *item)
{
    return item->kind == DRAW_FILL || item->kind == DRAW_HATCH;
}

// The box that an item paints, roughly for slanting lines.
static Box painted(const DrawItem *item)
{
    Box box = item->box;
    if (item->kind != DRAW_LINE)
        return box;
    if (box.w < 0)
        box = (Box){box.x + box.w, box.y, -box.w, box.h};
    if (box.h < 0)
        box = (Box){box.x, box.y + box.h, box.w, -box.h};
    if (box.w == 0)
        return (Box){box.x - item->width / 2, box.y, item->width, box.h};
    if (box.h == 0)
        return (Box){box.x, box.y - item->width / 2, box.w, item->width};
    return box;
}

// ---- the laws

// The two colours that may lie under a point: different ones only on a hatch.
static void ground_at(const Walk *walk, size_t before, int x, int y, Colour colours[static 2])
{
    size_t at = before;
    while (at > 0) {
        const Seen *ground = &walk->grounds.at[at - 1];
        if (box_has(ground->box, x, y) && ground->item->opacity == 255)
            break;
        at--;
    }
    colours[0] = colours[1] = 0;
    for (size_t i = at > 0 ? at - 1 : 0; i < before; i++) {
        const DrawItem *item = walk->grounds.at[i].item;
        if (!box_has(walk->grounds.at[i].box, x, y))
            continue;
        colours[0] = mixed(colours[0], item->colour, item->opacity);
        colours[1] =
            mixed(colours[1], item->kind == DRAW_HATCH ? item->other : item->colour, item->opacity);
    }
}

// Looks at points all over the text: its ground may change beneath it.
static void check_contrast(Walk *walk, const Seen *text)
{
    enum { COLUMNS = 9, ROWS = 3 };
    double least = 21;
    Colour worst = 0;
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        int x = text->box.x + (text->box.w - 1) * (i % COLUMNS) / (COLUMNS - 1);
        int y = text->box.y + (text->box.h - 1) * (i / COLUMNS) / (ROWS - 1);
        Colour grounds[2];
        ground_at(walk, walk->grounds.count, x, y, grounds);
        for (int k = 0; k < 2; k++) {
            Colour ink = mixed(grounds[k], text->item->colour, text->item->opacity);
            double contrast = contrast_of(ink, grounds[k]);
            worst = contrast < least ? grounds[k] : worst;
            least = contrast < least ? contrast : least;
        }
    }
    if (least < CONTRAST_LEAST)
        breach(walk, arena_format(walk->arena, "contrast %.2f: %s, #%06X on #%06X", least,
                                  place(walk, text), text->item->colour, worst));
}

static void meet_text(Walk *walk, const DrawItem *item, Box clip)
{
    Box ink = ink_of(walk->list, item), shown = box_meet(ink, clip);
    Seen text = {.item = item, .box = ink};
    if (box_empty(ink))
        return;
    if (!covers(walk->list->frame, ink))
        breach(walk, arena_format(walk->arena, "outside the frame: %s", place(walk, &text)));
    else if (box_empty(shown))
        return; // scrolled away
    else if (!covers(clip, ink))
        breach(walk, arena_format(walk->arena, "clipped: %s", place(walk, &text)));
    for (size_t i = 0; i < walk->texts.count; i++) {
        const Seen *other = &walk->texts.at[i];
        if (!other->hidden && !box_empty(box_meet(other->box, ink)))
            breach(walk, arena_format(walk->arena, "overlap: %s and %s", place(walk, other),
                                      place(walk, &text)));
    }
    if (item->cut)
        breach(walk, arena_format(walk->arena, "cut: %s", place(walk, &text)));
    check_contrast(walk, &text);
    *ARRAY_PUSH(&walk->texts) = text;
}

// What may be painted over a text: what hides it altogether; a veil over the whole frame, behind a
// dialogue, under which nothing is meant to be read; the line that marks the instant, which goes
// through everything; a rim.
static void meet_shape(Walk *walk, const DrawItem *item, Box clip)
{
    Box box = box_meet(painted(item), clip);
    if (box_empty(box))
        return;
    bool opaque = is_ground(item) && item->opacity == 255;
    bool veil = is_ground(item) && covers(box, walk->list->frame);
    bool harmless =
        item->kind == DRAW_STROKE ||
        (item->kind == DRAW_LINE && item->colour == walk->list->theme->colours[COLOUR_CURSOR]);
    for (size_t i = 0; i < walk->texts.count; i++) {
        Seen *text = &walk->texts.at[i];
        if (text->hidden || harmless || box_empty(box_meet(text->box, box)))
            continue;
        if (veil || (opaque && covers(box, text->box)))
            text->hidden = true;
        else
            breach(walk, arena_format(walk->arena, "covered in part: %s, by kind %d at %d,%d %dx%d",
                                      place(walk, text), item->kind, box.x, box.y, box.w, box.h));
    }
    if (is_ground(item))
        *ARRAY_PUSH(&walk->grounds) = (Seen){.item = item, .box = box};
}

const char *frame_breaches(const DrawList *list, Arena *arena)
{
    Walk walk = {.list = list, .arena = arena, .breaches = ""};
    Box clip = list->frame;
    for (size_t i = 0; i < list->items.count; i++) {
        const DrawItem *item = &list->items.at[i];
        if (item->kind == DRAW_CLIP)
            clip = item->box;
        else if (item->kind == DRAW_TEXT)
            meet_text(&walk, item, clip);
        else
            meet_shape(&walk, item, clip);
    }
    ARRAY_FREE(&walk.grounds);
    ARRAY_FREE(&walk.texts);
    return walk.breaches;
}
