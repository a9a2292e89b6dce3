"""Runs programs that `ringside python` has printed in this interpreter's own asyncio, on a clock that
only moves where the program waits or computes, and prints what each prints, and when.

Usage: virtual_loop.py FILE. The file has programs, each behind a line "#### NUMBER". The output has,
for each, the same line and then one line a print: the time in nanoseconds and the text.

What CPython keeps in a set (a group's tasks, all tasks of a loop) has no order of its own; here it
has the order of creation, as in the simulator.
"""

import asyncio
import fractions
import gc
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
    ns = 0
    log = []
    stuck = False

    @classmethod
    def begin(cls):
        cls.ns, cls.log, cls.stuck = 0, [], False

    @classmethod
    def advance(cls, seconds):
        cls.ns += int(exact(seconds) * SECOND)

    @classmethod
    def print(cls, text):
        if not cls.stuck:
            cls.log.append(f"{cls.ns} {text}")


class VirtualSelector(selectors.SelectSelector):
    """Waits by moving the clock, by whole milliseconds as EpollSelector does."""

    def select(self, timeout=None):
        if timeout is None:
            Clock.stuck = True
            raise Stuck
        if timeout > 0:
            Clock.ns += math.ceil(timeout * 1000) * 1_000_000
        return []


class Ordered(dict):
    """A set in the order in which things came."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(VirtualSelector())
        self._clock_resolution = fractions.Fraction(1, SECOND)
        self.created = Ordered()

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


def run(text):
    Clock.begin()
    space = {"__name__": "program", "print": Clock.print}
    exec(compile(text, "program", "exec"), space)
    space.update(compute=Clock.advance, time=Time)
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
        if Clock.stuck:
            Clock.log.append("stuck")
        if Clock.log:
            print("\n".join(Clock.log))
        # Coroutines of a program that is stuck are closed here, and do not print into the next.
        Clock.stuck = True
        gc.collect()


main()
