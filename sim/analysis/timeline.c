// The queries of a timeline. How it is built is timeline_build.c's.
#include "sim/analysis/timeline.h"

#include "sim/analysis/sentence.h"
#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *timeline_state_word(unsigned state)
{
    static const char *const words[TIMELINE_STATE_COUNT] = {
#define X(id, word) [TIMELINE_##id] = word,
        TIMELINE_STATES(X)
#undef X
    };
    if (state < TASK_STATE_COUNT)
        return task_state_word(state);
    return state < TIMELINE_STATE_COUNT ? words[state] : "?";
}

void timeline_free(Timeline *timeline)
{
    for (size_t i = 0; i < timeline->rows.count; i++) {
        ARRAY_FREE(&timeline->rows.at[i].intervals);
        free(timeline->rows.at[i].begins_ns);
        free(timeline->rows.at[i].level_sums);
    }
    ARRAY_FREE(&timeline->rows);
    ARRAY_FREE(&timeline->task_rows);
    ARRAY_FREE(&timeline->wakeups);
    ARRAY_FREE(&timeline->instants);
    ARRAY_FREE(&timeline->names);
    free(timeline->wakeups_of.first);
    free(timeline->wakeups_of.ids);
    free(timeline->instants_of.first);
    free(timeline->instants_of.ids);
    *timeline = (Timeline){0};
}

size_t timeline_bytes(const Timeline *timeline)
{
    size_t tasks = timeline->task_rows.count;
    size_t bytes = timeline->rows.capacity * sizeof(TimelineRow) +
                   timeline->task_rows.capacity * sizeof(uint32_t) +
                   timeline->wakeups.capacity * sizeof(TimelineWakeup) +
                   timeline->instants.capacity * sizeof(TimelineInstant) +
                   timeline->names.capacity * sizeof(TimelineName);
    for (size_t i = 0; i < timeline->rows.count; i++) {
        const TimelineRow *row = &timeline->rows.at[i];
        bytes += row->intervals.capacity * sizeof(TimelineInterval);
        if (row->level_sums != NULL)
            bytes += timeline_row_blocks(row) * sizeof(double);
        if (row->begins_ns != NULL)
            bytes += timeline_row_blocks(row) * (1 + row->columns) * sizeof(int64_t);
    }
    const TimelineIndex *indexes[] = {&timeline->wakeups_of, &timeline->instants_of};
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++)
        if (indexes[i]->first != NULL)
            bytes += (tasks + 2 + indexes[i]->first[tasks]) * sizeof(uint32_t);
    return bytes;
}

// ---- rows

const TimelineRow *timeline_task_row(const Timeline *timeline, uint32_t task)
{
    if (task - 1 >= timeline->task_rows.count || timeline->task_rows.at[task - 1] == 0)
        return NULL;
    return &timeline->rows.at[timeline->task_rows.at[task - 1] - 1];
}

static const TimelineRow *task_row_named(const Timeline *timeline, uint32_t def, uint32_t instance)
{
    size_t low = 0, high = timeline->names.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const TimelineName *name = &timeline->names.at[middle];
        if (name->def < def || (name->def == def && name->instance < instance))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == timeline->names.count || timeline->names.at[low].def != def ||
        timeline->names.at[low].instance != instance)
        return NULL;
    return timeline_task_row(timeline, timeline->names.at[low].task);
}

const TimelineRow *timeline_like(const Timeline *timeline, const TimelineRow *row)
{
    const TimelineRow *at = timeline->rows.at;
    switch ((TimelineRowKind)row->kind) {
    case ROW_CORE:
        return row->id < timeline->gil_first ? &at[row->id] : NULL;
    case ROW_LOCK:
    case ROW_LEVEL:
        for (size_t i = timeline->object_first; i < timeline->task_first; i++)
            if (at[i].place == row->place && at[i].id == row->id && at[i].process == row->process &&
                at[i].instance == row->instance)
                return &at[i];
        return NULL;
    case ROW_TASK:
        return task_row_named(timeline, row->def, row->instance);
    case ROW_GIL:
        for (size_t i = timeline->gil_first; i < timeline->object_first; i++)
            if (at[i].id == row->id && at[i].instance == row->instance)
                return &at[i];
        return NULL;
    case ROW_SPANS:
    case ROW_LOOP:
    case ROW_COROUTINE:
        break; // it stands below its thread's, which has one
    }
    return NULL;
}

