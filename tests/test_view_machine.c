// The machine view, the event and the program, read from their draw lists: each thread is one chip,
// where the scene has it; chips and cores answer to clicks; a chip that changes its place is
// between the two while it moves; and whatever the scenario and the size, frames keep the laws of
// frames.
#include "render/stage.h"
#include "tests/frame_laws.h"
#include "tests/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000000, W = 1000, H = 440 };

static Theme theme;

static void draw(void (*view)(DrawList *, Box, const Player *))
{
    draw_begin(&list, fonts, &theme, W, H);
    view(&list, (Box){0, 0, W, H}, &player);
}

// The run of `yaml` at an instant.
static void show(const char *yaml, int64_t us)
{
    shown_open(yaml, us);
    draw(view_machine);
}

static int setup(void **state)
{
    theme = theme_make(THEME_LIGHT, 0, 1);
    return shown_setup(state);
}

static uint32_t id_of(const char *name)
{
    char text[96];
    for (uint32_t id = 1; id <= player.recording->tasks.id_max; id++)
        if (strcmp(recording_task_name(player.recording, id, text), name) == 0)
            return id;
    fail_msg("there is no thread '%s'", name);
    return 0;
}

// A chip is a hit whose box is filled with the colour of what its thread does.
static bool is_chip(const Hit *hit)
{
    const SceneTask *task = scene_task(&player.scene, hit->argument);
    assert_non_null(task);
    Colour colour = theme.colours[state_look(task->state)->colour];
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        bool ground = (item->kind == DRAW_FILL && item->colour == colour) ||
                      (item->kind == DRAW_HATCH && item->other == colour);
        if (ground && memcmp(&item->box, &hit->box, sizeof(Box)) == 0)
            return true;
    }
    return false;
}

static Box chip_of(const char *name)
{
    uint32_t id = id_of(name);
    Box found = {0};
    int count = 0;
    for (size_t i = 0; i < list.hits.count; i++) {
        const Hit *hit = &list.hits.at[i];
        if (hit->action != HIT_TASK || hit->argument != id || !is_chip(hit))
            continue;
        found = hit->box;
        count++;
    }
    if (count != 1)
        fail_msg("'%s' has %d chips", name, count);
    return found;
}

static Box core_of(uint32_t core)
{
    for (size_t i = 0; i < list.hits.count; i++)
        if (list.hits.at[i].action == HIT_CORE && list.hits.at[i].argument == core)
            return list.hits.at[i].box;
    fail_msg("there is no core %u", core);
    return (Box){0, 0, 0, 0};
}

// The chip of the coroutine with this serial: a hit with a round ground in its state's colour.
static bool is_coroutine_chip(const Hit *hit)
{
    const SceneCoroutine *coroutine = scene_coroutine(&player.scene, hit->argument);
    assert_non_null(coroutine);
    Colour colour = theme.colours[coroutine_look(&player.scene, coroutine)->colour];
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        bool ground = (item->kind == DRAW_FILL && item->colour == colour) ||
                      (item->kind == DRAW_HATCH && item->other == colour);
        if (ground && item->radius == hit->box.h / 2 &&
            memcmp(&item->box, &hit->box, sizeof(Box)) == 0)
            return true;
    }
    return false;
}

static Box coroutine_chip(uint32_t serial)
{
    Box found = {0};
    int count = 0;
    for (size_t i = 0; i < list.hits.count; i++) {
        const Hit *hit = &list.hits.at[i];
        if (hit->action != HIT_COROUTINE || hit->argument != serial || !is_coroutine_chip(hit))
            continue;
        found = hit->box;
        count++;
    }
    if (count != 1)
        fail_msg("coroutine %u has %d chips", serial, count);
    return found;
}

// Behind the first record of this kind by the thread, NULL: by any.
static void seek_kind(EventKind kind, const char *thread)
{
    RecordFilter filter = {.core = CORE_NONE, .by_kind = true};
    filter.task = thread != NULL ? id_of(thread) : 0;
    filter.kinds[kind] = true;
    int64_t found = recording_find(player.recording, player.scene.next, 1, &filter);
    if (found == RECORD_NONE)
        fail_msg("there is no record of kind %d", kind);
    player_seek_event(&player, (uint64_t)found + 1);
    player.moved = 1;
    draw(view_machine);
}

static bool within(Box inner, Box outer)
{
    return inner.x >= outer.x && inner.y >= outer.y && box_right(inner) <= box_right(outer) &&
           box_bottom(inner) <= box_bottom(outer);
}

