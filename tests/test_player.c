// The player without a window: what keys, clicks and time do to it.
#include "render/player.h"
#include "sim/ringside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MS = 1000000 };

// A runs 0-10, 20-30; B runs 10-20, 30-40: round robin with a slice of 10 ms, no costs.
static const char two_turns[] = "title: Two turns each\n"
                                "lesson: They take turns.\n"
                                "machine: { cores: 1, costs: zero,\n"
                                "           scheduler: { policy: rr, slice: 10ms } }\n"
                                "threads:\n"
                                "  - { name: A, run: [ { compute: 20ms } ] }\n"
                                "  - { name: B, run: [ { compute: 20ms } ] }\n";

static char path[] = "/tmp/ringside-player-XXXXXX";
static Player player;
static Take *take;

static Take *make(const char *const *overrides, size_t count)
{
    char *error;
    Take *made = take_make(path, overrides, count, ringside_run, NULL, &error);
    if (made == NULL)
        fail_msg("%s", error);
    return made;
}

static int open_player(void **state)
{
    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(write(file, two_turns, sizeof two_turns - 1) == (ssize_t)sizeof two_turns - 1);
    close(file);
    take = make(NULL, 0);
    player_open(&player, take);
    return 0;
}

static int close_player(void **state)
{
    (void)state;
    player_free(&player);
    take_free(take);
    unlink(path);
    return 0;
}

static void press(PlayerKey key, int times)
{
    for (int i = 0; i < times; i++)
        player_key(&player, key);
}

// ---- stepping

static void ten_forward_and_ten_back_is_nothing(void **state)
{
    (void)state;
    uint64_t hash = scene_hash(&player.scene);
    press(KEY_NEXT, 10);
    assert_int_equal(player.scene.next, 10);
    assert_true(scene_hash(&player.scene) != hash);
    press(KEY_BACK, 10);
    assert_int_equal(player.scene.next, 0);
    assert_true(scene_hash(&player.scene) == hash);
}

static void the_ends_hold(void **state)
{
    (void)state;
    press(KEY_BACK, 3);
    assert_int_equal(player.scene.next, 0);
    press(KEY_END, 1);
    assert_int_equal(player.scene.next, player.recording->count);
    assert_int_equal(player.time_ns, 40 * MS);
    press(KEY_PAGE_NEXT, 3);
    assert_int_equal(player.scene.next, player.recording->count);
    press(KEY_HOME, 1);
    assert_int_equal(player.scene.next, 0);
    assert_int_equal(player.time_ns, 0);
}

// B is switched in at 10, out at 20 and in at 30. At 40 the run ends with it; then there is no
// switch any more, and the step is to the end.
static void switches_of_the_selected_thread(void **state)
{
    (void)state;
    press(KEY_NEXT_TASK, 2);
    assert_int_equal(player.selected_task, 2);
    static const int64_t at_ms[] = {10, 20, 30};
    for (int i = 0; i < 3; i++) {
        press(KEY_NEXT_SWITCH, 1);
        assert_int_equal(player.time_ns, at_ms[i] * MS);
        assert_int_equal(player_current(&player)->task, 2);
    }
    press(KEY_NEXT_SWITCH, 1);
    assert_int_equal(player.scene.next, player.recording->count);
    for (int i = 2; i >= 0; i--) {
        press(KEY_BACK_SWITCH, 1);
        assert_int_equal(player.time_ns, at_ms[i] * MS);
    }
    press(KEY_NEXT_TASK, 1); // behind the last one is none
    assert_int_equal(player.selected_task, 0);
    press(KEY_BACK_TASK, 1);
    assert_int_equal(player.selected_task, 2);
}

// ---- playing

// 40 ms in about 20 s: 2 ms a second, the next step of 1, 2, 5.
static void plays_at_its_speed(void **state)
{
    (void)state;
    assert_true(player.speed == 2 * MS);
    press(KEY_PLAY, 1);
    assert_true(player_pass(&player, 3));
    assert_int_equal(player.time_ns, 6 * MS);
    press(KEY_FASTER, 1);
    player_pass(&player, 1);
    assert_int_equal(player.time_ns, 10 * MS);
    press(KEY_SLOWER, 2);
    player_pass(&player, 1);
    assert_int_equal(player.time_ns, 11 * MS);
    press(KEY_PLAY, 1);
    assert_false(player_pass(&player, 1));
    assert_int_equal(player.time_ns, 11 * MS);
}

