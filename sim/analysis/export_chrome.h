// The trace as Chrome Trace Event JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
// A sink that writes as it goes: a trace of any length takes memory only for its tasks.
//
//   process "cores"       a track a core: who runs, within it the kernel's part and interrupts;
//                         a counter: threads that have a core, threads that wait for one
//   a simulated process   a track a thread: running (within it system calls), runnable, or what it
//                         waits for; marks, printed lines and migrations as instants
//   spans                 asynchronous slices of their thread's process
//   wake-ups              flow arrows from the waker (or the interrupt) to where the wakee runs
//   next
//
// Slices are B/E pairs, properly nested a track, times in order a track; what is open at the end of
// the trace is closed there. Times are microseconds with three decimals, exact. Slices of no length
// are left out, but for those that an arrow begins or ends in.
#pragma once
#include "sim/analysis/open_spans.h"
#include "sim/analysis/task_table.h"
#include "sim/analysis/writer.h"
#include "sim/trace/trace.h"

enum { CHROME_PID_CORES = 1, CHROME_TID_TASKS = 10000, CHROME_DEPTH = 3, CHROME_IRQS = 16 };

typedef struct ChromeSlice {
    int64_t begin_ns;
    uint32_t what; // its name, by kind
    uint8_t kind;
    bool shown; // its B is written
} ChromeSlice;

// A track and its open slices, the outermost first. A slice is written when something within it
// is, or when it ends later than it began.
typedef struct ChromeTrack {
    uint32_t pid, tid;
    uint32_t depth;
    ChromeSlice slices[CHROME_DEPTH];
} ChromeTrack;

typedef struct ChromeCore {
    ChromeTrack track; // who runs, the kernel, an interrupt
    uint32_t irq_count;
    // Interrupts that have not ended, the first one's slice being the innermost of the track.
    struct {
        int64_t end_ns;
        uint32_t irq;
    } irqs[CHROME_IRQS];
} ChromeCore;

typedef struct ChromeExport {
    TraceSink sink; // refuses once the writer has failed
    const Scenario *scenario;
    Writer *writer;
    TaskTable tasks;
    OpenSpans spans;
    ChromeCore *cores; // CORES_MAX
    uint64_t flows;
    int64_t now_ns;
    int64_t runnable, running;             // threads
    int64_t shown_runnable, shown_running; // as last written
    bool some;                             // an event was written
    bool ended;                            // RUN_END was seen
} ChromeExport;

// Writes the beginning of the document. `scenario` and `writer` outlive the export.
void chrome_open(ChromeExport *chrome, const Scenario *scenario, Writer *writer);
void chrome_add(ChromeExport *chrome, const TraceRecord *records, size_t count);
// Closes every open slice, span and flow, and the document. The caller flushes the writer.
void chrome_close(ChromeExport *chrome);
