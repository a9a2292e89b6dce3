// The reader of trace files. It trusts nothing: every size, kind, time and closed argument is
// checked once, so that no reader of the records need check them again. Ids of tasks, locks and
// texts are only checked to be ids (32 bits): what they refer to is in the scenario's text, and
// readers must take one that refers to nothing.
#include "sim/trace/trace_file.h"
#include "sim/trace/layout.h"

#include "sim/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOWHERE ((SourceAt){0})

uint64_t trace_arg_max(ArgType type)
{
    switch (type) {
    case ARG_TASK:
    case ARG_DEF:
    case ARG_LOCK:
    case ARG_TEXT:
    case ARG_SYNC:
    case ARG_OP:
    case ARG_PROCESS:
    case ARG_PIPE:
    case ARG_MESSAGES:
        return UINT32_MAX;
    case ARG_CORE:
        return CORES_MAX;
    case ARG_NS:
        return INT64_MAX;
    case ARG_SWITCH_REASON:
        return SWITCH_REASON_COUNT - 1;
    case ARG_SYSCALL:
        return SYSCALL_COUNT - 1;
    case ARG_IRQ:
        return IRQ_COUNT - 1;
    case ARG_MIGRATION_REASON:
        return MIGRATION_REASON_COUNT - 1;
    case ARG_LIMIT:
        return LIMIT_COUNT - 1;
    case ARG_END_REASON:
        return END_REASON_COUNT - 1;
    case ARG_WAIT_END:
        return WAIT_END_COUNT - 1;
    case ARG_MEMORY_BYTES:
        return INT64_MAX;
    case ARG_STATUS:
        return STATUS_SIGNALLED + SIGNAL_COUNT - 1;
    case ARG_ITEMS:
    case ARG_INTERPRETER:
        return UINT64_MAX;
    case ARG_FAULT:
        return FAULT_KIND_COUNT - 1;
    case ARG_SIGNAL:
        return SIGNAL_COUNT - 1;
    case ARG_CALLBACK:
        return CALLBACK_KIND_COUNT - 1;
    case ARG_EXCEPTION:
        return UINT32_MAX;
    case ARG_KILL_REASON:
        return KILL_REASON_COUNT - 1;
    case ARG_PIPE_END:
        return PIPE_END_COUNT - 1;
    case ARG_UV_QUEUE:
        return UV_QUEUE_COUNT - 1;
    case ARG_FILE:
        return (uint64_t)FILE_KIND_COUNT << 32;
    case ARG_EPOLL:
        return UINT64_MAX >> 24;
    case ARG_NONE:
    case ARG_COUNT:
    case ARG_VTIME:
    case ARG_ACCESS:
    case ARG_COROUTINE:
    case ARG_VALUE:
    case ARG_TYPE_COUNT:
        break;
    }
    return UINT64_MAX;
}

static bool record_fail(Diag *diag, uint64_t index, const char *what, int64_t found)
{
    return diag_fail(diag, NOWHERE, "record %" PRIu64 " of the trace has %s: %" PRId64, index + 1,
                     what, found);
}

static bool records_check(const TraceRecord *records, uint64_t count, Diag *diag)
{
    uint64_t max[EVENT_KIND_COUNT][2];
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++)
        for (int i = 0; i < 2; i++)
            max[kind][i] = trace_arg_max(event_info(kind)->arg[i].type);
    int64_t before = 0;
    for (uint64_t i = 0; i < count; i++) {
        const TraceRecord *r = &records[i];
        if (r->kind == EVENT_NONE || r->kind >= EVENT_KIND_COUNT)
            return record_fail(diag, i, "an unknown kind", r->kind);
        if (r->time_ns < before || r->time_ns > INSTANT_NEVER.ns)
            return record_fail(diag, i, "a time out of order", r->time_ns);
        if (r->core < CORE_NONE || r->core >= CORES_MAX)
            return record_fail(diag, i, "an impossible core", r->core);
        if (r->a > max[r->kind][0])
            return record_fail(diag, i, "a first argument out of range", (int64_t)r->a);
        if (r->b > max[r->kind][1])
            return record_fail(diag, i, "a second argument out of range", (int64_t)r->b);
        before = r->time_ns;
    }
    return true;
}

// The texts behind the fixed part of the header, copied so that each ends in a zero.
static bool texts_parse(TraceFile *file, const unsigned char *bytes, uint64_t header_bytes,
                        Diag *diag)
{
    const char *texts[LAYOUT_TEXT_COUNT];
    uint64_t at = LAYOUT_TEXTS;
    for (int i = 0; i < LAYOUT_TEXT_COUNT; i++) {
        uint64_t length = layout_get(bytes + LAYOUT_LENGTHS + 4 * i, 4);
        if (length > header_bytes - at)
            return diag_fail(diag, NOWHERE,
                             "the trace's header is damaged: its texts are longer "
                             "than itself");
        if (memchr(bytes + at, 0, length) != NULL)
            return diag_fail(diag, NOWHERE, "the trace's header is damaged: a zero in a text");
        texts[i] = arena_text(&file->arena, (const char *)bytes + at, length);
        at += length;
    }
    file->header = (TraceHeader){
        .measured = layout_get(bytes + LAYOUT_FLAGS, 4) & LAYOUT_FLAG_MEASURED,
        .seed = layout_get(bytes + LAYOUT_SEED, 8),
        .scenario_path = texts[0],
        .scenario_text = texts[1],
        .overrides = texts[2],
        .machine = texts[3],
    };
    return true;
}