// "GIL of app"; of an interpreter that is not the main one, with its number: "GIL 1 of app".
static void gil_name(const Recording *recording, const TimelineRow *row, char text[static 128])
{
    char process[96];
    process_names_text(&recording->processes, &recording->tasks, recording->scenario, row->id,
                       process);
    if (row->instance == 0)
        snprintf(text, 128, "GIL of %.96s", process);
    else
        snprintf(text, 128, "GIL %u of %.96s", row->instance, process);
}

// "task_a #2".
static void coroutine_name(const Recording *recording, const TimelineRow *row,
                           char text[static 128])
{
    Names names = {recording->scenario, &recording->tasks, &recording->processes};
    narrate_argument(&names, ARG_COROUTINE, coroutine_pack(row->id, row->def), text, 128);
}

static void object_name(const Recording *recording, const TimelineRow *row, char text[static 128])
{
    const Scenario *scenario = recording->scenario;
    const char *word = "pipe";
    StringId name = {0};
    if (row->place == PLACE_SYNC) {
        word = sync_kind_word(scenario->syncs[row->id - 1].kind);
        name = scenario->syncs[row->id - 1].name;
    } else if (row->place == PLACE_PIPE || row->place == PLACE_STREAM) {
        word = row->place == PLACE_PIPE         ? word
               : row->instance == PIPE_END_READ ? "stream from"
                                                : "stream to";
        name = scenario->pipes[row->id - 1].name;
    } else if (row->place == PLACE_POOL) {
        word = "pool";
        name = scenario->pools[row->id - 1].name;
    } else {
        word = "messages";
        name = scenario->message_queues[row->id - 1].name;
    }
    char own[192];
    process_names_own(&recording->processes, &recording->tasks, scenario,
                      row->place == PLACE_SYNC ? row->process : 0, name, own);
    snprintf(text, 128, "%s %.96s", word, own);
}

char *timeline_row_name(const Timeline *timeline, const TimelineRow *row, char text[static 128])
{
    char name[96];
    switch ((TimelineRowKind)row->kind) {
    case ROW_CORE:
        snprintf(text, 128, "core %u", row->id);
        break;
    case ROW_LOCK:
    case ROW_LEVEL:
        if (row->place == PLACE_LOOP)
            snprintf(text, 128, "ready in %s",
                     recording_task_name(timeline->recording, row->id, name));
        else
            object_name(timeline->recording, row, text);
        break;
    case ROW_TASK:
        snprintf(text, 128, "%s", recording_task_name(timeline->recording, row->id, name));
        break;
    case ROW_SPANS:
        snprintf(text, 128, "spans of %s", recording_task_name(timeline->recording, row->id, name));
        break;
    case ROW_GIL:
        gil_name(timeline->recording, row, text);
        break;
    case ROW_LOOP:
        snprintf(text, 128, "loop of %s", recording_task_name(timeline->recording, row->id, name));
        break;
    case ROW_COROUTINE:
        coroutine_name(timeline->recording, row, text);
        break;
    }
    return text;
}

// ---- intervals

int64_t timeline_interval_end(const Timeline *timeline, const TimelineRow *row, size_t interval)
{
    CHECK(interval < row->intervals.count);
    return interval + 1 < row->intervals.count ? row->intervals.at[interval + 1].begin_ns
                                               : timeline->end_ns;
}

// The last block from `block` on that begins at `time_ns` or before, as `block` does. Looks near by
// first.
static size_t find_block(const TimelineRow *row, size_t block, int64_t time_ns)
{
    const int64_t *begins_ns = row->begins_ns;
    size_t count = timeline_row_blocks(row), step = 1;
    while (count - block > step && begins_ns[block + step] <= time_ns) {
        block += step;
        step *= 2;
    }
    size_t length = count - block < step ? count - block : step; // the answer is one of so many
    while (length > 1) {
        size_t half = length / 2;
        block += begins_ns[block + half] <= time_ns ? half : 0;
        length -= half;
    }
    return block;
}

// The last interval that begins at `time_ns` or before; the interval `from` does.
static size_t find_from(const TimelineRow *row, size_t from, int64_t time_ns)
{
    size_t first = 0, last = row->intervals.count;
    if (row->begins_ns != NULL) {
        first = find_block(row, from / TIMELINE_BLOCK, time_ns) * TIMELINE_BLOCK;
        last = last - first < TIMELINE_BLOCK ? last : first + TIMELINE_BLOCK;
    }
    // Counted to the end of the block: cheaper than a branch that nobody can predict.
    size_t later = 0;
    for (size_t i = first + 1; i < last; i++)
        later += row->intervals.at[i].begin_ns <= time_ns;
    return first + later;
}

