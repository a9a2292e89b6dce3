// The top of the program that `ringside python` writes: its imports, and functions of its own for
// what no single line of Python does. Only what the text mentions is there.
#include "sim/scenario/python_writer.h"

#include <string.h>

static const char plain_pipe[] = "\n\nclass Pipe(object):\n"
                                 "    def __init__(self):\n"
                                 "        self.read_end, self.write_end = os.pipe()\n";

static const char stream_pipe[] =
    "\n\nclass Pipe:\n"
    "    \"\"\"A pipe, whose ends become streams of the loop when they are first used.\"\"\"\n"
    "\n"
    "    def __init__(self):\n"
    "        self.read_end, self.write_end = os.pipe()\n"
    "        self.streams = {}\n"
    "\n"
    "    async def reader(self):\n"
    "        if \"r\" not in self.streams:\n"
    "            loop = asyncio.get_running_loop()\n"
    "            self.streams[\"r\"] = loop.create_future()\n"
    "            stream = asyncio.StreamReader()\n"
    "            await loop.connect_read_pipe(\n"
    "                lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(self.read_end, "
    "\"rb\", 0)\n"
    "            )\n"
    "            self.streams[\"r\"].set_result(stream)\n"
    "        return await self.streams[\"r\"]\n"
    "\n"
    "    async def writer(self):\n"
    "        if \"w\" not in self.streams:\n"
    "            loop = asyncio.get_running_loop()\n"
    "            self.streams[\"w\"] = loop.create_future()\n"
    "            transport, protocol = await loop.connect_write_pipe(\n"
    "                asyncio.streams.FlowControlMixin, os.fdopen(self.write_end, \"wb\", 0)\n"
    "            )\n"
    "            stream = asyncio.StreamWriter(transport, protocol, None, loop)\n"
    "            self.streams[\"w\"].set_result(stream)\n"
    "        return await self.streams[\"w\"]\n";

// Its gaps: what it goes through, and what it does with a process that it has started and at the
// end, where the program has a use for that.
static const char start_processes[] =
    "\n\ndef start_processes(programs):\n"
    "    \"\"\"Starts a process for each, and lets them begin at one instant.\"\"\"\n"
    "    go_read, go_write = os.pipe()\n"
    "    children = []\n"
    "    for %s:\n"
    "        child = os.fork()\n"
    "        if child == 0:\n"
    "            os.close(go_write)\n"
    "            os.read(go_read, 1)  # until nobody could write\n"
    "            finish(program)\n"
    "%s"
    "        children.append(child)\n"
    "%s"
    "    os.close(go_write)\n"
    "    for child in children:\n"
    "        os.waitpid(child, 0)\n";

typedef struct Helper {
    const char *word; // it is needed where the text has this
    const char *text;
    const char *old; // for Python 2.7; NULL: the same
} Helper;