static bool in_row(Box chip, const DrawItem *label)
{
    int middle = chip.y + chip.h / 2;
    return middle >= label->box.y && middle < box_bottom(label->box) && chip.x > label->box.x;
}

// ---- where chips stand

#define LOCKED                                                                                     \
    "machine: { cores: 2, scheduler: fifo, costs: zero }\n"                                        \
    "locks: { cache: lock }\n"                                                                     \
    "threads:\n"                                                                                   \
    "  - { name: hold, run: [ { with: { lock: cache, do: [ { compute: 10ms } ] } } ] }\n"          \
    "  - { name: want, start: 1ms, run: [ { with: { lock: cache, do: [ { compute: 1ms } ] } } ] "  \
    "}\n"                                                                                          \
    "  - { name: busy, start: 2ms, run: [ { compute: 10ms } ] }\n"                                 \
    "  - { name: later, start: 3ms, run: [ { compute: 1ms } ] }\n"                                 \
    "  - { name: nap, run: [ { sleep: 20ms } ] }\n"

static void a_thread_stands_where_it_is(void **state)
{
    (void)state;
    // At 5 ms hold computes on core 0, want waits for its lock, busy has core 1, later is queued
    // at one of them, and nap sleeps.
    show(LOCKED, 5000);
    assert_true(within(chip_of("hold"), core_of(0)));
    assert_true(within(chip_of("busy"), core_of(1)));
    assert_true(in_row(chip_of("want"), expect_text("cache")));
    assert_true(in_row(chip_of("nap"), expect_text("sleep")));
    assert_true(chip_of("later").y > expect_text("run queues")->box.y);
    assert_true(chip_of("later").y < core_of(0).y);
    expect_text("15 ms left");
    // The holder is named by the lock too: its name there is no chip, and selects it all the same.
    int named = 0;
    for (size_t i = 0; i < list.hits.count; i++)
        named += list.hits.at[i].action == HIT_TASK && list.hits.at[i].argument == id_of("hold") &&
                 in_row(list.hits.at[i].box, expect_text("cache"));
    assert_int_equal(named, 1);
    expect_text("waiting");
    expect_text("process 1 · running 2 · runnable 1 · waits for lock 1 · sleeps 1");
}

static void cores_say_what_they_do(void **state)
{
    (void)state;
    show(LOCKED, 5000);
    expect_text("user · compute");
    // Core 1 was idle from 0 to 2 but for nap's and want's instants.
    expect_text("60 %");
    expect_text("100 %");
    player_seek_time(&player, 19 * MS);
    player.moved = 1;
    draw(view_machine);
    assert_null(text_item("user · compute"));
}

static void the_boundary_shows_who_is_below_it(void **state)
{
    (void)state;
    show("machine: { cores: 1, costs: { base: zero, syscall: 2us } }\n"
         "threads: [ { name: a, run: [ { compute: 1ms }, { yield: {} }, { compute: 1ms } ] } ]\n",
         1001);
    expect_text("a ↓ sched_yield 1 us");
    expect_text("kernel · sched_yield");
    assert_true(within(chip_of("a"), core_of(0)));
    player_seek_time(&player, 1500 * 1000);
    draw(view_machine);
    assert_null(text_item("a ↓ sched_yield 1 us"));
}

static void a_chip_moves_to_its_new_place(void **state)
{
    (void)state;
    show(LOCKED, 9999);
    Box before = chip_of("want");
    // The event at which want gets core 0.
    RecordFilter filter = {.task = id_of("want"), .core = CORE_NONE, .by_kind = true};
    filter.kinds[EVENT_SWITCH_IN] = true;
    int64_t found = recording_find(player.recording, player.scene.next, 1, &filter);
    assert_true(found >= 0);
    scene_copy(&player.was, &player.scene);
    recording_seek(player.recording, &player.scene, (uint64_t)found + 1);
    player.moved = 1;
    draw(view_machine);
    Box after = chip_of("want");
    assert_true(within(after, core_of((uint32_t)scene_task(&player.scene, id_of("want"))->core)));
    player.moved = 0;
    draw(view_machine);
    Box begins = chip_of("want");
    assert_int_equal(begins.x, before.x);
    assert_int_equal(begins.y, before.y);
    player.moved = 0.3f;
    draw(view_machine);
    Box between = chip_of("want");
    assert_true(between.y > before.y && between.y < after.y);
    assert_int_equal(between.w, after.w);
}

