// The rows of the report for programs, which JSON and CSV print: cells, and how each row is filled.
// The list of keys says which cells a row has; one that is not filled is absent.
#pragma once
#include "sim/analysis/deadlocks.h"
#include "sim/analysis/report.h"

typedef enum Section {
#define REPORT_SECTION(id, key, text) SECTION_##id,
#define REPORT_KEY(section, id, key, type, text)
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    SECTION_COUNT
} Section;

typedef enum Key {
#define REPORT_SECTION(id, key, text)
#define REPORT_KEY(section, id, key, type, text) KEY_##section##_##id,
#include "sim/trace/report_keys.def"
#undef REPORT_SECTION
#undef REPORT_KEY
    KEY_COUNT
} Key;

typedef struct Cell {
    enum { CELL_ABSENT, CELL_TEXT, CELL_COUNT, CELL_SIGNED, CELL_NUMBER, CELL_TRUTH } type;
    const char *text;
    uint64_t count;
    double number;
    bool truth;
} Cell;

// A row, indexed by Key; only its section's cells are used.
typedef struct Row {
    Cell cells[KEY_COUNT];
} Row;

// Fill a cell. NULL is an absent text; negative nanoseconds and numbers are absent, too; a line of
// 0 likewise.
void row_text(Row *row, Key key, const char *text);
void row_count(Row *row, Key key, uint64_t count);
void row_ns(Row *row, Key key, int64_t ns);
void row_number(Row *row, Key key, double number);
void row_signed(Row *row, Key key, int64_t number);
void row_truth(Row *row, Key key, bool truth);
void row_line(Row *row, Key key, uint64_t line);

// The name of a process; NULL: none.
const char *declared_name(const Scenario *scenario, ProcessId process);

// Fill a row, which is zeroed; the buffers hold names that its cells point to.
void row_of_thread(const Report *report, uint32_t id, const ThreadMetrics *t, Row *row,
                   char name[static 96]);
void row_of_core(const Metrics *metrics, uint32_t number, Row *row);
void row_of_lock(const Report *report, uint32_t id, Row *row, char holder[static 96],
                 char owner[static 96]);
void row_of_object(const Report *report, uint32_t id, Row *row, char owner[static 96]);
void row_of_deadlock(const Report *report, const DeadlockMetrics *member, DeadlockCause cause,
                     Row *row, char thread[static 96], char holder[static 96]);
void row_of_circle(const Report *report, uint64_t number, const LockEdge *edge, Row *row,
                   char thread[static 96]);
void row_of_variable(const Report *report, uint32_t id, Row *row, char owner[static 96]);
void row_of_race(const Report *report, const Race *race, Row *row, char first[static 96],
                 char second[static 96]);
void row_of_span(const Report *report, const NameMetrics *name, Row *row);
void row_of_mark(const Report *report, const NameMetrics *name, Row *row);
void row_of_expect(const ReportExpect *expect, Row *row);
void row_of_process_end(const Report *report, uint64_t pid, const ProcessMetrics *process, Row *row,
                        char name[static 96]);
void row_of_run(const Report *report, Row *row, char end[static 32], char hash[static 17],
                char missing[static 160]);