// A third of a nanosecond a frame still adds up.
static void slow_play_moves_on(void **state)
{
    (void)state;
    player.speed = 20;
    press(KEY_PLAY, 1);
    for (int i = 0; i < 60; i++)
        player_pass(&player, 1.0 / 60);
    assert_in_range(player.time_ns, 19, 20);
}

static void play_ends_at_the_end_and_begins_again(void **state)
{
    (void)state;
    press(KEY_PLAY, 1);
    player_pass(&player, 1000);
    assert_false(player.playing);
    assert_int_equal(player.scene.next, player.recording->count);
    press(KEY_PLAY, 1);
    assert_true(player.playing);
    assert_int_equal(player.time_ns, 0);
}

// ---- zoom

static void zoom_keeps_the_instant_in_its_place(void **state)
{
    (void)state;
    player_seek_time(&player, 10 * MS);
    press(KEY_ZOOM_IN, 1); // 40 ms become 20; 10 was a quarter along and is one still
    assert_int_equal(player.zoom.from_ns, 5 * MS);
    assert_int_equal(player.zoom.to_ns, 25 * MS);
    press(KEY_ZOOM_OUT, 5);
    assert_int_equal(player.zoom.from_ns, 0);
    assert_int_equal(player.zoom.to_ns, 40 * MS);
    press(KEY_ZOOM_IN, 100);
    assert_int_equal(player.zoom.to_ns - player.zoom.from_ns, 20);
    press(KEY_ZOOM_ALL, 1);
    assert_int_equal(player.zoom.to_ns, 40 * MS);
}

static void the_timeline_follows_the_instant(void **state)
{
    (void)state;
    press(KEY_ZOOM_IN, 2); // 0 to 10 ms
    assert_int_equal(player.zoom.to_ns, 10 * MS);
    player_seek_time(&player, 20 * MS); // a third of the view before it
    assert_int_equal(player.zoom.from_ns, 20 * MS - 10 * MS / 3);
    press(KEY_END, 1);
    assert_int_equal(player.zoom.to_ns, 40 * MS);
}

// ---- the pointer

static DrawList frame;

static void point(PointerKind kind, int x, int y, float amount)
{
    player_pointer(&player, &frame, (Pointer){.kind = kind, .x = x, .y = y, .amount = amount});
}

static void click(int x, int y)
{
    point(POINTER_DOWN, x, y, 0);
    point(POINTER_UP, x, y, 0);
}

// A timeline of 400 pixels, a bar of 400 below it, a button, a task, a core.
static int open_frame(void **state)
{
    frame = (DrawList){.clip = {0, 0, 1000, 1000}};
    draw_hit(&frame, (Box){0, 0, 500, 100}, HIT_ROWS, 4);
    draw_hit(&frame, (Box){0, 0, 400, 100}, HIT_TIMELINE, 0);
    draw_hit(&frame, (Box){490, 0, 10, 100}, HIT_SCROLL, 4);
    draw_hit(&frame, (Box){0, 100, 400, 10}, HIT_SEEK, 0);
    draw_hit(&frame, (Box){0, 200, 50, 20}, HIT_KEY, KEY_THEME);
    draw_hit(&frame, (Box){100, 200, 50, 20}, HIT_TASK, 2);
    draw_hit(&frame, (Box){200, 200, 50, 20}, HIT_CORE, 0);
    draw_hit(&frame, (Box){0, 300, 400, 100}, HIT_PROGRAM, 1);
    draw_hit(&frame, (Box){0, 320, 400, 20}, HIT_LINE, 7);
    return open_player(state);
}

static int close_frame(void **state)
{
    draw_free(&frame);
    return close_player(state);
}