static void long_lists_end_in_a_number(void **state)
{
    (void)state;
    show("machine: { cores: 1, scheduler: fifo, costs: zero }\n"
         "threads: [ { name: hog, count: 200, run: [ { compute: 1ms } ] } ]\n",
         500);
    // 199 wait; chips and number together are all of them.
    uint32_t chips = 0;
    for (size_t i = 0; i < list.hits.count; i++) {
        const Hit *hit = &list.hits.at[i];
        chips += hit->action == HIT_TASK && hit->box.y > expect_text("run queues")->box.y &&
                 hit->box.y < core_of(0).y;
    }
    assert_true(chips > 2);
    char more[16];
    snprintf(more, sizeof more, "+%u", 199 - chips);
    expect_text(more);
}

// ---- Python

#define GIL_OF_TWO                                                                                 \
    "machine: { cores: 2, costs: zero }\n"                                                         \
    "runtime: cpython-3.12\n"                                                                      \
    "threads:\n"                                                                                   \
    "  - { name: hog, run: [ { compute: 20ms } ] }\n"                                              \
    "  - { name: want, start: 1ms, run: [ { compute: 4ms } ] }\n"

static void expect_no_text(const char *text)
{
    if (text_item(text) != NULL)
        fail_msg("'%s' is there", text);
}

// How wide the coloured part of the only interval bar is: 8 points high, 36 wide when it is full.
static int interval_bar_w(void)
{
    int w = -1;
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        if (item->kind != DRAW_FILL || item->box.h != 8 ||
            item->colour != theme.colours[COLOUR_GIL])
            continue;
        assert_int_equal(w, -1);
        w = item->box.w;
    }
    return w;
}

static void the_gil_has_a_holder_and_waiters(void **state)
{
    (void)state;
    // hog has it from 0 on; want comes at 1 ms and asks when it has waited for 5 ms, at 6 ms.
    show(GIL_OF_TWO, 3000);
    const DrawItem *token = expect_text("GIL");
    assert_true(in_row(expect_text("for 3 ms")->box, token));
    assert_true(in_row(chip_of("want"), token));
    assert_true(in_row(expect_text("2 ms")->box, token));
    expect_text("asks in 3 ms");
    // 3 of 5 ms are left: 0.6 * 36 = 21.6, drawn as 22.
    assert_int_equal(interval_bar_w(), 22);
    assert_true(within(chip_of("hog"), core_of(0)));
    int named = 0;
    for (size_t i = 0; i < list.hits.count; i++)
        named += list.hits.at[i].action == HIT_TASK && list.hits.at[i].argument == id_of("hog") &&
                 in_row(list.hits.at[i].box, token);
    assert_int_equal(named, 1);
    expect_no_text("drop asked");
    seek_kind(EVENT_GIL_ASKED, "want");
    assert_int_equal(player.time_ns, 6 * MS);
    assert_true(in_row(expect_text("drop asked")->box, expect_text("GIL")));
    seek_kind(EVENT_GIL_TAKEN, "want");
    expect_no_text("drop asked");
    // want has it from 6 to 10 ms; hog waits and would ask at 11.
    player_seek_time(&player, 7 * MS);
    draw(view_machine);
    assert_true(in_row(chip_of("hog"), expect_text("GIL")));
    expect_text("for 1 ms");
    expect_text("asks in 4 ms");
    assert_int_equal(interval_bar_w(), 29); // 0.8 * 36 = 28.8
}

static void a_build_without_the_gil_says_so(void **state)
{
    (void)state;
    show("machine: { cores: 2, costs: zero }\nruntime: cpython-3.13t\n"
         "threads: [ { name: a, count: 2, run: [ { compute: 20ms } ] } ]\n",
         3000);
    expect_text("no GIL");
    expect_no_text("GIL");
    show("threads: [ { name: a, run: [ { compute: 20ms } ] } ]\n", 3000); // no Python at all
    expect_no_text("no GIL");
    expect_no_text("GIL");
}

#define LOOP                                                                                       \
    "machine: { cores: 1, costs: zero }\n"                                                         \
    "runtime: cpython-3.12\n"                                                                      \
    "functions:\n"                                                                                 \
    "  nap: [ { await: { sleep: 10ms } } ]\n"                                                      \
    "  work: [ { compute: 5ms } ]\n"                                                               \
    "  late: [ { compute: 1ms } ]\n"                                                               \
    "  main: [ { gather: [ nap, work, late ] } ]\n"                                                \
    "threads: [ { name: thread, run: [ { asyncio.run: main } ] } ]\n"