static bool row_exists(const Timeline *timeline, const TimelineRow *row, int64_t time_ns)
{
    return row->intervals.count > 0 && time_ns >= row->intervals.at[0].begin_ns &&
           time_ns < timeline->end_ns;
}

size_t timeline_at(const Timeline *timeline, const TimelineRow *row, int64_t time_ns)
{
    return row_exists(timeline, row, time_ns) ? find_from(row, 0, time_ns) : SIZE_MAX;
}

// ---- sums

// Adds up whole intervals i .. j.
static void add_whole(const TimelineRow *row, size_t i, size_t j, int64_t *ns)
{
    const TimelineInterval *at = row->intervals.at;
    for (; i < j; i++)
        ns[at[i].state] += at[i + 1].begin_ns - at[i].begin_ns;
}

// Adds up what lies in [from_ns, to_ns), which begins in interval i and ends in interval j.
static void add_stretch(const TimelineRow *row, size_t i, int64_t from_ns, size_t j, int64_t to_ns,
                        int64_t *ns)
{
    const TimelineInterval *at = row->intervals.at;
    if (i == j) {
        ns[at[i].state] += to_ns - from_ns;
        return;
    }
    ns[at[i].state] += at[i + 1].begin_ns - from_ns;
    ns[at[j].state] += to_ns - at[j].begin_ns;
    i++;
    size_t block = (i + TIMELINE_BLOCK - 1) / TIMELINE_BLOCK, last = j / TIMELINE_BLOCK;
    if (block >= last) {
        add_whole(row, i, j, ns);
        return;
    }
    add_whole(row, i, block * TIMELINE_BLOCK, ns);
    const int64_t *before = &row->sums_ns[block * row->columns];
    const int64_t *after = &row->sums_ns[last * row->columns];
    for (uint32_t states = row->states; states != 0; states &= states - 1)
        ns[__builtin_ctz(states)] += *after++ - *before++;
    add_whole(row, last * TIMELINE_BLOCK, j, ns);
}

void timeline_sums(const Timeline *timeline, const TimelineRow *row, int64_t from_ns, int64_t to_ns,
                   int64_t ns[static TIMELINE_STATE_COUNT])
{
    memset(ns, 0, TIMELINE_STATE_COUNT * sizeof *ns);
    if (row->intervals.count == 0)
        return;
    int64_t begin = row->intervals.at[0].begin_ns;
    from_ns = from_ns > begin ? from_ns : begin;
    to_ns = to_ns < timeline->end_ns ? to_ns : timeline->end_ns;
    if (from_ns >= to_ns)
        return;
    size_t i = find_from(row, 0, from_ns);
    add_stretch(row, i, from_ns, find_from(row, i, to_ns - 1), to_ns, ns);
}

// Sum of level x ns from the row's first instant to `time_ns`, which is in interval i.
static double level_sum(const TimelineRow *row, size_t i, int64_t time_ns)
{
    const TimelineInterval *at = row->intervals.at;
    size_t block = i / TIMELINE_BLOCK;
    double sum = row->level_sums[block];
    for (size_t k = block * TIMELINE_BLOCK; k < i; k++)
        sum += (double)at[k].subject * (double)(at[k + 1].begin_ns - at[k].begin_ns);
    return sum + (double)at[i].subject * (double)(time_ns - at[i].begin_ns);
}

double timeline_level(const Timeline *timeline, const TimelineRow *row, int64_t from_ns,
                      int64_t to_ns)
{
    CHECK(row->kind == ROW_LEVEL);
    if (row->intervals.count == 0)
        return 0;
    int64_t begin = row->intervals.at[0].begin_ns;
    from_ns = from_ns > begin ? from_ns : begin;
    to_ns = to_ns < timeline->end_ns ? to_ns : timeline->end_ns;
    size_t i = find_from(row, 0, from_ns);
    if (from_ns >= to_ns)
        return row->intervals.at[i].subject;
    size_t j = find_from(row, i, to_ns - 1);
    return (level_sum(row, j, to_ns) - level_sum(row, i, from_ns)) / (double)(to_ns - from_ns);
}

