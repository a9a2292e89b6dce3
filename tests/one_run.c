#include "tests/one_run.h"

Simulated run;
Metrics metrics;

void one_run(const char *yaml)
{
    simulate(&run, yaml);
    simulated_measure(&run, &metrics);
}

int one_run_end(void **state)
{
    (void)state;
    metrics_free(&metrics);
    simulated_free(&run);
    run = (Simulated){0};
    metrics = (Metrics){0};
    return 0;
}

void expect_timeline(const char *thread, const char *timeline)
{
    assert_string_equal(simulated_timeline(&run, thread), timeline);
}

void expect_end(EndReason end, int64_t ns)
{
    assert_string_equal(end_reason_text(run.result.end), end_reason_text(end));
    assert_int_equal(run.result.ended.ns, ns);
}

void expect_cpu(const char *thread, int64_t user_ns, int64_t kernel_ns)
{
    const ThreadMetrics *found = simulated_thread(&run, &metrics, thread);
    assert_int_equal(found->cpu_user_ns, user_ns);
    assert_int_equal(found->cpu_kernel_ns, kernel_ns);
}