// In an order in which each may use those before it.
static const Helper helpers[] = {
    // Python 2.7 has no clock of a thread's CPU time.
    {"time_for(", "",
     "\n\ndef time_for(work, rounds):\n"
     "    times = []\n"
     "    for _ in range(10):\n"
     "        begin = time.time()\n"
     "        work(rounds)\n"
     "        times.append(time.time() - begin)\n"
     "    return min(times)  # when nothing came between\n"},
    {"compute(",
     "\n\ndef compute(seconds):\n"
     "    \"\"\"Runs for this much CPU time of its thread.\"\"\"\n"
     "    end = time.thread_time() + seconds\n"
     "    while time.thread_time() < end:\n"
     "        pass\n",
     "\n\ndef count(rounds):\n"
     "    for _ in xrange(rounds):\n"
     "        pass\n"
     "\n\nrounds_a_second = 100000 / time_for(count, 100000)\n"
     "\n\ndef compute(seconds):\n"
     "    \"\"\"Runs bytecode that alone would take about this long.\"\"\"\n"
     "    count(int(seconds * rounds_a_second))\n"},
    // One call, for which the GIL is released once: many short ones would each have to get it
    // again.
    {"native(",
     "\n\ndef hash_for(rounds):\n"
     "    begin = time.thread_time()\n"
     "    hashlib.pbkdf2_hmac(\"sha256\", b\"\", b\"\", rounds)\n"
     "    return time.thread_time() - begin\n"
     "\n\nhash_round = hash_for(20_000) / 20_000\n"
     "\n\ndef native(seconds):\n"
     "    \"\"\"Runs C code, without the GIL, for about this much CPU time.\"\"\"\n"
     "    hash_for(max(1, round(seconds / hash_round)))\n",
     "\n\ndef hash_round(rounds):\n"
     "    hashlib.pbkdf2_hmac(\"sha256\", b\"x\", b\"\", rounds)\n"
     "\n\nhashes_a_second = 2000 / time_for(hash_round, 2000)\n"
     "\n\ndef native(seconds):\n"
     "    \"\"\"Runs C code, without the GIL, that alone would take about this long.\"\"\"\n"
     "    hash_round(max(1, int(seconds * hashes_a_second)))\n"},
    {"mark(",
     "\n\ndef mark(name):\n"
     "    \"\"\"A passage that the simulation counts.\"\"\"\n",
     NULL},
    {"span(",
     "\n\n@contextlib.contextmanager\ndef span(name):\n"
     "    \"\"\"A part of the program that the simulation times.\"\"\"\n"
     "    yield\n",
     NULL},
    {"pin(",
     "\n\ndef pin(*cores):\n"
     "    \"\"\"Keeps this thread on cores, as far as there are so many.\"\"\"\n"
     "    here = sorted(os.sched_getaffinity(os.getpid()))\n"
     "    os.sched_setaffinity(0, {here[core % len(here)] for core in cores})\n",
     "\n\ndef pin(*cores):\n"
     "    pass  # Python 2.7 cannot keep a thread on cores\n"},
    {"carry_out(",
     "\n\ndef carry_out(item):\n"
     "    \"\"\"Does what an item of a queue says.\"\"\"\n"
     "    action = item[-1] if isinstance(item, tuple) else item\n"
     "    if action is not None:\n"
     "        action()\n",
     NULL},
    {"touch(",
     "\n\ndef touch(memory, size, times=1):\n"
     "    \"\"\"Writes a byte into each page.\"\"\"\n"
     "    for _ in range(times):\n"
     "        for at in range(0, size, 4096):\n"
     "            memory[at:at + 1] = b\"x\"\n",
     NULL},
    {"look(",
     "\n\ndef look(memory, size, times=1):\n"
     "    \"\"\"Reads a byte of each page.\"\"\"\n"
     "    for _ in range(times):\n"
     "        for at in range(0, size, 4096):\n"
     "            memory[at:at + 1]\n",
     NULL},
    {"Pipe()", plain_pipe, NULL},
    {"kept", "\n\nkept = []  # what nothing else would keep\n", NULL},
    {"zero,", "\n\nzero = os.open(\"/dev/zero\", os.O_RDONLY)\n", NULL},
    {"null,", "\n\nnull = os.open(\"/dev/null\", os.O_WRONLY)\n", NULL},
    {"make_objects(",
     "\n\ndef make_objects(objects, count, cycles=False):\n"
     "    \"\"\"Makes lists. In a cycle is what refers to itself.\"\"\"\n"
     "    for _ in range(count):\n"
     "        made = []\n"
     "        if cycles:\n"
     "            made.append(made)\n"
     "        objects.append(made)\n",
     NULL},
    {"take_objects(",
     "\n\ntaken = []  # copies of lists of objects, each with its list\n"
     "\n\ndef take_objects(objects):\n"
     "    taken.append((objects, list(objects)))\n",
     NULL},
    {"drop_objects(",
     "\n\ndef drop_objects(objects):\n"
     "    for at in range(len(taken)):\n"
     "        if taken[at][0] is objects:\n"
     "            del taken[at]\n"
     "            return\n"
     "    del objects[:]\n",
     NULL},
    {"exit_process(",
     "\n\ndef exit_process(code):\n"
     "    sys.stdout.flush()\n"
     "    os._exit(code)\n",
     NULL},
    {"finish(",
     "\n\ndef finish(function):\n"
     "    \"\"\"Does a function as a process of its own, to its end.\"\"\"\n"
     "    status = 1\n"
     "    try:\n"
     "        try:\n"
     "            function()\n"
     "            status = 0\n"
     "        except SystemExit:\n"
     "            status = 0\n"
     "        threading._shutdown()  # waits for its threads\n"
     "    except BaseException:\n"
     "        traceback.print_exc()\n"
     "    finally:\n"
     "        sys.stdout.flush()\n"
     "        os._exit(status)\n",
     NULL},
    {"fork(",
     "\n\ndef fork(function):\n"
     "    \"\"\"Starts a process that is a copy of this one and does a function; returns its "
     "id.\"\"\"\n"
     "    sys.stdout.flush()\n"
     "    child = os.fork()\n"
     "    if child == 0:\n"
     "        finish(function)\n"
     "    return child\n",
     NULL},
    {"wait_child(",
     "\n\ndef wait_child(children):\n"
     "    \"\"\"Waits until one of them has ended, and collects it.\"\"\"\n"
     "    while len(children) > 1:\n"
     "        for child in children:\n"
     "            if os.waitpid(child, os.WNOHANG)[0] != 0:\n"
     "                children.remove(child)\n"
     "                return\n"
     "        time.sleep(0.001)\n"
     "    if children:\n"
     "        os.waitpid(children.pop(), 0)\n",
     NULL},
    {"send_signal(",
     "\n\ndef send_signal(children, number):\n"
     "    for child in children:\n"
     "        os.kill(getattr(child, \"pid\", child), number)\n",
     NULL},
    {"start_processes(", start_processes, NULL},
    {"atomic:", "\n\natomic = threading.Lock()  # Python has no atomic operations\n", NULL},
    {"atomic_of_all:", "\n\natomic_of_all = multiprocessing.Lock()  # nor have processes\n", NULL},
    {"pools", "\n\npools = {}\n", NULL},
    {"adopt,",
     "\n\ndef adopt(function, objects):\n"
     "    \"\"\"Does a function with the connections of the process that has started this "
     "one.\"\"\"\n"
     "    globals().update(objects)\n"
     "    function()\n",
     NULL},
    {"run_item,",
     "\n\ndef run_item(item):\n"
     "    function, _, result = item\n"
     "    function()\n"
     "    return bytes(result)\n",
     NULL},
    {"pool_items(",
     "\n\ndef pool_items(functions, count, size, result):\n"
     "    return [(functions[i % len(functions)], bytes(size), result) for i in range(count)]\n",
     NULL},
    {"pool_of(",
     "\n\ndef pool_of(name, processes, method):\n"
     "    if name not in pools:\n"
     "        pools[name] = multiprocessing.get_context(method).Pool(processes)\n"
     "    return pools[name]\n",
     NULL},
    {"close_pool(",
     "\n\ndef close_pool(name):\n"
     "    closed = pools.pop(name, None)\n"
     "    if closed is not None:\n"
     "        closed.close()\n"
     "        closed.join()\n",
     NULL},
    {"kept_by(",
     "\n\nclass Kept:\n"
     "    \"\"\"What a manager keeps.\"\"\"\n"
     "\n"
     "    def call(self, function, _, answer):\n"
     "        if function is not None:\n"
     "            function()\n"
     "        return bytes(answer)\n"
     "\n\nclass Manager(multiprocessing.managers.BaseManager):\n"
     "    pass\n"
     "\n\nManager.register(\"Kept\", Kept)\n"
     "managers = {}\n"
     "\n\ndef kept_by(name, method):\n"
     "    if name not in managers:\n"
     "        manager = Manager(ctx=multiprocessing.get_context(method))\n"
     "        manager.start()\n"
     "        managers[name] = (manager, manager.Kept())\n"
     "    return managers[name][1]\n",
     NULL},
    {"run_interpreter,",
     "\n\ndef run_interpreter(name):\n"
     "    \"\"\"Runs a function of this program in a new interpreter, which reads the program "
     "anew.\"\"\"\n"
     "    code = \"import runpy; runpy.run_path({!r}, run_name='program')[{!r}]()\"\n"
     "    interpreter = interpreters.create()\n"
     "    interpreters.run_string(interpreter, code.format(__file__, name))\n"
     "    interpreters.destroy(interpreter)\n",
     NULL},
};

