// A model check of small programs: every interleaving of two to four threads, at the grain of the
// phases of sim/program (between two of them another thread, on another core, may do one of its
// own). The program layer is the real one; its scheduler is replaced by a search that tries whoever
// can go on, depth first, and turns back at states that it has seen.
//
// What must hold in every state is read off the records, see sync_laws.h. What must hold where
// nobody can go on: everybody has ended, or waits for something that is really not there. A lost
// wake-up is a state where that is not so.
//
// (States are told apart by 64-bit hashes; among a million states two have the same one with a
// probability of 3 in 10^8.)
//
// A test that uses it is linked with the scheduler's functions wrapped, see CMakeLists.txt.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

enum { SEARCH_NAMES = 8 };

// What came out of the last search.
typedef struct Searched {
    uint64_t finished, stuck; // states where everybody has ended; where somebody never will
    // How often the marks were made where everybody has ended, by the order in which the scenario
    // names them.
    uint32_t marks_most[SEARCH_NAMES], marks_least[SEARCH_NAMES];
} Searched;

extern Searched searched;

// Tries every interleaving of the program. Every cost is 1 ns, so that every phase is a step.
void search_all(const char *threads, bool may_get_stuck);
// Everybody must end, whoever goes when.
void search_ends(const char *threads);
// Some interleavings must end, and some must not.
void search_may_hang(const char *threads);
