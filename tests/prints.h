// What a run prints and when, for tests that follow small programs by hand.
#pragma once
#include "tests/simulate.h"

// "a@0 b@1.5": every line printed and when, in milliseconds; then how the run ended, if not by
// itself. Lives until the next call.
const char *prints_of(const Simulated *run);
// Runs functions of which `main` is asyncio.run's, in this version of CPython, where nothing but
// the program's own operations takes time; `top`: further lines of the scenario. Fails when it does
// not print this.
void expect_prints(const char *version, const char *top, const char *functions, const char *prints);
// Fails when one of the scenario's `expect:` lines does not hold.
void expect_lines_hold(const Simulated *run);
