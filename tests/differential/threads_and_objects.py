"""Compares the order in which threads go on with that of a real CPython: random programs of three
to eight threads with locks, conditions, semaphores, events, barriers and queues, with timeouts. By
hand only: threads have no virtual clock, so that a busy machine disturbs them. (The orders that
this has confirmed are in test_python_sync.c, worked out.)

Usage: threads_and_objects.py RINGSIDE FIRST COUNT [PYTHON]

Programs FIRST, FIRST + 1 … are simulated on one core, until COUNT were found in which no two
threads wake up by themselves at nearly the same time. Each then runs on one core in PYTHON (3.8 or
later; default: this one), several at a time; those that differ run again, alone. It prints those
that differed each time, with the first difference, and how many of each kind there were.
"""

import json
import os
import queue
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

UNIT_MS = 10  # what sleeps and timeouts are multiples of
APART_MS = 9  # less between two wake-ups by a timer, and the real order is chance
AT_ONCE = 20
TRIES = 6
KINDS = ["lock", "rlock", "condition", "semaphore", "event", "barrier", "queue"]

# ---- programs: for each thread a list of [what, arguments...], lengths in units, None: no timeout


def draft(seed):
    rng = random.Random(seed)
    threads = rng.randint(3, 8)
    longest = rng.choice([20, 60])
    kinds = rng.sample(KINDS, rng.randint(1, 3))

    def length(most=longest):
        return rng.randint(1, most)

    def timeout():
        return rng.choice([None, length(15), length(40)])

    def step(kind):
        if kind == "lock":
            return [["lock", timeout(), length(20)]]
        if kind == "rlock":
            return [["rlock", timeout(), length(20)]]
        if kind == "condition":
            lock = rng.choice("lr")
            if rng.random() < 0.6:
                return [["wait", lock, timeout(), rng.choice([0, length(10)])]]
            return [["notify", lock, rng.choice([1, 1, 2, 0]), rng.choice([0, 0, length(15)])]]
        if kind == "semaphore":
            if rng.random() < 0.55:
                return [["acquire", timeout()]]
            again = [["acquire", timeout()]] if rng.random() < 0.4 else []
            return [["release", rng.choice([1, 1, 2])]] + again
        if kind == "event":
            return [rng.choice([["event", timeout()], ["set"], ["clear"], ["set and clear"]])]
        if kind == "barrier":
            return [["barrier", rng.choice([None, None, None, length(40)])]]
        return [rng.choice([["put", timeout()], ["get", timeout()], ["put, get", timeout()]])]

    program = {
        "seed": seed,
        "semaphore": rng.randint(0, 2),
        "queue": rng.randint(1, 2),
        "barrier": rng.randint(2, 3),
        "threads": [],
    }
    for _ in range(threads):
        steps = [["sleep", length()]]
        for _ in range(rng.randint(2, 4)):
            kind = rng.choice(kinds)
            steps += step(kind)
            # Who takes a lock again right after releasing it is mostly first: the scheduler says.
            if rng.random() < 0.8 or kind in ("lock", "rlock", "condition"):
                steps.append(["sleep", length()])
        program["threads"].append(steps)
    return program


# ---- as a scenario. A mark "tN_K_WORD" is what thread N says in its step K.


def timeout_of(units, mark):
    if units is None:
        return ""
    return ", timeout: %dms, else: [ %s ]" % (units * UNIT_MS, mark("no"))


def sleep_of(units):
    return "{ sleep: %dms }" % (units * UNIT_MS)


def under(lock, body, timeout=""):
    return "{ with: { lock: %s, do: [ %s ]%s } }" % (lock, ", ".join(body), timeout)


