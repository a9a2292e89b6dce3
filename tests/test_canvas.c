// The canvas: which pixels each kind of item covers, by areas that can be worked out by hand.
#include "render/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 64, BLACK = 0x000000, WHITE = 0xFFFFFF };

// White items on a black canvas: a pixel's blue is how much of it is covered, in 255ths.
typedef struct Sheet {
    Canvas canvas;
    DrawList list;
    Theme theme;
} Sheet;

static void sheet_open(Sheet *sheet)
{
    *sheet = (Sheet){0};
    canvas_open(&sheet->canvas, SIDE, SIDE);
    sheet->theme = theme_make(THEME_LIGHT, 0, 1);
    sheet->theme.colours[COLOUR_TEXT] = WHITE;
    sheet->theme.colours[COLOUR_GROUND] = BLACK;
    draw_begin(&sheet->list, NULL, &sheet->theme, SIDE, SIDE);
}

static void sheet_close(Sheet *sheet)
{
    draw_free(&sheet->list);
    canvas_free(&sheet->canvas);
}

static void sheet_draw(Sheet *sheet)
{
    memset(sheet->canvas.pixels, 0, sizeof(uint32_t) * SIDE * SIDE);
    canvas_draw(&sheet->canvas, &sheet->list);
    draw_begin(&sheet->list, NULL, &sheet->theme, SIDE, SIDE);
}

static int at(const Sheet *sheet, int x, int y)
{
    uint32_t pixel = sheet->canvas.pixels[y * SIDE + x];
    assert_true((pixel >> 8 & 0xFF) == (pixel & 0xFF) && pixel >> 16 == (pixel & 0xFF)); // grey
    return (int)(pixel & 0xFF);
}

// Pixels' worth of ink in a box.
static double ink(const Sheet *sheet, Box box)
{
    double sum = 0;
    for (int y = box.y; y < box_bottom(box); y++) {
        for (int x = box.x; x < box_right(box); x++)
            sum += at(sheet, x, y) / 255.0;
    }
    return sum;
}

static const Box everything = {0, 0, SIDE, SIDE};

static void check_ink(const Sheet *sheet, double expected, double within)
{
    double found = ink(sheet, everything);
    if (fabs(found - expected) > within)
        fail_msg("%.2f pixels of ink, expected %.2f within %.2f", found, expected, within);
}

// ---- fills

static void a_fill_covers_its_box_and_nothing_else(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_fill(&sheet.list, (Box){3, 5, 10, 7}, COLOUR_TEXT);
    sheet_draw(&sheet);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++)
            assert_int_equal(at(&sheet, x, y), x >= 3 && x < 13 && y >= 5 && y < 12 ? 255 : 0);
    }
    sheet_close(&sheet);
}

static void colours_keep_their_channels(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    sheet.theme.colours[COLOUR_TEXT] = 0x123456;
    draw_fill(&sheet.list, (Box){0, 0, 1, 1}, COLOUR_TEXT);
    sheet_draw(&sheet);
    assert_int_equal(sheet.canvas.pixels[0], 0x123456);
    sheet_close(&sheet);
}

static void what_lies_outside_shows_nowhere(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_fill(&sheet.list, (Box){-1000000, -1000000, 1000004, 1000003}, COLOUR_TEXT); // 4 x 3 left
    draw_fill(&sheet.list, (Box){SIDE - 2, SIDE - 5, 1 << 30, 1 << 30}, COLOUR_TEXT); // 2 x 5
    draw_round(&sheet.list, (Box){-50, 20, 40, 20}, 8, COLOUR_TEXT);
    draw_stroke(&sheet.list, (Box){SIDE, 0, 20, 20}, 4, 2, COLOUR_TEXT);
    draw_line(&sheet.list, -10, -20, -30, 900, 3, 0, COLOUR_TEXT);
    draw_triangle(&sheet.list, (Box){0, SIDE, 30, 30}, 0, COLOUR_TEXT);
    sheet_draw(&sheet);
    check_ink(&sheet, 4 * 3 + 2 * 5, 0);
    sheet_close(&sheet);
}

static void a_clip_holds_until_the_next(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_clip(&sheet.list, (Box){10, 10, 4, 4});
    draw_fill(&sheet.list, everything, COLOUR_TEXT);
    draw_stroke(&sheet.list, everything, 6, 2, COLOUR_TEXT);
    draw_clip(&sheet.list, (Box){20, 10, 3, 3});
    draw_fill(&sheet.list, everything, COLOUR_TEXT);
    draw_clip_end(&sheet.list);
    draw_fill(&sheet.list, (Box){63, 63, 1, 1}, COLOUR_TEXT);
    sheet_draw(&sheet);
    check_ink(&sheet, 16 + 9 + 1, 0);
    assert_int_equal(at(&sheet, 13, 13), 255);
    assert_int_equal(at(&sheet, 22, 12), 255);
    sheet_close(&sheet);
}

