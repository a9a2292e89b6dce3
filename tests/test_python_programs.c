// `ringside python`: that every operation has a form in Python or a reason why not, and that the
// shipped scenarios of Python are programs which compile.
#include "tests/program_text.h"
#include "tests/recorded.h"
#include "tests/run_program.h"

#include <string.h>
#include <unistd.h>

// ---- every operation

// Those that Python's library cannot do, and what is said of each.
static const struct {
    OpCode code;
    const char *why;
} without_form[] = {
    {OP_SPAWN_PROCESS, "it would be another program"},
    {OP_EXEC, "it would be another program"},
    {OP_SEND_MESSAGE, "does not know the kernel's message queues"},
    {OP_RECEIVE_MESSAGE, "does not know the kernel's message queues"},
    {OP_WORKING_SET, "does not choose its objects' cache lines"},
    {OP_WRITE_LINE, "does not choose its objects' cache lines"},
};

static const char *why_not(unsigned code)
{
    for (size_t i = 0; i < sizeof without_form / sizeof *without_form; i++)
        if (without_form[i].code == code)
            return without_form[i].why;
    return NULL;
}

// A program of Python around the example of an operation.
static const char *around(const OpInfo *info, char *text, size_t room)
{
    const char *op = info->example, *open = strchr(op, ':') == NULL ? "" : "{ ";
    const char *close = *open == '\0' ? "" : " }";
    bool runs = strstr(op, "asyncio.run") == op;
    if (strstr(op, "reschedule") == op) { // stands in a `timeout`
        open = "{ timeout: { after: 10ms, do: [ { ";
        close = " } ] } }";
    }
    if (strcmp(info->group, "asyncio") == 0)
        snprintf(text, room,
                 "runtime: cpython-3.13\nasyncio: { queues: { jobs: 10 } }\npipes: [ line ]\n"
                 "functions:\n  handle: [ yield ]\n  work: [ { await: { sleep: 1ms } } ]\n"
                 "  tidy: [ yield ]\n"
                 "  main: [ { create_task: { run: handle, as: request } }, %s%s%s ]\n"
                 "threads: [ { name: main, run: [ { %s } ] } ]\n",
                 runs ? "" : open, runs ? "yield" : op, runs ? "" : close,
                 runs ? op : "asyncio.run: main");
    else
        snprintf(text, room,
                 "runtime: cpython-3.13\n"
                 "locks: { cache: lock }\nsemaphores: { slots: 2 }\nconditions: { ready: cache }\n"
                 "events: [ go ]\nbarriers: { phase: 2 }\nqueues: { jobs: 10 }\npipes: [ line ]\n"
                 "message_queues: { letters: 10 }\nvariables: { x: 0 }\n"
                 "executors: { pool: 5 }\nconnections: { results: queue }\npools: { workers: 2 }\n"
                 "managers: { registry: 2 }\n"
                 "functions: { handle: [ yield ], work: [ yield ] }\n"
                 "threads:\n"
                 "  - name: first\n"
                 "    run: [ { alloc: { size: 1MiB, as: buffer } }, { new_objects: { count: 9, as: "
                 "cache } }, { start_process: { run: work, as: child } }, { timer: { after: 1ms, "
                 "run: work, as: bell } }, { submit: { to: pool, run: work, as: jobs } }%s ]\n"
                 "  - name: main\n"
                 "    run: [ { load: x }, %s%s%s ]\n",
                 strstr(op, "join: helper") == NULL ? "" : ", { spawn: { run: work, as: helper } }",
                 open, op, close);
    return text;
}

