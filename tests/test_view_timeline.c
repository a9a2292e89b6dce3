// The timeline's picture, read from its draw list: bars stand where the run says, in the colour,
// height and hatch of their state; what does not fit into columns is drawn as shares; and however
// much happens, a row is at most a rectangle a column. Boxes are found by colour within the plot,
// which is where a click goes to an instant.
#include "render/timeline_bars.h"
#include "tests/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000000, W = 1200, H = 400 };

static Theme theme;
static Take *before;

static void draw(void)
{
    draw_begin(&list, fonts, &theme, W, H);
    view_timeline(&list, (Box){0, 0, W, H}, &player);
}

static void show(const char *yaml)
{
    shown_open(yaml, 0);
    draw();
}

static int setup(void **state)
{
    theme = theme_make(THEME_LIGHT, 0, 1);
    return shown_setup(state);
}

static int teardown(void **state)
{
    shown_teardown(state);
    take_free(before);
    before = NULL;
    return 0;
}

// The plot of the row at place `i` from above.
static Box plot_of(int i)
{
    for (size_t k = 0; k < list.hits.count; k++)
        if (list.hits.at[k].action == HIT_TIMELINE && i-- == 0)
            return list.hits.at[k].box;
    fail_msg("there are fewer rows");
    return (Box){0, 0, 0, 0};
}

static int rows_shown(void)
{
    int count = 0;
    for (size_t k = 0; k < list.hits.count; k++)
        count += list.hits.at[k].action == HIT_TIMELINE;
    return count;
}

static bool within(Box inner, Box outer)
{
    return inner.x >= outer.x && inner.y >= outer.y && box_right(inner) <= box_right(outer) &&
           box_bottom(inner) <= box_bottom(outer);
}

// The n-th opaque fill or hatch of this colour (the ground, of a hatch) in the row at place `i`.
static const DrawItem *bar(int i, ColourRole role, int n)
{
    Box plot = plot_of(i);
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        bool fill = item->kind == DRAW_FILL && item->colour == theme.colours[role];
        bool hatch = item->kind == DRAW_HATCH && item->other == theme.colours[role];
        if ((fill || hatch) && item->opacity == 255 && within(item->box, plot) && n-- == 0)
            return item;
    }
    return NULL;
}

static int x_of(double share)
{
    Box plot = plot_of(0);
    return plot.x + (int)(share * plot.w + 0.5);
}

// From and to, as shares of what is shown, to a pixel.
static void expect_bar(int i, ColourRole role, int n, double from, double to)
{
    const DrawItem *item = bar(i, role, n);
    if (item == NULL)
        fail_msg("row %d has no bar %d", i, n);
    assert_in_range(item->box.x, x_of(from) - 1, x_of(from) + 1);
    assert_in_range(box_right(item->box), x_of(to) - 1, x_of(to) + 1);
}

// ---- bars

// Two turns of 10 ms each: A 0-10 and 20-30, B 10-20 and 30-40, which both are runnable meanwhile,
// each up to its last turn: A ends at 30.
static const char turns[] = "title: Two turns each\n"
                            "machine: { cores: 1, costs: zero,\n"
                            "           scheduler: { policy: rr, slice: 10ms } }\n"
                            "threads:\n"
                            "  - { name: A, run: [ { compute: 20ms } ] }\n"
                            "  - { name: B, run: [ { compute: 20ms } ] }\n";