enum { HELPER_COUNT = sizeof helpers / sizeof *helpers };

static const char *const modules[] = {
    "asyncio",
    "contextlib",
    "gc",
    "hashlib",
    "itertools",
    "math",
    "mmap",
    "multiprocessing",
    "multiprocessing.managers",
    "os",
    "queue",
    "random",
    "signal",
    "sys",
    "threading",
    "time",
    "traceback",
    "uvloop",
};

static const char *text_of(const Python *python, const Helper *helper)
{
    if (helper->text == plain_pipe && python->streams)
        return stream_pipe;
    if (helper->text == start_processes)
        return arena_format(python->arena, start_processes,
                            python->numbered ? "number, program in enumerate(programs)"
                                             : "program in programs",
                            python->numbered ? "        process_ids[number] = child\n" : "",
                            python->closes ? "    close_pipes()\n" : "");
    return python->major == 2 && helper->old != NULL ? helper->old : helper->text;
}

static void write_title(Python *head)
{
    for (const char *c = head->scenario->title; *c != '\0'; c += *c == '\n') {
        size_t length = strcspn(c, "\n");
        python_add(head, "# %.*s\n", (int)length, c);
        c += length;
    }
    bool python = false;
    for (uint32_t i = 0; i < head->scenario->process_count; i++)
        python |=
            head->scenario->processes[i].runtime.python && python_has(head, (ProcessId){i + 1});
    uint32_t cores = head->scenario->machine.cores;
    const char *s = cores == 1 ? "" : "s", *pin = cores == 1 ? " (taskset -c 0)" : "";
    if (python)
        python_add(head, "# For CPython %s, on %u core%s%s.\n", head->version, cores, s, pin);
    else
        python_add(head, "# In the scenario it is no program of Python. It had %u core%s%s.\n",
                   cores, s, pin);
}