def operations(step, mark):
    what = step[0]
    if what == "sleep":
        return [sleep_of(step[1]), "{ compute: 30us }"]
    if what == "lock":
        return [under("l", [mark("in"), sleep_of(step[2]), mark("out")], timeout_of(step[1], mark))]
    if what == "rlock":
        inner = under("r", [mark("in"), sleep_of(step[2])])
        return [under("r", [inner, mark("out")], timeout_of(step[1], mark))]
    if what == "wait":
        wait = "{ wait: { for: c%s%s } }" % (step[1], timeout_of(step[2], mark))
        after = [sleep_of(step[3]), mark("out")] if step[3] else []
        return [under(step[1], [mark("waits"), wait, mark("on")] + after)]
    if what == "notify":
        notify = "{ notify: { condition: c%s, count: %d } }" % (step[1], step[2])
        if step[2] == 0:
            notify = "{ notify_all: c%s }" % step[1]
        after = [sleep_of(step[3]), mark("out")] if step[3] else []
        return [under(step[1], [notify, mark("notified")] + after)]
    if what == "acquire":
        return ["{ acquire: { semaphore: s%s } }" % timeout_of(step[1], mark), mark("on")]
    if what == "release":
        return ["{ release: { semaphore: s, count: %d } }" % step[1], mark("released")]
    if what == "event":
        return ["{ wait: { for: e%s } }" % timeout_of(step[1], mark), mark("on")]
    if what == "barrier":
        broken = timeout_of(step[1], mark) or ", else: [ %s ]" % mark("no")
        return ["{ barrier: { barrier: b%s } }" % broken, mark("on")]
    if what == "put":
        timeout = "" if step[1] is None else ", timeout: %dms" % (step[1] * UNIT_MS)
        return ["{ put: { queue: q%s } }" % timeout, mark("put")]
    return {
        "set": lambda: ["{ set: e }", mark("set")],
        "clear": lambda: ["{ clear: e }"],
        "set and clear": lambda: ["{ set: e }", "{ clear: e }", mark("cleared")],
        "get": lambda: ["{ get: { queue: q%s } }" % timeout_of(step[1], mark), mark("got")],
        "put, get": lambda: operations(["put", None], mark) + operations(["get", step[1]], mark),
    }[what]()


def scenario(program):
    lines = [
        "machine: { cores: 1 }",
        "runtime: cpython-3.12",
        "locks: { l: lock, r: rlock }",
        "conditions: { cl: l, cr: r }",
        "semaphores: { s: %d }" % program["semaphore"],
        "events: [ e ]",
        "barriers: { b: %d }" % program["barrier"],
        "queues: { q: %d }" % program["queue"],
        "until: 60s",
        "threads:",
    ]
    for number, steps in enumerate(program["threads"]):
        run = []
        for k, step in enumerate(steps):
            run += operations(step, lambda word: "{ mark: t%d_%d_%s }" % (number, k, word))
        lines.append("  - { name: t%d, run: [ %s ] }" % (number, ", ".join(run)))
    return "\n".join(lines) + "\n"


