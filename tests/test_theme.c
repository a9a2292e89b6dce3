// Themes: contrasts of colours that go together, sizes of type. What views really draw upon what is
// looked at in test_frames.c.
#include "render/theme.h"
#include "tests/frame_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static const char *const role_names[COLOUR_COUNT] = {
#define X(id, light, dark) #id,
    THEME_COLOURS(X)
#undef X
};

static const char *const theme_names[THEME_COUNT] = {"light", "dark"};

static void check_pair(const Theme *theme, int text, int ground)
{
    double contrast = contrast_of(theme->colours[text], theme->colours[ground]);
    if (contrast < CONTRAST_LEAST)
        fail_msg("%s theme: %s on %s has a contrast of %.2f, less than %.1f",
                 theme_names[theme->name], role_names[text], role_names[ground], contrast,
                 CONTRAST_LEAST);
}

static int role_named(const char *name)
{
    for (int i = 0; i < COLOUR_COUNT; i++) {
        if (strcmp(role_names[i], name) == 0)
            return i;
    }
    fail_msg("no colour is called %s", name);
    return 0;
}

static void every_on_colour_can_be_read_on_its_ground(void **state)
{
    (void)state;
    for (int name = 0; name < THEME_COUNT; name++) {
        Theme theme = theme_make((ThemeName)name, 0, 1);
        int pairs = 0;
        for (int role = 0; role < COLOUR_COUNT; role++) {
            if (strncmp(role_names[role], "ON_", 3) != 0)
                continue;
            check_pair(&theme, role, role_named(role_names[role] + 3));
            pairs++;
        }
        assert_true(pairs >= 8);
        check_pair(&theme, COLOUR_ON_KERNEL, COLOUR_KERNEL_STRIPE); // the hatch's other colour
    }
}

static void plain_text_can_be_read_on_every_ground(void **state)
{
    (void)state;
    static const int texts[] = {COLOUR_TEXT, COLOUR_TEXT_SOFT};
    static const int grounds[] = {COLOUR_GROUND,    COLOUR_PANEL,       COLOUR_RULE,
                                  COLOUR_USER_BAND, COLOUR_KERNEL_BAND, COLOUR_HARDWARE_BAND};
    for (int name = 0; name < THEME_COUNT; name++) {
        Theme theme = theme_make((ThemeName)name, 0, 1);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            for (size_t k = 0; k < sizeof grounds / sizeof *grounds; k++)
                check_pair(&theme, texts[i], grounds[k]);
        }
        check_pair(&theme, COLOUR_ACCENT, COLOUR_PANEL); // the program's name
    }
}

// Bars tell by their colours what is done, so they stand out from the panel: 1.3 is what the palest
// of the Okabe-Ito set, yellow, has on white. It has its height besides.
static void bars_stand_out_from_the_panel(void **state)
{
    (void)state;
    static const int bars[] = {COLOUR_RUNNING, COLOUR_KERNEL, COLOUR_RUNNABLE, COLOUR_LOCK,
                               COLOUR_GIL,     COLOUR_IO,     COLOUR_SLEEP};
    for (int name = 0; name < THEME_COUNT; name++) {
        Theme theme = theme_make((ThemeName)name, 0, 1);
        for (size_t i = 0; i < sizeof bars / sizeof *bars; i++)
            assert_true(contrast_of(theme.colours[bars[i]], theme.colours[COLOUR_PANEL]) >= 1.3);
    }
}

static void type_is_large_enough(void **state)
{
    (void)state;
    Theme plain = theme_make(THEME_LIGHT, 0, 1), large = theme_make(THEME_LIGHT, 1, 1);
    Theme dense = theme_make(THEME_LIGHT, 0, 2);
    for (int style = 0; style < STYLE_COUNT; style++) {
        int px = theme_text_px(&plain, (TextStyle)style);
        assert_true(px >= 11);
        // 1.35 times as large, rounded to a pixel; on a screen twice as dense twice.
        assert_int_equal(theme_text_px(&large, (TextStyle)style), (int)(px * 1.35 + 0.5));
        assert_int_equal(theme_text_px(&dense, (TextStyle)style), 2 * px);
    }
    assert_int_equal(theme_px(&plain, 10), 10);
    assert_int_equal(theme_px(&large, 10), 14); // 13.5
    assert_int_equal(theme_px(&dense, 0.5f), 1);
}

// Large type in a window of a size: 1.35 times from 1600x900 on, 1.2 times at 1024x640 (0.64 of its
// width), between them in proportion: at 1280x720 (0.8) 1.2 + 0.15 * 0.16 / 0.36 = 1.2667. The
// lower of width and height counts. Normal type is the same in all.
static void large_type_goes_by_the_window(void **state)
{
    (void)state;
    static const struct {
        int w, h;
        float density, scale;
    } windows[] = {{1600, 900, 1, 1.35f},    {3840, 2160, 1, 1.35f},   {1024, 640, 1, 1.2f},
                   {1280, 720, 1, 1.26667f}, {2560, 720, 1, 1.26667f}, {800, 500, 1, 1.2f},
                   {2048, 1280, 2, 2.4f}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        int w = windows[i].w, h = windows[i].h;
        float density = windows[i].density;
        Theme large = theme_for_window(THEME_DARK, 1, density, w, h);
        Theme plain = theme_for_window(THEME_DARK, 0, density, w, h);
        assert_true(fabsf(large.scale - windows[i].scale) < 0.001f);
        assert_true(fabsf(plain.scale - density) < 0.001f);
        assert_int_equal(large.name, THEME_DARK);
        // Clearly larger: by two pixels at least.
        for (int style = 0; style < STYLE_COUNT; style++)
            assert_true(theme_text_px(&large, (TextStyle)style) >=
                        theme_text_px(&plain, (TextStyle)style) + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_on_colour_can_be_read_on_its_ground),
        cmocka_unit_test(plain_text_can_be_read_on_every_ground),
        cmocka_unit_test(bars_stand_out_from_the_panel),
        cmocka_unit_test(type_is_large_enough),
        cmocka_unit_test(large_type_goes_by_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