static void a_coroutine_stands_where_it_is(void **state)
{
    (void)state;
    // Turn 1 runs main, which makes tasks of the others; turn 2 runs nap, which sleeps until 10 ms,
    // and then work, from 0 to 5 ms. Then it is late's turn, from 5 to 6.
    show(LOOP, 2000);
    expect_text("turn 2");
    assert_true(in_row(coroutine_chip(3), expect_text("running")));
    assert_true(in_row(coroutine_chip(4), expect_text("ready")));
    assert_true(in_row(coroutine_chip(2), expect_text("timers")));
    assert_true(in_row(expect_text("8 ms")->box, expect_text("timers")));
    assert_true(in_row(coroutine_chip(1), expect_text("waiting")) ||
                coroutine_chip(1).y > expect_text("timers")->box.y);
    expect_text("for 3 others"); // none of them has ended
    assert_int_equal(expect_text("callbacks")->style, STYLE_BOLD);
    assert_int_equal(expect_text("select")->style, STYLE_SMALL);
    // The thread that runs the loop is named by it and stands on its core.
    assert_true(within(chip_of("thread"), core_of(0)));
    player_seek_time(&player, 5500000);
    draw(view_machine);
    assert_true(in_row(coroutine_chip(4), expect_text("running")));
    assert_true(in_row(expect_text("for 500 us")->box, expect_text("running")));
    // Behind 6 ms all that is left to do is due at 10: the loop waits for that, 2 ms more at 8.
    player_seek_time(&player, 8 * MS);
    draw(view_machine);
    assert_int_equal(expect_text("select")->style, STYLE_BOLD);
    expect_text("for 2 ms at most");
    assert_true(in_row(coroutine_chip(2), expect_text("timers")));
}

static void a_coroutine_moves_and_is_selected(void **state)
{
    (void)state;
    show(LOOP, 4999);
    Box before = coroutine_chip(4);
    player_seek_time(&player, 5 * MS);
    scene_copy(&player.was, &player.scene);
    player_seek_time(&player, 4 * MS);
    Scene swap = player.was;
    player.was = player.scene;
    player.scene = swap;
    player.moved = 0;
    draw(view_machine);
    Box begins = coroutine_chip(4);
    assert_int_equal(begins.x, before.x);
    assert_int_equal(begins.y, before.y);
    player.moved = 1;
    draw(view_machine);
    Box after = coroutine_chip(4);
    assert_true(in_row(after, expect_text("running")));
    player.moved = 0.3f;
    draw(view_machine);
    assert_true(coroutine_chip(4).x > after.x && coroutine_chip(4).x < before.x);
    // A click selects it, and nothing else with it; a second one does not.
    player.selected_task = 1;
    Pointer pointer = {.kind = POINTER_DOWN, .x = coroutine_chip(4).x + 4, .y = after.y + 4};
    player_pointer(&player, &list, pointer);
    pointer.kind = POINTER_UP;
    player_pointer(&player, &list, pointer);
    assert_int_equal(player.selected_coroutine, 4);
    assert_int_equal(player.selected_task, 0);
    pointer.kind = POINTER_DOWN;
    player_pointer(&player, &list, pointer);
    pointer.kind = POINTER_UP;
    player_pointer(&player, &list, pointer);
    assert_int_equal(player.selected_coroutine, 0);
}

static void steps_of_the_selected_coroutine(void **state)
{
    (void)state;
    show(LOOP, 1000);
    player.selected_coroutine = 4;
    player_key(&player, KEY_NEXT_SWITCH); // late goes on
    assert_int_equal(player.time_ns, 5 * MS);
    assert_int_equal(player_current(&player)->kind, EVENT_COROUTINE_RESUMED);
    player_key(&player, KEY_NEXT_SWITCH); // and ends
    assert_int_equal(player.time_ns, 6 * MS);
    assert_int_equal(player_current(&player)->kind, EVENT_COROUTINE_DONE);
    player_key(&player, KEY_BACK_SWITCH);
    assert_int_equal(player.time_ns, 5 * MS);
    player_key(&player, KEY_BACK_SWITCH); // there is none before
    assert_int_equal(player.scene.next, 0);
    player_key(&player, KEY_LEAVE);
    assert_int_equal(player.selected_coroutine, 0);
}

static void a_loop_whose_thread_blocks_stands_still(void **state)
{
    (void)state;
    show("machine: { cores: 1, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "functions:\n"
         "  worker: [ { sleep: 2s } ]\n"
         "  main: [ { gather: [ worker, worker ] } ]\n"
         "threads: [ { name: thread, run: [ { asyncio.run: main } ] } ]\n",
         1000000);
    expect_text("stands still: its thread sleeps");
    assert_true(in_row(coroutine_chip(2), expect_text("running")));
    assert_true(in_row(expect_text("for 1 s")->box, expect_text("running")));
    assert_true(in_row(coroutine_chip(3), expect_text("ready")));
    // Nobody has the GIL: time.sleep releases it.
    assert_true(in_row(expect_text("free")->box, expect_text("GIL")));
}

