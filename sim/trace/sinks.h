// The sinks that need only the trace: memory, hash, file. (Metrics are a sink too: see analysis.)
#pragma once
#include "sim/trace/trace.h"

// Keeps records in chunks that never move; refuses above `records_max`.
typedef struct MemorySink {
    TraceSink sink;
    struct TraceChunk **chunks;
    size_t chunk_count, chunk_capacity;
    uint64_t count, records_max;
} MemorySink;

enum { TRACE_CHUNK_RECORDS = 1 << 15 };

void memory_sink_open(MemorySink *memory, uint64_t records_max);
const TraceRecord *memory_sink_at(const MemorySink *memory, uint64_t index); // index < count
// Forgets the records and keeps the chunks: recycled memory is ten times faster than fresh.
void memory_sink_clear(MemorySink *memory);
void memory_sink_free(MemorySink *memory);

// A 64-bit hash of all records, in order: equal traces have equal hashes on every machine.
typedef struct HashSink {
    TraceSink sink;
    uint64_t state;
} HashSink;

void hash_sink_open(HashSink *hash);
uint64_t hash_sink_value(const HashSink *hash);

// Our own file format; see trace_file.h. Written to a temporary file, renamed by close.
typedef struct FileSink {
    TraceSink sink;
    void *file; // FILE *
    char *path, *temporary_path;
    uint64_t count;
    int error; // errno of the first failed write, 0 when none
} FileSink;

typedef struct TraceHeader TraceHeader;
bool file_sink_open(FileSink *file, const char *path, const TraceHeader *header, Diag *diag);
// Completes the file and gives it its name; on any error removes it and returns false.
bool file_sink_close(FileSink *file, Diag *diag);
void file_sink_abandon(FileSink *file); // removes the temporary file