static void clicks_do_what_is_there(void **state)
{
    (void)state;
    click(10, 210);
    assert_int_equal(player.theme, THEME_DARK);
    click(110, 210);
    assert_int_equal(player.selected_task, 2);
    click(210, 210);
    assert_int_equal(player.selected_core, 0);
    assert_int_equal(player.selected_task, 0);
    click(210, 210);
    assert_int_equal(player.selected_core, CORE_NONE);
    point(POINTER_DOWN, 110, 210, 0); // let go elsewhere: nothing
    point(POINTER_UP, 300, 210, 0);
    assert_int_equal(player.selected_task, 0);
    click(390, 390);
}

// With Shift a drag marks, whichever way, and pans nothing; Esc forgets the mark.
static void a_drag_with_shift_marks_a_stretch(void **state)
{
    (void)state;
    player_pointer(&player, &frame, (Pointer){POINTER_DOWN, 200, 50, 0, WITH_SHIFT});
    player_pointer(&player, &frame, (Pointer){POINTER_MOVE, 100, 50, 0, WITH_SHIFT});
    player_pointer(&player, &frame, (Pointer){POINTER_UP, 100, 50, 0, WITH_SHIFT});
    assert_int_equal(player.marked.from_ns, 10 * MS);
    assert_int_equal(player.marked.to_ns, 20 * MS);
    assert_int_equal(player.zoom.to_ns - player.zoom.from_ns, 40 * MS);
    assert_int_equal(player.time_ns, 0);
    press(KEY_LEAVE, 1);
    assert_int_equal(player.marked.to_ns, 0);
}

// A pixel is 40 ms / 400 = 100 us.
static void the_timeline_takes_clicks_drags_and_the_wheel(void **state)
{
    (void)state;
    click(150, 50);
    assert_int_equal(player.time_ns, 15 * MS);
    point(POINTER_WHEEL, 100, 50, 1); // 40 ms x 0.8 about 10 ms: 2 to 34
    assert_int_equal(player.zoom.from_ns, 2 * MS);
    assert_int_equal(player.zoom.to_ns, 34 * MS);
    point(POINTER_DOWN, 200, 50, 0); // 25 pixels to the left: 2 ms to the right
    point(POINTER_MOVE, 175, 50, 0);
    point(POINTER_UP, 175, 50, 0);
    assert_int_equal(player.zoom.from_ns, 4 * MS);
    assert_int_equal(player.zoom.to_ns, 36 * MS);
    assert_int_equal(player.time_ns, 15 * MS); // a drag is no click
    point(POINTER_WHEEL, 450, 50, -1);         // beside the plot: rows
    assert_int_equal(player.first_row, 3);
    point(POINTER_WHEEL, 450, 50, -1);
    assert_int_equal(player.first_row, 4);
    point(POINTER_WHEEL, 450, 50, 1);
    point(POINTER_WHEEL, 450, 50, 1);
    assert_int_equal(player.first_row, 0);
}

// Of at most 4 rows above the first one shown: half of the way is 2.
static void the_bar_beside_the_rows_scrolls(void **state)
{
    (void)state;
    point(POINTER_DOWN, 495, 50, 0);
    assert_int_equal(player.first_row, 2);
    point(POINTER_MOVE, 400, 300, 0); // also beside it
    assert_int_equal(player.first_row, 4);
    point(POINTER_MOVE, 400, -20, 0);
    assert_int_equal(player.first_row, 0);
    point(POINTER_UP, 400, -20, 0);
    assert_int_equal(player.time_ns, 0); // the timeline beneath takes no click
    assert_int_equal(player.zoom.to_ns - player.zoom.from_ns, 40 * MS);
}

static void the_bar_scrubs(void **state)
{
    (void)state;
    point(POINTER_DOWN, 100, 105, 0);
    assert_int_equal(player.time_ns, 10 * MS);
    point(POINTER_MOVE, 300, 250, 0);
    assert_int_equal(player.time_ns, 30 * MS);
    point(POINTER_MOVE, 900, 250, 0);
    assert_int_equal(player.time_ns, 40 * MS);
    point(POINTER_UP, 900, 250, 0);
    point(POINTER_MOVE, 100, 105, 0); // not pressed: nothing
    assert_int_equal(player.time_ns, 40 * MS);
}

