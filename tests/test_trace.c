// The trace: lists expanded, batches handed on whole, sinks that keep, hash and write, and a reader
// that refuses every damaged file.
#include "sim/base/check.h"
#include "sim/trace/layout.h"
#include "sim/trace/sinks.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static TraceRecord record_number(uint64_t i)
{
    return (TraceRecord){.time_ns = (int64_t)(10 * i),
                         .kind = EVENT_IRQ,
                         .core = (int16_t)(i % 4),
                         .task = (uint32_t)i,
                         .a = IRQ_TICK,
                         .b = i};
}

static void test_lists(void **state)
{
    (void)state;
    assert_string_equal(event_info(EVENT_SWITCH_IN)->id, "SWITCH_IN");
    assert_string_equal(event_info(EVENT_SWITCH_IN)->name, "switch in");
    assert_int_equal(event_info(EVENT_SWITCH_OUT)->arg[0].type, ARG_SWITCH_REASON);
    assert_string_equal(event_info(EVENT_SWITCH_OUT)->arg[1].name, "lock");
    assert_string_equal(event_info(EVENT_RUN_END)->id, "RUN_END");
    assert_ptr_equal(event_info(EVENT_KIND_COUNT), event_info(EVENT_NONE));
    assert_ptr_equal(event_info(UINT32_MAX), event_info(EVENT_NONE));
    assert_string_equal(switch_reason_word(SWITCH_YIELDED), "yield");
    assert_string_equal(switch_reason_sentence(SWITCH_BLOCKED_SLEEP), "it sleeps");
    assert_string_equal(syscall_name(SYSCALL_WRITE), "write");
    assert_string_equal(irq_name(IRQ_TIMER), "timer interrupt");
    assert_string_equal(migration_reason_text(MIGRATION_AFFINITY), "its affinity");
    assert_string_equal(limit_name(LIMIT_RECORDS), "records");
    assert_string_equal(end_reason_text(END_DONE), "every thread ended");
    assert_string_equal(switch_reason_word(SWITCH_REASON_COUNT), "?");
    assert_string_equal(end_reason_text(99), "?");
    // The words of the list's comments: every sentence has only fields that exist.
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        for (const char *s = strchr(event_info(kind)->sentence, '{'); s; s = strchr(s + 1, '{')) {
            bool known = strncmp(s, "{task}", 6) == 0 || strncmp(s, "{core}", 6) == 0 ||
                         strncmp(s, "{a}", 3) == 0 || strncmp(s, "{b}", 3) == 0;
            assert_true(known);
        }
    }
}

// 5,000 records are two full batches of 2,048 and one of 904.
static void test_batches(void **state)
{
    (void)state;
    MemorySink memory;
    HashSink hash;
    memory_sink_open(&memory, 1 << 20);
    hash_sink_open(&hash);
    TraceSink *sinks[] = {&memory.sink, &hash.sink};
    Trace trace;
    trace_open(&trace, sinks, 2);
    for (uint64_t i = 0; i < 5000; i++)
        trace_emit(&trace, (Instant){(int64_t)(10 * i)}, EVENT_IRQ, (int)(i % 4),
                   (TaskId){(uint32_t)i}, IRQ_TICK, i);
    assert_int_equal(trace.records, 4096);
    assert_true(trace_flush(&trace));
    assert_int_equal(trace.records, 5000);
    trace_close(&trace);
    assert_int_equal(memory.count, 5000);
    for (uint64_t i = 0; i < 5000; i++) {
        TraceRecord expected = record_number(i);
        assert_memory_equal(memory_sink_at(&memory, i), &expected, sizeof expected);
    }
    // The hash of the same records handed over one by one is the same: batches do not show.
    HashSink single;
    hash_sink_open(&single);
    for (uint64_t i = 0; i < 5000; i++) {
        TraceRecord record = record_number(i);
        single.sink.write(&single.sink, &record, 1);
    }
    assert_true(hash_sink_value(&hash) == hash_sink_value(&single));
    memory_sink_free(&memory);
}

