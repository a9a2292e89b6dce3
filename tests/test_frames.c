// Frames of real scenarios, in every theme and at the sizes that the window may have, at several
// instants and in every mode: each keeps the laws of frame_laws.h. With arguments, of these
// scenarios in the place of the usual ones: `test_frames scenarios/*/*.yaml` looks at all.
#include "render/canvas.h"
#include "render/take.h"
#include "render/views.h"
#include "sim/ringside.h"
#include "tests/frame_laws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHIPPED(name) RINGSIDE_SOURCE_DIR "/scenarios/" name ".yaml"

// Deadlock with locks; one core and a queue; processes with pipes; ten thousand threads; a program
// longer than its panel, with many kinds of things; long names on many cores; a copy of a lock that
// nobody gives back; the GIL; asyncio.
static const char *const usual[] = {
    SHIPPED("4-threads/philosophers-deadlock"),
    SHIPPED("3-schedulers/round-robin"),
    SHIPPED("6-processes/pipeline"),
    SHIPPED("2-user-space-and-kernel/ten-thousand-waits"),
    SHIPPED("4-threads/connection-pool"),
    SHIPPED("4-threads/two-locks"),
    SHIPPED("6-processes/fork-while-a-thread-holds-a-lock"),
    SHIPPED("5-gil/switch-interval"),
    SHIPPED("7-event-loop/one-turn-of-the-loop"),
};

static const struct {
    const char *name;
    ThemeName theme;
    bool large;
} looks[] = {
    {"light", THEME_LIGHT, false}, {"dark", THEME_DARK, false}, {"large", THEME_LIGHT, true}};

static const struct {
    int w, h;
    float density;
} sizes[] = {{1600, 900, 1}, {1280, 720, 1}, {1024, 640, 1}, {2048, 1280, 2}};

typedef struct Setting {
    const char *const *scenarios;
    size_t scenario_count;
    Fonts *fonts;
    DrawList frame;
    Arena arena;
    const char *where; // for messages
} Setting;

static Take *take_of(const char *path, const char *change)
{
    char *error;
    Take *take = take_make(path, &change, change != NULL, ringside_run, NULL, &error);
    if (take == NULL)
        fail_msg("%s", error);
    return take;
}

static void check_frame(Setting *setting, const Player *player, const char *mode)
{
    for (size_t look = 0; look < sizeof looks / sizeof *looks; look++) {
        for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
            int w = sizes[size].w, h = sizes[size].h;
            Theme theme =
                theme_for_window(looks[look].theme, looks[look].large, sizes[size].density, w, h);
            draw_begin(&setting->frame, setting->fonts, &theme, w, h);
            layout_draw(&setting->frame, w, h, player);
            arena_reset(&setting->arena);
            const char *breaches = frame_breaches(&setting->frame, &setting->arena);
            if (*breaches != 0)
                fail_msg("%s, %s, %s, %dx%d:\n%s", setting->where, mode, looks[look].name, w, h,
                         breaches);
        }
    }
}

// Every scenario, its player before the first event.
static void each_scenario(Setting *setting, void (*check)(Setting *, Player *))
{
    for (size_t i = 0; i < setting->scenario_count; i++) {
        setting->where = setting->scenarios[i];
        Take *take = take_of(setting->where, NULL);
        Player player;
        player_open(&player, take);
        check(setting, &player);
        player_free(&player);
        take_free(take);
    }
}

static void check_instants(Setting *setting, Player *player)
{
    for (int i = 0; i <= 8; i++) {
        player_seek_event(player, player->recording->count * (uint64_t)i / 8);
        player->moved = 1;
        check_frame(setting, player, (char[]){'0' + (char)i, '/', '8', 0});
    }
}

static void frames_keep_the_laws_at_every_instant(void **state)
{
    each_scenario(*state, check_instants);
}

static void check_modes(Setting *setting, Player *player)
{
    player_seek_event(player, player->recording->count / 2);
    player->moved = 1;
    player->selected_task = 1;
    check_frame(setting, player, "selected");
    player->why = true;
    check_frame(setting, player, "why");
    player->quiz = true;
    check_frame(setting, player, "quiz");
    player->guesses = 12;
    player->guess = GUESS_WRONG;
    player->revealed = true;
    check_frame(setting, player, "answer");
    player->quiz = player->why = player->revealed = false;
    player->help = true;
    check_frame(setting, player, "help");
    player->help = false;
    player->playing = true;
    player->message = "round-robin-1.png is written";
    check_frame(setting, player, "message");
    player->message = "The run is longer than what is kept of it; --records keeps more events.";
    check_frame(setting, player, "long message");
    player->message = NULL;
    static const char error[] =
        "scenarios/x.yaml:9:13: error: 'compute' needs a duration with a unit; found "
        "'50'\n    9 |           - compute: 50\n      |                      ^~ did you "
        "mean 50ms?\n";
    char many[8 * sizeof error] = "";
    for (int i = 0; i < 6; i++)
        strcat(many, error);
    player->error = error;
    check_frame(setting, player, "error");
    player->error = many;
    check_frame(setting, player, "many errors");
    player->error = NULL;
}

