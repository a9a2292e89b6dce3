// Our trace file: a header that says what was run and on what, then the records, little-endian.
// Everything a reader needs is in the file: the scenario's text gives the names.
#pragma once
#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/trace/record.h"

#include <stdbool.h>
#include <stdint.h>

enum { TRACE_FILE_VERSION = 1 };

typedef struct TraceHeader {
    bool measured; // false: simulated
    uint64_t seed;
    const char *scenario_path; // for messages only
    const char *scenario_text; // the YAML as read
    const char *overrides;     // "machine.cores=4\nseed=2\n", "" when none
    const char *machine;       // description of the real machine, "" for a simulated one
} TraceHeader;

typedef struct TraceFile {
    Arena arena;
    TraceHeader header;
    const TraceRecord *records; // mapped or read; time never decreases, kinds are known
    uint64_t count;
    void *mapping;
    uint64_t mapping_bytes;
} TraceFile;

// Reads and checks all of it: magic, version, sizes, kinds, order of time, argument enums. A file
// that fails any check gives a message and false, never a crash.
bool trace_file_read(TraceFile *file, const char *path, Diag *diag);
// The same from memory, for tests and the fuzzer. `bytes` must outlive the file.
bool trace_file_parse(TraceFile *file, const void *bytes, uint64_t count, Diag *diag);
void trace_file_free(TraceFile *file);

// The greatest value that an argument of this type may have in a file that is read.
uint64_t trace_arg_max(ArgType type);