static void write_imports(Python *head, const Python *body)
{
    if (head->major == 2)
        python_add(head, "from __future__ import division, print_function\n\n");
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (!python_mentions(body, arena_format(head->arena, "%s.", modules[i])))
            continue;
        if (head->major == 2 && strcmp(modules[i], "queue") == 0)
            python_add(head, "import Queue as queue\n");
        else
            python_add(head, "import %s\n", modules[i]);
    }
    if (python_mentions(body, "interpreters."))
        python_add(head, "import %s as interpreters\n",
                   head->minor >= 13 ? "_interpreters" : "_xxsubinterpreters");
    bool threads = python_mentions(body, "ThreadPoolExecutor"),
         processes = python_mentions(body, "ProcessPoolExecutor");
    if (threads || processes)
        python_add(head, "from concurrent.futures import %s%s%s\n",
                   processes ? "ProcessPoolExecutor" : "", threads && processes ? ", " : "",
                   threads ? "ThreadPoolExecutor" : "");
    if (python_mentions(body, "BrokenProcessPool"))
        python_add(head, "from concurrent.futures.process import BrokenProcessPool\n");
    if (python_mentions(body, "FutureTimeout"))
        python_add(head, "from concurrent.futures import TimeoutError as FutureTimeout\n");
}

// The text, in the arena, with two empty lines between its parts at most.
static const char *spaced(const Python *head)
{
    char *text = arena_alloc(head->arena, head->text.count + 1), *to = text;
    for (size_t i = 0; i < head->text.count; i++) {
        bool fourth = to - text >= 3 && memcmp(to - 3, "\n\n\n", 3) == 0;
        if (head->text.at[i] != '\n' || !fourth)
            *to++ = head->text.at[i];
    }
    return text;
}

const char *python_with_helpers(Python *python)
{
    bool needed[HELPER_COUNT] = {false};
    Python parts = *python; // the body, and then what it needs: from the last helper to the first
    for (int i = HELPER_COUNT - 1; i >= 0; i--) {
        needed[i] = python_mentions(&parts, helpers[i].word);
        if (needed[i])
            python_add(&parts, "%s", text_of(python, &helpers[i]));
    }
    Python head = *python;
    memset(&head.text, 0, sizeof head.text);
    write_title(&head);
    write_imports(&head, &parts);
    for (int i = 0; i < HELPER_COUNT; i++)
        if (needed[i])
            python_add(&head, "%s", text_of(python, &helpers[i]));
    size_t own = python->text.count;
    const char *body = arena_text(python->arena, parts.text.at, own);
    python_add(&head, "%s", body);
    const char *text = spaced(&head);
    python->text.at = parts.text.at; // it may have moved
    python->text.count = parts.text.count;
    python->text.capacity = parts.text.capacity;
    ARRAY_FREE(&head.text);
    return text;
}
