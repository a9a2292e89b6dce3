// A trace record as an English sentence: its event's template with the names
// filled in. Whoever tells of a run, line by line, in a view or in an
// explanation, takes its words from here.
#pragma once
#include "sim/analysis/process_names.h"
#include "sim/analysis/task_table.h"
#include "sim/analysis/writer.h"
#include "sim/trace/record.h"

// What the ids of a trace are called. All three outlive it.
typedef struct Names {
    const Scenario *scenario;
    const TaskTable *tasks;
    const ProcessNames *processes;
} Names;

// Writes the record's sentence, without time or end of line. Ids that refer to
// nothing are named by their number; what would move a terminal's cursor is
// written as an escape.
void sentence_say(Writer *writer, const Names *names, const TraceRecord *record);
// The value of one argument in words: "lock cache", "1.5 us".
void sentence_argument(Writer *writer, const Names *names, ArgType type, uint64_t value);

// What is a process's own, see process_names_own: "child/cache".
void sentence_own(Writer *writer, const Names *names, uint32_t pid, StringId name);

// All as text that ends in a zero, cut behind a whole character when it is
// longer than `size` - 1 bytes. Return `text`.
char *narrate_sentence(const Names *names, const TraceRecord *record, char *text, size_t size);
char *narrate_argument(const Names *names, ArgType type, uint64_t value, char *text, size_t size);
char *narrate_own(const Names *names, uint32_t pid, StringId name, char *text, size_t size);