static void bars_stand_where_the_run_says(void **state)
{
    (void)state;
    show(turns);
    assert_int_equal(rows_shown(), 3);
    expect_bar(1, COLOUR_RUNNING, 0, 0, 0.25);
    expect_bar(1, COLOUR_RUNNABLE, 0, 0.25, 0.5);
    expect_bar(1, COLOUR_RUNNING, 1, 0.5, 0.75);
    assert_null(bar(1, COLOUR_RUNNING, 2));
    expect_bar(2, COLOUR_RUNNABLE, 0, 0, 0.25);
    expect_bar(2, COLOUR_RUNNING, 1, 0.75, 1);
    // The core's: one after the other, with the names of who runs.
    for (int i = 0; i < 4; i++)
        expect_bar(0, COLOUR_RUNNING, i, i * 0.25, i * 0.25 + 0.25);
    assert_non_null(text_item("A"));
    // Runnable is half as high as running, in the middle of the same row.
    Box runs = bar(1, COLOUR_RUNNING, 0)->box, waits = bar(1, COLOUR_RUNNABLE, 0)->box;
    assert_int_equal(waits.h, runs.h / 2);
    assert_in_range(2 * waits.y + waits.h, 2 * runs.y + runs.h - 2, 2 * runs.y + runs.h + 2);
    assert_non_null(text_item("running user"));
    assert_non_null(text_item("runnable"));
    assert_null(text_item("in kernel")); // costs are zero: it does not occur
}

static void the_zoom_shows_a_part(void **state)
{
    (void)state;
    show(turns);
    player.zoom = (TimeSpan){5 * MS, 15 * MS};
    draw();
    expect_bar(1, COLOUR_RUNNING, 0, 0, 0.5);
    expect_bar(1, COLOUR_RUNNABLE, 0, 0.5, 1);
    assert_non_null(text_item("5 ms"));
    assert_non_null(text_item("10 ms"));
    assert_null(text_item("20 ms"));
    // Of a few nanoseconds, too.
    player.zoom = (TimeSpan){10 * MS - 2, 10 * MS + 2};
    draw();
    expect_bar(1, COLOUR_RUNNING, 0, 0, 0.5);
    // And with a part behind the end, where nothing is.
    player.zoom = (TimeSpan){20 * MS, 60 * MS};
    draw();
    expect_bar(2, COLOUR_RUNNING, 0, 0.25, 0.5);
    assert_null(bar(2, COLOUR_RUNNING, 1));
}

// With costs a thread is in the kernel: hatched.
static void the_kernel_is_hatched(void **state)
{
    (void)state;
    show("title: Calls\n"
         "machine: { cores: 1, costs: { syscall: 1ms } }\n"
         "threads: [ { name: A, run: [ { compute: 3ms }, { syscall: getppid } ] } ]\n");
    const DrawItem *kernel = bar(1, COLOUR_KERNEL, 0);
    assert_non_null(kernel);
    int hatched = 0;
    for (int n = 0; (kernel = bar(1, COLOUR_KERNEL, n)) != NULL; n++)
        hatched += kernel->kind == DRAW_HATCH;
    assert_true(hatched > 0);
}

// A tick takes 1.5 us of every 4 ms, less than a column of 40 us: the bars left and right of it
// touch, also where it falls on the line between two columns.
static void a_tick_parts_no_bar(void **state)
{
    (void)state;
    show("title: Ticks\n"
         "machine: { cores: 1, costs: typical }\n"
         "threads: [ { name: A, run: [ { compute: 100ms } ] } ]\n");
    for (int64_t from = 10 * MS; from < 14 * MS; from += MS / 50) {
        player.zoom = (TimeSpan){from, from + 40 * MS};
        draw();
        for (int row = 0; row < 2; row++) {
            const DrawItem *item = bar(row, COLOUR_RUNNING, 0), *next;
            for (int n = 1; (next = bar(row, COLOUR_RUNNING, n)) != NULL; n++, item = next)
                assert_int_equal(next->box.x, box_right(item->box));
        }
    }
}

// ---- where more happens than there are columns

// Every 20 us A runs for 5 and sleeps for 15: a quarter of each column of over 800 us.
static const char quarter[] = "title: A quarter\n"
                              "machine: { cores: 1, costs: zero }\n"
                              "threads:\n"
                              "  - name: A\n"
                              "    run: [ { repeat: { times: 50000, do: [\n"
                              "             { compute: 5us }, { sleep: 15us } ] } } ]\n";