// Line 7 is B's; B begins it at 10 ms.
static void a_click_on_a_line_goes_to_when_it_is_begun(void **state)
{
    (void)state;
    click(10, 330);
    assert_int_equal(player.time_ns, 10 * MS);
    assert_int_equal(player_current(&player)->kind, EVENT_OP_BEGUN);
    point(POINTER_WHEEL, 10, 330, -1);
    assert_int_equal(player.first_line, 4);
    press(KEY_LEAVE, 1);
    assert_int_equal(player.first_line, 0);
}

// ---- the quiz

// After the switch to A at 0 comes A's first operation, on core 0.
static void guesses_are_counted(void **state)
{
    (void)state;
    press(KEY_QUIZ, 1);
    while (player_current(&player) == NULL || player_current(&player)->kind != EVENT_SWITCH_IN)
        press(KEY_NEXT, 1);
    click(110, 210); // task 2, B: wrong
    assert_int_equal(player.guess, GUESS_WRONG);
    assert_true(player.revealed);
    assert_int_equal(player.selected_task, 0);
    click(210, 210); // revealed: a click selects again
    assert_int_equal(player.selected_core, 0);
    press(KEY_BACK, 1);
    press(KEY_NEXT, 1);
    assert_false(player.revealed);
    click(210, 210); // core 0: right
    assert_int_equal(player.guess, GUESS_RIGHT);
    assert_int_equal(player.guesses, 2);
    assert_int_equal(player.guesses_right, 1);
    press(KEY_NEXT, 1);
    press(KEY_REVEAL, 1);
    assert_true(player.revealed);
    press(KEY_QUIZ, 1);
    assert_int_equal(player.guesses, 0);
}

// The take and its player of another scenario.
static void open_other(const char *yaml)
{
    player_free(&player);
    take_free(take);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(yaml, file) >= 0);
    fclose(file);
    take = make(NULL, 0);
    player_open(&player, take);
}

// A and B end both at 2 ms, C on core 2 a millisecond later: of the next instant A, B, core 0 and
// core 1 are right, whoever the trace has first; C and core 2 are wrong.
static void who_is_tied_is_right(void **state)
{
    (void)state;
    open_other("title: A tie\nmachine: { cores: 3, costs: zero }\nthreads:\n"
               "  - { name: A, run: [ { compute: 2ms } ] }\n"
               "  - { name: B, run: [ { compute: 2ms } ] }\n"
               "  - { name: C, run: [ { compute: 3ms } ] }\n");
    const Hit hits[] = {{.action = HIT_TASK, .argument = 1}, {.action = HIT_TASK, .argument = 2},
                        {.action = HIT_CORE, .argument = 0}, {.action = HIT_CORE, .argument = 1},
                        {.action = HIT_TASK, .argument = 3}, {.action = HIT_CORE, .argument = 2}};
    press(KEY_QUIZ, 1);
    for (size_t i = 0; i < sizeof hits / sizeof *hits; i++) {
        player_seek_time(&player, 1 * MS);
        assert_int_equal(player_next(&player)->time_ns, 2 * MS);
        draw_free(&frame);
        frame = (DrawList){.clip = {0, 0, 1000, 1000}};
        draw_hit(&frame, (Box){0, 0, 10, 10}, hits[i].action, hits[i].argument);
        player.revealed = false;
        click(5, 5);
        assert_int_equal(player.guess, i < 4 ? GUESS_RIGHT : GUESS_WRONG);
    }
    assert_int_equal(player.guesses, 6);
    assert_int_equal(player.guesses_right, 4);
}

// ---- changing the machine

static void expect_overrides(const char *expected)
{
    Arena arena = {0};
    char text[256] = "";
    size_t count;
    const char **overrides = player_overrides(&player, &arena, NULL, 0, &count);
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
                 overrides[i]);
    assert_string_equal(text, expected);
    arena_free(&arena);
}

