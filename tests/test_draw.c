// The draw list: what the builder makes of boxes, lines of text, paragraphs and hits.
#include "render/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

typedef struct Frame {
    DrawList list;
    Theme theme;
    Fonts *fonts;
} Frame;

static int frame_open(void **state)
{
    Frame *frame = calloc(1, sizeof *frame);
    Diag diag = {0};
    if (!fonts_open(&frame->fonts, &diag))
        fail_msg("%s", diag_text(&diag));
    diag_free(&diag);
    frame->theme = theme_make(THEME_LIGHT, 0, 1);
    draw_begin(&frame->list, frame->fonts, &frame->theme, 800, 600);
    *state = frame;
    return 0;
}

static int frame_close(void **state)
{
    Frame *frame = *state;
    draw_free(&frame->list);
    fonts_close(frame->fonts);
    free(frame);
    return 0;
}

static const DrawItem *last(const DrawList *list)
{
    assert_true(list->items.count > 0);
    return &list->items.at[list->items.count - 1];
}

static void items_are_what_was_asked_for(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    draw_fill(list, (Box){1, 2, 3, 4}, COLOUR_PANEL);
    draw_opacity(list, 77);
    draw_stroke(list, (Box){5, 6, 7, 8}, 3, 2, COLOUR_TEXT);
    assert_int_equal(list->items.count, 2);
    const DrawItem *fill = &list->items.at[0], *stroke = &list->items.at[1];
    assert_int_equal(fill->kind, DRAW_FILL);
    assert_int_equal(fill->colour, frame->theme.colours[COLOUR_PANEL]);
    assert_int_equal(fill->opacity, 255);
    assert_memory_equal(&fill->box, (&(Box){1, 2, 3, 4}), sizeof(Box));
    assert_true(stroke->kind == DRAW_STROKE && stroke->radius == 3 && stroke->width == 2);
    assert_int_equal(stroke->opacity, 77);
}