static void crowded_columns_show_shares(void **state)
{
    (void)state;
    show(quarter);
    // All columns are alike: a line, as A mostly sleeps, and a layer, a quarter of the row's bar.
    const DrawItem *line = bar(1, COLOUR_SLEEP, 0), *layer = bar(1, COLOUR_RUNNING, 0);
    assert_true(line != NULL && layer != NULL);
    Box plot = plot_of(1);
    assert_in_range(layer->box.w, plot.w - 2 * BARS_GROUP, plot.w);
    int bar_h = 2 * (box_bottom(layer->box) - (line->box.y + line->box.h / 2));
    assert_in_range(4 * layer->box.h, bar_h - 4, bar_h + 4);
    // The core's: the same layer over nothing.
    assert_int_equal(bar(0, COLOUR_RUNNING, 0)->box.h, layer->box.h);
    assert_null(bar(0, COLOUR_SLEEP, 0));
}

// Rectangles in the rows' plots, those of the ghost too.
static int rectangles(void)
{
    Box plot = plot_of(0);
    plot.h = box_bottom(plot_of(rows_shown() - 1)) - plot.y;
    int count = 0;
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        bool rectangle =
            item->kind == DRAW_FILL || item->kind == DRAW_HATCH || item->kind == DRAW_STROKE;
        count += rectangle && within(item->box, plot);
    }
    return count;
}

static const char busy[] =
    "title: Much at once\n"
    "machine: { cores: 4, costs: typical }\n"
    "until: 40ms\n"
    "locks: { x: lock }\n"
    "threads:\n"
    "  - name: t\n"
    "    count: 9\n"
    "    run: [ { forever: [ { compute: exp(30us) }, { sleep: exp(60us) },\n"
    "             { with: { lock: x, do: [ { compute: exp(5us) } ] } } ] } ]\n";

// Whatever the zoom: from all of the run, some 10,000 intervals, down to a thousandth.
static void never_more_rectangles_than_columns(void **state)
{
    (void)state;
    before = shown_take(busy, "machine.cores=2");
    take = shown_take(busy, NULL);
    player_open(&player, before);
    player_show(&player, take);
    player.selected_task = 3;
    for (int zoom = 0; zoom < 11; zoom++) {
        for (int from = 0; from < 3; from++) {
            int64_t length = (40 * MS) >> zoom, begin = (40 * MS - length) / 2 * from;
            player.zoom = (TimeSpan){begin, begin + length};
            draw();
            // A row and its ghost; the grid's lines and the selected row's ground.
            int most = 2 * rows_shown() * plot_of(0).w + 64;
            if (rectangles() > most)
                fail_msg("%d rectangles in %d rows of %d", rectangles(), rows_shown(),
                         plot_of(0).w);
        }
    }
}

// The queue's surface: nothing up to 10 ms, then 2 of at most 4 items, then 4 from 20 to 30.
static void levels_are_a_surface(void **state)
{
    (void)state;
    show("title: Into a queue\n"
         "machine: { cores: 1, costs: zero }\n"
         "queues: { jobs: 9 }\n"
         "threads: [ { name: A, run: [ { compute: 10ms }, { put: jobs }, { put: jobs },\n"
         "  { compute: 10ms }, { put: jobs }, { put: jobs }, { compute: 10ms } ] } ]\n");
    assert_non_null(text_item("queue jobs ≤ 4"));
    expect_bar(1, COLOUR_GHOST, 0, 1.0 / 3, 2.0 / 3);
    expect_bar(1, COLOUR_GHOST, 1, 2.0 / 3, 1);
    Box half = bar(1, COLOUR_GHOST, 0)->box, whole = bar(1, COLOUR_GHOST, 1)->box;
    assert_in_range(2 * half.h, whole.h - 1, whole.h + 1);
    assert_int_equal(box_bottom(half), box_bottom(whole));
    assert_non_null(text_item("4"));
    assert_null(bar(1, COLOUR_GHOST, 2));
}

