// The three bands of the machine view. Each places and draws its part of a stage's scene into a
// box. Private to the machine view.
#pragma once
#include "render/stage.h"

// Processes, and what their threads synchronise by.
void band_user(Stage *stage, Box box);
// Of a process of Python: GIL, event loops and executors. Cuts off `box` what it takes.
void band_python(Stage *stage, Box *box, uint32_t pid);
// The event loops of a process, of at most so many rows each. Cuts off `box` what they take.
enum { BAND_LOOP_ROWS = 4 };
void band_loops(Stage *stage, Box *box, uint32_t pid);
// Whether that shows a queue (SyncId) already: an executor's.
bool band_python_has_queue(const Scenario *scenario, uint32_t sync);
// How many rows of a process that wants.
int band_python_rows(const Scenario *scenario);
// Run queues; who is blocked; pipes and message queues.
void band_kernel(Stage *stage, Box box);
// The cores.
void band_hardware(Stage *stage, Box box);
// How high the cores want to be.
int band_hardware_h(const Stage *stage, int w);