static void what_nobody_sees_is_no_item(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    draw_fill(list, (Box){1, 2, 0, 4}, COLOUR_PANEL);
    draw_round(list, (Box){1, 2, 3, -4}, 2, COLOUR_PANEL);
    draw_stroke(list, (Box){1, 2, 3, 4}, 2, 0, COLOUR_PANEL);
    draw_line(list, 5, 5, 5, 5, 1, 0, COLOUR_PANEL);
    draw_text(list, (Box){0, 0, 50, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "");
    draw_opacity(list, 0);
    draw_fill(list, (Box){1, 2, 3, 4}, COLOUR_PANEL);
    draw_text(list, (Box){0, 0, 50, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "a");
    draw_paragraph(list, (Box){0, 0, 50, 20}, STYLE_BODY, COLOUR_TEXT, "a");
    assert_int_equal(list->items.count, 0);
}

// ---- lines of text

static void text_is_aligned_and_centred(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    const Box box = {100, 50, 300, 40};
    int width = draw_text_width(list, STYLE_MONO, "core 0");
    int height = draw_line_height(list, STYLE_MONO);
    const int x[] = {100, 100 + (300 - width) / 2, 400 - width};
    for (int align = ALIGN_LEFT; align <= ALIGN_RIGHT; align++) {
        assert_int_equal(draw_text(list, box, (Align)align, STYLE_MONO, COLOUR_TEXT, "core 0"),
                         width);
        const DrawItem *item = last(list);
        assert_string_equal(item->text, "core 0");
        assert_false(item->cut);
        assert_int_equal(item->box.x, x[align]);
        assert_int_equal(item->box.y, 50 + (40 - height) / 2);
        assert_true(item->box.w == width && item->box.h == height);
    }
    int count = draw_textf(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "%s %d", "core", 0);
    assert_int_equal(count, width);
    assert_string_equal(last(list)->text, "core 0");
}

static void long_text_ends_in_an_ellipsis(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    // In a face of one width w, a box of 7 w holds six characters and the "…".
    int one = draw_text_width(list, STYLE_MONO, "x");
    Box box = {0, 0, 7 * one, 20};
    assert_int_equal(draw_text(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "abcdefgh"),
                     7 * one);
    assert_string_equal(last(list)->text, "abcdef…");
    assert_true(last(list)->cut);
    draw_text(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "abcdefg"); // fits exactly
    assert_string_equal(last(list)->text, "abcdefg");
    assert_false(last(list)->cut);
    draw_text(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "µµµµµµµµ"); // two bytes each
    assert_string_equal(last(list)->text, "µµµµµµ…");
    draw_text(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "abc, defghi");
    assert_string_equal(last(list)->text, "abc, d…");
    draw_text(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "abcd, efghi");
    assert_string_equal(last(list)->text, "abcd…"); // no blank, no comma before it
    assert_int_equal(last(list)->box.w, 5 * one);
    // No room even for the "…": nothing.
    size_t count = list->items.count;
    assert_int_equal(
        draw_text(list, (Box){0, 0, 2, 20}, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "abc"), 0);
    assert_int_equal(list->items.count, count);
}

// What is left out of a name is its middle: 9 columns hold five letters, "…" and "-12".
static void names_keep_their_beginning_and_number(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    int one = draw_text_width(list, STYLE_MONO, "x");
    static const struct {
        int columns;
        const char *name, *shown;
        bool cut;
    } names[] = {
        {9, "client-12", "client-12", false},         {9, "connection-12", "conne…-12", false},
        {9, "connections", "connecti…", false},       {9, "connection12", "connec…12", false},
        {4, "connection-12", "con…", true},           {6, "connection-12", "co…-12", false},
        {9, "a-very-long-one-7", "a-very…-7", false}, {9, "1234567890123", "12345678…", true}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Box box = {0, 0, names[i].columns * one, 20};
        int w = draw_name(list, box, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, names[i].name);
        assert_string_equal(last(list)->text, names[i].shown);
        assert_int_equal(last(list)->cut, names[i].cut);
        assert_true(w <= box.w && w == last(list)->box.w);
    }
}

// ---- paragraphs

static void check_paragraph(Frame *frame, int columns, int lines, const char *text,
                            const char *const *expected, int count)
{
    DrawList *list = &frame->list;
    draw_begin(list, frame->fonts, &frame->theme, 800, 600);
    int one = draw_text_width(list, STYLE_MONO, "x"), height = draw_line_height(list, STYLE_MONO);
    Box box = {10, 20, columns * one, lines * height};
    assert_int_equal(draw_paragraph(list, box, STYLE_MONO, COLOUR_TEXT, text), count * height);
    if (count < lines) // all of it has room
        assert_int_equal(draw_paragraph_h(list, box.w, STYLE_MONO, text), count * height);
    size_t item = 0;
    for (int i = 0; i < count; i++) {
        if (expected[i][0] == 0)
            continue; // an empty line is no item
        assert_true(item < list->items.count);
        assert_string_equal(list->items.at[item].text, expected[i]);
        assert_int_equal(list->items.at[item].box.x, 10);
        assert_int_equal(list->items.at[item].box.y, 20 + i * height);
        item++;
    }
    assert_int_equal(list->items.count, item);
}

#define CHECK_PARAGRAPH(columns, lines, text, ...)                                                 \
    check_paragraph(*state, columns, lines, text, (const char *const[]){__VA_ARGS__},              \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void paragraphs_break_between_words(void **state)
{
    CHECK_PARAGRAPH(10, 9, "one two three four", "one two", "three four");
    CHECK_PARAGRAPH(10, 9, "one  two   three four", "one  two", "three four");
    CHECK_PARAGRAPH(3, 9, "one two", "one", "two");
    CHECK_PARAGRAPH(20, 9, "one\ntwo\n\nthree", "one", "two", "", "three");
    CHECK_PARAGRAPH(4, 9, "a abcdefghij b", "a", "abcd", "efgh", "ij b");
    CHECK_PARAGRAPH(3, 9, "µµµµ", "µµµ", "µ");
    CHECK_PARAGRAPH(20, 9, "one\n", "one");
}

static void a_full_paragraph_ends_in_an_ellipsis(void **state)
{
    CHECK_PARAGRAPH(10, 2, "one two three four five six", "one two", "three fou…");
    CHECK_PARAGRAPH(12, 2, "one two three four, five six", "one two", "three four…");
    CHECK_PARAGRAPH(10, 1, "one two", "one two");
    CHECK_PARAGRAPH(10, 2, "one\ntwo\nthree", "one", "two…");
    Frame *frame = *state;
    assert_true(last(&frame->list)->cut);
    Box low = {0, 0, 100, 5};
    assert_int_equal(draw_paragraph(&frame->list, low, STYLE_MONO, COLOUR_TEXT, "one"), 0);
}

// ---- hits

static void the_last_hit_wins(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    draw_hit(list, (Box){0, 0, 100, 100}, HIT_CORE, 1);
    draw_hit(list, (Box){50, 50, 100, 100}, HIT_TASK, 2);
    assert_int_equal(draw_hit_at(list, 20, 20).action, HIT_CORE);
    assert_int_equal(draw_hit_at(list, 60, 60).action, HIT_TASK);
    assert_int_equal(draw_hit_at(list, 60, 60).argument, 2);
    assert_int_equal(draw_hit_at(list, 149, 149).action, HIT_TASK);
    assert_int_equal(draw_hit_at(list, 150, 149).action, HIT_NONE);
}

static void hits_are_clipped_like_what_is_seen(void **state)
{
    Frame *frame = *state;
    DrawList *list = &frame->list;
    draw_clip(list, (Box){10, 10, 20, 20});
    draw_hit(list, (Box){0, 0, 100, 100}, HIT_CORE, 1);
    draw_hit(list, (Box){40, 40, 10, 10}, HIT_CORE, 2);
    draw_clip_end(list);
    assert_int_equal(list->hits.count, 1);
    assert_int_equal(draw_hit_at(list, 29, 29).argument, 1);
    assert_int_equal(draw_hit_at(list, 30, 29).action, HIT_NONE);
    draw_hit(list, (Box){700, 500, 1000, 1000}, HIT_TASK, 3); // and by the frame
    assert_int_equal(draw_hit_at(list, 799, 599).action, HIT_TASK);
    assert_int_equal(draw_hit_at(list, 800, 599).action, HIT_NONE);
}

// ---- memory

static void draw_a_frame(Frame *frame)
{
    DrawList *list = &frame->list;
    draw_begin(list, frame->fonts, &frame->theme, 800, 600);
    for (int i = 0; i < 5000; i++) {
        draw_fill(list, (Box){i % 700, i / 700, 5, 5}, COLOUR_PANEL);
        draw_textf(list, (Box){0, 0, 500, 20}, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "line %d", i);
        draw_hit(list, (Box){i % 700, 0, 5, 5}, HIT_TASK, (uint32_t)i);
    }
}

static void a_frame_keeps_the_memory_of_the_last(void **state)
{
    Frame *frame = *state;
    draw_a_frame(frame);
    draw_a_frame(frame); // now the arena is one block
    const DrawItem *items = frame->list.items.at;
    const Hit *hits = frame->list.hits.at;
    const ArenaBlock *block = frame->list.arena.block;
    size_t bytes = frame->list.arena.bytes;
    for (int i = 0; i < 3; i++)
        draw_a_frame(frame);
    assert_ptr_equal(frame->list.items.at, items);
    assert_ptr_equal(frame->list.hits.at, hits);
    assert_ptr_equal(frame->list.arena.block, block);
    assert_int_equal(frame->list.arena.bytes, bytes);
    assert_string_equal(last(&frame->list)->text, "line 4999");
}

#define FRAME_TEST(function) cmocka_unit_test_setup_teardown(function, frame_open, frame_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST(items_are_what_was_asked_for),
        FRAME_TEST(what_nobody_sees_is_no_item),
        FRAME_TEST(text_is_aligned_and_centred),
        FRAME_TEST(long_text_ends_in_an_ellipsis),
        FRAME_TEST(names_keep_their_beginning_and_number),
        FRAME_TEST(paragraphs_break_between_words),
        FRAME_TEST(a_full_paragraph_ends_in_an_ellipsis),
        FRAME_TEST(the_last_hit_wins),
        FRAME_TEST(hits_are_clipped_like_what_is_seen),
        FRAME_TEST(a_frame_keeps_the_memory_of_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
