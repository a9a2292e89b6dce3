// `ringside python`: the text of small programs, and what has no Python form. That CPython does
// with such programs what the simulator does is test_asyncio_differential.c's business; that each
// operation and each shipped scenario has a text, test_python_programs.c's.
#include "tests/program_text.h"

#include <stdio.h>

static void every_op_of_a_coroutine(void **state)
{
    (void)state;
    const char *text = program_text(
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
        program_text("runtime: cpython-3.12\n"
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
        program_text("runtime: cpython-3.12\n"
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
    const char *text = program_text("runtime: { python: \"3.12\", switch_interval: 1ms }\n"
                                    "threads: [ { name: t, run: [ { native: 9ms } ] } ]\n");
    EXPECT(text, "def run():\n    sys.setswitchinterval(0.001)\n    t_thread()\n");
    EXPECT(text, "def t_thread():\n    native(0.009)\n");
    EXPECT(text, "    hash_for(max(1, round(seconds / hash_round)))\n");
    program_text_free(NULL);
    text = program_text("runtime: cpython-3.12\n"
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
    const char *text = program_text("runtime: cpython-3.12\n" OBJECTS);
    EXPECT(text, "l = asyncio.Lock()\n");
    EXPECT(text, "s = asyncio.Semaphore(2)\nb = asyncio.BoundedSemaphore(1)\n"
                 "c = asyncio.Condition(l)\ne = asyncio.Event()\n");
    EXPECT(text, "q = asyncio.Queue(10)\np = asyncio.PriorityQueue()\n");
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
    program_text_free(NULL);
    // Up to 3.9 they belong to the loop that is there when they are made.
    text = program_text("runtime: cpython-3.9\n" OBJECTS);
    EXPECT(text, "async def begin(main):\n");
    EXPECT(text, "    l = asyncio.Lock()\n");
    EXPECT(text, "    asyncio.run(begin(main), debug=True)\n");
}

static void threads_that_wait_for_a_limited_time(void **state)
{
    (void)state;
    const char *text = program_text(
        "runtime: cpython-3.12\n"
        "locks: { l: lock }\nsemaphores: { s: 2 }\nconditions: { c: l }\nevents: [ e ]\n"
        "barriers: { b: 2 }\nqueues: { q: 10, p: { order: priority } }\n"
        "functions: { work: [ yield ] }\n"
        "threads:\n"
        "  - name: t\n"
        "    run:\n"
        "      - lock: { lock: l, timeout: 1s, else: [ { print: no } ] }\n"
        "      - with: { lock: l, timeout: 2s, do: [ yield ], else: [ { print: no } ] }\n"
        "      - acquire: { semaphore: s, timeout: 3s }\n"
        "      - release: { semaphore: s, count: 2 }\n"
        "      - wait: { for: e, timeout: 4s, else: [ { print: no } ] }\n"
        "      - barrier: { barrier: b, timeout: 5s, else: [ { print: broken } ] }\n"
        "      - put: { queue: q, run: work, timeout: 6s }\n"
        "      - get: { queue: q, timeout: 7s, else: [ { print: empty } ] }\n"
        "      - put: { queue: p, run: work, priority: 3 }\n"
        "      - get: p\n"
        "      - exit\n");
    assert_non_null(text);
    EXPECT(text, "    if not l.acquire(timeout=1):\n        print(\"no\")\n"
                 "    if l.acquire(timeout=2):\n        try:\n            time.sleep(0)\n"
                 "        finally:\n            l.release()\n    else:\n        print(\"no\")\n"
                 "    s.acquire(timeout=3)\n    s.release(2)\n"
                 "    if not e.wait(4):\n        print(\"no\")\n"
                 "    try:\n        b.wait(5)\n    except threading.BrokenBarrierError:\n"
                 "        print(\"broken\")\n"
                 "    try:\n        q.put(work, timeout=6)\n    except queue.Full:\n        pass\n"
                 "    try:\n        item = q.get(timeout=7)\n    except queue.Empty:\n"
                 "        print(\"empty\")\n    else:\n        carry_out(item)\n"
                 "    p.put((3, next(order), work))\n    carry_out(p.get())\n    sys.exit()\n");
}

// A thread's copy is a local name; what comes in one step is done under a lock.
static void variables_and_copies(void **state)
{
    (void)state;
    const char *text = program_text(
        "runtime: cpython-3.12\nvariables: { x: 1, y: 2 }\n"
        "threads:\n"
        "  - name: t\n"
        "    run:\n"
        "      - load: x\n"
        "      - store: { to: x, plus: 1 }\n"
        "      - store: { to: y, from: x, plus: -2 }\n"
        "      - atomic_add: { to: y, value: 3 }\n"
        "      - compare_and_swap: { in: x, plus: 1, retry: [ { load: x } ] }\n"
        "      - compare_and_swap: { in: y, expect: 3, value: 4, else: [ { print: no } ] }\n");
    assert_non_null(text);
    EXPECT(text, "atomic = threading.Lock()");
    EXPECT(text, "    global x, y\n    x_copy = x\n    x_copy += 1\n    x = x_copy\n"
                 "    y_copy = x_copy - 2\n    y = y_copy\n"
                 "    with atomic:\n        y += 3\n"
                 "    while True:\n        with atomic:\n            swapped = x == x_copy\n"
                 "            if swapped:\n                x = x_copy + 1\n"
                 "            x_copy = x\n        if swapped:\n            break\n"
                 "        x_copy = x\n"
                 "    with atomic:\n        swapped = y == 3\n        if swapped:\n"
                 "            y = 4\n        y_copy = y\n    if not swapped:\n        "
                 "print(\"no\")\n");
    program_text_free(NULL);
    assert_null(program_text("runtime: cpython-3.12\nvariables: { x: 1 }\n"
                             "functions: { part: [ { store: x } ] }\n"
                             "threads: [ { name: t, run: [ { load: x }, { call: part } ] } ]\n"));
    EXPECT(diag_text(&diag), "t.yaml:3:24: error: 'store' has no Python form: a copy is a local "
                             "name, and this function has not loaded it before\n");
}

static void memory_and_objects(void **state)
{
    (void)state;
    const char *text = program_text("runtime: cpython-3.12\n"
                                    "threads:\n"
                                    "  - name: t\n"
                                    "    run:\n"
                                    "      - alloc: { size: 8KiB, as: own }\n"
                                    "      - alloc: { size: 4KiB, as: board, shared: true }\n"
                                    "      - touch: { block: board, access: read, times: 3 }\n"
                                    "      - touch: 4KiB\n"
                                    "      - free: own\n"
                                    "      - gc.disable\n"
                                    "      - new_objects: { count: 100, as: graph, cycles: true }\n"
                                    "      - drop: graph\n"
                                    "      - gc.collect\n"
                                    "      - syscall: getppid\n");
    assert_non_null(text);
    EXPECT(text, "\ngraph = []\n");
    EXPECT(text, "    global own, board\n"
                 "    own = mmap.mmap(-1, 8192, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
                 "    board = mmap.mmap(-1, 4096)\n"
                 "    look(board, len(board), 3)\n"
                 "    kept.append(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))\n"
                 "    touch(kept[-1], 4096)\n"
                 "    own.close()\n"
                 "    gc.disable()\n"
                 "    make_objects(graph, 100, cycles=True)\n"
                 "    del graph[:]\n"
                 "    gc.collect()\n"
                 "    os.getppid()\n");
}

static void children_and_signals(void **state)
{
    (void)state;
    const char *text = program_text(
        "runtime: cpython-3.12\nvariables: { hits: { value: 5, shared: true } }\n"
        "locks: { guard: { kind: lock, shared: true } }\n"
        "functions: { work: [ { with: { lock: guard, do: [ { add: hits } ] } } ], tidy: [ { print: "
        "bye } ] }\n"
        "threads:\n"
        "  - name: t\n"
        "    run:\n"
        "      - on_signal: { signal: TERM, run: tidy }\n"
        "      - fork: { run: work, as: child, count: 2 }\n"
        "      - kill: { process: child, signal: USR1 }\n"
        "      - wait_child: child\n"
        "      - wait_child\n"
        "      - exit: 3\n");
    assert_non_null(text);
    EXPECT(text, "guard = multiprocessing.Lock()\n");
    EXPECT(text, "hits = multiprocessing.RawValue(\"l\", 5)\n");
    EXPECT(text, "def work():\n    with guard:\n        hits.value += 1\n");
    EXPECT(text, "    signal.signal(signal.SIGTERM, lambda *_: tidy())\n"
                 "    for _ in range(2):\n        child_processes.append(fork(work))\n"
                 "    send_signal(child_processes, signal.SIGUSR1)\n"
                 "    wait_child(child_processes)\n"
                 "    try:\n        os.wait()\n    except OSError:  # it has no child\n"
                 "        pass\n    exit_process(3)\n");
}

// What does not begin as a copy is handed its connections, which must be of its kind.
static void processes_of_multiprocessing(void **state)
{
    (void)state;
    const char *text = program_text(
        "runtime: cpython-3.12\nconnections: { results: queue }\nmanagers: { registry: 2 "
        "}\npools: { crew: 3 }\n"
        "functions: { work: [ { send_object: results } ] }\n"
        "threads:\n"
        "  - name: t\n"
        "    run:\n"
        "      - start_process: { run: work, as: child, method: spawn }\n"
        "      - receive_object: results\n"
        "      - join_process: child\n"
        "      - manager.call: { manager: registry, run: work, size: 1KiB }\n"
        "      - pool.apply: { pool: crew, run: work }\n");
    assert_non_null(text);
    EXPECT(text, "results = multiprocessing.get_context(\"spawn\").Queue()\n");
    EXPECT(text, "    child_processes.append(multiprocessing.get_context(\"spawn\").Process("
                 "target=adopt, args=(work, {\"results\": results})))\n");
    EXPECT(text, "    kept_by(\"registry\", \"fork\").call(work, bytes(1024), 0)\n");
    // The end of a process closes its pools: a pool of Python's own accord would be cut off.
    EXPECT(text, "def run():\n    t_thread()\n    close_pool(\"crew\")\n");
}

#define TWO_PROCESSES                                                                              \
    "pipes: [ line ]\n"                                                                            \
    "processes:\n"                                                                                 \
    "  - name: writer\n"                                                                           \
    "    functions: { work: [ { write: { pipe: line, size: 5B } } ] }\n"                           \
    "    threads: [ { name: main, run: [ { call: work }, { kill: reader } ] } ]\n"                 \
    "  - name: reader\n"                                                                           \
    "    runtime: cpython-3.12\n"                                                                  \
    "    functions: { work: [ { reader.read: { from: line, size: 1KiB } } ] }\n"                   \
    "    threads: [ { name: main, run: [ { asyncio.run: work } ] } ]\n"

// Both in one program, which begins as many processes. Names that both have tell whose they are.
static void several_processes(void **state)
{
    (void)state;
    if (!scenario_parse(&scenario, "t.yaml", TWO_PROCESSES, strlen(TWO_PROCESSES), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    const char *text = python_text(&scenario, (ProcessId){0}, &arena, &diag);
    assert_non_null(text);
    EXPECT(text, "process_ids = multiprocessing.RawArray(\"i\", 2)\nline_pipe = Pipe()\n");
    EXPECT(text, "def writer_work():\n    os.write(line_pipe.write_end, b\"x\" * 5)\n");
    EXPECT(text, "    writer_work()\n    os.kill(process_ids[1], signal.SIGTERM)\n");
    EXPECT(text, "def writer_run():\n    \"\"\"In the scenario it is no program of Python.\"\"\"\n"
                 "    os.close(line_pipe.read_end)\n    writer_main_thread()\n");
    EXPECT(text, "async def reader_work():\n    await (await line_pipe.reader()).read(1024)\n");
    EXPECT(text, "def reader_run():\n    os.close(line_pipe.write_end)\n");
    EXPECT(text, "def close_pipes():\n    os.close(line_pipe.read_end)\n"
                 "    os.close(line_pipe.write_end)\n");
    EXPECT(text, "def run():\n    start_processes([writer_run, reader_run])\n");
    EXPECT(text, "        process_ids[number] = child\n        children.append(child)\n"
                 "    close_pipes()\n");
    // One of them alone does not have the pipe, nor does it know the other.
    assert_null(python_text(&scenario, (ProcessId){1}, &arena, &diag));
    EXPECT(diag_text(&diag), "t.yaml:4:28: error: 'write' of a pipe to another process has no "
                             "Python form: a program of this process alone does not have it\n");
    EXPECT(diag_text(&diag), "'kill' to another process has no Python form");
    program_text_free(NULL);
    // Where no signal is sent to them nobody numbers them; without pipes there are none to close.
    static const char strangers[] =
        "processes:\n"
        "  - { name: a, threads: [ { name: s, run: [ yield ] } ] }\n"
        "  - { name: b, runtime: cpython-3.12, threads: [ { name: t, run: [ yield ] } ] }\n";
    if (!scenario_parse(&scenario, "t.yaml", strangers, sizeof strangers - 1, NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    text = python_text(&scenario, (ProcessId){0}, &arena, &diag);
    assert_non_null(text);
    EXPECT(text, "    for program in programs:\n        child = os.fork()\n");
    EXPECT(text, "        children.append(child)\n    os.close(go_write)\n");
    EXPECT(text, "    start_processes([a_run, b_run])\n");
    assert_null(strstr(text, "process_ids"));
    assert_null(strstr(text, "close_pipes"));
    program_text_free(NULL);
    // Nobody waits for what is not his child.
    static const char stranger[] =
        "processes:\n"
        "  - { name: a, threads: [ { name: s, run: [ { wait_child: b } ] } ] }\n"
        "  - { name: b, threads: [ { name: t, run: [ yield ] } ] }\n";
    if (!scenario_parse(&scenario, "t.yaml", stranger, sizeof stranger - 1, NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_null(python_text(&scenario, (ProcessId){0}, &arena, &diag));
    EXPECT(diag_text(&diag), "t.yaml:2:47: error: 'wait_child' of what is no child of this process "
                             "has no Python form: only who has started it knows it\n");
    program_text_free(NULL);
    // Nor for what its executor has started.
    static const char workers[] =
        "runtime: cpython-3.12\n"
        "executors: { pool: { processes: 2 } }\n"
        "threads:\n"
        "  - { name: s, run: [ { kill: pool-worker }, { join_process: pool-worker } ] }\n";
    if (!scenario_parse(&scenario, "t.yaml", workers, sizeof workers - 1, NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_null(python_text(&scenario, (ProcessId){0}, &arena, &diag));
    EXPECT(diag_text(&diag), "t.yaml:4:25: error: 'kill' of what is no child of this process has "
                             "no Python form: only who has started it knows it\n");
    EXPECT(diag_text(&diag), "'join_process' of what is no child of this process has no Python");
}

static void programs_that_no_interpreter_could_run(void **state)
{
    (void)state;
    static const char yaml[] =
        "processes:\n"
        "  - { name: a, runtime: cpython-3.12, threads: [ { name: s, run: [ yield ] } ] }\n"
        "  - { name: b, runtime: cpython-2.7, threads: [ { name: t, run: [ { put: q } ] } ], "
        "queues: { q: 3 } }\n"
        "  - { name: c, runtime: node, functions: { f: [ yield ] }, threads: [ { name: u, run: [ { "
        "node.run: f } ] } ] }\n";
    if (!scenario_parse(&scenario, "t.yaml", yaml, sizeof yaml - 1, NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_null(python_text(&scenario, (ProcessId){0}, &arena, &diag));
    EXPECT(diag_text(&diag), "t.yaml:3:13: error: this process runs in Python 2.7, another one in "
                             "3.12, and a program in one; name one of them with --process\n");
    assert_null(python_text(&scenario, (ProcessId){3}, &arena, &diag));
    EXPECT(diag_text(&diag), "t.yaml:4:13: error: what Node runs has no Python form\n");
    const char *text = python_text(&scenario, (ProcessId){2}, &arena, &diag);
    assert_non_null(text);
    EXPECT(text, "from __future__ import division, print_function\n\nimport Queue as queue\n");
}

// What Python 2.7 has not.
static void python_2(void **state)
{
    (void)state;
    const char *text =
        program_text("runtime: cpython-2.7\nlocks: { l: lock }\nsemaphores: { s: 1 }\n"
                     "threads: [ { name: t, affinity: 0, run: [ { compute: 1ms }, { "
                     "native: 1ms }, { release: { semaphore: s, count: 2 } } ] } ]\n");
    assert_non_null(text);
    EXPECT(text, "def compute(seconds):\n"
                 "    \"\"\"Runs bytecode that alone would take about this long.\"\"\"\n"
                 "    count(int(seconds * rounds_a_second))\n");
    EXPECT(text, "    for _ in range(2):\n        s.release()\n");
    assert_null(strstr(text, "asyncio"));
    program_text_free(NULL);
    assert_null(
        program_text("runtime: cpython-2.7\nlocks: { l: lock }\nbarriers: { b: 2 }\n"
                     "threads: [ { name: t, run: [ { lock: { lock: l, timeout: 1s } } ] } ]\n"));
    EXPECT(diag_text(&diag), "t.yaml:3:13: error: 'b' has no Python form: Python 2.7 has no "
                             "barriers\n");
    EXPECT(diag_text(&diag), "t.yaml:4:32: error: 'lock' with a timeout has no Python form: in "
                             "Python 2.7 it has no timeout\n");
}

// Each is made by a thread of the main one, and reads the program anew.
static void interpreters(void **state)
{
    (void)state;
    static const char yaml[] =
        "runtime: cpython-%s\n"
        "threads:\n"
        "  - { name: a, interpreter: one, run: [ { compute: 1ms } ] }\n"
        "  - { name: b, interpreter: two, count: 2, run: [ { compute: 1ms } ] }\n";
    char full[300];
    snprintf(full, sizeof full, yaml, "3.12");
    const char *text = program_text(full);
    assert_non_null(text);
    EXPECT(text, "import _xxsubinterpreters as interpreters\n");
    EXPECT(text, "def run_interpreter_1():\n    a_thread()\n");
    EXPECT(text, "def run_interpreter_2():\n    for _ in range(2):\n"
                 "        b_threads.append(threading.Thread(target=b_thread))\n");
    EXPECT(text, "threading.Thread(target=run_interpreter, args=(\"run_interpreter_2\",))");
    program_text_free(NULL);
    // Before 3.12 they share the GIL, as the threads of one do.
    snprintf(full, sizeof full, yaml, "3.11");
    text = program_text(full);
    assert_non_null(text);
    assert_null(strstr(text, "interpreters"));
}

static void locks_that_python_has_not(void **state)
{
    (void)state;
    assert_null(program_text("locks: { a: rwlock, b: spin, c: pi }\n"
                             "threads: [ { name: t, run: [ { lock: a } ] } ]\n"));
    EXPECT(diag_text(&diag), "t.yaml:1:10: error: 'a' has no Python form: Python's library has no "
                             "lock for readers and writers\n");
    EXPECT(diag_text(&diag), "'b' has no Python form: Python has no spin lock\n");
    EXPECT(diag_text(&diag), "'c' has no Python form: Python has no lock that hands priorities");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_op_of_a_coroutine, program_text_free),
        cmocka_unit_test_teardown(threads_and_what_they_share, program_text_free),
        cmocka_unit_test_teardown(executors_and_timers, program_text_free),
        cmocka_unit_test_teardown(the_gil, program_text_free),
        cmocka_unit_test_teardown(asyncio_objects, program_text_free),
        cmocka_unit_test_teardown(threads_that_wait_for_a_limited_time, program_text_free),
        cmocka_unit_test_teardown(variables_and_copies, program_text_free),
        cmocka_unit_test_teardown(memory_and_objects, program_text_free),
        cmocka_unit_test_teardown(children_and_signals, program_text_free),
        cmocka_unit_test_teardown(processes_of_multiprocessing, program_text_free),
        cmocka_unit_test_teardown(several_processes, program_text_free),
        cmocka_unit_test_teardown(programs_that_no_interpreter_could_run, program_text_free),
        cmocka_unit_test_teardown(python_2, program_text_free),
        cmocka_unit_test_teardown(interpreters, program_text_free),
        cmocka_unit_test_teardown(locks_that_python_has_not, program_text_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