static void test_off(void **state)
{
    (void)state;
    Trace trace;
    trace_open(&trace, NULL, 0);
    assert_true(trace.off);
    trace_emit(&trace, (Instant){0}, EVENT_IRQ, 0, (TaskId){0}, 0, 0);
    assert_true(trace_flush(&trace));
    assert_int_equal(trace.records, 0);
    trace_close(&trace);
}

// A sink of 100 records takes the first 100 of 150, says so, and still takes the run's end.
static void test_memory_limit(void **state)
{
    (void)state;
    MemorySink memory;
    memory_sink_open(&memory, 100);
    TraceSink *sinks[] = {&memory.sink};
    Trace trace;
    trace_open(&trace, sinks, 1);
    for (uint64_t i = 0; i < 150; i++)
        trace_emit(&trace, (Instant){(int64_t)i}, EVENT_IRQ, 0, (TaskId){0}, 0, i);
    assert_false(trace_flush(&trace));
    assert_true(trace.refused);
    assert_int_equal(memory.count, 100);
    trace_emit(&trace, (Instant){150}, EVENT_RUN_END, CORE_NONE, (TaskId){0}, END_LIMIT,
               LIMIT_RECORDS);
    assert_false(trace_flush(&trace));
    assert_int_equal(memory.count, 101);
    assert_int_equal(memory_sink_at(&memory, 99)->b, 99);
    assert_int_equal(memory_sink_at(&memory, 100)->kind, EVENT_RUN_END);
    memory_sink_clear(&memory);
    assert_int_equal(memory.count, 0);
    assert_true(memory.sink.write(&memory.sink, &(TraceRecord){.kind = EVENT_IRQ}, 1));
    assert_int_equal(memory.count, 1);
    trace_close(&trace);
    memory_sink_free(&memory);
}

static uint64_t hash_of(const TraceRecord *records, size_t count)
{
    HashSink hash;
    hash_sink_open(&hash);
    hash.sink.write(&hash.sink, records, count);
    return hash_sink_value(&hash);
}

// Any single bit of any field must change about half of the hash's 64 bits. Of 256 bits flipped,
// each result is a draw from a binomial (64, 1/2): mean 32, standard deviation 4, so that 8 is six
// deviations away; the mean of 256 such has deviation 0.25.
static void test_hash_diffusion(void **state)
{
    (void)state;
    TraceRecord records[3] = {record_number(1), record_number(2), record_number(3)};
    uint64_t before = hash_of(records, 3);
    int total = 0;
    for (int which = 0; which < 3; which++) {
        for (int bit = 0; bit < 256; bit++) {
            unsigned char *bytes = (unsigned char *)&records[which];
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            int changed = __builtin_popcountll(before ^ hash_of(records, 3));
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_in_range(changed, 8, 56);
            total += changed;
        }
    }
    assert_in_range(total / 3, 256 * 32 - 256, 256 * 32 + 256);
    // Order and number count, also of records that are all zeroes.
    TraceRecord swapped[3] = {records[1], records[0], records[2]};
    assert_true(hash_of(swapped, 3) != before);
    TraceRecord zeroes[3] = {{0}};
    assert_true(hash_of(zeroes, 2) != hash_of(zeroes, 3));
    assert_true(hash_of(zeroes, 0) != hash_of(zeroes, 1));
}

// --- files --------------------------------------------------------------------------------------

static const TraceHeader header = {
    .measured = true,
    .seed = 0xfedcba9876543210u,
    .scenario_path = "a.yaml",
    .scenario_text = "title: über\n",
    .overrides = "machine.cores=4\n",
    .machine = "",
};

static void write_file(const char *path, uint64_t count)
{
    Diag diag = {0};
    FileSink file;
    assert_true(file_sink_open(&file, path, &header, &diag));
    for (uint64_t i = 0; i < count; i++) {
        TraceRecord record = record_number(i);
        assert_true(file.sink.write(&file.sink, &record, 1));
    }
    assert_int_not_equal(access(path, F_OK), 0); // not before it is whole
    assert_true(file_sink_close(&file, &diag));
    diag_free(&diag);
}

