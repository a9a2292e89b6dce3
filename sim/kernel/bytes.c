#include "sim/kernel/bytes.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum { RUNS_LEAST = 4 };

static LineRun *run_at(const Bytes *bytes, uint32_t index)
{
    return &bytes->runs[(bytes->head + index) & (bytes->room - 1)];
}

static void grow(Machine *machine, Bytes *bytes)
{
    uint32_t room = bytes->room == 0 ? RUNS_LEAST : bytes->room * 2;
    LineRun *runs = malloc(room * sizeof *runs);
    CHECKF(runs != NULL, "out of memory for %u lines", room);
    for (uint32_t i = 0; i < bytes->count; i++)
        runs[i] = *run_at(bytes, i);
    free(bytes->runs);
    machine->file_bytes += (room - bytes->room) * sizeof *runs;
    bytes->runs = runs;
    bytes->room = room;
    bytes->head = 0;
    if (machine_bytes(machine) > (uint64_t)machine->scenario->limits[LIMIT_MEMORY])
        machine_limit(machine, LIMIT_MEMORY);
}

// Joins the last run when it goes on where that ends.
static void add_run(Machine *machine, Bytes *bytes, LineRun run)
{
    if (bytes->count > 0) {
        LineRun *last = run_at(bytes, bytes->count - 1);
        uint64_t next = last->first + last->every * last->count;
        if (last->every == run.every && next == run.first) {
            last->count += run.count;
            return;
        }
    }
    if (bytes->count == bytes->room)
        grow(machine, bytes);
    *run_at(bytes, bytes->count++) = run;
}

void bytes_add(Machine *machine, Bytes *bytes, uint64_t more, uint64_t line, uint64_t done)
{
    uint64_t begin = bytes->end;
    bytes->end += more;
    if (line == 0)
        return;
    uint64_t before = done / line, ends = (done + more) / line - before;
    if (ends > 0)
        add_run(
            machine, bytes,
            (LineRun){.first = begin + (before + 1) * line - done, .every = line, .count = ends});
}

void bytes_move(Machine *machine, Bytes *bytes, uint64_t length, Bytes *to)
{
    CHECKF(length <= bytes_length(bytes), "%llu bytes", (unsigned long long)length);
    uint64_t until = bytes->begin + length;
    while (bytes->count > 0 && run_at(bytes, 0)->first <= until) {
        LineRun *run = run_at(bytes, 0);
        uint64_t ends = (until - run->first) / run->every + 1;
        ends = ends < run->count ? ends : run->count;
        if (to != NULL)
            add_run(machine, to,
                    (LineRun){.first = to->end + (run->first - bytes->begin),
                              .every = run->every,
                              .count = ends});
        run->first += run->every * ends;
        run->count -= ends;
        if (run->count > 0)
            break;
        bytes->head = (bytes->head + 1) & (bytes->room - 1);
        bytes->count--;
    }
    bytes->begin = until;
    if (to != NULL)
        to->end += length;
}

uint64_t bytes_line(const Bytes *bytes)
{
    return bytes->count == 0 ? 0 : run_at(bytes, 0)->first - bytes->begin;
}

void bytes_free(Machine *machine, Bytes *bytes)
{
    machine->file_bytes -= bytes->room * sizeof *bytes->runs;
    free(bytes->runs);
    *bytes = (Bytes){0};
}
