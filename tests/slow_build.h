// Sanitizers, and builds without optimisation, take three to five times as long. Long tests of the
// scenarios that ship look at every n-th one there: every build has the same traces, which test.sh
// compares, so that what is read off them in one build is true in all.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
enum { SLOW_BUILD_STRIDE = 4 };
#else
enum { SLOW_BUILD_STRIDE = 1 };
#endif