// The rows of a loop in a slim box go to those where somebody is, and each of them has its chip.
static void loops_side_by_side(void **state)
{
    (void)state;
    // Each main waits for the end of its nap, which sleeps; nothing runs, and nothing is ready.
    show("machine: { costs: zero }\n"
         "processes:\n"
         "  - name: one\n"
         "    runtime: cpython-3.12\n"
         "    functions:\n"
         "      nap: [ { await: { sleep: 1s } } ]\n"
         "      main: [ { gather: [ nap ] } ]\n"
         "    threads: [ { name: a, run: [ { asyncio.run: main } ] } ]\n"
         "  - name: two\n"
         "    runtime: cpython-3.12\n"
         "    functions:\n"
         "      nap: [ { await: { sleep: 1s } } ]\n"
         "      main: [ { gather: [ nap ] } ]\n"
         "    threads: [ { name: b, run: [ { asyncio.run: main } ] } ]\n",
         500000);
    draw_begin(&list, fonts, &theme, W, H);
    view_machine(&list, (Box){0, 0, 440, 230}, &player);
    for (uint32_t serial = 1; serial <= 4; serial++)
        coroutine_chip(serial);
    expect_text("timers");
    expect_text("waiting");
    expect_no_text("running");
}

static void nodes_loop_and_its_phase(void **state)
{
    (void)state;
    // The script runs until 5 ms and has set a timer for 10. There is nothing else to wait for, so
    // epoll waits until then; the next look at the timers calls `later`, until 15 ms.
    show("machine: { costs: zero }\n"
         "runtime: node\n"
         "functions:\n"
         "  later: [ { compute: 5ms } ]\n"
         "  script: [ { set_timeout: { after: 10ms, run: later } }, { compute: 5ms } ]\n"
         "threads: [ { name: thread, run: [ { node.run: script } ] } ]\n",
         2000);
    assert_true(in_row(expect_text("script()")->box, expect_text("calls")));
    assert_true(in_row(expect_text("for 2 ms")->box, expect_text("calls")));
    assert_int_equal(expect_text("timers")->style, STYLE_SMALL);
    player_seek_time(&player, 7 * MS);
    draw(view_machine);
    assert_int_equal(expect_text("poll")->style, STYLE_BOLD);
    assert_true(in_row(expect_text("for 3 ms at most")->box, expect_text("poll")));
    assert_true(in_row(expect_text("nothing")->box, expect_text("calls")));
    player_seek_time(&player, 12 * MS);
    draw(view_machine);
    assert_int_equal(expect_text("timers")->style, STYLE_BOLD);
    assert_true(in_row(expect_text("later()")->box, expect_text("calls")));
    player_seek_time(&player, 15 * MS); // it ends with its thread
    draw(view_machine);
    expect_no_text("libuv loop");
}

// Who waits alone in a list has a chip, if need be with a part of its name.
static void a_lone_waiter_has_a_chip(void **state)
{
    (void)state;
    show("machine: { cores: 2, costs: zero }\n"
         "locks: { cache: lock }\n"
         "threads:\n"
         "  - name: accounting-thread\n"
         "    count: 2\n"
         "    run: [ { with: { lock: cache, do: [ { compute: 20ms } ] } } ]\n",
         5000);
    int whole = chip_of("accounting-thread-2").w;
    bool cut = false;
    for (int w = 560; w >= 472; w -= 8) {
        draw_begin(&list, fonts, &theme, W, H);
        view_machine(&list, (Box){0, 0, w, 300}, &player);
        cut = chip_of("accounting-thread-2").w < whole || cut;
        expect_no_text("+1");
    }
    assert_true(cut);
}

static void many_coroutines_are_counted(void **state)
{
    (void)state;
    show("machine: { costs: zero }\n"
         "runtime: cpython-3.12\n"
         "functions:\n"
         "  nap: [ { await: { sleep: 1s } } ]\n"
         "  main: [ { create_task: { run: nap, as: naps, count: 2000 } }, { gather: naps } ]\n"
         "threads: [ { name: thread, run: [ { asyncio.run: main } ] } ]\n",
         500000);
    uint32_t chips = 0;
    for (size_t i = 0; i < list.hits.count; i++)
        chips += list.hits.at[i].action == HIT_COROUTINE;
    assert_true(chips > 3);
    char more[32];
    snprintf(more, sizeof more, "+ 1,%u more", 2000 - (chips - 1) - 1000); // main is one of them
    assert_true(in_row(expect_text(more)->box, expect_text("timers")));
}

