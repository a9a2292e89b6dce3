// Fonts: where they are looked for, glyphs and their widths, UTF-8.
#include "render/font.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PX = 13 };

static Fonts *open_fonts(void)
{
    Fonts *fonts;
    Diag diag = {0};
    if (!fonts_open(&fonts, &diag))
        fail_msg("%s", diag_text(&diag));
    diag_free(&diag);
    return fonts;
}

// ---- UTF-8

static void check_code_points(const char *text, const uint32_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(utf8_next(&text), expected[i]);
    const char *end = text;
    assert_int_equal(utf8_next(&text), 0);
    assert_ptr_equal(text, end); // and stays at the end
}

#define CHECK_CODE_POINTS(text, ...)                                                               \
    check_code_points(text, (const uint32_t[]){__VA_ARGS__},                                       \
                      sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void utf8_is_read(void **state)
{
    (void)state;
    // One, two, three and four bytes: RFC 3629's own ranges.
    CHECK_CODE_POINTS("aµ→😀", 'a', 0xB5, 0x2192, 0x1F600);
    CHECK_CODE_POINTS(
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 0x7F, 0x80,
        0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF);
}

static void stray_bytes_are_replaced(void **state)
{
    (void)state;
    CHECK_CODE_POINTS("\x80z", 0xFFFD, 'z');                               // a continuation alone
    CHECK_CODE_POINTS("\xC0\xAF", 0xFFFD, 0xFFFD);                         // "/" the long way
    CHECK_CODE_POINTS("\xE0\x9F\xBF", 0xFFFD, 0xFFFD, 0xFFFD);             // U+07FF the long way
    CHECK_CODE_POINTS("\xED\xA0\x80", 0xFFFD, 0xFFFD, 0xFFFD);             // a surrogate
    CHECK_CODE_POINTS("\xF4\x90\x80\x80", 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD); // past U+10FFFF
    CHECK_CODE_POINTS("\xFF", 0xFFFD);
    CHECK_CODE_POINTS("\xE2\x86", 0xFFFD, 0xFFFD); // the text ends within a character
    CHECK_CODE_POINTS("\xE2\x86x", 0xFFFD, 0xFFFD, 'x');
}

// ---- glyphs

static void widths_add_up(void **state)
{
    (void)state;
    Fonts *fonts = open_fonts();
    for (int face = 0; face < FACE_COUNT; face++) {
        int width = 0;
        for (const char *c = "core 0"; *c != 0; c++)
            width += font_glyph(fonts, face, PX, (uint32_t)*c)->advance;
        assert_int_equal(font_text_width(fonts, face, PX, "core 0"), width);
        assert_true(width > 0);
        assert_int_equal(font_text_width(fonts, face, PX, ""), 0);
    }
    fonts_close(fonts);
}

static void mono_has_one_width(void **state)
{
    (void)state;
    Fonts *fonts = open_fonts();
    for (int face = FACE_MONO; face <= FACE_MONO_BOLD; face++) {
        int advance = font_glyph(fonts, face, PX, 'M')->advance;
        assert_int_equal(font_glyph(fonts, face, PX, 'i')->advance, advance);
        assert_int_equal(font_glyph(fonts, face, PX, ' ')->advance, advance);
        assert_int_equal(font_glyph(fonts, face, PX, 0xB5)->advance, advance); // µ
    }
    fonts_close(fonts);
}

static void glyph_sits_on_the_base_line(void **state)
{
    (void)state;
    Fonts *fonts = open_fonts();
    const int px = 40; // large, so that rounding is small beside it
    const Glyph *capital = font_glyph(fonts, FACE_SANS, px, 'H');
    // Stands on the base line, and is about 0.73 of the type's size high in these faces.
    assert_int_equal(capital->top, capital->height);
    assert_in_range(capital->height, px * 7 / 10, px * 8 / 10);
    const Glyph *tail = font_glyph(fonts, FACE_SANS, px, 'p');
    assert_true(tail->height > tail->top);                        // reaches below it
    const Glyph *accent = font_glyph(fonts, FACE_SANS, px, 0xC9); // É
    assert_true(accent->top > capital->top);
    assert_true(font_ascent(fonts, FACE_SANS, px) < font_height(fonts, FACE_SANS, px));
    assert_null(font_glyph(fonts, FACE_SANS, px, ' ')->grey);
    // The ink of a solid stroke is black, and the picture has no blank edge.
    int darkest = 0, left = 0, upper = 0;
    for (int i = 0; i < capital->width * capital->height; i++) {
        darkest = capital->grey[i] > darkest ? capital->grey[i] : darkest;
        left += i % capital->width == 0 ? capital->grey[i] : 0;
        upper += i < capital->width ? capital->grey[i] : 0;
    }
    assert_int_equal(darkest, 255);
    assert_true(left > 0 && upper > 0);
    fonts_close(fonts);
}

static void glyphs_are_kept(void **state)
{
    (void)state;
    Fonts *fonts = open_fonts();
    const Glyph *letter = font_glyph(fonts, FACE_SANS, PX, 'a');
    const Glyph *arrow = font_glyph(fonts, FACE_SANS, PX, 0x2192);
    for (uint32_t c = 0x100; c < 0x400; c++)
        font_glyph(fonts, FACE_SANS, PX, c);
    assert_ptr_equal(font_glyph(fonts, FACE_SANS, PX, 'a'), letter);
    assert_ptr_equal(font_glyph(fonts, FACE_SANS, PX, 0x2192), arrow);
    assert_ptr_not_equal(font_glyph(fonts, FACE_SANS, PX + 1, 'a'), letter);
    fonts_close(fonts);
}

static void unknown_characters_are_boxes(void **state)
{
    (void)state;
    Fonts *fonts = open_fonts();
    // U+10FFFE is no character: no font has it.
    const Glyph *box = font_glyph(fonts, FACE_MONO, PX, 0x10FFFE);
    assert_true(box->advance > box->width && box->width >= 3 && box->height >= 3);
    assert_int_equal(box->grey[0], 255);
    assert_int_equal(box->grey[box->width + 1], 0);
    // Control characters are gaps.
    assert_null(font_glyph(fonts, FACE_SANS, PX, '\t')->grey);
    assert_true(font_glyph(fonts, FACE_SANS, PX, '\t')->advance > 0);
    fonts_close(fonts);
}

// ---- finding

typedef struct Place {
    char *data_dirs, *data_home, *home;
    char folder[64];
} Place;

static char *copy_of(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

// From here on fonts are looked for in an empty folder only.
static Place place_apart(void)
{
    Place place = {copy_of(getenv("XDG_DATA_DIRS")), copy_of(getenv("XDG_DATA_HOME")),
                   copy_of(getenv("HOME")), "/tmp/ringside-fonts-XXXXXX"};
    assert_non_null(mkdtemp(place.folder));
    char fonts[80];
    snprintf(fonts, sizeof fonts, "%s/fonts", place.folder);
    assert_int_equal(mkdir(fonts, 0700), 0);
    setenv("XDG_DATA_DIRS", place.folder, 1);
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", place.folder, 1);
    return place;
}

static void put_back(const char *name, char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
    free(value);
}

static void place_leave(Place *place)
{
    char fonts[80];
    snprintf(fonts, sizeof fonts, "%s/fonts", place->folder);
    rmdir(fonts);
    rmdir(place->folder);
    put_back("XDG_DATA_DIRS", place->data_dirs);
    put_back("XDG_DATA_HOME", place->data_home);
    put_back("HOME", place->home);
}

static void no_fonts_say_what_to_install(void **state)
{
    (void)state;
    Place place = place_apart();
    Diag diag = {0};
    Fonts *fonts;
    assert_false(fonts_open(&fonts, &diag));
    assert_null(fonts);
    const char *text = diag_text(&diag);
    assert_non_null(strstr(text, "neither Inter-Regular nor DejaVuSans (.otf or .ttf) is in "));
    assert_non_null(strstr(text, place.folder));
    assert_non_null(strstr(text, "install fonts-inter or fonts-dejavu-core"));
    diag_free(&diag);
    place_leave(&place);
}

// With DejaVu alone, which nearly every system has, everything is drawn with it; a damaged file of
// a better font is passed over.
static void dejavu_alone_will_do(void **state)
{
    (void)state;
    static const char *const files[] = {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf",
                                        "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"};
    Place place = place_apart();
    char link[4][96], from[96], damaged[96];
    for (int i = 0; i < 4; i++) {
        snprintf(from, sizeof from, "/usr/share/fonts/truetype/dejavu/%s", files[i]);
        snprintf(link[i], sizeof link[i], "%s/fonts/%s", place.folder, files[i]);
        assert_int_equal(symlink(from, link[i]), 0);
    }
    snprintf(damaged, sizeof damaged, "%s/fonts/Inter-Regular.otf", place.folder);
    FILE *file = fopen(damaged, "w");
    assert_non_null(file);
    fputs("no font", file);
    fclose(file);
    Fonts *fonts = open_fonts();
    for (int face = 0; face < FACE_COUNT; face++)
        assert_non_null(font_glyph(fonts, face, PX, 'a')->grey);
    fonts_close(fonts);
    for (int i = 0; i < 4; i++)
        unlink(link[i]);
    unlink(damaged);
    place_leave(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_read),
        cmocka_unit_test(stray_bytes_are_replaced),
        cmocka_unit_test(widths_add_up),
        cmocka_unit_test(mono_has_one_width),
        cmocka_unit_test(glyph_sits_on_the_base_line),
        cmocka_unit_test(glyphs_are_kept),
        cmocka_unit_test(unknown_characters_are_boxes),
        cmocka_unit_test(no_fonts_say_what_to_install),
        cmocka_unit_test(dejavu_alone_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