static bool header_check(const unsigned char *bytes, uint64_t count, Diag *diag)
{
    if (count < LAYOUT_TEXTS || memcmp(bytes, TRACE_MAGIC, LAYOUT_MAGIC_BYTES) != 0)
        return diag_fail(diag, NOWHERE, "this is not a ringside trace");
    uint64_t version = layout_get(bytes + LAYOUT_VERSION, 4);
    if (version != TRACE_FILE_VERSION)
        return diag_fail(diag, NOWHERE,
                         "the trace has version %" PRIu64 " of the format; this program reads "
                         "version %d",
                         version, TRACE_FILE_VERSION);
    uint64_t header_bytes = layout_get(bytes + LAYOUT_HEADER_BYTES, 4);
    if (header_bytes < LAYOUT_TEXTS || header_bytes % LAYOUT_ALIGN != 0 || header_bytes > count)
        return diag_fail(diag, NOWHERE, "the trace's header is damaged: %" PRIu64 " bytes long",
                         header_bytes);
    if (layout_get(bytes + LAYOUT_RECORD_BYTES, 4) != sizeof(TraceRecord))
        return diag_fail(diag, NOWHERE,
                         "the trace's header is damaged: records of %" PRIu64 " bytes",
                         layout_get(bytes + LAYOUT_RECORD_BYTES, 4));
    if (layout_get(bytes + LAYOUT_FLAGS, 4) & ~(uint64_t)LAYOUT_FLAG_MEASURED)
        return diag_fail(diag, NOWHERE, "the trace's header is damaged: unknown flags");
    // Divided rather than multiplied: a count may be any 64-bit number.
    uint64_t records = layout_get(bytes + LAYOUT_COUNT, 8);
    uint64_t room = count - header_bytes;
    if (room % sizeof(TraceRecord) != 0 || records != room / sizeof(TraceRecord))
        return diag_fail(diag, NOWHERE,
                         "the trace is incomplete: its header counts %" PRIu64
                         " records, and %" PRIu64 " bytes follow",
                         records, room);
    return true;
}

static bool parse(TraceFile *file, const void *start, uint64_t count, Diag *diag)
{
    const unsigned char *bytes = start;
    if (!header_check(bytes, count, diag))
        return false;
    uint64_t header_bytes = layout_get(bytes + LAYOUT_HEADER_BYTES, 4);
    if (!texts_parse(file, bytes, header_bytes, diag))
        return false;
    file->count = layout_get(bytes + LAYOUT_COUNT, 8);
    const unsigned char *records = bytes + header_bytes;
    if ((uintptr_t)records % _Alignof(TraceRecord) == 0) {
        file->records = (const TraceRecord *)(const void *)records;
    } else if (file->count > 0) {
        TraceRecord *copy = ARENA_ARRAY(&file->arena, TraceRecord, file->count);
        memcpy(copy, records, file->count * sizeof *copy);
        file->records = copy;
    }
    return records_check(file->records, file->count, diag);
}

bool trace_file_parse(TraceFile *file, const void *bytes, uint64_t count, Diag *diag)
{
    *file = (TraceFile){0};
    if (parse(file, bytes, count, diag))
        return true;
    trace_file_free(file);
    return false;
}

// A pipe cannot be mapped: reads it to its end into the arena's care.
static const void *stream_read(TraceFile *file, int descriptor, uint64_t *count)
{
    unsigned char *bytes = NULL;
    size_t capacity = 0, used = 0;
    for (;;) {
        if (used == capacity) {
            capacity = capacity == 0 ? 1 << 16 : 2 * capacity;
            unsigned char *grown = realloc(bytes, capacity);
            if (grown == NULL) {
                free(bytes);
                return NULL;
            }
            bytes = grown;
        }
        ssize_t got = read(descriptor, bytes + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            void *copy = got < 0 ? NULL : arena_alloc(&file->arena, used + 1);
            if (copy != NULL && used > 0)
                memcpy(copy, bytes, used);
            int error = errno;
            free(bytes);
            errno = error;
            *count = used;
            return copy;
        }
        used += (size_t)got;
    }
}

// The file's bytes, mapped or read; NULL with errno.
static const void *bytes_of(TraceFile *file, int descriptor, uint64_t *count)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return NULL;
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        return stream_read(file, descriptor, count);
    *count = (uint64_t)status.st_size;
    void *mapping = mmap(NULL, (size_t)*count, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    file->mapping = mapping;
    file->mapping_bytes = *count;
    return mapping;
}

bool trace_file_read(TraceFile *file, const char *path, Diag *diag)
{
    *file = (TraceFile){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t count = 0;
    const void *bytes = descriptor < 0 ? NULL : bytes_of(file, descriptor, &count);
    int error = errno;
    if (descriptor >= 0)
        close(descriptor);
    if (bytes == NULL) {
        trace_file_free(file);
        return diag_fail(diag, NOWHERE, "cannot read the trace '%s': %s", path, strerror(error));
    }
    if (parse(file, bytes, count, diag))
        return true;
    trace_file_free(file);
    return false;
}

void trace_file_free(TraceFile *file)
{
    if (file->mapping != NULL)
        munmap(file->mapping, file->mapping_bytes);
    arena_free(&file->arena);
    *file = (TraceFile){0};
}