def simulate(ringside, program):
    """What the program says, and when it last does; nothing when its order is chance."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(scenario(program))
        file.flush()
        run = subprocess.run(
            [ringside, "run", "--narrate", file.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
        )
    if run.returncode == 2:
        raise SystemExit("program %d is no scenario" % program["seed"])
    program["says"], last, woken = [], 0, -1
    for line in run.stdout.splitlines():
        parts = line.split(" ms  ", 1)
        if len(parts) < 2:
            continue
        at = float(parts[0].replace(",", ""))
        mark = re.search(r"\bt\d+_\d+_\w+", parts[1])
        if mark and "passes" in parts[1]:
            program["says"].append(mark.group(0))
            last = at
        if "an interrupt wakes" in parts[1]:
            if 0 <= woken and at - woken < APART_MS:
                return False
            woken = at
    program["last"] = last
    return len(program["says"]) >= 4


# ---- as threads of this interpreter


class Real:
    def __init__(self, program):
        self.program = program
        self.said = []
        self.go, self.start = threading.Event(), 0
        self.locks = {"l": threading.Lock(), "r": threading.RLock()}
        self.conditions = {name: threading.Condition(lock) for name, lock in self.locks.items()}
        self.semaphore = threading.Semaphore(program["semaphore"])
        self.event = threading.Event()
        self.barrier = threading.Barrier(program["barrier"])
        self.queue = queue.Queue(program["queue"])
        for number, steps in enumerate(program["threads"]):
            threading.Thread(target=self.body, args=(number, steps), daemon=True).start()

    def body(self, number, steps):
        self.go.wait()
        time.sleep(max(0, self.start - time.monotonic()))
        for k, step in enumerate(steps):
            self.step(step, lambda word: self.said.append("t%d_%d_%s" % (number, k, word)))

    def step(self, step, say):
        what = step[0]
        length = [None if x is None or isinstance(x, str) else x * UNIT_MS / 1000 for x in step]
        if what == "sleep":
            time.sleep(length[1])
        elif what in ("lock", "rlock"):
            lock = self.locks[what[0]]
            if not lock.acquire(True, -1 if length[1] is None else length[1]):
                say("no")
                return
            if what == "rlock":
                lock.acquire()
            say("in")
            time.sleep(length[2])
            if what == "rlock":
                lock.release()
            say("out")
            lock.release()
        elif what == "wait":
            with self.locks[step[1]]:
                say("waits")
                if not self.conditions[step[1]].wait(length[2]):
                    say("no")
                say("on")
                self.after(length[3], say)
        elif what == "notify":
            with self.locks[step[1]]:
                condition = self.conditions[step[1]]
                condition.notify_all() if step[2] == 0 else condition.notify(step[2])
                say("notified")
                self.after(length[3], say)
        elif what == "acquire":
            if not self.semaphore.acquire(True, length[1]):
                say("no")
            say("on")
        elif what == "release":
            if sys.version_info >= (3, 9):
                self.semaphore.release(step[1])
            else:
                for _ in range(step[1]):
                    self.semaphore.release()
            say("released")
        elif what == "event":
            if not self.event.wait(length[1]):
                say("no")
            say("on")
        elif what == "barrier":
            try:
                self.barrier.wait(length[1])
            except threading.BrokenBarrierError:
                say("no")
            say("on")
        elif what == "set":
            self.event.set()
            say("set")
        elif what == "clear":
            self.event.clear()
        elif what == "set and clear":
            self.event.set()
            self.event.clear()
            say("cleared")
        else:
            self.pass_items(what, length[1], say)

    @staticmethod
    def after(length, say):
        if length:
            time.sleep(length)
            say("out")

    def pass_items(self, what, timeout, say):
        if "put" in what:
            try:
                self.queue.put(1, True, timeout if what == "put" else None)
            except queue.Full:
                pass
            say("put")
        if "get" in what:
            try:
                self.queue.get(True, timeout)
            except queue.Empty:
                say("no")
            say("got")


def run_here(programs):
    """Runs them together and prints what each has said, as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    reals, until = [], 0
    for program in programs:
        real = Real(program)
        real.start = time.monotonic() + 0.05  # all of them have come by then
        real.go.set()
        reals.append(real)
        until = max(until, real.start + program["last"] / 1000 + 0.08)
    time.sleep(max(0, until - time.monotonic()))
    print(json.dumps([list(real.said) for real in reals]))


# ---- comparing


def said_in(python, programs):
    run = subprocess.run(
        [python, os.path.abspath(__file__), "--run"],
        input=json.dumps(programs),
        stdout=subprocess.PIPE,
        universal_newlines=True,
        check=True,
    )
    return json.loads(run.stdout)


def show(program, said):
    says = program["says"]
    at = 0
    while at < min(len(says), len(said)) and says[at] == said[at]:
        at += 1
    before = max(0, at - 2)
    part = slice(before, at + 4)
    print("program %d: simulated %s, real %s" % (program["seed"], says[part], said[part]))


def main():
    ringside, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    python = sys.argv[4] if len(sys.argv) > 4 else sys.executable
    programs, seed = [], first
    while len(programs) < count:
        program = draft(seed)
        seed += 1
        if simulate(ringside, program):
            programs.append(program)
    again = []
    for i in range(0, count, AT_ONCE):
        part = programs[i : i + AT_ONCE]
        again += [p for p, said in zip(part, said_in(python, part)) if said != p["says"]]
    differing = 0
    for program in again:
        runs = [said_in(python, [program])[0] for _ in range(TRIES)]
        if program["says"] not in runs:
            differing += 1
            show(program, runs[0])
    print(
        "%d programs of %d: %d the same at once, %d when alone, %d never"
        % (count, seed - first, count - len(again), len(again) - differing, differing)
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--run"]:
        run_here(json.load(sys.stdin))
    else:
        main()
