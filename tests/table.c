#include "tests/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_job(const Simulated *run, const Metrics *metrics, const TableJob *job)
{
    const ThreadMetrics *thread = simulated_thread(run, metrics, job->name);
    int64_t turnaround = thread->end_ns - thread->start_ns;
    int64_t response = thread->first_ns - thread->start_ns;
    if (turnaround != job->turnaround_ns || response != job->response_ns ||
        thread->wait_ns != job->wait_ns)
        fail_msg("%s: turnaround %lld, response %lld, wait %lld; expected %lld, %lld, %lld",
                 job->name, (long long)turnaround, (long long)response, (long long)thread->wait_ns,
                 (long long)job->turnaround_ns, (long long)job->response_ns,
                 (long long)job->wait_ns);
}

void table_expect(const Table *table)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml, "machine: { costs: zero, %s }\nthreads:\n%s", table->machine,
             table->threads);
    Simulated run;
    simulate(&run, yaml);
    assert_int_equal(run.result.end, END_DONE);
    for (int core = 0; core < TABLE_CORES; core++)
        if (table->turns[core] != NULL)
            assert_string_equal(simulated_turns(&run, core, 1e9), table->turns[core]);
    Metrics metrics;
    simulated_measure(&run, &metrics);
    for (int i = 0; i < TABLE_JOBS_MAX && table->jobs[i].name != NULL; i++)
        expect_job(&run, &metrics, &table->jobs[i]);
    metrics_free(&metrics);
    simulated_free(&run);
}
