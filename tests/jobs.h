// Textbook jobs in whole milliseconds, for tests that compare the simulator with a reference of a
// few lines: who came when, computes how long and goes away how often, and when the reference says
// that it first ran and ended.
#pragma once
#include "sim/base/rng.h"

#include <stdbool.h>

enum { REFERENCE_JOBS_MAX = 8 };

typedef struct ReferenceJob {
    // Given.
    int start, length;
    int every, away; // after each `every` of its length, but not at its end, it sleeps for `away`
    int tickets;
    // For the reference to work with, and its answer.
    int left, first, end;
    int back; // when it comes back from sleeping; -1: it does not sleep
    int wait; // time runnable without a core
    bool present;
} ReferenceJob;

typedef struct ReferenceJobs {
    int count;
    ReferenceJob job[REFERENCE_JOBS_MAX];
} ReferenceJobs;

// Up to eight jobs of small numbers, so that arrivals, ends, sleeps and slices often meet.
// `sleepy`: some of them sleep. All that a reference works with is reset.
ReferenceJobs jobs_draw(Rng *rng, bool sleepy);
// How much it will compute before it sleeps or ends, when it has just come (back).
int job_burst(const ReferenceJob *job);
// Whether, after a unit of computing, it sleeps now.
bool job_sleeps(const ReferenceJob *job);

// Runs the jobs under `machine` (keys of `machine:` besides the costs, which are zero), and
// compares start, first time on a core, end and waiting time with the reference's, to the
// nanosecond. Fails the test with the scenario's text.
void jobs_agree(const ReferenceJobs *jobs, const char *machine);
