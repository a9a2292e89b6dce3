// The memory of processes in the machine view: bars of one scale, whatever the size of the window
// and the instant, read from the draw list.
#include "sim/analysis/scene_text.h"
#include "tests/frame_laws.h"
#include "tests/hand_trace.h"
#include "tests/shown.h"

#include <stdio.h>
#include <string.h>

// A thousand stacks of two pages and 8 MiB: 8000 KiB of 7.813 GiB. A thousand coroutines of 1438 B
// and main's 733 B: 352 pages, and two of the stack; two arenas of 1 MiB, and 8 MiB for the stack.
static const char two_processes[] =
    "machine: { cores: 1, costs: zero, memory: 1GiB }\n"
    "processes:\n"
    "  - name: threads\n"
    "    threads: [ { name: w, count: 1000, run: [ { sleep: 1s } ] } ]\n"
    "  - name: coroutines\n"
    "    runtime: cpython-3.12\n"
    "    functions:\n"
    "      w: [ { await: { sleep: \"uniform(1s, 2s)\" } } ]\n"
    "      main: [ { create_task: { run: w, as: all, count: 1000 } }, { await: all } ]\n"
    "    threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n";

// The largest resident memory is 8000 KiB; with a twentieth more it is 8400 KiB, and the next of
// four steps a power of two (there 2 MiB each) is 10 MiB.
enum { SCALE = 10 << 20, THREADS_RESIDENT = 8000 << 10, PAGE = 4096 };

// What is drawn in the row of a process, which its numbers end.
typedef struct Bar {
    Box resident, heap, outline;
    bool broken;
} Bar;

static Bar bar_beside(const char *numbers)
{
    const DrawItem *text = text_item(numbers);
    if (text == NULL)
        fail_msg("'%s' is not there", numbers);
    int middle = text->box.y + text->box.h / 2;
    const Colour *colours = list.theme->colours;
    Bar bar = {0};
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        bool beside = item->box.y <= middle && box_bottom(item->box) > middle &&
                      box_right(item->box) <= text->box.x && item->box.h < text->box.h;
        if (item->kind == DRAW_LINE && item->box.w != 0 && item->box.h < 0 &&
            item->box.y > middle && item->box.y + item->box.h < middle)
            bar.broken = true;
        if (!beside || item->colour == colours[COLOUR_USER_BAND])
            continue;
        if (item->kind == DRAW_STROKE)
            bar.outline = item->box;
        else if (item->kind == DRAW_HATCH)
            bar.heap = item->box;
        else if (item->kind == DRAW_FILL && item->colour == colours[COLOUR_ACCENT])
            bar.resident = item->box;
    }
    return bar;
}

static int to_scale(double bytes, int bar)
{
    return (int)(bytes / SCALE * bar);
}

static void check_bars(const char *threads_numbers, const char *coroutines_numbers)
{
    Bar threads = bar_beside(threads_numbers);
    Bar coroutines = bar_beside(coroutines_numbers);
    int bar = threads.outline.w; // of more than the scale: as long as a bar can be
    assert_true(bar >= 60);
    assert_int_equal(threads.resident.w, to_scale(THREADS_RESIDENT, bar));
    assert_int_equal(threads.heap.w, 0);
    assert_true(threads.broken);
    // Exactly the scale is reserved: no break. All but the stack, and the rest of a page, is
    // objects.
    assert_int_equal(coroutines.outline.x, threads.outline.x);
    assert_int_equal(coroutines.outline.w, bar);
    assert_false(coroutines.broken);
    assert_int_equal(coroutines.resident.w + coroutines.heap.w, to_scale(354 * PAGE, bar));
    assert_in_range(coroutines.heap.w, to_scale(1438733 - PAGE, bar), to_scale(1438733, bar));
}