// ---- the event

static void the_event_its_cause_and_the_next(void **state)
{
    (void)state;
    show(LOCKED, 1000);
    draw(view_now);
    expect_text("1.000 000 ms");
    expect_text("want leaves core 1: it waits for a lock");
    expect_text("busy is created");
    player.quiz = true;
    draw(view_now);
    assert_null(text_item("busy is created"));
    expect_text("?");
    expect_text("Who acts next? Click a thread or a core; Enter shows it.");
    player.revealed = true;
    player.guesses = 3;
    player.guesses_right = 2;
    draw(view_now);
    expect_text("busy is created");
    expect_text("2 of 3 right. This is the answer.");
    player.quiz = false;
    player_seek_event(&player, 0);
    draw(view_now);
    expect_text("Nothing has happened yet.");
    player_seek_event(&player, player.recording->count);
    draw(view_now);
    expect_text("Nothing: the run is over.");
}

static bool text_ends(const char *end)
{
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        size_t length = item->kind == DRAW_TEXT ? strlen(item->text) : 0;
        if (length >= strlen(end) && strcmp(item->text + length - strlen(end), end) == 0)
            return true;
    }
    return false;
}

// It falls asleep at 0, and nothing happens until 4 ms.
static void an_event_may_be_long_ago(void **state)
{
    (void)state;
    show("machine: { costs: zero }\nthreads: [ { name: t, run: [ { sleep: 4ms } ] } ]\n", 3000);
    draw(view_now);
    expect_text("t leaves core 0: it sleeps");
    assert_true(text_ends(", 3 ms ago"));
    player_seek_event(&player, player.recording->count);
    draw(view_now);
    assert_false(text_ends(" ago"));
}

// ---- the program

static void the_program_has_a_cursor_a_thread(void **state)
{
    (void)state;
    show(LOCKED, 5000);
    draw(view_program);
    // The last event by 5 ms is later's coming at 3; it has not begun: no line is marked.
    const DrawItem *line = expect_text("5");
    assert_true(in_row(chip_of("want"), line));
    assert_true(in_row(chip_of("hold"), expect_text("4")));
    assert_true(in_row(chip_of("busy"), expect_text("6")));
    assert_true(in_row(chip_of("nap"), expect_text("8")));
    // A click on a line goes on to it.
    Hit hit = draw_hit_at(&list, line->box.x, line->box.y + 2);
    assert_int_equal(hit.action, HIT_LINE);
    assert_int_equal(hit.argument, 5);
}

static void many_at_one_line_are_counted(void **state)
{
    (void)state;
    show("machine: { cores: 1, costs: zero }\n"
         "threads: [ { name: n, count: 30, run: [ { sleep: 5ms } ] } ]\n",
         1000);
    draw(view_program);
    expect_text("+26");
}

static void a_long_program_follows_the_event(void **state)
{
    (void)state;
    static char yaml[16384];
    size_t length = (size_t)snprintf(yaml, sizeof yaml,
                                     "machine: { cores: 1, costs: zero }\nthreads:\n"
                                     "  - name: a\n    run:\n");
    for (int i = 0; i < 300; i++)
        length += (size_t)snprintf(yaml + length, sizeof yaml - length, "      - compute: 1ms\n");
    show(yaml, 200500); // the 201st, which is at line 4 + 201
    draw(view_program);
    assert_true(in_row(chip_of("a"), expect_text("205")));
    assert_null(text_item("1"));
    player.first_line = 1;
    draw(view_program);
    expect_text("1");
    player.first_line = 9999; // no further than that the last line is the last shown
    draw(view_program);
    expect_text("304");
}

static void an_executor_has_its_threads(void **state)
{
    (void)state;
    // Two threads for five items of 10 ms: at 5 ms two items are being done and three are queued;
    // at 25 ms the fifth is being done, and the other thread waits for work.
    show("machine: { cores: 2, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "executors: { pool: { threads: 2 } }\n"
         "functions: { request: [ { sleep: 10ms } ] }\n"
         "threads:\n"
         "  - name: main\n"
         "    run:\n"
         "      - submit: { to: pool, run: request, as: all, count: 5 }\n"
         "      - result: all\n",
         5000);
    const DrawItem *label = expect_text("executor");
    assert_true(in_row(expect_text("3 queued")->box, label));
    int named = 0;
    for (size_t i = 0; i < list.hits.count; i++)
        named += list.hits.at[i].action == HIT_TASK && in_row(list.hits.at[i].box, label);
    assert_int_equal(named, 2);
    assert_false(in_row(chip_of("pool-1"), label)); // it sleeps
    player_seek_time(&player, 25 * MS);
    draw(view_machine);
    expect_text("0 queued");
    const char *idle = scene_task(&player.scene, id_of("pool-1"))->state == TASK_STATE_SLEEPS
                           ? "pool-2"
                           : "pool-1";
    assert_true(in_row(chip_of(idle), expect_text("executor")));
}