// ---- rows

static const char crowd[] = "title: A hundred\n"
                            "machine: { cores: 2, costs: zero }\n"
                            "threads:\n"
                            "  - { name: t, count: 100, run: [ { compute: 1ms } ] }\n";

static void rows_that_do_not_fit_are_counted(void **state)
{
    (void)state;
    show(crowd);
    int shown = rows_shown();
    assert_true(shown > 10 && shown < 40);
    char text[96];
    snprintf(text, sizeof text, "rows 3 to %d of 102", shown);
    assert_non_null(text_item(text));
    assert_non_null(text_item("t-1"));
    assert_null(text_item("t-100"));
    // The cores stay where they are; far too far is the end.
    player.first_row = 1000;
    draw();
    assert_non_null(text_item("core 1"));
    assert_non_null(text_item("t-100"));
    assert_null(text_item("t-1"));
    snprintf(text, sizeof text, "rows %d to 102 of 102", 103 - (shown - 2));
    assert_non_null(text_item(text));
    player.first_row = 7;
    draw();
    assert_non_null(text_item("t-8"));
    assert_null(text_item("t-7"));
}

// With more cores than there is room for: half of the room is theirs, and those that are left over
// stand behind the threads.
static void many_cores_leave_room_for_threads(void **state)
{
    (void)state;
    show("title: Many cores\n"
         "machine: { cores: 60, costs: zero }\n"
         "threads:\n"
         "  - { name: t, count: 10, run: [ { compute: 1ms } ] }\n");
    int shown = rows_shown();
    assert_true(shown > 10 && shown < 40);
    char text[32];
    snprintf(text, sizeof text, "core %d", shown / 2 - 1);
    assert_non_null(text_item(text)); // the last that stays
    assert_non_null(text_item("t-1"));
    snprintf(text, sizeof text, "core %d", 59);
    assert_null(text_item(text));
    player.first_row = 1000;
    draw();
    assert_non_null(text_item("core 0"));
    assert_non_null(text_item(text));
    assert_null(text_item("t-1"));
    // Every row is somewhere.
    for (int core = 0; core < 60; core++) {
        bool seen = false;
        snprintf(text, sizeof text, "core %d", core);
        for (player.first_row = 0; player.first_row <= 70 && !seen; player.first_row++) {
            draw();
            seen = text_item(text) != NULL;
        }
        assert_true(seen);
    }
}

// Wherever the others are: the last place is the selected thread's.
static void the_selected_row_is_always_shown(void **state)
{
    (void)state;
    show(crowd);
    int shown = rows_shown();
    for (uint32_t task = 1; task <= 100; task += 9) {
        char name[16];
        snprintf(name, sizeof name, "t-%u", task);
        player.selected_task = task;
        for (player.first_row = 0; player.first_row < 100; player.first_row += 11) {
            draw();
            const DrawItem *label = text_item(name);
            assert_non_null(label);
            assert_int_equal(rows_shown(), shown);
            Hit hit = draw_hit_at(&list, plot_of(0).x + 1, label->box.y + label->box.h / 2);
            assert_int_equal(hit.argument, task);
        }
    }
}

static void names_and_rows_can_be_clicked(void **state)
{
    (void)state;
    show(turns);
    Box name = text_item("B")->box;
    for (size_t k = 0; k < list.items.count; k++) // the last of them is in a bar
        if (list.items.at[k].kind == DRAW_TEXT && list.items.at[k].box.x < plot_of(0).x &&
            strcmp(list.items.at[k].text, "B") == 0)
            name = list.items.at[k].box;
    Hit hit = draw_hit_at(&list, name.x + 1, name.y + 1);
    assert_int_equal(hit.action, HIT_TASK);
    assert_int_equal(hit.argument, 2);
    hit = draw_hit_at(&list, plot_of(2).x + 10, plot_of(2).y + 3);
    assert_int_equal(hit.action, HIT_TIMELINE);
    assert_int_equal(hit.argument, 2);
    name = text_item("core 0")->box;
    assert_int_equal(draw_hit_at(&list, name.x + 1, name.y + 1).action, HIT_CORE);
    assert_int_equal(draw_hit_at(&list, plot_of(0).x + 1, plot_of(0).y + 1).argument, 0);
}

