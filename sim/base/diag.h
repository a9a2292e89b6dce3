// Diag: what is wrong with an input or what the system refused, collected for the caller to show.
// The libraries never print and never exit. A message has a place in the source when it has one.
#pragma once
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

// A place in a source text. Lines and columns count from 1; line 0 is "no place". A column counts
// characters (UTF-8 code points). `length` is in columns, for the caret's tail.
typedef struct SourceAt {
    uint32_t line, column, length;
} SourceAt;

typedef enum { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE } DiagLevel;

typedef struct DiagMessage {
    struct DiagMessage *next;
    DiagLevel level;
    SourceAt at;
    const char *text;
    const char *hint; // after the caret ("did you mean 50ms?"); NULL when there is none
} DiagMessage;

// Zero-initialise, set `path` and `source` (zero-terminated; both must outlive the Diag) when the
// messages are about a file. Messages are kept in order of their place, those without one last. The
// first DIAG_ERRORS_MAX errors (and as many warnings) are kept; all are counted.
enum { DIAG_ERRORS_MAX = 20 };

typedef struct Diag {
    Arena arena;
    const char *path, *source;
    DiagMessage *first, *last;
    uint32_t errors, warnings;
} Diag;

// Adds an error; returns false, so that a caller can `return diag_fail(…)`.
__attribute__((format(printf, 3, 4))) bool diag_fail(Diag *diag, SourceAt at, const char *format,
                                                     ...);
// The same with a hint behind the caret.
__attribute__((format(printf, 4, 5))) bool diag_fail_hint(Diag *diag, SourceAt at, const char *hint,
                                                          const char *format, ...);
__attribute__((format(printf, 3, 4))) void diag_warn(Diag *diag, SourceAt at, const char *format,
                                                     ...);
// The text of all messages, in compiler style, in the diag's arena:
//   gil.yaml:9:22: error: 'compute' needs a duration with a unit (ns, us, ms, s); found '50'
//       9 |           - compute: 50
//         |                      ^~ did you mean 50ms?
const char *diag_text(Diag *diag);
void diag_free(Diag *diag);

// The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest.
// `candidates` holds `count` pointers; NULL entries are skipped.
const char *diag_nearest(const char *word, const char *const *candidates, size_t count);
