// `ringside python`: the text of small programs, what has no Python form, and that the shipped
// scenarios of the event loop have one. That CPython does with such programs what the simulator
// does is test_asyncio_differential.c's business.
#include "sim/scenario/python_text.h"
#include "tests/recorded.h"
#include "tests/run_program.h"

#include <string.h>

static Scenario scenario;
static Diag diag;
static Arena arena;

// The program of the only process, or NULL with messages in `diag`.
static const char *program(const char *yaml)
{
    if (!scenario_parse(&scenario, "t.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    return python_text(&scenario, (ProcessId){1}, &arena, &diag);
}

static int tear_down(void **state)
{
    (void)state;
    diag_free(&diag);
    scenario_free(&scenario);
    arena_free(&arena);
    return 0;
}

#define EXPECT(text, part)                                                                         \
    do {                                                                                           \
        const char *found_in = (text);                                                             \
        if (strstr(found_in, (part)) == NULL)                                                      \
            fail_msg("no\n%s\nin\n%s", (part), found_in);                                          \
    } while (0)

static void every_op_of_a_coroutine(void **state)
{
    (void)state;
    const char *text = program(
        "runtime: cpython-3.12\n"
        "functions:\n"
        "  f: [ { await: { sleep: 1500us } }, { raise: NotFound } ]\n"
        "  main:\n"
        "    - create_task: { run: f, as: one }\n"
        "    - create_task: { run: f, as: many, count: 3 }\n"
        "    - create_task: f\n"
        "    - await: one\n"
        "    - await: many\n"
        "    - call: f\n"
        "    - gather: { tasks: [ one, many, f ], return_exceptions: true }\n"
        "    - asyncio.wait: { tasks: [ many, f ], return_when: first_completed, timeout: 2s "
        "}\n"
        "    - wait_for: { task: f, timeout: exp(5ms) }\n"
        "    - timeout: { after: 1ms, do: [ { shield: one } ] }\n"
        "    - task_group: [ { create_task: { run: f, as: one } } ]\n"
        "    - cancel: many\n"
        "    - try: { do: [ { await: one } ], except: { cancelled: [ { print: \"a \\\"b\\\"\" "
        "} ],\n"
        "             NotFound: [] }, finally: [ { compute: uniform(1ms, 2ms) } ] }\n"
        "threads: [ { name: t, run: [ { asyncio.run: main } ] } ]\n");
    assert_non_null(text);
    EXPECT(text, "class NotFound(Exception):\n    pass\n");
    EXPECT(text, "async def f():\n    await asyncio.sleep(0.0015)\n    raise NotFound\n");
    EXPECT(text, "async def main():\n"
                 "    global one, many\n"
                 "    one = asyncio.create_task(f())\n"
                 "    many = [asyncio.create_task(f()) for _ in range(3)]\n"
                 "    kept.append(asyncio.create_task(f()))\n"
                 "    await one\n"
                 "    for task in many:\n"
                 "        await task\n"
                 "    await f()\n"
                 "    await asyncio.gather(one, *many, f(), return_exceptions=True)\n"
                 "    await asyncio.wait([*many, asyncio.create_task(f())], timeout=2, "
                 "return_when=asyncio.FIRST_COMPLETED)\n"
                 "    await asyncio.wait_for(f(), random.expovariate(1 / 0.005))\n"
                 "    async with asyncio.timeout(0.001):\n"
                 "        await asyncio.shield(one)\n"
                 "    async with asyncio.TaskGroup() as group_1:\n"
                 "        one = group_1.create_task(f())\n"
                 "    for task in many:\n"
                 "        task.cancel()\n"
                 "    try:\n"
                 "        await one\n"
                 "    except asyncio.CancelledError:\n"
                 "        print(\"a \\\"b\\\"\")\n"
                 "    except NotFound:\n"
                 "        pass\n"
                 "    finally:\n"
                 "        compute(random.uniform(0.001, 0.002))\n");
    EXPECT(text, "def run():\n    t_thread()\n");
}

static void threads_and_what_they_share(void **state)
{
    (void)state;
    const char *text =
        program("runtime: cpython-3.12\n"
                "locks: { work: lock }\nsemaphores: { slots: 2 }\n"
                "variables: { x: 3 }\nevents: [ go ]\n"
                "functions: { work: [ { add: x }, { if: { test: x >= 5, then: [ { "
                "set: go } ] } } ] }\n"
                "threads:\n"
                "  - name: main\n"
                "    run: [ { spawn: { run: work, as: helper, count: 2 } }, { join: "
                "helper },\n"
                "           { with: { lock: work, do: [ { call: work } ] } }, { wait: "
                "go } ]\n"
                "  - { name: import, count: 2, daemon: true, run: [ { forever: [ "
                "yield ] } ] }\n");
    assert_non_null(text);
    // A lock and a function of one name are two things, and a keyword is no name.
    EXPECT(text, "work_object = threading.Lock()\nslots = threading.Semaphore(2)\n"
                 "go = threading.Event()\nx = 3\n");
    EXPECT(text, "def work():\n    global x\n    x += 1\n    if x >= 5:\n        go.set()\n");
    EXPECT(text, "    for thread in helper_threads:\n        thread.join()\n"
                 "    with work_object:\n        work()\n    go.wait()\n");
    EXPECT(text, "def import_thread():\n    while True:\n        time.sleep(0)\n");
    EXPECT(text, "        import_threads[-1].daemon = True\n");
    // Who is no daemon may start threads up to its end, and behind the main thread's it could not.
    EXPECT(text, "        import_threads[-1].start()\n"
                 "    for thread in main_threads:\n        thread.join()\n\n\nif __name__");
}

static void executors_and_timers(void **state)
{
    (void)state;
    const char *text =
        program("runtime: cpython-3.12\n"
                "executors: { crew: 3 }\n"
                "variables: { user: { value: 7, thread_local: true } }\n"
                "functions:\n"
                "  work: [ { add: user } ]\n"
                "  main: [ { await: { to_thread: work } }, { await: { run_in_executor: work, "
                "executor: crew } } ]\n"
                "threads:\n"
                "  - name: first\n"
                "    run:\n"
                "      - submit: { to: crew, run: work, as: jobs, count: 2 }\n"
                "      - result: { of: jobs, timeout: 1s }\n"
                "      - timer: { after: 5s, run: work, as: alarm }\n"
                "      - cancel_timer: alarm\n"
                "      - asyncio.run: main\n"
                "  - { name: second, run: [ { shutdown: crew } ] }\n");
    assert_non_null(text);
    EXPECT(text, "ThreadPoolExecutor\n");
    EXPECT(text, "crew = ThreadPoolExecutor(3)\n");
    EXPECT(text, "class Local(threading.local):\n    user = 7\n\n\nlocal = Local()\n");
    EXPECT(text, "def work():\n    local.user += 1\n");
    EXPECT(text, "    await asyncio.to_thread(work)\n"
                 "    await asyncio.get_running_loop().run_in_executor(crew, work)\n");
    EXPECT(text, "    futures.jobs = [crew.submit(work) for _ in range(2)]\n"
                 "    for future in futures.jobs:\n        future.result(1)\n"
                 "    alarm_threads.append(threading.Timer(5, work))\n"
                 "    alarm_threads[-1].start()\n"
                 "    for thread in alarm_threads:\n        thread.cancel()\n");
    EXPECT(text, "    crew.shutdown()\n");
    // The end of the program waits for who may still submit before it shuts executors down.
    EXPECT(text, "    for thread in first_threads:\n        thread.join()\n"
                 "    for thread in second_threads:\n        thread.join()\n");
}

// What the threads of the program meet: the interval after which one asks for the GIL, and code in
// C that releases it once, not again and again.
static void the_gil(void **state)
{
    (void)state;
    const char *text = program("runtime: { python: \"3.12\", switch_interval: 1ms }\n"
                               "threads: [ { name: t, run: [ { native: 9ms } ] } ]\n");
    EXPECT(text, "def run():\n    sys.setswitchinterval(0.001)\n    t_thread()\n");
    EXPECT(text, "def t_thread():\n    native(0.009)\n");
    EXPECT(text, "    hash_for(max(1, round(seconds / hash_round)))\n");
    tear_down(NULL);
    text = program("runtime: cpython-3.12\n"
                   "threads: [ { name: t, run: [ { compute: 9ms } ] } ]\n");
    assert_null(strstr(text, "setswitchinterval"));
    assert_null(strstr(text, "hashlib"));
}

#define OBJECTS                                                                                    \
    "asyncio: { locks: [ l ], conditions: { c: l }, semaphores: { s: 2, b: { value: 1, bounded: "  \
    "true } }, events: [ e ], queues: { q: 10, p: { order: priority } } }\n"                       \
    "functions:\n"                                                                                 \
    "  job: [ { await: { sleep: 1ms } } ]\n"                                                       \
    "  tick: [ { set: e } ]\n"                                                                     \
    "  main: [ { with: { lock: l, do: [ { wait: c }, { notify: c } ] } }, { acquire: s },\n"       \
    "          { release: { semaphore: s, count: 2 } }, { wait: e }, { put: q }, { get: q },\n"    \
    "          { task_done: q }, { queue.join: q }, { put: { queue: p, run: job, priority: 3 } "   \
    "},\n"                                                                                         \
    "          { get: p }, { call_soon: tick }, { call_later: { after: 5ms, run: tick, as: h } "   \
    "},\n"                                                                                         \
    "          { call_at: { at: 9ms, run: tick } }, { cancel: h } ]\n"                             \
    "threads: [ { name: t, run: [ { asyncio.run: { main: main, debug: true } } ] } ]\n"

static void asyncio_objects(void **state)
{
    (void)state;
    const char *text = program("runtime: cpython-3.12\n" OBJECTS);
    EXPECT(text, "l = asyncio.Lock()\n");
    EXPECT(text, "s = asyncio.Semaphore(2)\nb = asyncio.BoundedSemaphore(1)\n"
                 "c = asyncio.Condition(l)\ne = asyncio.Event()\n");
    EXPECT(text, "q = asyncio.Queue(10)\np = asyncio.PriorityQueue(0)\n");
    EXPECT(text, "    async with l:\n        await c.wait()\n        c.notify()\n"
                 "    await s.acquire()\n    for _ in range(2):\n        s.release()\n"
                 "    await e.wait()\n    await q.put(None)\n    await q.get()\n"
                 "    q.task_done()\n    await q.join()\n"
                 "    await p.put((3, next(order), job))\n    await perform(await p.get())\n"
                 "    asyncio.get_running_loop().call_soon(tick)\n"
                 "    h = asyncio.get_running_loop().call_later(0.005, tick)\n"
                 "    asyncio.get_running_loop().call_at(begun + 0.009, tick)\n"
                 "    h.cancel()\n");
    EXPECT(text, "    asyncio.run(main(), debug=True)\n");
    tear_down(NULL);
    // Up to 3.9 they belong to the loop that is there when they are made.
    text = program("runtime: cpython-3.9\n" OBJECTS);
    EXPECT(text, "async def begin(main):\n");
    EXPECT(text, "    l = asyncio.Lock()\n");
    EXPECT(text, "    asyncio.run(begin(main), debug=True)\n");
}

static void what_has_no_python_form(void **state)
{
    (void)state;
    assert_null(program("functions: { f: [ yield ] }\n"
                        "threads: [ { name: t, run: [ { fork: f } ] } ]\n"));
    assert_string_equal(
        diag_text(&diag),
        "t.yaml:2:32: error: 'fork' has no Python form in this version of ringside\n"
        "    2 | threads: [ { name: t, run: [ { fork: f } ] } ]\n"
        "      |                                ^~~~\n");
    tear_down(NULL);
    assert_null(program("runtime: cpython-3.12\n"
                        "threads: [ { name: t, interpreter: one, run: [ yield ] } ]\n"));
    assert_non_null(strstr(diag_text(&diag), "error: a process with several interpreters has no "
                                             "Python form in this version of ringside\n"));
}

static void shipped_ones_have(void **state)
{
    (void)state;
    glob_t paths;
    size_t seen = 0;
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        if (strstr(paths.gl_pathv[i], "/7-") == NULL)
            continue;
        if (!scenario_load(&scenario, paths.gl_pathv[i], NULL, 0, &diag))
            fail_msg("%s: %s", paths.gl_pathv[i], diag_text(&diag));
        for (uint32_t id = 1; id <= scenario.process_count; id++) {
            const ProcessDef *process = &scenario.processes[id - 1];
            // Not Python in the first place; or one of several programs that talk by pipes.
            bool talks = scenario.pipe_count > 0 && scenario.process_count > 1;
            if (!process->runtime.python || process->forked || talks)
                continue;
            if (python_text(&scenario, (ProcessId){id}, &arena, &diag) == NULL)
                fail_msg("%s: %s", paths.gl_pathv[i], diag_text(&diag));
            seen++;
        }
        tear_down(NULL);
    }
    globfree(&paths);
    assert_true(seen >= 10);
}

static void the_command(void **state)
{
    (void)state;
    file_write("two.yaml", "processes:\n"
                           "  - { name: a, threads: [ { name: t, run: [ { print: a } ] } ] }\n"
                           "  - { name: b, threads: [ { name: t, run: [ { print: b } ] } ] }\n");
    ASSERT_RUN(2, "the scenario has 2 processes", "python", "two.yaml");
    ASSERT_RUN(2, "no process 'c'", "python", "two.yaml", "--process", "c");
    ASSERT_RUN(2, "a FILE is needed", "python");
    Ran ran = program_run("python", "two.yaml", "--process", "b", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "    print(\"b\")\n");
    assert_null(strstr(ran.out, "print(\"a\")"));
    program_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_op_of_a_coroutine, tear_down),
        cmocka_unit_test_teardown(threads_and_what_they_share, tear_down),
        cmocka_unit_test_teardown(executors_and_timers, tear_down),
        cmocka_unit_test_teardown(the_gil, tear_down),
        cmocka_unit_test_teardown(asyncio_objects, tear_down),
        cmocka_unit_test_teardown(what_has_no_python_form, tear_down),
        cmocka_unit_test_teardown(shipped_ones_have, tear_down),
        cmocka_unit_test_setup_teardown(the_command, program_set_up, program_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