// ---- Python

// The bar of an outlined state: its edge, the n-th of this colour in the row.
static void expect_outlined(int i, ColourRole role, int n, double from, double to)
{
    Box plot = plot_of(i);
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        if (item->kind != DRAW_STROKE || item->colour != theme.colours[role] ||
            !within(item->box, plot) || n-- > 0)
            continue;
        assert_in_range(item->box.x, x_of(from) - 1, x_of(from) + 1);
        assert_in_range(box_right(item->box), x_of(to) - 1, x_of(to) + 1);
        return;
    }
    fail_msg("row %d has no such outlined bar", i);
}

static void the_gil_has_a_row(void **state)
{
    (void)state;
    // hog has the GIL from 0 on; want waits from 1 ms, asks at 6 and has it from 6 to 10, while hog
    // waits; then hog has it to its end at 24, alone.
    show("title: A GIL\n"
         "machine: { cores: 2, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "threads:\n"
         "  - { name: hog, run: [ { compute: 20ms } ] }\n"
         "  - { name: want, start: 1ms, run: [ { compute: 4ms } ] }\n");
    assert_int_equal(rows_shown(), 5); // two cores, the GIL, two threads
    assert_non_null(text_item("GIL"));
    expect_outlined(2, COLOUR_GOOD, 0, 0, 1.0 / 24);
    expect_outlined(2, COLOUR_LOCK, 0, 1.0 / 24, 6.0 / 24);
    expect_outlined(2, COLOUR_LOCK, 1, 6.0 / 24, 10.0 / 24);
    expect_outlined(2, COLOUR_GOOD, 1, 10.0 / 24, 1);
    assert_non_null(text_item("hog"));
    assert_non_null(text_item("asks for the GIL"));
    assert_non_null(text_item("held"));
    // The holder's bars have a rim when it is selected.
    player.selected_task = 2;
    draw();
    expect_outlined(2, COLOUR_TEXT, 0, 6.0 / 24, 10.0 / 24);
}

// How often it stands before the rows.
static int labels_of(const char *text)
{
    int count = 0, plot_x = plot_of(0).x;
    for (size_t k = 0; k < list.items.count; k++)
        count += list.items.at[k].kind == DRAW_TEXT && list.items.at[k].box.x < plot_x &&
                 strcmp(list.items.at[k].text, text) == 0;
    return count;
}

static void a_gil_stays_before_the_last_core(void **state)
{
    (void)state;
    show("title: Many cores and a GIL\n"
         "machine: { cores: 40, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "threads:\n"
         "  - { name: t, count: 30, run: [ { compute: 1ms } ] }\n");
    int shown = rows_shown();
    assert_true(shown < 60);
    char text[32];
    snprintf(text, sizeof text, "core %d", shown / 2 - 2);
    assert_non_null(text_item(text)); // the last core that stays; the GIL is below it
    assert_true(text_item("GIL")->box.y > text_item(text)->box.y);
    snprintf(text, sizeof text, "core %d", shown / 2 - 1);
    assert_null(text_item(text));
    assert_non_null(text_item("t-1"));
    // Every core and every thread is somewhere, and in one place at most; the GIL always is.
    bool seen[70] = {false};
    for (player.first_row = 0; player.first_row <= 80; player.first_row++) {
        draw();
        assert_int_equal(labels_of("GIL"), 1);
        for (int id = 0; id < 70; id++) {
            snprintf(text, sizeof text, id < 40 ? "core %d" : "t-%d", id < 40 ? id : id - 39);
            int labels = labels_of(text);
            assert_in_range(labels, 0, 1);
            seen[id] = seen[id] || labels == 1;
        }
    }
    for (int id = 0; id < 70; id++)
        assert_true(seen[id]);
}