static void a_lock_of_coroutines(void **state)
{
    (void)state;
    // The first has the lock from 0 to 10 ms; the other two wait for it.
    show("machine: { cores: 1, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "asyncio: { locks: [ cache ] }\n"
         "functions:\n"
         "  user: [ { with: { lock: cache, do: [ { await: { sleep: 10ms } } ] } } ]\n"
         "  main: [ { gather: [ user, user, user ] } ]\n"
         "threads: [ { name: thread, run: [ { asyncio.run: main } ] } ]\n",
         5000);
    const DrawItem *label = expect_text("cache");
    assert_true(coroutine_chip(2).y < label->box.y); // it sleeps with it
    assert_true(in_row(expect_text("2 wait")->box, label));
    expect_text("at cache");
}

static void the_program_has_a_cursor_a_coroutine(void **state)
{
    (void)state;
    // At 2 ms work runs at line 5 of LOOP, nap sleeps at 4, and main waits at 7; late has not
    // begun.
    show(LOOP, 2000);
    draw(view_program);
    assert_true(in_row(coroutine_chip(2), expect_text("4")));
    assert_true(in_row(coroutine_chip(3), expect_text("5")));
    assert_true(in_row(coroutine_chip(1), expect_text("7")));
    for (size_t i = 0; i < list.hits.count; i++) {
        assert_false(list.hits.at[i].action == HIT_TASK); // their thread has none besides
        assert_false(list.hits.at[i].action == HIT_COROUTINE && list.hits.at[i].argument == 4);
    }
}

static void why_a_coroutine_waits(void **state)
{
    (void)state;
    show(LOOP, 2000);
    player.why = true;
    player.selected_coroutine = 4;
    draw(view_now);
    bool told = false;
    for (size_t i = 0; i < list.items.count; i++)
        told = told || (list.items.at[i].kind == DRAW_TEXT &&
                        strstr(list.items.at[i].text, "late #4 is ready") != NULL);
    assert_true(told);
}

// ---- whatever the scenario

// No thread or coroutine has two chips, and no chip is on another.
static void expect_single_chips(const char *name)
{
    static Box chips[STAGE_CHIPS];
    static bool seen[1 << 16], coroutines[1 << 16];
    uint32_t count = 0;
    memset(seen, 0, sizeof seen);
    memset(coroutines, 0, sizeof coroutines);
    for (size_t i = 0; i < list.hits.count; i++) {
        const Hit *hit = &list.hits.at[i];
        bool of_thread = hit->action == HIT_TASK && is_chip(hit);
        bool of_coroutine = hit->action == HIT_COROUTINE && is_coroutine_chip(hit);
        if (!of_thread && !of_coroutine)
            continue;
        assert_true(hit->argument < 1 << 16 && count < STAGE_CHIPS);
        bool *already = of_thread ? &seen[hit->argument] : &coroutines[hit->argument];
        if (*already)
            fail_msg("%s, behind event %llu: %s %u has two chips", name,
                     (unsigned long long)player.scene.next, of_thread ? "thread" : "coroutine",
                     hit->argument);
        *already = true;
        for (uint32_t k = 0; k < count; k++)
            assert_true(box_empty(box_meet(chips[k], hit->box)));
        chips[count++] = hit->box;
    }
    for (uint32_t core = 0; core < player.scene.core_count && core < 4; core++)
        assert_true(player.scene.cores[core].task == 0 || seen[player.scene.cores[core].task]);
}

static void keep_the_laws(const char *name, void (*view)(DrawList *, Box, const Player *), Box box)
{
    draw_begin(&list, fonts, &theme, box.w, box.h);
    draw_fill(&list, box, COLOUR_GROUND);
    view(&list, box, &player);
    Arena arena = {0};
    const char *breaches = frame_breaches(&list, &arena);
    if (*breaches != 0)
        fail_msg("%s, behind event %llu, %d x %d, theme %d, scale %.2f: %s", name,
                 (unsigned long long)player.scene.next, box.w, box.h, theme.name,
                 (double)theme.scale, breaches);
    arena_free(&arena);
}