static void every_operation_has_a_form_or_a_reason(void **state)
{
    (void)state;
    unsigned written = 0;
    for (unsigned code = 0; code < OP_CODE_COUNT; code++) {
        const OpInfo *info = op_info(code);
        char yaml[2000];
        if (info == NULL || strcmp(info->group, "node") == 0)
            continue; // the loader takes those of Node for Node alone
        const char *text = program_text(around(info, yaml, sizeof yaml)), *why = why_not(code);
        if (why == NULL && text == NULL)
            fail_msg("'%s' has no form: %s", info->name, diag_text(&diag));
        if (why != NULL) {
            assert_null(text);
            EXPECT(diag_text(&diag), why);
            char about[80];
            snprintf(about, sizeof about, "error: '%s' has no Python form: ", info->name);
            EXPECT(diag_text(&diag), about);
        }
        written += text != NULL;
        program_text_free(NULL);
    }
    assert_true(written >= 90);
}

// ---- the shipped scenarios

// Why no one interpreter could run all of its processes; NULL: one could.
static const char *why_no_program(const Scenario *loaded)
{
    const Runtime *found = NULL;
    for (uint32_t i = 0; i < loaded->process_count; i++) {
        const Runtime *runtime = &loaded->processes[i].runtime;
        if (runtime->node)
            return "what Node runs has no Python form";
        if (!runtime->python || loaded->processes[i].forked)
            continue;
        if (found != NULL && (found->major != runtime->major || found->minor != runtime->minor ||
                              found->free_threaded != runtime->free_threaded))
            return "and a program in one; name one of them with --process";
        found = runtime;
    }
    return NULL;
}

static bool has_python(const Scenario *loaded)
{
    for (uint32_t i = 0; i < loaded->process_count; i++)
        if (loaded->processes[i].runtime.python)
            return true;
    return false;
}

static uint32_t declared(const Scenario *loaded)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < loaded->process_count; i++)
        count += !loaded->processes[i].forked;
    return count;
}

// Whether the system's Python compiles the programs in `path`, which "####" lines divide.
static void compile_all(const char *path)
{
    char command[600];
    snprintf(command, sizeof command,
             "python3 -c 'import sys\n"
             "for part in open(sys.argv[1], encoding=\"utf-8\").read().split(\"#### \")[1:]:\n"
             "    name, text = part.split(\"\\n\", 1)\n"
             "    compile(text, name, \"exec\")' %s",
             path);
    if (system("command -v python3 >/dev/null") == 0)
        assert_int_equal(system(command), 0);
}

static void shipped_ones_are_programs(void **state)
{
    (void)state;
    glob_t paths;
    size_t seen = 0, refused = 0;
    char path[] = "/tmp/ringside-python-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    shipped_paths(&paths);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        if (!scenario_load(&scenario, paths.gl_pathv[i], NULL, 0, &diag))
            fail_msg("%s: %s", paths.gl_pathv[i], diag_text(&diag));
        const char *why = has_python(&scenario) ? why_no_program(&scenario) : NULL;
        ProcessId process = {declared(&scenario) == 1 ? 1 : 0};
        const char *text =
            has_python(&scenario) ? python_text(&scenario, process, &arena, &diag) : NULL;
        if (has_python(&scenario) && (text == NULL) != (why != NULL))
            fail_msg("%s: %s", paths.gl_pathv[i], diag_text(&diag));
        if (has_python(&scenario) && why != NULL)
            EXPECT(diag_text(&diag), why);
        if (text != NULL)
            fprintf(file, "#### %s\n%s", paths.gl_pathv[i], text);
        seen += text != NULL;
        refused += why != NULL;
        program_text_free(NULL);
    }
    globfree(&paths);
    assert_int_equal(fclose(file), 0);
    assert_true(seen >= 70);
    assert_true(refused >= 3);
    compile_all(path);
    unlink(path);
}

static void the_command(void **state)
{
    (void)state;
    file_write("two.yaml", "processes:\n"
                           "  - { name: a, threads: [ { name: t, run: [ { print: a } ] } ] }\n"
                           "  - { name: b, threads: [ { name: t, run: [ { print: b } ] } ] }\n");
    ASSERT_RUN(2, "no process 'c'", "python", "two.yaml", "--process", "c");
    ASSERT_RUN(2, "a FILE is needed", "python");
    Ran ran = program_run("python", "two.yaml", "--process", "b", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "    print(\"b\")\n");
    assert_null(strstr(ran.out, "print(\"a\")"));
    program_free(&ran);
    ran = program_run("python", "two.yaml", NULL);
    assert_int_equal(ran.status, 0);
    assert_contains(ran.out, "    start_processes([a_run, b_run])\n");
    program_free(&ran);
}