static void a_loop_and_its_coroutines_have_rows(void **state)
{
    (void)state;
    // nap sleeps from 0 to 10 ms; the loop calls work from 0 to 5 and late from 5 to 6; then it
    // waits until 10.
    show("title: A loop\n"
         "machine: { cores: 1, costs: zero }\n"
         "runtime: cpython-3.12\n"
         "functions:\n"
         "  nap: [ { await: { sleep: 10ms } } ]\n"
         "  work: [ { compute: 5ms } ]\n"
         "  late: [ { compute: 1ms } ]\n"
         "  main: [ { gather: [ nap, work, late ] } ]\n"
         "threads: [ { name: thread, run: [ { asyncio.run: main } ] } ]\n");
    // Core, GIL, thread, its loop, what is ready, and four coroutines.
    assert_int_equal(rows_shown(), 9);
    assert_non_null(text_item("loop of thread"));
    expect_outlined(3, COLOUR_RUNNING, 0, 0, 0.5);
    expect_outlined(3, COLOUR_RUNNING, 1, 0.5, 0.6);
    expect_bar(3, COLOUR_IO, 0, 0.6, 1);
    assert_non_null(text_item("work #3")); // in the bar, and the row's name
    Box label = text_item("nap #2")->box;
    Hit hit = draw_hit_at(&list, label.x + 1, label.y + 1);
    assert_int_equal(hit.action, HIT_COROUTINE);
    assert_int_equal(hit.argument, 2);
    expect_bar(6, COLOUR_SLEEP, 0, 0, 1);
    // late is ready while work runs.
    expect_bar(8, COLOUR_RUNNABLE, 0, 0, 0.5);
    expect_bar(8, COLOUR_RUNNING, 0, 0.5, 0.6);
    player.selected_coroutine = 4;
    draw();
    expect_outlined(3, COLOUR_TEXT, 0, 0.5, 0.6);
}

// ---- over the rows

static const DrawItem *upright(ColourRole role)
{
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        if (item->kind == DRAW_LINE && item->colour == theme.colours[role] && item->box.w == 0)
            return item;
    }
    return NULL;
}

static void the_cursor_is_at_the_instant(void **state)
{
    (void)state;
    show(turns);
    player_seek_time(&player, 30 * MS);
    draw();
    assert_int_equal(upright(COLOUR_CURSOR)->box.x, x_of(0.75));
    player.zoom = (TimeSpan){0, 20 * MS};
    draw();
    assert_null(upright(COLOUR_CURSOR));
}

static void the_quiz_hides_what_comes(void **state)
{
    (void)state;
    show(turns);
    player_seek_time(&player, 20 * MS);
    player.quiz = true;
    draw();
    assert_non_null(text_item("?"));
    const DrawItem *cover = NULL;
    for (size_t k = 0; k < list.items.count; k++)
        if (list.items.at[k].kind == DRAW_FILL && list.items.at[k].box.x == x_of(0.5) &&
            list.items.at[k].colour == theme.colours[COLOUR_PANEL])
            cover = &list.items.at[k];
    assert_non_null(cover);
    assert_int_equal(box_right(cover->box), box_right(plot_of(0)));
    assert_true(cover->box.h >= 3 * plot_of(0).h);
    for (const DrawItem *item = cover + 1; item < list.items.at + list.items.count; item++)
        assert_true(item->kind == DRAW_TEXT || item->kind == DRAW_LINE ||
                    item->kind == DRAW_TRIANGLE);
    player.revealed = true; // the answer is in words; what comes after it stays a question
    draw();
    assert_non_null(text_item("?"));
    player.quiz = false;
    draw();
    assert_null(text_item("?"));
}