static void opacity_is_a_share(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    // 128 of 255 of white over black is 128, and once more over that 128 + 128 * 127 / 255 =
    // 191.75.
    draw_opacity(&sheet.list, 128);
    draw_fill(&sheet.list, (Box){0, 0, 2, 1}, COLOUR_TEXT);
    draw_fill(&sheet.list, (Box){1, 0, 1, 1}, COLOUR_TEXT);
    draw_opacity(&sheet.list, 0);
    draw_fill(&sheet.list, everything, COLOUR_TEXT);
    draw_opacity(&sheet.list, 255);
    draw_fill(&sheet.list, (Box){2, 0, 1, 1}, COLOUR_TEXT);
    sheet_draw(&sheet);
    assert_in_range(at(&sheet, 0, 0), 127, 129); // one level of rounding
    assert_in_range(at(&sheet, 1, 0), 191, 193);
    assert_int_equal(at(&sheet, 2, 0), 255);
    assert_int_equal(at(&sheet, 3, 0), 0);
    sheet_close(&sheet);
}

// ---- rounded boxes

static void round_corners_are_quarters_of_a_disk(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    for (int radius = 2; radius <= 20; radius++) {
        draw_round(&sheet.list, (Box){2, 2, 60, 50}, radius, COLOUR_TEXT);
        sheet_draw(&sheet);
        // Each corner leaves out a square less a quarter of a disk: (1 - pi / 4) r^2.
        check_ink(&sheet, 60 * 50 - 4 * (1 - M_PI / 4) * radius * radius, 4 * 0.05);
        assert_int_equal(at(&sheet, 2 + radius, 2), 255);
        for (int i = 0; i < radius; i++) { // the four corners are mirrored
            assert_int_equal(at(&sheet, 2 + i, 3), at(&sheet, 61 - i, 3));
            assert_int_equal(at(&sheet, 2 + i, 3), at(&sheet, 61 - i, 50));
            assert_int_equal(at(&sheet, 2 + i, 3), at(&sheet, 2 + i, 50));
        }
    }
    draw_round(&sheet.list, (Box){2, 2, 40, 40}, 99, COLOUR_TEXT); // a disk at most
    sheet_draw(&sheet);
    check_ink(&sheet, M_PI * 20 * 20, 3);
    sheet_close(&sheet);
}

static void a_stroke_is_the_edge_inside_the_box(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_opacity(&sheet.list, 128); // shows a pixel that is drawn twice
    draw_stroke(&sheet.list, (Box){4, 4, 30, 20}, 0, 3, COLOUR_TEXT);
    sheet_draw(&sheet);
    // 30 x 20 less 24 x 14 is 264 pixels, each half covered.
    check_ink(&sheet, 264 * 128 / 255.0, 264 / 255.0);
    assert_int_equal(ink(&sheet, (Box){7, 7, 24, 14}), 0);
    // Wider than its corner: the outer corners are round, the inner ones are not.
    draw_opacity(&sheet.list, 128);
    draw_stroke(&sheet.list, (Box){4, 4, 30, 20}, 2, 5, COLOUR_TEXT);
    sheet_draw(&sheet);
    for (int y = 4; y < 24; y++) {
        for (int x = 4; x < 34; x++)
            assert_true(at(&sheet, x, y) <= 129);
    }
    // 30 x 20 less 20 x 10 is 400, less four corners of (1 - pi / 4) * 4 = 0.86 each.
    check_ink(&sheet, (400 - 4 * 0.86) * 128 / 255.0, 2);
    assert_int_equal(ink(&sheet, (Box){9, 9, 20, 10}), 0);
    sheet_close(&sheet);
}

static void a_round_stroke_is_a_ring(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_stroke(&sheet.list, (Box){2, 2, 60, 60}, 30, 6, COLOUR_TEXT);
    sheet_draw(&sheet);
    check_ink(&sheet, M_PI * (30 * 30 - 24 * 24), 3);
    // A stroke as wide as its box is the box.
    draw_stroke(&sheet.list, (Box){2, 2, 10, 10}, 0, 5, COLOUR_TEXT);
    sheet_draw(&sheet);
    check_ink(&sheet, 100, 0);
    sheet_close(&sheet);
}

// ---- hatch