// ---- one that runs

// It does something of everything that needs no asyncio. Nothing in it is decided by time: the 100
// ms only let the main thread come to where it waits.
#define MIXED                                                                                      \
    "runtime: cpython-3.8\n"                                                                       \
    "machine: { cores: 2 }\n"                                                                      \
    "locks: { l: lock, r: rlock, g: { kind: lock, shared: true } }\n"                              \
    "conditions: { c: l }\nevents: [ e ]\nqueues: { q: 1, p: { order: priority } }\n"              \
    "variables: { x: 0, hits: { value: 0, shared: true } }\npipes: [ line ]\n"                     \
    "functions:\n"                                                                                 \
    "  work: [ { print: work } ]\n"                                                                \
    "  low: [ { print: low } ]\n"                                                                  \
    "  child:\n"                                                                                   \
    "    - with: { lock: g, do: [ { add: hits }, { print: child } ] }\n"                           \
    "    - write: { pipe: line, size: 5B }\n"                                                      \
    "  idle: [ { sleep: 10s } ]\n"                                                                 \
    "  helper:\n"                                                                                  \
    "    - sleep: 100ms\n"                                                                         \
    "    - with: { lock: l, do: [ { notify: c } ] }\n"                                             \
    "    - sleep: 100ms\n"                                                                         \
    "    - set: e\n"                                                                               \
    "    - get: q\n"                                                                               \
    "    - get: q\n"                                                                               \
    "threads:\n"                                                                                   \
    "  - name: main\n"                                                                             \
    "    run:\n"                                                                                   \
    "      - spawn: { run: helper, as: h }\n"                                                      \
    "      - with: { lock: l, do: [ { wait: c } ] }\n"                                             \
    "      - print: notified\n"                                                                    \
    "      - wait: e\n"                                                                            \
    "      - print: event\n"                                                                       \
    "      - put: { queue: q, run: work }\n"                                                       \
    "      - put: { queue: q, run: work }\n"                                                       \
    "      - join: h\n"                                                                            \
    "      - put: { queue: p, run: low, priority: 5 }\n"                                           \
    "      - put: { queue: p, run: work, priority: 1 }\n"                                          \
    "      - get: p\n"                                                                             \
    "      - get: p\n"                                                                             \
    "      - load: x\n"                                                                            \
    "      - store: { to: x, plus: 3 }\n"                                                          \
    "      - atomic_add: x\n"                                                                      \
    "      - compare_and_swap: { in: x, plus: 1, retry: [ { load: x } ] }\n"                       \
    "      - if: { test: x == 5, then: [ { print: five } ] }\n"                                    \
    "      - fork: { run: child, as: kid, count: 2 }\n"                                            \
    "      - close: { pipe: line, end: write }\n"                                                  \
    "      - read_until_eof: { pipe: line, size: 100B }\n"                                         \
    "      - wait_child: kid\n"                                                                    \
    "      - wait_child: kid\n"                                                                    \
    "      - if: { test: hits == 2, then: [ { print: two hits } ] }\n"                             \
    "      - fork: { run: idle, as: idler }\n"                                                     \
    "      - kill: idler\n"                                                                        \
    "      - wait_child: idler\n"                                                                  \
    "      - print: killed\n"                                                                      \
    "      - alloc: { size: 64KiB, as: m, shared: true }\n"                                        \
    "      - touch: { block: m }\n"                                                                \
    "      - gc.disable\n"                                                                         \
    "      - new_objects: { count: 100, as: o, cycles: true }\n"                                   \
    "      - drop: o\n"                                                                            \
    "      - gc.collect\n"                                                                         \
    "      - syscall: read1\n"                                                                     \
    "      - with: { lock: r, do: [ { with: { lock: r, do: [ { print: twice } ] } } ] }\n"         \
    "      - exit: 7\n"