// B waits for A, which wakes it at 10: an arrow from A's row down to B's, when B or A is selected.
static void wake_ups_of_the_selected_thread_are_arrows(void **state)
{
    (void)state;
    show("title: Handed over\n"
         "machine: { cores: 2, costs: zero }\n"
         "locks: { x: lock }\n"
         "threads:\n"
         "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 10ms } ] } },\n"
         "                      { compute: 10ms } ] }\n"
         "  - { name: B, start: 5ms, run: [ { with: { lock: x, do: [ { compute: 5ms } ] } } ] }\n");
    assert_null(upright(COLOUR_TEXT));
    for (uint32_t task = 1; task <= 2; task++) {
        player.selected_task = task;
        draw();
        const DrawItem *arrow = upright(COLOUR_TEXT);
        assert_non_null(arrow);
        assert_int_equal(arrow->box.x, x_of(0.5));
        assert_true(arrow->box.h > 0);
    }
    // The lock's row: A holds it, then others wait; B's bar has a rim.
    assert_non_null(text_item("lock x"));
    assert_non_null(text_item("held, others wait"));
}

// A runs to 10 and wakes B, which runs to 15: the path is A's line to 10 ms and B's from there on.
static void the_critical_path_goes_from_row_to_row(void **state)
{
    (void)state;
    show(
        "title: Handed over\n"
        "machine: { cores: 2, costs: zero }\n"
        "locks: { x: lock }\n"
        "threads:\n"
        "  - { name: A, run: [ { with: { lock: x, do: [ { compute: 10ms } ] } } ] }\n"
        "  - { name: B, start: 5ms, run: [ { with: { lock: x, do: [ { compute: 10ms } ] } } ] }\n");
    assert_null(bar(3, COLOUR_TEXT, 0));
    player.why = true;
    draw();
    assert_non_null(text_item("critical path"));
    expect_bar(3, COLOUR_TEXT, 0, 0, 0.5);
    expect_bar(4, COLOUR_TEXT, 0, 0.5, 1);
    assert_null(bar(4, COLOUR_TEXT, 1));
}

// A runs in all of 5 to 10 ms and in half of 5 to 15, B in the other half.
static void a_marked_stretch_is_summed_up(void **state)
{
    (void)state;
    show(turns);
    assert_null(text_item("marked: 10 ms, running 100 %"));
    player.marked = (TimeSpan){5 * MS, 15 * MS};
    draw();
    assert_non_null(text_item("marked: 10 ms, running 100 %")); // the core
    player.selected_task = 1;
    draw();
    assert_non_null(text_item("marked: 10 ms, running 50 %, runnable 50 %"));
    bool band = false;
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        band = band || (item->kind == DRAW_FILL && item->opacity < 255 &&
                        item->box.x == x_of(0.125) && box_right(item->box) == x_of(0.375));
    }
    assert_true(band);
}

// The run before, on one core, took 80 ms; this one, on two, takes 40: its bars are above pale
// ones.
static void the_run_before_is_a_pale_strip(void **state)
{
    (void)state;
    static const char two[] = "title: Two\n"
                              "machine: { cores: 1, costs: zero }\n"
                              "threads: [ { name: t, count: 2, run: [ { compute: 40ms } ] } ]\n";
    before = shown_take(two, NULL);
    take = shown_take(two, "machine.cores=2");
    player_open(&player, before);
    player_show(&player, take);
    draw();
    assert_int_equal(player.zoom.to_ns, 80 * MS); // the longer of the two
    expect_bar(2, COLOUR_RUNNING, 0, 0, 0.5);
    Box plot = plot_of(0);
    int pale = 0;
    for (size_t k = 0; k < list.items.count; k++) {
        const DrawItem *item = &list.items.at[k];
        if (item->kind == DRAW_FILL && item->opacity < 255 && within(item->box, plot)) {
            pale++;
            assert_true(item->box.y >= box_bottom(bar(0, COLOUR_RUNNING, 0)->box));
            assert_in_range(box_right(item->box), box_right(plot) - 1, box_right(plot));
        }
    }
    assert_int_equal(pale, 1); // t-1 and t-2 in turns are one colour
    assert_non_null(text_item("below, pale: before, 80 ms"));
}