// Runs what is asked for, and shows it.
static void run_asked(void)
{
    Arena arena = {0};
    size_t count;
    assert_int_equal(player_take_request(&player), REQUEST_RUN);
    const char **overrides = player_overrides(&player, &arena, NULL, 0, &count);
    Take *made = make(overrides, count);
    arena_free(&arena);
    player_show(&player, made);
    take_free(take); // the ghost is not looked at
    player.before = NULL;
    player.ghost = NULL;
    take = made;
}

static void the_key_of_the_gil(void **state)
{
    (void)state;
    press(KEY_GIL, 1); // of a scenario without Python
    assert_int_equal(player_take_request(&player), REQUEST_NONE);
    assert_non_null(player.message);
    expect_overrides("");
    // Two threads share the GIL: 20 ms, one after the other. Without it both compute at once, and
    // each microsecond of bytecode takes 400 ns more: 14 ms.
    open_other("machine: { cores: 2, costs: { base: zero, free_threading: 400ns } }\n"
               "runtime: { python: \"3.12\", switch_interval: 1ms }\n"
               "threads: [ { name: a, count: 2, run: [ { compute: 10ms } ] } ]\n");
    assert_int_equal(take->headline.makespan_ns, 20 * MS);
    press(KEY_GIL, 1);
    expect_overrides("runtime=cpython-3.13t");
    run_asked();
    assert_int_equal(take->headline.makespan_ns, 14 * MS);
    assert_false(python_runtime(player.scenario)->has_gil);
    // Another change keeps it; the key again takes it back.
    press(KEY_CORES, 1);
    expect_overrides("machine.cores=4 runtime=cpython-3.13t");
    press(KEY_GIL, 1);
    expect_overrides("machine.cores=4");
    press(KEY_GIL, 1); // twice before any run: what counts is how the scenario is written
    expect_overrides("machine.cores=4 runtime=cpython-3.13t");
    press(KEY_ORIGINAL, 1);
    expect_overrides("");
}

// Several threads of 3.12 may have a GIL each; they then compute at once: 10 ms instead of 20.
static void the_key_of_the_gil_gives_each_its_own(void **state)
{
    (void)state;
    open_other("machine: { cores: 2, costs: zero }\nruntime: cpython-3.12\nthreads:\n"
               "  - { name: a, run: [ { compute: 10ms } ] }\n"
               "  - { name: b, run: [ { compute: 10ms } ] }\n");
    press(KEY_GIL, 1);
    expect_overrides("runtime=cpython-3.13t");
    run_asked();
    press(KEY_GIL, 1);
    expect_overrides("threads.a.interpreter=a threads.b.interpreter=b");
    run_asked();
    assert_int_equal(take->headline.makespan_ns, 10 * MS);
    assert_int_equal(player.scenario->processes[0].interpreters, 2);
    press(KEY_CORES, 1);
    expect_overrides("machine.cores=4 threads.a.interpreter=a threads.b.interpreter=b");
    press(KEY_GIL, 1);
    expect_overrides("machine.cores=4");
    // Before 3.12 they would share one all the same.
    open_other("machine: { cores: 2, costs: zero }\nruntime: cpython-3.11\nthreads:\n"
               "  - { name: a, run: [ { compute: 10ms } ] }\n"
               "  - { name: b, run: [ { compute: 10ms } ] }\n");
    press(KEY_GIL, 1);
    expect_overrides("runtime=cpython-3.13t");
    run_asked();
    press(KEY_GIL, 1);
    expect_overrides("");
}