static void bars_have_one_scale(void **state)
{
    (void)state;
    shown_open(two_processes, 500000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    check_bars("7.813 MiB of 7.813 GiB", "1.383 MiB of 10 MiB");
    assert_non_null(text_item("a bar is 10 MiB"));
    assert_non_null(text_item("of it Python's objects"));
    shown_draw(THEME_DARK, false, 1600, 900);
    check_bars("7.813 MiB of 7.813 GiB", "1.383 MiB of 10 MiB");
}

// Without the legend, they say themselves what they are.
static void bars_in_a_small_window(void **state)
{
    (void)state;
    shown_open(two_processes, 500000);
    shown_draw(THEME_LIGHT, false, 1024, 640);
    check_bars("7.813 MiB resident of 7.813 GiB", "1.383 MiB resident of 10 MiB");
    shown_draw(THEME_LIGHT, true, 1024, 640);
    check_bars("7.813 MiB resident of 7.813 GiB", "1.383 MiB resident of 10 MiB");
}

// When the threads have ended, their process is gone; the scale stays.
static void the_scale_stays(void **state)
{
    (void)state;
    shown_open(two_processes, 1500000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    assert_null(text_item("7.813 MiB of 7.813 GiB"));
    assert_non_null(text_item("a bar is 10 MiB"));
}

// After a fork both have all 256 pages of the block, and their own stacks of two; the child has
// written to 64 of the pages, which each has alone by that. What they still share is half as high.
// The most that one has resident is 1032 KiB, and the bar 1.25 MiB: steps of 256 KiB.
static void what_is_shared_is_half_as_high(void **state)
{
    (void)state;
    shown_open(
        "machine: { cores: 1, costs: zero }\n"
        "functions: { child: [ { touch: { block: b, size: 256KiB } }, { sleep: 1s } ] }\n"
        "threads:\n"
        "  - name: parent\n"
        "    run: [ { alloc: { size: 1MiB, as: b } }, { touch: { block: b } }, { fork: child }, "
        "{ sleep: 2s } ]\n",
        500000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    assert_non_null(text_item("a bar is 1.25 MiB"));
    assert_non_null(text_item("of it shared"));
    int halves = 0;
    const Box outline = bar_beside("1.008 MiB of 9 MiB").outline;
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        bool half = item->kind == DRAW_FILL && item->box.h == outline.h / 2 &&
                    item->colour == list.theme->colours[COLOUR_ACCENT] && item->box.x > outline.x &&
                    box_right(item->box) <= box_right(outline);
        if (!half || item->box.y < outline.y)
            continue;
        halves++;
        // 192 of the bar's 320 pages, to a pixel.
        assert_in_range(item->box.w, outline.w * 192 / 320 - 1, outline.w * 192 / 320 + 1);
    }
    assert_int_equal(halves, 2);
}

// The same in words.
static void the_scene_in_words_says_it_too(void **state)
{
    (void)state;
    shown_open(two_processes, 500000);
    Names names = {player.scenario, &player.recording->tasks, &player.recording->processes};
    HandText text;
    hand_text_open(&text);
    scene_text(&player.scene, &names, NULL, player.recording->count, &text.writer);
    const char *said = hand_text_end(&text);
    assert_non_null(strstr(said, "7.813 GiB reserved, 7.813 MiB resident, 0 B of it shared\n"));
    assert_non_null(strstr(said, "10 MiB reserved, 1.383 MiB resident, 0 B of it shared, 1.3"));
    assert_non_null(strstr(said, " MiB of Python's objects\n"));
    hand_text_free(&text);
}

static void no_bars_where_memory_is_not_the_subject(void **state)
{
    (void)state;
    shown_open("threads: [ { name: w, count: 2, run: [ { sleep: 1s } ] } ]\n", 500000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    assert_null(text_item("memory"));
    assert_null(text_item("resident"));
}

static void frames_keep_the_laws(void **state)
{
    static const int sizes[][2] = {{1600, 900}, {1280, 720}, {1024, 640}};
    (void)state;
    shown_open(two_processes, 0);
    Arena arena = {0};
    for (int instant = 0; instant < 5 * 2 * 3; instant++) {
        int look = instant / 5 % 2, size = instant / 10;
        player_seek_time(&player, (int64_t)(instant % 5) * 499000000);
        player.moved = 1;
        shown_draw(look == 0 ? THEME_DARK : THEME_LIGHT, look == 1, sizes[size][0], sizes[size][1]);
        assert_string_equal(frame_breaches(&list, &arena), "");
        arena_reset(&arena);
    }
    arena_free(&arena);
}

// Six processes alive: three have rows, and the last row says how many have none.
static void more_processes_than_rows(void **state)
{
    (void)state;
    shown_open("machine: { cores: 1, costs: zero, memory: 1GiB }\n"
               "processes:\n"
               "  - { name: a, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n"
               "  - { name: b, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n"
               "  - { name: c, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n"
               "  - { name: d, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n"
               "  - { name: e, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n"
               "  - { name: f, threads: [ { name: t, run: [ { sleep: 1s } ] } ] }\n",
               500000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    assert_non_null(text_item("8 KiB of 8 MiB"));
    assert_non_null(text_item("and 3 more processes"));
    Arena arena = {0};
    assert_string_equal(frame_breaches(&list, &arena), "");
    arena_free(&arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, shown_setup, shown_teardown)
    const struct CMUnitTest tests[] = {
        TEST(bars_have_one_scale),
        TEST(bars_in_a_small_window),
        TEST(what_is_shared_is_half_as_high),
        TEST(the_scale_stays),
        TEST(the_scene_in_words_says_it_too),
        TEST(no_bars_where_memory_is_not_the_subject),
        TEST(frames_keep_the_laws),
        TEST(more_processes_than_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