static void path_in(char path[256], const char *directory, const char *name)
{
    snprintf(path, 256, "%s/%s", directory, name);
}

static int make_directory(void **state)
{
    static char directory[] = "trace_test_XXXXXX";
    strcpy(directory, "trace_test_XXXXXX");
    *state = mkdtemp(directory);
    return *state == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    return rmdir(*state); // fails when a test left a file behind
}

static void test_file(void **state)
{
    char path[256];
    path_in(path, *state, "a.trace");
    write_file(path, 1000);
    Diag diag = {0};
    TraceFile file;
    assert_true(trace_file_read(&file, path, &diag));
    assert_int_equal(file.count, 1000);
    assert_true(file.header.measured);
    assert_true(file.header.seed == header.seed);
    assert_string_equal(file.header.scenario_path, header.scenario_path);
    assert_string_equal(file.header.scenario_text, header.scenario_text);
    assert_string_equal(file.header.overrides, header.overrides);
    assert_string_equal(file.header.machine, "");
    for (uint64_t i = 0; i < 1000; i++) {
        TraceRecord expected = record_number(i);
        assert_memory_equal(&file.records[i], &expected, sizeof expected);
    }
    trace_file_free(&file);
    assert_int_equal(unlink(path), 0);
    diag_free(&diag);
}

