// What the window shows of work that is handed over: executors, pools of processes and streams in
// the box of their process, and all processes at once; and which rows of the timeline stay.
#include "render/timeline_view.h"
#include "tests/shown.h"

#include <stdio.h>
#include <string.h>

static void expect_texts(const char *const *texts)
{
    for (; *texts != NULL; texts++)
        expect_text(*texts);
}

#define EXPECT_TEXTS(...) expect_texts((const char *const[]){__VA_ARGS__, NULL})

// Six tasks of 10 ms, one each, two processes, without costs: at 15 ms two are back, two being
// done, two wait.
static void a_pool_in_its_process(void **state)
{
    (void)state;
    shown_open("machine: { cores: 4, costs: zero }\nruntime: cpython-3.12\npools: { p: 2 }\n"
               "functions: { f: [ { compute: 10ms } ] }\nthreads: [ { name: m, run: [\n"
               "  { pool.map: { pool: p, run: f, items: 6, chunk: 1 } } ] } ]\n",
               15000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    EXPECT_TEXTS("pool", "p", "2 queued", "2 of 6 back", "processes", "handlers", "item 3");
}

// Twelve items of 50 ms, five threads: at 60 ms the second five are being done, two wait.
static void an_executor_says_what_its_threads_do(void **state)
{
    (void)state;
    shown_open("machine: { costs: zero }\nruntime: cpython-3.12\nexecutors: { pool: 5 }\n"
               "functions: { f: [ { sleep: 50ms } ] }\n"
               "threads: [ { name: m, run: [ { submit: { to: pool, run: f, count: 12, as: fs } },\n"
               "                             { result: fs } ] } ]\n",
               60000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    EXPECT_TEXTS("executor", "2 queued", "threads", "item 6", "item 10");
}

static void a_stream_and_its_mark(void **state)
{
    (void)state;
    shown_open(
        "machine: { cores: 2, costs: zero }\npipes: [ out ]\nprocesses:\n"
        "  - name: reader\n"
        "    threads: [ { name: reader, run: [ { sleep: 1ms },\n"
        "      { read_until_eof: { pipe: out, size: 64KiB } } ] } ]\n"
        "  - name: server\n"
        "    runtime: cpython-3.12\n"
        "    functions:\n"
        "      main: [ { repeat: { times: 3, do: [ { writer.write: { to: out, size: 64KiB } },\n"
        "                                          { writer.drain: out } ] } } ]\n"
        "    threads: [ { name: server, run: [ { asyncio.run: main } ] } ]\n",
        500);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    // Of 192 KiB the pipe has 64.
    EXPECT_TEXTS("stream to", "out", "128 KiB", "drain() waits", "drains out");
}

// Whether the worker's name, perhaps shortened, stands in the window's upper part: in user space.
static bool is_above(int worker, int y)
{
    char end[8];
    snprintf(end, sizeof end, "-%d", worker);
    for (size_t i = 0; i < list.items.count; i++) {
        const DrawItem *item = &list.items.at[i];
        size_t length = item->kind == DRAW_TEXT ? strlen(item->text) : 0;
        if (length > 2 && item->box.y < y && item->text[0] == 'p' &&
            strcmp(item->text + length - 2, end) == 0)
            return true;
    }
    return false;
}

// The processes of a pool are all there, in whatever window, but for large type in the smallest
// one: none is only counted.
static void all_processes_in_any_window(void **state)
{
    static const struct {
        int w, h;
    } windows[] = {{1600, 900}, {1440, 810}, {1280, 720}, {1024, 640}};
    (void)state;
    shown_open("machine: { cores: 8, costs: zero }\nruntime: cpython-3.12\npools: { p: 4 }\n"
               "functions: { f: [ { compute: 10ms } ] }\nthreads: [ { name: main, run: [\n"
               "  { pool.map: { pool: p, run: f, items: 12, chunk: 1 } } ] } ]\n",
               5000);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        for (int large = 0; large < 2; large++) {
            int shown = 0;
            if (large && windows[i].w == 1024)
                continue;
            shown_draw(THEME_LIGHT, large, windows[i].w, windows[i].h);
            for (int worker = 1; worker <= 4; worker++)
                shown += is_above(worker, windows[i].h / 3);
            if (shown < 4 || (text_item("and 1 more") != NULL) || (text_item("and 2 more") != NULL))
                fail_msg("%d of 4 processes in a window of %d x %d, %s type", shown, windows[i].w,
                         windows[i].h, large ? "large" : "usual");
        }
}

// "+ 2 more" stands apart from the name before it, however that had to be shortened: a rim's edge
// is nowhere within two pixels of its beginning.
static void how_many_more_touches_no_name(void **state)
{
    (void)state;
    int found = 0;
    shown_open("machine: { cores: 8, costs: zero }\nruntime: cpython-3.12\npools: { pool: 4 }\n"
               "functions: { f: [ { compute: 10ms } ] }\nthreads: [ { name: main, run: [\n"
               "  { pool.map: { pool: pool, run: f, items: 12, chunk: 1 } } ] } ]\n",
               15000);
    for (int w = 1024; w <= 1800; w += 8) {
        shown_draw(THEME_LIGHT, true, w, 900);
        for (size_t i = 0; i < list.items.count; i++) {
            const DrawItem *text = &list.items.at[i];
            if (text->kind != DRAW_TEXT || strncmp(text->text, "+ ", 2) != 0)
                continue;
            found++;
            for (size_t k = 0; k < list.items.count; k++) {
                Box rim = list.items.at[k].box;
                int apart = text->box.x - box_right(rim);
                bool beside = rim.y < box_bottom(text->box) && text->box.y < box_bottom(rim);
                if (list.items.at[k].kind == DRAW_STROKE && beside && apart >= -2 && apart <= 2)
                    fail_msg("'%s' touches a name in a window of %d x 900", text->text, w);
            }
        }
    }
    assert_true(found > 0);
}

// Each interpreter's GIL, though the main one's is never taken.
static void the_gils_of_interpreters(void **state)
{
    (void)state;
    shown_open("machine: { cores: 2, costs: zero }\nruntime: cpython-3.12\nthreads:\n"
               "  - { name: a, interpreter: x, run: [ { compute: 10ms } ] }\n"
               "  - { name: b, interpreter: y, run: [ { compute: 10ms } ] }\n",
               5000);
    shown_draw(THEME_LIGHT, false, 1600, 900);
    EXPECT_TEXTS("interpreter 1", "interpreter 2");
}

// On eight cores only the last two do anything: where not all cores have room in the timeline,
// those two do.
static void busy_cores_stay(void **state)
{
    (void)state;
    shown_open("machine: { cores: 8, costs: zero }\nthreads:\n"
               "  - { name: a, affinity: [6], run: [ { compute: 10ms } ] }\n"
               "  - { name: b, affinity: [7], run: [ { compute: 9ms } ] }\n"
               "  - { name: c, count: 20, affinity: [7], run: [ { compute: 10us } ] }\n",
               5000);
    static Theme theme;
    theme = theme_make(THEME_LIGHT, false, 1);
    draw_begin(&list, fonts, &theme, 800, 200);
    TimelinePlan plan = plan_make(&list, (Box){0, 0, 800, 150}, &player);
    assert_true(plan.shown < plan.rows);
    assert_true(plan.pinned < 8 && plan.pinned >= 2);
    const TimelineRow *rows = player.take->timeline.rows.at;
    assert_true(plan_place(&plan, &rows[6]) >= 0 && plan_place(&plan, &rows[6]) < plan.pinned);
    assert_true(plan_place(&plan, &rows[7]) >= 0 && plan_place(&plan, &rows[7]) < plan.pinned);
    // Every row has one place, shown or not.
    for (int i = 0; i < plan.shown; i++)
        assert_int_equal(plan_place(&plan, plan_row(&plan, i)), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pool_in_its_process, shown_setup, shown_teardown),
        cmocka_unit_test_setup_teardown(an_executor_says_what_its_threads_do, shown_setup,
                                        shown_teardown),
        cmocka_unit_test_setup_teardown(a_stream_and_its_mark, shown_setup, shown_teardown),
        cmocka_unit_test_setup_teardown(all_processes_in_any_window, shown_setup, shown_teardown),
        cmocka_unit_test_setup_teardown(how_many_more_touches_no_name, shown_setup, shown_teardown),
        cmocka_unit_test_setup_teardown(the_gils_of_interpreters, shown_setup, shown_teardown),
        cmocka_unit_test_setup_teardown(busy_cores_stay, shown_setup, shown_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
