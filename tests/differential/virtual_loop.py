"""Runs programs that `ringside python` has printed in this interpreter's own asyncio, on a clock that
only moves where the program waits or computes, and prints what each prints, and when.

Usage: virtual_loop.py FILE. The file has programs, each behind a line "#### NUMBER". The output has,
for each, the same line and then one line a print: the time in nanoseconds and the text.

Executors have no threads here: a function that one is to run is run at once, on a clock of its own that
begins now, and its future is done when the loop's clock comes to where that one ended.

What CPython keeps in a set (a group's tasks, all tasks of a loop) has no order of its own; here it
has the order of creation, as in the simulator.
"""

import asyncio
import collections
import concurrent.futures
import fractions
import gc
import heapq
import itertools
import logging
import math
import selectors
import sys

SECOND = 1_000_000_000


def exact(seconds):
    """Seconds as a fraction, to the nanosecond, so that sums are exact."""
    if isinstance(seconds, fractions.Fraction):
        return seconds
    return fractions.Fraction(round(seconds * SECOND), SECOND)


class Stuck(BaseException):
    """Nothing would ever happen again."""


class Clock:
    """`own`: the time of the executor's function that runs, if one does; `work`: its number. `later`:
    what happens in other threads, by time. `close`: two things of different threads were at one
    instant, so that nobody can say which came first."""

    ns = work = 0
    own = None
    log = []
    later = []
    order = itertools.count()
    stuck = close = False

    @classmethod
    def begin(cls):
        cls.ns, cls.own, cls.log, cls.later, cls.stuck, cls.close = 0, None, [], [], False, False

    @classmethod
    def at(cls, ns, call):
        heapq.heappush(cls.later, (ns, next(cls.order), call))

    @classmethod
    def reach(cls, ns, exactly=False):
        """Goes on to this time, by way of what happens in other threads before."""
        while cls.later and cls.later[0][0] <= ns:
            when, _, call = heapq.heappop(cls.later)
            if cls.later and cls.later[0][0] == when or when == ns and not exactly:
                cls.close = True
            cls.ns = max(cls.ns, when)
            call()
        cls.ns = max(cls.ns, ns)

    @classmethod
    def advance(cls, seconds):
        ns = int(exact(seconds) * SECOND)
        if cls.own is not None:
            cls.own += ns
        else:
            cls.reach(cls.ns + ns)

    @classmethod
    def print(cls, text):
        if not cls.stuck:
            cls.log.append((cls.ns if cls.own is None else cls.own, cls.work, text))

    @classmethod
    def lines(cls):
        """The log by time."""
        cls.log.sort(key=lambda entry: entry[0])
        for (ns, work, _), (next_ns, next_work, _) in zip(cls.log, cls.log[1:]):
            if ns == next_ns and work != next_work and work and next_work:
                cls.close = True
        return [f"{ns} {text}" for ns, _, text in cls.log]


class VirtualSelector(selectors.EpollSelector):
    """Waits by moving the clock, by whole milliseconds as EpollSelector does. Pipes are real: both ends
    are in the program, so that what comes through them needs no time. The self-pipe (`own`) is not
    looked at: nobody is there to wake."""

    own = None

    def select(self, timeout=None):
        ready = [event for event in super().select(0) if event[0].fd != self.own]
        if ready:
            return ready
        end = None if timeout is None else Clock.ns
        if timeout is not None and timeout > 0:
            end += math.ceil(timeout * 1000) * 1_000_000
        if Clock.later and (end is None or Clock.later[0][0] <= end):
            when = max(Clock.ns, Clock.later[0][0])
            Clock.reach(when, when != end)
        elif end is None:
            Clock.stuck = True
            raise Stuck
        else:
            Clock.ns = end
        return []


class Work(concurrent.futures.Future):
    """Who takes it back at the instant at which it begins may be too late, or not."""

    began = None

    def cancel(self):
        Clock.close = Clock.close or self.began == Clock.ns
        return super().cancel()


class Workers:
    """The threads of an executor."""

    def __init__(self, most):
        self.free, self.waiting = most, collections.deque()

    def submit(self, function):
        future = Work()
        self.waiting.append((future, function))
        self.start()
        return future

    def start(self):
        while self.free and self.waiting:
            future, function = self.waiting.popleft()
            if future.set_running_or_notify_cancel():
                self.free -= 1
                self.run(future, function)

    def run(self, future, function):
        future.began = Clock.own = Clock.ns
        Clock.work = next(Clock.order) + 1
        result = None
        try:
            function()
        except BaseException as exception:
            result = exception
        Clock.at(Clock.own, lambda: self.done(future, result))
        Clock.own, Clock.work = None, 0

    def done(self, future, exception):
        if exception is None:
            future.set_result(None)
        else:
            future.set_exception(exception)
        self.free += 1
        self.start()



class Ordered(dict):
    """A set in the order in which things came."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(VirtualSelector())
        self._selector.own = self._ssock.fileno()
        self._clock_resolution = fractions.Fraction(1, SECOND)
        self.created = Ordered()
        self.workers = {}

    def run_in_executor(self, executor, function, *args):
        most = 12 if executor is None else executor._max_workers  # of eight cores
        workers = self.workers.setdefault(executor, Workers(most))
        return asyncio.wrap_future(workers.submit(lambda: function(*args)), loop=self)

    async def shutdown_default_executor(self, timeout=None):
        if None not in self.workers:
            return
        future = self.create_future()

        def look():
            workers = self.workers[None]
            if workers.waiting or workers.free < 12:
                Clock.at(Clock.later[0][0], look)  # behind what happens next
            else:
                self.call_soon_threadsafe(future.set_result, None)

        Clock.at(Clock.ns, look)
        await future

    def time(self):
        return fractions.Fraction(Clock.ns, SECOND)

    def call_at(self, when, callback, *args, **options):
        return super().call_at(exact(when), callback, *args, **options)

    def create_task(self, coroutine, **options):
        task = super().create_task(coroutine, **options)
        self.created.add(task)
        return task


def all_tasks(loop=None):
    loop = loop or asyncio.get_running_loop()
    return [task for task in loop.created if not task.done()]


class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return VirtualLoop()


class Time:
    sleep = Clock.advance

    @staticmethod
    def monotonic():
        return fractions.Fraction(Clock.ns, SECOND)


def run(text):
    Clock.begin()
    space = {"__name__": "program", "print": Clock.print}
    exec(compile(text, "program", "exec"), space)
    space.update(compute=Clock.advance, native=Clock.advance, time=Time)
    try:
        space["run"]()
    except BaseException:  # it has printed what it had to say
        pass
    asyncio.events._set_running_loop(None)


def ordered_groups():
    made = asyncio.TaskGroup.__init__

    def init(self):
        made(self)
        self._tasks = Ordered()

    asyncio.TaskGroup.__init__ = init


def main():
    gc.disable()
    logging.disable(logging.CRITICAL)
    asyncio.set_event_loop_policy(Policy())
    asyncio.tasks.all_tasks = all_tasks
    asyncio.all_tasks = all_tasks
    if hasattr(asyncio, "TaskGroup"):
        ordered_groups()
    sys.stderr = None
    with open(sys.argv[1], encoding="utf-8") as file:
        parts = file.read().split("#### ")[1:]
    for part in parts:
        number, text = part.split("\n", 1)
        run(text)
        print(f"#### {number}")
        for line in Clock.lines():
            print(line)
        if Clock.stuck:
            print("stuck")
        if Clock.close:
            print("close")
        # Coroutines of a program that is stuck are closed here, and do not print into the next.
        Clock.stuck = True
        gc.collect()


main()