// A stale temporary file of a run that was killed is in nobody's way; an abandoned one is removed.
static void test_file_names(void **state)
{
    char path[256], stale[256], other[256];
    path_in(path, *state, "b.trace");
    path_in(stale, *state, "b.trace.tmp0");
    path_in(other, *state, "b.trace.tmp1");
    fclose(fopen(stale, "w"));
    write_file(path, 3);
    assert_int_equal(access(stale, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    Diag diag = {0};
    FileSink file;
    assert_true(file_sink_open(&file, path, &header, &diag));
    assert_int_equal(access(other, F_OK), 0);
    file_sink_abandon(&file);
    assert_int_not_equal(access(other, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(stale), 0);

    char nowhere[256];
    path_in(nowhere, *state, "none/c.trace");
    assert_false(file_sink_open(&file, nowhere, &header, &diag));
    assert_non_null(strstr(diag_text(&diag), "No such file or directory"));
    TraceFile missing;
    assert_false(trace_file_read(&missing, path, &diag));
    assert_int_equal(diag.errors, 2);
    diag_free(&diag);
}

// A full disk is an error at the write or at the close, and leaves nothing.
static void test_file_full_disk(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    Diag diag = {0};
    FileSink file = {0};
    // The temporary file cannot be made in /dev, so the stream is exchanged by hand.
    char path[256];
    path_in(path, *state, "d.trace");
    assert_true(file_sink_open(&file, path, &header, &diag));
    FILE *good = file.file;
    file.file = fopen("/dev/full", "wb");
    fclose(good);
    TraceRecord record = record_number(1);
    for (int i = 0; i < 1000 && file.error == 0; i++)
        file.sink.write(&file.sink, &record, 1);
    assert_int_not_equal(file.error, 0);
    assert_false(file_sink_close(&file, &diag));
    assert_non_null(strstr(diag_text(&diag), "No space left on device"));
    assert_int_not_equal(access(path, F_OK), 0);
    diag_free(&diag);
}

// The bytes of a good file with three records, for tests to damage. Aligned for records.
static unsigned char *good_bytes(const char *directory, size_t *size)
{
    char path[256];
    path_in(path, directory, "good.trace");
    write_file(path, 3);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    unsigned char *bytes = malloc(4096);
    *size = fread(bytes, 1, 4096, stream);
    fclose(stream);
    assert_int_equal(unlink(path), 0);
    // 56 of the fixed part, 6 + 13 + 16 + 0 of texts (ü is two bytes): 91, rounded up to 96; then
    // three records of 32.
    assert_int_equal(*size, 96 + 3 * 32);
    return bytes;
}

static void refused(const unsigned char *bytes, size_t size, const char *because)
{
    Diag diag = {0};
    TraceFile file;
    assert_false(trace_file_parse(&file, bytes, size, &diag));
    if (strstr(diag_text(&diag), because) == NULL)
        fail_msg("'%s' does not say '%s'", diag_text(&diag), because);
    diag_free(&diag);
}

static void damaged(const unsigned char *good, size_t size, size_t at, int width, uint64_t value,
                    const char *because)
{
    unsigned char *bytes = malloc(size);
    memcpy(bytes, good, size);
    layout_put(bytes + at, width, value);
    refused(bytes, size, because);
    free(bytes);
}

static void test_damage(void **state)
{
    size_t size;
    unsigned char *good = good_bytes(*state, &size);
    Diag diag = {0};
    TraceFile file;
    assert_true(trace_file_parse(&file, good, size, &diag));
    assert_int_equal(file.count, 3);
    trace_file_free(&file);

    for (size_t shorter = 0; shorter < size; shorter++)
        refused(good, shorter, shorter < 56 ? "not a ringside trace" : "the trace");
    damaged(good, size, 0, 1, 'R', "this is not a ringside trace");
    damaged(good, size, 8, 4, 2, "the trace has version 2 of the format; this program reads");
    damaged(good, size, 12, 4, 32, "header is damaged: 32 bytes long");
    damaged(good, size, 12, 4, 97, "header is damaged: 97 bytes long");
    damaged(good, size, 12, 4, 0xffffffe0u, "header is damaged: 4294967264 bytes long");
    damaged(good, size, 16, 4, 24, "records of 24 bytes");
    damaged(good, size, 20, 4, 3, "unknown flags");
    damaged(good, size, 32, 8, 2, "the trace is incomplete: its header counts 2 records");
    // 2^59 records of 32 bytes are 2^64 bytes: a product would be 0 again.
    damaged(good, size, 32, 8, ((uint64_t)1 << 59) + 3, "incomplete");
    damaged(good, size, 44, 4, 0xffffffffu, "its texts are longer than itself");
    damaged(good, size, 57, 1, 0, "a zero in a text");
    size_t second = 96 + 32;
    damaged(good, size, second, 8, 21, "record 3 of the trace has a time out of order: 20");
    damaged(good, size, second, 8, (uint64_t)-1, "record 2 of the trace has a time out of order");
    damaged(good, size, second + 32, 8, INT64_MAX, "record 3 of the trace has a time out of order");
    damaged(good, size, second + 8, 2, 0, "record 2 of the trace has an unknown kind: 0");
    damaged(good, size, second + 8, 2, EVENT_KIND_COUNT, "has an unknown kind");
    damaged(good, size, second + 10, 2, 0xfffe, "has an impossible core: -2");
    damaged(good, size, second + 10, 2, CORES_MAX, "has an impossible core: 1024");
    damaged(good, size, second + 16, 8, IRQ_COUNT, "has a first argument out of range");
    damaged(good, size, second + 16, 8, UINT64_MAX, "has a first argument out of range");
    damaged(good, size, second + 24, 8, (uint64_t)INT64_MAX + 1, "a second argument out of range");
    free(good);
    diag_free(&diag);
}

// Bytes that do not lie as records must are copied; pipes have no size.
static void test_other_sources(void **state)
{
    size_t size;
    unsigned char *good = good_bytes(*state, &size);
    unsigned char *moved = malloc(size + 1);
    memcpy(moved + 1, good, size);
    Diag diag = {0};
    TraceFile file;
    assert_true(trace_file_parse(&file, moved + 1, size, &diag));
    assert_int_equal(file.records[2].time_ns, 20);
    trace_file_free(&file);

    int ends[2];
    char path[64];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], good, size), size);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_true(trace_file_read(&file, path, &diag));
    assert_int_equal(file.count, 3);
    assert_int_equal(file.records[2].time_ns, 20);
    trace_file_free(&file);
    close(ends[0]);
    free(moved);
    free(good);
    diag_free(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_hash_diffusion),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_file_full_disk),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_sources),
    };
    return cmocka_run_group_tests_name("trace", tests, make_directory, remove_directory);
}