static void hatches_side_by_side_are_one(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    uint32_t *whole = malloc(sizeof(uint32_t) * SIDE * SIDE);
    assert_non_null(whole);
    draw_hatch(&sheet.list, (Box){5, 5, 50, 20}, COLOUR_TEXT, COLOUR_GROUND);
    sheet_draw(&sheet);
    memcpy(whole, sheet.canvas.pixels, sizeof(uint32_t) * SIDE * SIDE);
    draw_hatch(&sheet.list, (Box){5, 5, 13, 20}, COLOUR_TEXT, COLOUR_GROUND);
    draw_hatch(&sheet.list, (Box){18, 5, 37, 9}, COLOUR_TEXT, COLOUR_GROUND);
    draw_hatch(&sheet.list, (Box){18, 14, 37, 11}, COLOUR_TEXT, COLOUR_GROUND);
    sheet_draw(&sheet);
    assert_memory_equal(whole, sheet.canvas.pixels, sizeof(uint32_t) * SIDE * SIDE);
    free(whole);
    sheet_close(&sheet);
}

static void a_quarter_of_a_hatch_is_stripes(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    // Stripes of 2 every 8 along x + y: 40 x 40 pixels hold whole periods in every row.
    draw_hatch(&sheet.list, (Box){0, 0, 40, 40}, COLOUR_TEXT, COLOUR_GROUND);
    sheet_draw(&sheet);
    check_ink(&sheet, 400, 8);
    int most = 0, least = 255;
    for (int x = 0; x < 8; x++) {
        most = at(&sheet, x, 0) > most ? at(&sheet, x, 0) : most;
        least = at(&sheet, x, 0) < least ? at(&sheet, x, 0) : least;
        assert_int_equal(at(&sheet, x + 1, 0), at(&sheet, x, 1)); // they slant
    }
    assert_true(most == 255 && least == 0);
    sheet_close(&sheet);
}

// ---- lines and triangles

static void level_and_upright_lines_are_boxes(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_line(&sheet.list, 5, 10, 25, 10, 1, 0, COLOUR_TEXT);
    draw_line(&sheet.list, 40, 50, 40, 20, 2, 0, COLOUR_TEXT); // upwards
    sheet_draw(&sheet);
    assert_int_equal(ink(&sheet, (Box){5, 10, 20, 1}), 20);
    assert_int_equal(ink(&sheet, (Box){39, 20, 2, 30}), 60);
    check_ink(&sheet, 80, 0);
    // Dashes of 4: on at 0..3, 8..11, 16..19.
    draw_line(&sheet.list, 0, 30, 20, 30, 1, 4, COLOUR_TEXT);
    sheet_draw(&sheet);
    check_ink(&sheet, 12, 0);
    assert_true(at(&sheet, 3, 30) == 255 && at(&sheet, 4, 30) == 0 && at(&sheet, 8, 30) == 255);
    sheet_close(&sheet);
}

static void slanting_lines_have_their_width(void **state)
{
    (void)state;
    static const struct {
        int x, y;
    } ends[] = {{60, 20}, {60, 61}, {20, 60}, {4, 60}, {60, 8}};
    Sheet sheet;
    sheet_open(&sheet);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        int dx = ends[i].x - 5, dy = ends[i].y - 5;
        draw_line(&sheet.list, 5, 5, ends[i].x, ends[i].y, 2, 0, COLOUR_TEXT);
        sheet_draw(&sheet);
        double there = ink(&sheet, everything), length = sqrt(dx * dx + dy * dy);
        check_ink(&sheet, 2 * length, 0.02 * 2 * length);
        draw_line(&sheet.list, ends[i].x, ends[i].y, 5, 5, 2, 0, COLOUR_TEXT); // and back
        sheet_draw(&sheet);
        check_ink(&sheet, there, 1);
        draw_line(&sheet.list, 5, 5, ends[i].x, ends[i].y, 2, 5, COLOUR_TEXT); // half is dashes
        sheet_draw(&sheet);
        check_ink(&sheet, there / 2, 12); // the last one may be whole: 10 pixels and its rounding
    }
    sheet_close(&sheet);
}

static void triangles_point_all_four_ways(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    const Box box = {10, 10, 30, 20};
    const Box halves[4] = {
        {10, 10, 15, 20}, // to the right: the left half has the wide end
        {10, 10, 30, 10}, // down: the upper half
        {25, 10, 15, 20}, // left
        {10, 20, 30, 10}, // up
    };
    for (int turn = 0; turn < 4; turn++) {
        draw_triangle(&sheet.list, box, turn, COLOUR_TEXT);
        sheet_draw(&sheet);
        check_ink(&sheet, 30 * 20 / 2, 2);
        // The half with the wide end has three quarters of the area.
        assert_in_range((int)ink(&sheet, halves[turn]), 223, 227);
    }
    sheet_close(&sheet);
}

