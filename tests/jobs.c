#include "tests/jobs.h"

#include "tests/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MS = 1000000 };

ReferenceJobs jobs_draw(Rng *rng, bool sleepy)
{
    ReferenceJobs jobs = {.count = 1 + (int)rng_below(rng, REFERENCE_JOBS_MAX)};
    bool together = rng_below(rng, 3) == 0;
    for (int i = 0; i < jobs.count; i++) {
        ReferenceJob *job = &jobs.job[i];
        job->start = together ? 0 : (int)rng_below(rng, 16);
        job->length = 1 + (int)rng_below(rng, 12);
        if (sleepy && rng_below(rng, 2) == 0)
            job->every = 1 + (int)rng_below(rng, 4);
        job->away = 1 + (int)rng_below(rng, 5);
        job->tickets = 1 + (int)rng_below(rng, 9);
        job->left = job->length;
        job->first = job->end = job->back = -1;
    }
    return jobs;
}

int job_burst(const ReferenceJob *job)
{
    return job->every > 0 && job->left > job->every ? job->every : job->left;
}

bool job_sleeps(const ReferenceJob *job)
{
    return job->every > 0 && job->left > 0 && (job->length - job->left) % job->every == 0;
}

static size_t write_job(const ReferenceJob *job, int index, char *yaml, size_t room)
{
    int sleeps = job->every > 0 ? (job->length - 1) / job->every : 0;
    size_t at = (size_t)snprintf(yaml, room, "  - { name: J%d, start: %dms, tickets: %d, run: [ ",
                                 index, job->start, job->tickets);
    if (sleeps > 0)
        at += (size_t)snprintf(
            yaml + at, room - at,
            "{ repeat: { times: %d, do: [ { compute: %dms }, { sleep: %dms } ] } }, ", sleeps,
            job->every, job->away);
    return at + (size_t)snprintf(yaml + at, room - at, "{ compute: %dms } ] }\n",
                                 job->length - sleeps * job->every);
}

void jobs_agree(const ReferenceJobs *jobs, const char *machine)
{
    char yaml[4096];
    size_t at =
        (size_t)snprintf(yaml, sizeof yaml, "machine: { costs: zero, %s }\nthreads:\n", machine);
    for (int i = 0; i < jobs->count; i++)
        at += write_job(&jobs->job[i], i, yaml + at, sizeof yaml - at);
    Simulated run;
    simulate(&run, yaml);
    Metrics metrics;
    simulated_measure(&run, &metrics);
    for (int i = 0; i < jobs->count; i++) {
        const ReferenceJob *job = &jobs->job[i];
        char name[16];
        snprintf(name, sizeof name, "J%d", i);
        const ThreadMetrics *thread = simulated_thread(&run, &metrics, name);
        if (thread->start_ns != (int64_t)job->start * MS ||
            thread->first_ns != (int64_t)job->first * MS ||
            thread->end_ns != (int64_t)job->end * MS || thread->wait_ns != (int64_t)job->wait * MS)
            fail_msg("%s: first %lld, end %lld, wait %lld ns; expected %d, %d, %d ms, in\n%s", name,
                     (long long)thread->first_ns, (long long)thread->end_ns,
                     (long long)thread->wait_ns, job->first, job->end, job->wait, yaml);
    }
    metrics_free(&metrics);
    simulated_free(&run);
}