static void frames_keep_the_laws_in_every_mode(void **state)
{
    each_scenario(*state, check_modes);
}

static void check_zoomed(Setting *setting, Player *player)
{
    int64_t end = player->recording->end_ns;
    player_seek_time(player, end / 2);
    player->zoom = (TimeSpan){end / 2 - end / 200, end / 2 + end / 200 + 20};
    check_frame(setting, player, "zoomed a hundredfold");
    player->zoom = (TimeSpan){end / 2, end / 2 + 20};
    check_frame(setting, player, "zoomed to 20 ns");
}

static void frames_keep_the_laws_when_zoomed(void **state)
{
    each_scenario(*state, check_zoomed);
}

static void frames_keep_the_laws_beside_a_ghost(void **state)
{
    Setting *setting = *state;
    for (size_t i = 0; i < setting->scenario_count; i++) {
        setting->where = setting->scenarios[i];
        Take *take = take_of(setting->where, NULL);
        Take *changed = take_of(setting->where, "machine.cores=4");
        Player player;
        player_open(&player, take);
        player_seek_time(&player, player.recording->end_ns / 2);
        player_show(&player, changed);
        player.moved = 1;
        check_frame(setting, &player, "ghost");
        player_free(&player);
        take_free(changed);
        take_free(take);
    }
}

// Below the least size of a window the laws may break, but nothing else does.
static void check_tiny(Setting *setting, Player *player)
{
    static const int sides[] = {1, 7, 64, 200, 700};
    Theme theme = theme_make(THEME_DARK, 1, 1);
    Canvas canvas;
    canvas_open(&canvas, 1, 1);
    player_seek_event(player, player->recording->count / 2);
    player->selected_task = 1;
    for (int i = 0; i < 25; i++) {
        int w = sides[i % 5], h = sides[i / 5];
        player->help = i % 3 == 0;
        draw_begin(&setting->frame, setting->fonts, &theme, w, h);
        layout_draw(&setting->frame, w, h, player);
        canvas_resize(&canvas, w, h);
        canvas_draw(&canvas, &setting->frame);
    }
    canvas_free(&canvas);
}

static void frames_of_any_size_are_drawn(void **state)
{
    each_scenario(*state, check_tiny);
}

// ---- the laws find what they are for

static void expect_breach(Setting *setting, const char *expected)
{
    const char *breaches = frame_breaches(&setting->frame, &setting->arena);
    if (*expected == 0)
        assert_string_equal(breaches, "");
    else if (strstr(breaches, expected) == NULL)
        fail_msg("expected '%s', found:\n%s", expected, breaches);
}

