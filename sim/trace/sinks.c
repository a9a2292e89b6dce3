// The memory sink and the hash sink.
#include "sim/trace/sinks.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

struct TraceChunk {
    TraceRecord records[TRACE_CHUNK_RECORDS];
};

// Makes room for the record `count`; false when the system has no memory left.
static bool memory_sink_grow(MemorySink *memory)
{
    if (memory->chunk_count == memory->chunk_capacity) {
        size_t capacity = memory->chunk_capacity == 0 ? 16 : 2 * memory->chunk_capacity;
        struct TraceChunk **chunks = realloc(memory->chunks, capacity * sizeof *chunks);
        if (chunks == NULL)
            return false;
        memory->chunks = chunks;
        memory->chunk_capacity = capacity;
    }
    struct TraceChunk *chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return false;
    memory->chunks[memory->chunk_count++] = chunk;
    return true;
}

// Keeps what `room` allows, false when that is not all.
static bool memory_sink_keep(MemorySink *memory, const TraceRecord *records, size_t count,
                             uint64_t room)
{
    bool fits = count <= room;
    size_t left = fits ? count : (size_t)room;
    while (left > 0) {
        size_t chunk = memory->count / TRACE_CHUNK_RECORDS;
        size_t at = memory->count % TRACE_CHUNK_RECORDS;
        if (chunk == memory->chunk_count && !memory_sink_grow(memory))
            return false;
        size_t piece = TRACE_CHUNK_RECORDS - at < left ? TRACE_CHUNK_RECORDS - at : left;
        memcpy(&memory->chunks[chunk]->records[at], records, piece * sizeof *records);
        memory->count += piece;
        records += piece;
        left -= piece;
    }
    return fits;
}

static bool memory_sink_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    MemorySink *memory = (MemorySink *)sink;
    uint64_t room = memory->count < memory->records_max ? memory->records_max - memory->count : 0;
    if (memory_sink_keep(memory, records, count, room))
        return true;
    // A trace that is cut short by its limit should still say how the run ended.
    if (records[count - 1].kind == EVENT_RUN_END)
        memory_sink_keep(memory, &records[count - 1], 1, 1);
    return false;
}

void memory_sink_open(MemorySink *memory, uint64_t records_max)
{
    *memory = (MemorySink){.sink.write = memory_sink_write, .records_max = records_max};
}

const TraceRecord *memory_sink_at(const MemorySink *memory, uint64_t index)
{
    CHECKF(index < memory->count, "record %llu of %llu", (unsigned long long)index,
           (unsigned long long)memory->count);
    return &memory->chunks[index / TRACE_CHUNK_RECORDS]->records[index % TRACE_CHUNK_RECORDS];
}

void memory_sink_clear(MemorySink *memory)
{
    memory->count = 0;
}

void memory_sink_free(MemorySink *memory)
{
    for (size_t i = 0; i < memory->chunk_count; i++)
        free(memory->chunks[i]);
    free(memory->chunks);
    memory_sink_open(memory, memory->records_max);
}

// The hash: three 64 x 64 -> 128 bit multiplications a record, folded (as wyhash and xxh3 do). It
// works on the values of the fields, not on their
// bytes, so that it is the same on every machine. Not cryptographic.
__extension__ typedef unsigned __int128 Wide;

static inline uint64_t fold_multiply(uint64_t a, uint64_t b)
{
    Wide product = (Wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static bool hash_sink_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    HashSink *hash = (HashSink *)sink;
    uint64_t state = hash->state;
    for (size_t i = 0; i < count; i++) {
        const TraceRecord *r = &records[i];
        uint64_t place =
            (uint64_t)r->kind | (uint64_t)(uint16_t)r->core << 16 | (uint64_t)r->task << 32;
        uint64_t x =
            fold_multiply((uint64_t)r->time_ns ^ 0x9e3779b97f4a7c15u, place ^ 0xbf58476d1ce4e5b9u);
        uint64_t y = fold_multiply(r->a ^ 0x94d049bb133111ebu, r->b ^ 0xd6e8feb86659fd93u);
        // Of this only one multiplication waits for the previous record. The rotated state is kept
        // beside the product, so that a zero factor cannot wipe out what came before.
        uint64_t beside = (state << 29 | state >> 35) + y;
        state = fold_multiply(state ^ x, y ^ 0xa0761d6478bd642fu) ^ beside;
    }
    hash->state = state;
    return true;
}

void hash_sink_open(HashSink *hash)
{
    *hash = (HashSink){.sink.write = hash_sink_write, .state = 0x2545f4914f6cdd1du};
}

uint64_t hash_sink_value(const HashSink *hash)
{
    uint64_t h = hash->state;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}