// ---- the axis

// Labels are round, in one unit, as far apart as they need, and inside.
static void ticks_are_round(void **state)
{
    (void)state;
    show(turns);
    const struct {
        int64_t from_ns, to_ns;
        const char *label;
    } cases[] = {{0, 40 * MS, "20 ms"},
                 {0, 37, "20 ns"},
                 {12345678, 12345978, "12.34580 ms"},
                 {0, (int64_t)90 * 1000 * MS, "40 s"},
                 {0, (int64_t)INT64_MAX / 2, "4000000000 s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        player.zoom = (TimeSpan){cases[i].from_ns, cases[i].to_ns};
        draw();
        if (text_item(cases[i].label) == NULL)
            fail_msg("no tick %s", cases[i].label);
        int right = 0, count = 0, y = text_item(cases[i].label)->box.y;
        for (size_t k = 0; k < list.items.count; k++) {
            const DrawItem *item = &list.items.at[k];
            if (item->kind != DRAW_TEXT || item->box.y != y)
                continue;
            assert_true(item->box.x > right);
            right = box_right(item->box);
            count++;
        }
        assert_true(right <= W && count >= 3);
    }
}

// Three threads: almost all of the time one has the GIL and the others wait, and less than a
// hundredth of it somebody is in the kernel. Where the legend has no room for both, it has the
// first.
static void the_legend_has_what_is_seen_most(void **state)
{
    (void)state;
    show("title: A GIL\n"
         "machine: { cores: 3, costs: typical }\n"
         "runtime: cpython-3.12\n"
         "threads: [ { name: t, count: 3, run: [ { compute: 50ms } ] } ]\n");
    int both = 0, first = 0;
    for (int w = 240; w <= W; w += 8) {
        draw_begin(&list, fonts, &theme, W, H);
        view_timeline(&list, (Box){0, 0, w, H}, &player);
        bool most = text_item("held, others wait") != NULL, little = text_item("in kernel") != NULL;
        assert_true(most || !little);
        both += most && little;
        first += most && !little;
    }
    assert_true(both > 0 && first > 0);
}

static void nothing_fits(void **state)
{
    (void)state;
    show(turns);
    const Box boxes[] = {{0, 0, 100, 60}, {0, 0, 30, 400}, {0, 0, 400, 30}, {0, 0, 1, 1}};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        draw_begin(&list, fonts, &theme, W, H);
        view_timeline(&list, boxes[i], &player);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bars_stand_where_the_run_says),
        TEST(the_zoom_shows_a_part),
        TEST(the_kernel_is_hatched),
        TEST(a_tick_parts_no_bar),
        TEST(crowded_columns_show_shares),
        TEST(never_more_rectangles_than_columns),
        TEST(levels_are_a_surface),
        TEST(rows_that_do_not_fit_are_counted),
        TEST(many_cores_leave_room_for_threads),
        TEST(the_selected_row_is_always_shown),
        TEST(names_and_rows_can_be_clicked),
        TEST(the_gil_has_a_row),
        TEST(a_gil_stays_before_the_last_core),
        TEST(a_loop_and_its_coroutines_have_rows),
        TEST(the_cursor_is_at_the_instant),
        TEST(the_quiz_hides_what_comes),
        TEST(wake_ups_of_the_selected_thread_are_arrows),
        TEST(the_critical_path_goes_from_row_to_row),
        TEST(a_marked_stretch_is_summed_up),
        TEST(the_run_before_is_a_pale_strip),
        TEST(ticks_are_round),
        TEST(the_legend_has_what_is_seen_most),
        TEST(nothing_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