// A run that takes no time is shown event by event: the axis counts events.
static void a_run_without_time(void **state)
{
    (void)state;
    open_other("machine: { cores: 1, costs: zero }\n"
               "threads: [ { name: a, run: [ { print: one }, { print: two } ] } ]\n");
    int64_t count = (int64_t)player.recording->count;
    assert_int_equal(player.recording->end_ns, 0);
    assert_true(player_by_event(&player));
    assert_int_equal(player_whole(&player).to_ns, count + 1);
    assert_int_equal(player_place(&player), 0);
    press(KEY_NEXT, 3);
    assert_int_equal(player_place(&player), 3);
    assert_int_equal(player.time_ns, 0);
    // At 5 events a second two seconds are ten.
    player.speed = 5;
    press(KEY_HOME, 1);
    press(KEY_PLAY, 1);
    player_pass(&player, 0.1);
    assert_int_equal(player_place(&player), 0);
    player_pass(&player, 0.1);
    assert_int_equal(player_place(&player), 1);
    player_pass(&player, 1.2);
    assert_int_equal(player_place(&player), 7);
    player_pass(&player, 1000);
    assert_int_equal(player_place(&player), count);
    assert_false(player.playing);
    press(KEY_PLAY, 1); // again from the beginning
    assert_int_equal(player_place(&player), 0);
    // With costs it takes time again, and the axis is one of time.
    press(KEY_COSTS, 1);
    run_asked();
    assert_false(player_by_event(&player));
    assert_int_equal(player.zoom.to_ns, player.recording->end_ns);
}

static void the_key_of_the_gil_changes_every_python(void **state)
{
    (void)state;
    open_other("machine: { cores: 2, costs: zero }\n"
               "processes:\n"
               "  - { name: c, threads: [ { name: a, run: [ { compute: 10ms } ] } ] }\n"
               "  - name: new\n"
               "    runtime: cpython-3.13t\n"
               "    threads: [ { name: b, count: 2, run: [ { compute: 10ms } ] } ]\n"
               "  - name: old\n"
               "    runtime: { python: \"3.9\", gil: none }\n"
               "    threads: [ { name: d, run: [ { compute: 10ms } ] } ]\n");
    press(KEY_GIL, 1);
    expect_overrides("processes.new.runtime=cpython-3.13 processes.old.runtime=cpython-3.9");
    run_asked();
    assert_true(python_runtime(player.scenario)->has_gil);
    press(KEY_SEED, 1);
    expect_overrides("processes.new.runtime=cpython-3.13 processes.old.runtime=cpython-3.9 seed=2");
    press(KEY_GIL, 1);
    expect_overrides("seed=2");
}

static void keys_ask_for_other_machines(void **state)
{
    (void)state;
    expect_overrides("");
    press(KEY_CORES, 1);
    assert_int_equal(player_take_request(&player), REQUEST_RUN);
    assert_int_equal(player_take_request(&player), REQUEST_NONE);
    expect_overrides("machine.cores=2");
    press(KEY_CORES, 2);
    expect_overrides("machine.cores=8");
    press(KEY_CORES, 1);
    expect_overrides("machine.cores=1");
    press(KEY_COSTS, 1);
    press(KEY_SEED, 1);
    expect_overrides("machine.cores=1 machine.costs=typical seed=2");
    press(KEY_ORIGINAL, 1);
    expect_overrides("");
    press(KEY_SCHEDULER, 1);
    assert_non_null(strstr(player.change.scheduler, ""));
    assert_string_not_equal(player.change.scheduler, "rr");
}

// On two cores A and B run side by side and end at 20 ms; on one at 40.
static void another_take_keeps_the_instant(void **state)
{
    (void)state;
    player_seek_time(&player, 15 * MS);
    press(KEY_NEXT_TASK, 1);
    const char *cores = "machine.cores=2";
    Take *second = make(&cores, 1);
    player_show(&player, second);
    assert_int_equal(player.time_ns, 15 * MS);
    assert_int_equal(player.selected_task, 1);
    assert_int_equal(player.take->headline.makespan_ns, 20 * MS);
    assert_int_equal(player.before->headline.makespan_ns, 40 * MS);
    assert_true(player.take->headline.utilization == 1);
    assert_int_equal(player.before->headline.wait_ns, 30 * MS); // B 10 + 10, A 10
    assert_int_equal(player.take->headline.wait_ns, 0);
    assert_int_equal(player_whole(&player).to_ns, 40 * MS); // the ghost is longer
    assert_int_equal(player.zoom.to_ns, 40 * MS);
    player_seek_time(&player, 30 * MS);
    assert_int_equal(player.time_ns, 20 * MS);
    // Back to the first shape, which owns the player's take again.
    Take *third = make(NULL, 0);
    player_show(&player, third);
    take_free(take);
    take_free(second);
    take = third;
    player.before = NULL;
    player.ghost = NULL;
}

