// A frame: how long the window takes to be drawn, with a million records loaded, 1600 x 900 pixels,
// in memory as the window has it before it is shown. Three things: the whole window at the zoom of
// the whole run while it plays, the same while it is zoomed and panned at random, and the timeline
// alone in all of the window with some 40 rows. And a window with ten thousand coroutines, also
// while its chips move. The goal is 16 ms at the 99th percentile.
//
// Times are CPU time, so that what else the machine does then does not count.
//
// How to run: tests/bench_frame [RECORDS] (default 1000000), of an -O2 build; --smoke for a short
// run, to see that it works at all.
#include "render/canvas.h"
#include "render/views.h"
#include "sim/base/rng.h"
#include "sim/ringside.h"
#include "tests/bench/timed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { W = 1600, H = 900, FRAMES = 300 };

static const char yaml[] = "title: A million records\n"
                           "machine: { cores: 8, costs: typical }\n"
                           "limits: { records: %" PRIu64 " }\n"
                           "locks: { cache: lock }\n"
                           "threads:\n"
                           "  - name: worker\n"
                           "    count: 32\n"
                           "    run:\n"
                           "      - forever:\n"
                           "        - compute: exp(40us)\n"
                           "        - sleep: exp(100us)\n"
                           "        - with: { lock: cache, do: [ { compute: 2us } ] }\n";

static const char coroutines_yaml[] =
    "title: Ten thousand coroutines\n"
    "machine: { cores: 2, costs: typical }\n"
    "runtime: cpython-3.12\n"
    "limits: { records: %" PRIu64 " }\n"
    "functions:\n"
    "  client: [ { repeat: { times: 10, do: [ { await: { sleep: exp(50ms) } } ] } } ]\n"
    "  main:\n"
    "    - create_task: { run: client, as: clients, count: 10000 }\n"
    "    - gather: clients\n"
    "threads: [ { name: loop, run: [ { asyncio.run: main } ] } ]\n";

static Player player;
static DrawList list;
static Canvas canvas;
static Theme theme;
static Fonts *fonts;

static Take *make(const char *format, uint64_t records)
{
    char path[] = "/tmp/ringside-frame-XXXXXX", *error;
    int descriptor = mkstemp(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    char text[2048];
    snprintf(text, sizeof text, format, records);
    fputs(text, file);
    fclose(file);
    Take *take = take_make(path, NULL, 0, ringside_run, NULL, &error);
    unlink(path);
    if (take == NULL) {
        fputs(error, stderr);
        exit(1);
    }
    return take;
}

static void whole_window(void)
{
    layout_draw(&list, W, H, &player);
}

static void timeline_alone(void)
{
    view_timeline(&list, (Box){0, 0, W, H}, &player);
}

// One 300th of the run later: what is seen differs.
static void play(int frame, Rng *rng)
{
    (void)rng;
    player_seek_time(&player, player.recording->end_ns / FRAMES * frame);
}

// The same event by event: chips are half-way between two places.
static void step(int frame, Rng *rng)
{
    (void)rng;
    player_seek_event(&player, player.recording->count * (uint64_t)frame / FRAMES);
    player.moved = 0.5f;
}

static void zoom(int frame, Rng *rng)
{
    play(frame, rng);
    uint64_t end = (uint64_t)player.recording->end_ns, length = end >> rng_below(rng, 12);
    int64_t from = (int64_t)rng_below(rng, end - length + 1);
    player.zoom = (TimeSpan){from, from + (int64_t)length};
}

static void bench(const char *what, void (*change)(int, Rng *), void (*draw)(void))
{
    static double ms[FRAMES], drawn_ms[FRAMES];
    Rng rng = rng_make(1, 1);
    size_t items = 0;
    player.zoom = player_whole(&player);
    for (int i = 0; i < FRAMES; i++) {
        change(i, &rng);
        double begin = cpu_ms();
        draw_begin(&list, fonts, &theme, W, H);
        draw();
        drawn_ms[i] = cpu_ms() - begin;
        canvas_draw(&canvas, &list);
        ms[i] = cpu_ms() - begin;
        items = list.items.count > items ? list.items.count : items;
    }
    printf("%-28s %s%s\n", what, quantiles(ms, FRAMES),
           quantile(ms, FRAMES, 99) <= 16 ? "" : "  ABOVE 16 ms");
    printf("%-28s %s; at most %zu items\n", "  the views alone", quantiles(drawn_ms, FRAMES),
           items);
}

int main(int argc, char **argv)
{
    Diag diag = {0};
    if (!fonts_open(&fonts, &diag)) {
        fputs(diag_text(&diag), stderr);
        return 1;
    }
    double begin = cpu_ms();
    bool smoke = argc > 1 && strcmp(argv[1], "--smoke") == 0;
    uint64_t records = smoke ? 20000 : argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    Take *take = make(yaml, records);
    player_open(&player, take);
    printf("%" PRIu64 " records run, folded and indexed in %.0f ms\n", player.recording->count,
           cpu_ms() - begin);
    theme = theme_make(THEME_LIGHT, 0, 1);
    canvas_open(&canvas, W, H);
    bench("the window, playing", play, whole_window);
    bench("the window, any zoom", zoom, whole_window);
    bench("the timeline alone, playing", play, timeline_alone);
    bench("the timeline, any zoom", zoom, timeline_alone);
    player_free(&player);
    take_free(take);
    begin = cpu_ms();
    take = make(coroutines_yaml, records);
    player_open(&player, take);
    printf("%" PRIu64 " records of 10,000 coroutines run, folded and indexed in %.0f ms\n",
           player.recording->count, cpu_ms() - begin);
    bench("10,000 coroutines, playing", play, whole_window);
    bench("10,000 coroutines, moving", step, whole_window);
    canvas_free(&canvas);
    draw_free(&list);
    player_free(&player);
    take_free(take);
    fonts_close(fonts);
    return 0;
}