static void the_laws_find_what_they_are_for(void **state)
{
    Setting *setting = *state;
    DrawList *list = &setting->frame;
    Theme theme = theme_make(THEME_LIGHT, 0, 1);
    const Box row = {10, 10, 100, 20};
#define PAGE()                                                                                     \
    (draw_begin(list, setting->fonts, &theme, 200, 100),                                           \
     draw_fill(list, list->frame, COLOUR_PANEL),                                                   \
     draw_text(list, row, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "Hxg"))
    PAGE();
    expect_breach(setting, "");
    PAGE();
    draw_text(list, (Box){20, 14, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "other");
    expect_breach(setting, "overlap: 'Hxg'");
    PAGE();
    draw_text(list, (Box){190, 14, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "other");
    expect_breach(setting, "outside the frame: 'other'");
    PAGE();
    draw_clip(list, (Box){150, 0, 20, 100});
    draw_text(list, (Box){150, 14, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "other");
    expect_breach(setting, "clipped: 'other'");
    PAGE();
    draw_fill(list, (Box){0, 0, 15, 50}, COLOUR_RUNNING);
    expect_breach(setting, "covered in part: 'Hxg'");
    PAGE();
    draw_fill(list, list->frame, COLOUR_PANEL); // hides it: another page over this one
    draw_text(list, row, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "other");
    expect_breach(setting, "");
    PAGE();
    draw_text(list, (Box){10, 40, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_RUNNABLE, "pale");
    expect_breach(setting, "contrast 1.3");
    PAGE();
    draw_fill(list, (Box){0, 40, 20, 20}, COLOUR_TEXT); // dark under its beginning alone
    draw_text(list, (Box){10, 40, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "dark on dark");
    expect_breach(setting, "contrast 1.00: 'dark on dark'");
    PAGE();
    draw_hatch(list, (Box){0, 40, 200, 20}, COLOUR_TEXT, COLOUR_PANEL);
    draw_text(list, (Box){10, 40, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "hatched");
    expect_breach(setting, "contrast 1.00: 'hatched'");
    PAGE();
    draw_opacity(list, 150);
    draw_fill(list, list->frame, COLOUR_GROUND); // a veil
    draw_opacity(list, 255);
    draw_round(list, (Box){15, 5, 150, 60}, 4, COLOUR_PANEL);
    draw_text(list, (Box){20, 10, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "dialogue");
    expect_breach(setting, "");
    PAGE();
    draw_opacity(list, 128);
    draw_text(list, (Box){10, 40, 100, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "faint");
    expect_breach(setting, "'faint'");
    PAGE();
    draw_text(list, (Box){10, 40, 60, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "philosopher-12");
    expect_breach(setting, "cut: 'phi");
    PAGE();
    draw_name(list, (Box){10, 40, 60, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "philosopher-12");
    expect_breach(setting, "");
    PAGE(); // not even a letter of its beginning
    draw_name(list, (Box){10, 40, 28, 20}, ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT, "philosopher-12");
    expect_breach(setting, "cut: ");
#undef PAGE
}

static void contrast_is_wcag(void **state)
{
    (void)state;
    // Black on white is 21 to 1, #767676 on white 4.54, the specification's well-known edge.
    assert_int_equal((int)(contrast_of(0x000000, 0xFFFFFF) * 100 + 0.5), 2100);
    assert_int_equal((int)(contrast_of(0x767676, 0xFFFFFF) * 100 + 0.5), 454);
    assert_int_equal((int)(contrast_of(0xFFFFFF, 0x767676) * 100 + 0.5), 454);
    assert_int_equal((int)(contrast_of(0x123456, 0x123456) * 100 + 0.5), 100);
}

// Names as long as they may be (40 bytes), and a title and lines longer than those that ship.
static void frames_of_long_names(void **state)
{
    Setting *setting = *state;
    static const char text[] =
        "title: A connection pool that is too small for the clients of one afternoon\n"
        "machine: { cores: 3, costs: zero }\n"
        "processes:\n"
        "  - name: one-process-that-serves-everybody-by-tur\n"
        "    locks: { a-lock-that-everybody-wants-at-one-time: lock }\n"
        "    queues: { connections-that-nobody-uses-just-now-12: 3 }\n"
        "    threads:\n"
        "      - { name: client-with-a-long-name-from-a-far-place, count: 12, run: [ { compute: "
        "1ms }, { with: { lock: a-lock-that-everybody-wants-at-one-time, do: [ { compute: "
        "2ms } ] } }, { get: connections-that-nobody-uses-just-now-12 } ] }\n"
        "      - { name: another-thread-with-a-name-of-its-own, run: [ { sleep: 20ms }, { repeat: "
        "{ times: 12, do: [ { put: connections-that-nobody-uses-just-now-12 } ] } } ] }\n";
    char *error;
    Take *take = take_of_bytes("a-file-with-quite-a-long-name-that-says-what-is-in-it.yaml", text,
                               strlen(text), NULL, 0, ringside_run, &error);
    if (take == NULL)
        fail_msg("%s", error);
    setting->where = "long names";
    Player player;
    player_open(&player, take);
    check_instants(setting, &player);
    check_modes(setting, &player);
    player_free(&player);
    take_free(take);
}

int main(int argc, char **argv)
{
    Setting setting = {.scenarios = usual, .scenario_count = sizeof usual / sizeof *usual};
    if (argc > 1) {
        setting.scenarios = (const char *const *)argv + 1;
        setting.scenario_count = (size_t)argc - 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(contrast_is_wcag, &setting),
        cmocka_unit_test_prestate(the_laws_find_what_they_are_for, &setting),
        cmocka_unit_test_prestate(frames_keep_the_laws_at_every_instant, &setting),
        cmocka_unit_test_prestate(frames_keep_the_laws_in_every_mode, &setting),
        cmocka_unit_test_prestate(frames_keep_the_laws_when_zoomed, &setting),
        cmocka_unit_test_prestate(frames_keep_the_laws_beside_a_ghost, &setting),
        cmocka_unit_test_prestate(frames_of_long_names, &setting),
        cmocka_unit_test_prestate(frames_of_any_size_are_drawn, &setting),
    };
    Diag diag = {0};
    if (!fonts_open(&setting.fonts, &diag)) {
        fprintf(stderr, "%s", diag_text(&diag));
        return 1;
    }
    diag_free(&diag);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    draw_free(&setting.frame);
    fonts_close(setting.fonts);
    arena_free(&setting.arena);
    return failed;
}