// Two processes, a loop and a plain thread, that can only go on when the other one has written. The
// first ends the second, which would sleep for ever so long.
#define TALK                                                                                       \
    "machine: { cores: 2 }\n"                                                                      \
    "pipes: [ there, back ]\n"                                                                     \
    "processes:\n"                                                                                 \
    "  - name: asker\n"                                                                            \
    "    runtime: cpython-3.8\n"                                                                   \
    "    functions:\n"                                                                             \
    "      main:\n"                                                                                \
    "        - repeat:\n"                                                                          \
    "            times: 2\n"                                                                       \
    "            do:\n"                                                                            \
    "              - print: question\n"                                                            \
    "              - writer.write: { to: there, size: 4B, lines: 1 }\n"                            \
    "              - reader.readline: back\n"                                                      \
    "              - print: understood\n"                                                          \
    "        - kill: other\n"                                                                      \
    "    threads: [ { name: main, run: [ { asyncio.run: main } ] } ]\n"                            \
    "  - name: other\n"                                                                            \
    "    threads:\n"                                                                               \
    "      - name: main\n"                                                                         \
    "        run:\n"                                                                               \
    "          - repeat:\n"                                                                        \
    "              times: 2\n"                                                                     \
    "              do:\n"                                                                          \
    "                - read: { pipe: there, size: 100B }\n"                                        \
    "                - print: answer\n"                                                            \
    "                - write: { pipe: back, size: 3B, lines: 1 }\n"                                \
    "          - sleep: 100s\n"                                                                    \
    "          - print: never\n"

// What it prints in the system's CPython, and in the simulator, must be `expected`.
static void compare(const char *yaml, ProcessId process, int status, const char *expected)
{
    if (!scenario_parse(&scenario, "t.yaml", yaml, strlen(yaml), NULL, 0, &diag))
        fail_msg("%s", diag_text(&diag));
    const char *text = python_text(&scenario, process, &arena, &diag);
    assert_non_null(text);
    file_write("mixed.py", text);
    file_write("mixed.yaml", yaml);
    char found[4096] = "";
    FILE *pipe = popen("python3 -u -W ignore mixed.py", "r");
    assert_non_null(pipe);
    size_t length = fread(found, 1, sizeof found - 1, pipe);
    found[length] = '\0';
    assert_int_equal(pclose(pipe), status << 8);
    assert_string_equal(found, expected);
    Ran ran = program_run("run", "mixed.yaml", "--narrate", NULL);
    assert_int_equal(ran.status, 0);
    const char *at = ran.out;
    for (const char *line = expected; *line != '\0'; line = strchr(line, '\n') + 1) {
        char said[80];
        snprintf(said, sizeof said, "prints \"%.*s\"", (int)strcspn(line, "\n"), line);
        at = strstr(at, said);
        assert_non_null(at);
        at++;
    }
    assert_null(strstr(at, "prints"));
    program_free(&ran);
    program_text_free(NULL);
}

static void cpython_does_what_the_simulator_does(void **state)
{
    (void)state;
    if (system("command -v python3 >/dev/null") != 0)
        skip();
    compare(MIXED, (ProcessId){1}, 7,
            "notified\nevent\nwork\nwork\nwork\nlow\nfive\nchild\nchild\ntwo hits\nkilled\n"
            "twice\n");
    compare(TALK, (ProcessId){0}, 0,
            "question\nanswer\nunderstood\nquestion\nanswer\nunderstood\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_operation_has_a_form_or_a_reason, program_text_free),
        cmocka_unit_test_teardown(shipped_ones_are_programs, program_text_free),
        cmocka_unit_test_setup_teardown(the_command, program_set_up, program_tear_down),
        cmocka_unit_test_setup_teardown(cpython_does_what_the_simulator_does, program_set_up,
                                        program_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
