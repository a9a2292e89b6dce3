// A generator of scenarios, for tests of what must hold in every run. All of the language, in small
// numbers that often meet: equal arrivals, work that ends at a tick, sleepers that wake together.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANDOM_SCENARIO_BYTES = 1 << 16 };

typedef struct RandomScenario {
    char yaml[RANDOM_SCENARIO_BYTES];
    size_t length;
    bool may_deadlock; // locks in any order, kept at exit, taken twice, kept while joining
    bool ends;         // every thread that is not a daemon comes to its end, unless it deadlocks
    // Where the first `threads:` list begins in the text: a line put there is one more thread.
    size_t first_thread;
} RandomScenario;

// The scenario of this seed: always the same one, and one that loads.
void random_scenario(RandomScenario *scenario, uint64_t seed);
// The same with shared variables: threads load, store and add, under locks or not.
void random_sharing_scenario(RandomScenario *scenario, uint64_t seed);