// ---- text

static void text_stays_in_its_box(void **state)
{
    (void)state;
    Fonts *fonts;
    Diag diag = {0};
    assert_true(fonts_open(&fonts, &diag));
    Sheet sheet;
    sheet_open(&sheet);
    draw_begin(&sheet.list, fonts, &sheet.theme, SIDE, SIDE);
    draw_text(&sheet.list, (Box){5, 20, 50, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "Hpqµs");
    Box box = sheet.list.items.at[0].box;
    assert_true(box.x == 5 && box.w > 20 && box.w <= 50);
    canvas_draw(&sheet.canvas, &sheet.list);
    assert_true(ink(&sheet, box) > 20);
    check_ink(&sheet, ink(&sheet, box), 0);
    // The clip cuts through letters.
    memset(sheet.canvas.pixels, 0, sizeof(uint32_t) * SIDE * SIDE);
    draw_begin(&sheet.list, fonts, &sheet.theme, SIDE, SIDE);
    draw_clip(&sheet.list, (Box){0, 0, 12, SIDE});
    draw_text(&sheet.list, (Box){5, 20, 50, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "Hpqµs");
    canvas_draw(&sheet.canvas, &sheet.list);
    double left = ink(&sheet, (Box){0, 0, 12, SIDE});
    assert_true(left > 3);
    check_ink(&sheet, left, 0);
    sheet_close(&sheet);
    fonts_close(fonts);
    diag_free(&diag);
}

// ---- pictures

static uint32_t big_endian(const unsigned char *at4)
{
    return (uint32_t)at4[0] << 24 | (uint32_t)at4[1] << 16 | (uint32_t)at4[2] << 8 | at4[3];
}

static void a_picture_is_a_png_of_its_size(void **state)
{
    (void)state;
    Sheet sheet;
    sheet_open(&sheet);
    draw_fill(&sheet.list, everything, COLOUR_TEXT);
    sheet_draw(&sheet);
    canvas_resize(&sheet.canvas, SIDE, SIDE); // nothing to do
    check_ink(&sheet, SIDE * SIDE, 0);
    canvas_resize(&sheet.canvas, 30, 20);
    assert_int_equal(sheet.canvas.pixels[30 * 20 - 1], BLACK);
    unsigned char *png;
    size_t count;
    Diag diag = {0};
    assert_true(canvas_encode_png(&sheet.canvas, &png, &count, &diag));
    // The PNG specification: eight bytes of signature, then the chunk IHDR: its length, its name,
    // width, height, bits a channel, colour type 2 (red, green, blue).
    assert_true(count > 26);
    assert_memory_equal(png, "\x89PNG\r\n\x1A\n", 8);
    assert_memory_equal(png + 12, "IHDR", 4);
    assert_int_equal(big_endian(png + 16), 30);
    assert_int_equal(big_endian(png + 20), 20);
    assert_int_equal(png[24], 8);
    assert_int_equal(png[25], 2);
    char path[] = "/tmp/ringside-canvas-XXXXXX";
    assert_non_null(mkdtemp(path));
    char file[64];
    snprintf(file, sizeof file, "%s/a.png", path);
    assert_true(canvas_save_png(&sheet.canvas, file, &diag));
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_size, count);
    unlink(file);
    assert_int_equal(rmdir(path), 0); // nothing else was left there
    free(png);
    assert_false(canvas_save_png(&sheet.canvas, file, &diag));
    assert_non_null(strstr(diag_text(&diag), "cannot write the picture '/tmp/ringside-canvas-"));
    assert_non_null(strstr(diag_text(&diag), "No such file or directory"));
    diag_free(&diag);
    sheet_close(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fill_covers_its_box_and_nothing_else),
        cmocka_unit_test(colours_keep_their_channels),
        cmocka_unit_test(what_lies_outside_shows_nowhere),
        cmocka_unit_test(a_clip_holds_until_the_next),
        cmocka_unit_test(opacity_is_a_share),
        cmocka_unit_test(round_corners_are_quarters_of_a_disk),
        cmocka_unit_test(a_stroke_is_the_edge_inside_the_box),
        cmocka_unit_test(a_round_stroke_is_a_ring),
        cmocka_unit_test(hatches_side_by_side_are_one),
        cmocka_unit_test(a_quarter_of_a_hatch_is_stripes),
        cmocka_unit_test(level_and_upright_lines_are_boxes),
        cmocka_unit_test(slanting_lines_have_their_width),
        cmocka_unit_test(triangles_point_all_four_ways),
        cmocka_unit_test(text_stays_in_its_box),
        cmocka_unit_test(a_picture_is_a_png_of_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