static void frames_keep_the_laws(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/scenarios/%s.yaml", RINGSIDE_SOURCE_DIR, name);
    char *error;
    take = take_make(path, NULL, 0, ringside_run, NULL, &error);
    if (take == NULL)
        fail_msg("%s", error);
    player_open(&player, take);
    // Of the machine's panel and of the two beside it, in windows of three sizes.
    static const Box boxes[] = {{0, 0, 1046, 480}, {0, 0, 820, 340}, {0, 0, 650, 290}};
    static const Box windows[] = {{0, 0, 1600, 900}, {0, 0, 1280, 720}, {0, 0, 1024, 640}};
    static const Box beside[] = {{0, 0, 535, 220}, {0, 0, 425, 150}, {0, 0, 338, 110}};
    for (int moment = 1; moment < 8; moment++) {
        player_seek_event(&player, player.recording->count * (uint64_t)moment / 7);
        player.moved = 1;
        for (int look = 0; look < 9; look++) {
            theme = theme_for_window(look % 3 == 1 ? THEME_DARK : THEME_LIGHT, look % 3 == 2, 1,
                                     windows[look / 3].w, windows[look / 3].h);
            keep_the_laws(name, view_machine, boxes[look / 3]);
            expect_single_chips(name);
            keep_the_laws(name, view_now, beside[look / 3]);
            keep_the_laws(name, view_program, beside[look / 3]);
        }
    }
    player_free(&player);
    take_free(take);
    take = NULL;
    player = (Player){0};
}

static void frames_of_many_scenarios(void **state)
{
    (void)state;
    frames_keep_the_laws("4-threads/hot-lock");
    frames_keep_the_laws("4-threads/philosophers-deadlock");
    frames_keep_the_laws("4-threads/producer-consumer");
    frames_keep_the_laws("4-threads/readers-share");
    frames_keep_the_laws("4-threads/spin-lock");
    frames_keep_the_laws("3-schedulers/priority-inheritance");
    frames_keep_the_laws("3-schedulers/one-queue");
    frames_keep_the_laws("2-user-space-and-kernel/ten-thousand-waits");
    frames_keep_the_laws("6-processes/fork-and-spawn");
    frames_keep_the_laws("6-processes/zombies");
    frames_keep_the_laws("6-processes/ways-to-hand-over");
    frames_keep_the_laws("6-processes/pipeline");
    frames_keep_the_laws("5-gil/switch-interval");
    frames_keep_the_laws("5-gil/four-threads");
    frames_keep_the_laws("5-gil/convoy");
    frames_keep_the_laws("5-gil/two-processes");
    frames_keep_the_laws("5-gil/no-gil");
    frames_keep_the_laws("7-event-loop/one-turn-of-the-loop");
    frames_keep_the_laws("7-event-loop/blocking-sleep");
    frames_keep_the_laws("7-event-loop/timeout-and-retry");
    frames_keep_the_laws("7-event-loop/ten-thousand-tasks");
    frames_keep_the_laws("7-event-loop/a-hundred-blocking-calls");
    frames_keep_the_laws("7-event-loop/a-process-pool-for-the-loop");
    frames_keep_the_laws("6-processes/process-pool");
    frames_keep_the_laws("7-event-loop/lines-and-acknowledgements");
    frames_keep_the_laws("5-gil/a-gil-per-interpreter");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, shown_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thread_stands_where_it_is),
        TEST(cores_say_what_they_do),
        TEST(the_boundary_shows_who_is_below_it),
        TEST(a_chip_moves_to_its_new_place),
        TEST(long_lists_end_in_a_number),
        TEST(the_event_its_cause_and_the_next),
        TEST(an_event_may_be_long_ago),
        TEST(the_program_has_a_cursor_a_thread),
        TEST(many_at_one_line_are_counted),
        TEST(a_long_program_follows_the_event),
        TEST(frames_of_many_scenarios),
        TEST(the_gil_has_a_holder_and_waiters),
        TEST(a_build_without_the_gil_says_so),
        TEST(a_coroutine_stands_where_it_is),
        TEST(a_coroutine_moves_and_is_selected),
        TEST(the_program_has_a_cursor_a_coroutine),
        TEST(why_a_coroutine_waits),
        TEST(steps_of_the_selected_coroutine),
        TEST(an_executor_has_its_threads),
        TEST(a_lock_of_coroutines),
        TEST(many_coroutines_are_counted),
        TEST(loops_side_by_side),
        TEST(nodes_loop_and_its_phase),
        TEST(a_lone_waiter_has_a_chip),
        TEST(a_loop_whose_thread_blocks_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