// ---- bins

int64_t timeline_bin_ns(int64_t from_ns, int64_t to_ns, size_t of, size_t bin)
{
    int64_t length = to_ns - from_ns, bins = (int64_t)of, i = (int64_t)bin;
    return from_ns + length / bins * i + length % bins * i / bins;
}

static uint8_t most(const TimelineRow *row, const int64_t *ns)
{
    unsigned best = (unsigned)__builtin_ctz(row->states);
    for (uint32_t states = row->states; states != 0; states &= states - 1) {
        unsigned state = (unsigned)__builtin_ctz(states);
        best = ns[state] > ns[best] ? state : best;
    }
    return (uint8_t)best;
}

// The bin [from_ns, to_ns), all of which the row exists in; `i` is the interval at from_ns. Returns
// the last interval that it meets.
static size_t fill(const TimelineRow *row, int64_t from_ns, int64_t to_ns, size_t i,
                   TimelineBin *bin)
{
    const TimelineInterval *at = row->intervals.at;
    size_t j = to_ns > from_ns ? find_from(row, i, to_ns - 1) : i;
    add_stretch(row, i, from_ns, j, to_ns, bin->ns);
    bin->touched = j - i + 1;
    bool second = bin->touched == 2 && to_ns - at[j].begin_ns > at[j].begin_ns - from_ns;
    bin->interval = second ? j : i;
    bin->state = bin->touched <= 2 ? at[bin->interval].state : most(row, bin->ns);
    return j;
}

void timeline_bins(const Timeline *timeline, const TimelineRow *row, int64_t from_ns, int64_t to_ns,
                   size_t of, size_t first, size_t count, TimelineBin *bins)
{
    CHECKF(to_ns >= from_ns && first + count <= of, "bins %zu + %zu of %zu", first, count, of);
    memset(bins, 0, count * sizeof *bins);
    if (row->intervals.count == 0)
        return;
    int64_t begin = row->intervals.at[0].begin_ns;
    size_t i = 0;
    int64_t next = timeline_bin_ns(from_ns, to_ns, of, first);
    for (size_t b = 0; b < count; b++) {
        int64_t bin_from = next;
        next = timeline_bin_ns(from_ns, to_ns, of, first + b + 1);
        int64_t bin_to = next < timeline->end_ns ? next : timeline->end_ns;
        bool instant = next == bin_from;
        bin_from = bin_from > begin || instant ? bin_from : begin;
        if (instant ? !row_exists(timeline, row, bin_from) : bin_from >= bin_to)
            continue;
        i = find_from(row, i, bin_from);
        i = fill(row, bin_from, instant ? bin_from : bin_to, i, &bins[b]);
    }
}

// ---- wake-ups and instants

static int64_t wakeup_ns(const Timeline *timeline, uint32_t item)
{
    return timeline->wakeups.at[item].time_ns;
}

static int64_t instant_ns(const Timeline *timeline, uint32_t item)
{
    return timeline->instants.at[item].time_ns;
}

// Of the items low .. high of an index, the first one at `time_ns` or later.
static uint32_t first_since(const Timeline *timeline, const TimelineIndex *index, uint32_t low,
                            uint32_t high, int64_t time_ns,
                            int64_t (*ns_of)(const Timeline *, uint32_t))
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ns_of(timeline, index->ids[middle]) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static TimelineItems items_within(const Timeline *timeline, const TimelineIndex *index,
                                  uint32_t task, int64_t from_ns, int64_t to_ns,
                                  int64_t (*ns_of)(const Timeline *, uint32_t))
{
    if (task - 1 >= timeline->task_rows.count)
        return (TimelineItems){NULL, 0};
    uint32_t low = index->first[task - 1], high = index->first[task];
    low = first_since(timeline, index, low, high, from_ns, ns_of);
    high = first_since(timeline, index, low, high, to_ns, ns_of);
    return (TimelineItems){&index->ids[low], high - low};
}

TimelineItems timeline_wakeups(const Timeline *timeline, uint32_t task, int64_t from_ns,
                               int64_t to_ns)
{
    return items_within(timeline, &timeline->wakeups_of, task, from_ns, to_ns, wakeup_ns);
}

TimelineItems timeline_instants(const Timeline *timeline, uint32_t task, int64_t from_ns,
                                int64_t to_ns)
{
    return items_within(timeline, &timeline->instants_of, task, from_ns, to_ns, instant_ns);
}
