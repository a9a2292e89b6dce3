// What drawing costs: the time to add each kind of item to a draw list and to draw it, scattered
// over a canvas of 1600 x 900; and what the first frame needs besides, finding the fonts and making
// their letters. Whole frames are bench_frame's. Not a test: nothing here fails because it is slow.
//
// How to run: on a quiet machine, from an -O2 build,
//     tests/bench_canvas            the least of 20 repetitions
//     tests/bench_canvas --smoke    once: that it works at all
#include "render/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { W = 1600, H = 900, ITEMS = 20000 };

// Of the processor, not of the wall: what else the machine does is not counted. Nothing here waits.
static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// ---- items

typedef struct Bench {
    Canvas canvas;
    DrawList list;
    Theme theme;
    Fonts *fonts;
    uint64_t random;
    int repeats;
} Bench;

// A cheap sequence (Knuth's MMIX constants): only to scatter.
static int below(Bench *bench, int bound)
{
    bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
    return (int)((bench->random >> 33) % (uint64_t)bound);
}

static Box scattered(Bench *bench, int w, int h)
{
    int x = below(bench, W - w);
    int y = below(bench, H - h);
    return (Box){x, y, w, h};
}

static void add_small(Bench *bench)
{
    draw_fill(&bench->list, scattered(bench, 8, 6), COLOUR_RUNNING);
}

static void add_bar(Bench *bench)
{
    draw_fill(&bench->list, scattered(bench, 60, 14), COLOUR_RUNNING);
}

static void add_hatch(Bench *bench)
{
    draw_hatch(&bench->list, scattered(bench, 8, 14), COLOUR_KERNEL_STRIPE, COLOUR_KERNEL);
}

static void add_chip(Bench *bench)
{
    draw_round(&bench->list, scattered(bench, 60, 22), 5, COLOUR_RUNNING);
}

static void add_rim(Bench *bench)
{
    draw_stroke(&bench->list, scattered(bench, 60, 22), 5, 2, COLOUR_RUNNING);
}

static void add_line(Bench *bench)
{
    Box box = scattered(bench, 40, 100);
    draw_line(&bench->list, box.x, box.y, box_right(box), box_bottom(box), 1, 0, COLOUR_TEXT);
}

static void add_arrow(Bench *bench)
{
    draw_triangle(&bench->list, scattered(bench, 10, 10), 1, COLOUR_TEXT);
}

static void add_text(Bench *bench)
{
    draw_text(&bench->list, scattered(bench, 200, 18), ALIGN_LEFT, STYLE_BODY, COLOUR_TEXT,
              "twenty letters, each");
}

static void bench_items(Bench *bench, const char *name, void (*add)(Bench *bench))
{
    draw_begin(&bench->list, bench->fonts, &bench->theme, W, H);
    int64_t begin = now_ns();
    for (int i = 0; i < ITEMS; i++)
        add(bench);
    int64_t built = now_ns() - begin, least = INT64_MAX;
    for (int i = 0; i < bench->repeats; i++) {
        begin = now_ns();
        canvas_draw(&bench->canvas, &bench->list);
        int64_t took = now_ns() - begin;
        least = took < least ? took : least;
    }
    printf("%-28s %8.3f %8.3f\n", name, (double)built / ITEMS / 1e3, (double)least / ITEMS / 1e3);
}

// ---- fonts

static void open_fonts(Bench *bench)
{
    Diag diag = {0};
    int64_t begin = now_ns();
    if (!fonts_open(&bench->fonts, &diag)) {
        fputs(diag_text(&diag), stderr);
        exit(2);
    }
    int64_t opened = now_ns();
    // Every letter of a first frame has to be made.
    draw_begin(&bench->list, bench->fonts, &bench->theme, W, H);
    for (int style = 0; style < STYLE_COUNT; style++) {
        char letters[96] = {0};
        for (int i = 0; i < 95; i++)
            letters[i] = (char)(' ' + i);
        draw_text(&bench->list, (Box){0, 20 * style, W, 20}, ALIGN_LEFT, (TextStyle)style,
                  COLOUR_TEXT, letters);
    }
    canvas_draw(&bench->canvas, &bench->list);
    printf("fonts found and opened in %.1f ms, all letters of %d styles made in %.1f ms\n\n",
           (double)(opened - begin) / 1e6, STYLE_COUNT, (double)(now_ns() - opened) / 1e6);
    diag_free(&diag);
}

int main(int argc, char **argv)
{
    Bench bench = {.repeats = 20, .theme = theme_make(THEME_LIGHT, 0, 1)};
    if (argc > 1 && strcmp(argv[1], "--smoke") != 0) {
        fprintf(stderr, "Usage: %s [--smoke]\n", argv[0]);
        return 2;
    }
    if (argc > 1)
        bench.repeats = 1;
    canvas_open(&bench.canvas, W, H);
    open_fonts(&bench);
    printf("%-28s %8s %8s\n", "us an item", "to add", "to draw");
    bench_items(&bench, "fill 8 x 6", add_small);
    bench_items(&bench, "fill 60 x 14", add_bar);
    bench_items(&bench, "hatch 8 x 14", add_hatch);
    bench_items(&bench, "rounded 60 x 22, 5", add_chip);
    bench_items(&bench, "rounded rim 60 x 22, 5, 2", add_rim);
    bench_items(&bench, "slanting line 40 x 100", add_line);
    bench_items(&bench, "triangle 10 x 10", add_arrow);
    bench_items(&bench, "text of 20 letters", add_text);
    draw_free(&bench.list);
    canvas_free(&bench.canvas);
    fonts_close(bench.fonts);
    return 0;
}