// 30 ms is behind the end on two cores, and there again on one. Of the records of the instant 0 the
// first three have happened in each.
static void a_shorter_run_does_not_lose_the_instant(void **state)
{
    (void)state;
    const char *cores = "machine.cores=2";
    Take *second = make(&cores, 1);
    player_seek_time(&player, 30 * MS);
    player_show(&player, second);
    assert_int_equal(player.time_ns, 20 * MS);
    Take *third = make(NULL, 0);
    player_show(&player, third);
    assert_int_equal(player.time_ns, 30 * MS);
    player_seek_event(&player, 3);
    player_show(&player, second);
    assert_int_equal(player.scene.next, 3);
    player_seek_event(&player, 0);
    player_show(&player, third);
    assert_int_equal(player.scene.next, 0);
    take_free(take);
    take_free(second);
    take = third;
    player.before = NULL;
    player.ghost = NULL;
}

static void a_change_that_cannot_run_is_taken_back(void **state)
{
    (void)state;
    press(KEY_CORES, 1);
    expect_overrides("machine.cores=2");
    player_fail(&player, "no such core");
    assert_true(player.change_failed);
    expect_overrides("");
    press(KEY_RELOAD, 1);
    player_fail(&player, "a mistake");
    assert_false(player.change_failed);
}

static void a_mistake_is_a_message_not_a_take(void **state)
{
    (void)state;
    char *error;
    const char *wrong = "machine.cores=none";
    Take *none = take_make(path, &wrong, 1, ringside_run, NULL, &error);
    assert_null(none);
    assert_non_null(strstr(error, "cores"));
    free(error);
    assert_null(take_make("/no/such.yaml", NULL, 0, ringside_run, NULL, &error));
    assert_non_null(strstr(error, "no/such.yaml"));
    free(error);
}

static void a_run_that_nobody_wants_ends(void **state)
{
    (void)state;
    char *error;
    atomic_bool given_up = true;
    const char *longer = "until=1000s";
    Take *cut = take_make(path, &longer, 1, ringside_run, &given_up, &error);
    if (cut == NULL)
        free(error);
    take_free(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_forward_and_ten_back_is_nothing, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(the_ends_hold, open_player, close_player),
        cmocka_unit_test_setup_teardown(switches_of_the_selected_thread, open_player, close_player),
        cmocka_unit_test_setup_teardown(plays_at_its_speed, open_player, close_player),
        cmocka_unit_test_setup_teardown(slow_play_moves_on, open_player, close_player),
        cmocka_unit_test_setup_teardown(play_ends_at_the_end_and_begins_again, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(zoom_keeps_the_instant_in_its_place, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(the_timeline_follows_the_instant, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(clicks_do_what_is_there, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(a_drag_with_shift_marks_a_stretch, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(the_timeline_takes_clicks_drags_and_the_wheel, open_frame,
                                        close_frame),
        cmocka_unit_test_setup_teardown(the_bar_beside_the_rows_scrolls, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(the_bar_scrubs, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(a_click_on_a_line_goes_to_when_it_is_begun, open_frame,
                                        close_frame),
        cmocka_unit_test_setup_teardown(guesses_are_counted, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(who_is_tied_is_right, open_frame, close_frame),
        cmocka_unit_test_setup_teardown(keys_ask_for_other_machines, open_player, close_player),
        cmocka_unit_test_setup_teardown(the_key_of_the_gil, open_player, close_player),
        cmocka_unit_test_setup_teardown(the_key_of_the_gil_gives_each_its_own, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(a_run_without_time, open_player, close_player),
        cmocka_unit_test_setup_teardown(the_key_of_the_gil_changes_every_python, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(another_take_keeps_the_instant, open_player, close_player),
        cmocka_unit_test_setup_teardown(a_shorter_run_does_not_lose_the_instant, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(a_change_that_cannot_run_is_taken_back, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(a_mistake_is_a_message_not_a_take, open_player,
                                        close_player),
        cmocka_unit_test_setup_teardown(a_run_that_nobody_wants_ends, open_player, close_player),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
