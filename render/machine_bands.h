// The three bands of the machine view. Each places and draws its part of a stage's scene into a
// box. Private to the machine view.
#pragma once
#include "render/stage.h"

// Processes, and what their threads synchronise by.
void band_user(Stage *stage, Box box);
// One process, and the same in a single row where there is no room for more.
void band_process(Stage *stage, Box box, uint32_t pid);
void band_process_brief(Stage *stage, Box box, uint32_t pid);
// Of a process of Python: GIL, event loops, and what follows. Cuts off `box` what it takes.
void band_python(Stage *stage, Box *box, uint32_t pid);
// The word "GIL" on its colour; who has it is put right beside it.
void band_gil_token(Stage *stage, Box *row);
// Its executors, pools of processes and streams. Cuts off `box` what it takes.
void band_work(Stage *stage, Box *box, uint32_t pid, ProcessId family);
// How many rows of a process that wants.
int band_work_rows(const Scenario *scenario);
// Whether that shows the object (SyncId) already: an executor's queue, what a pool waits at.
bool band_work_has(const Scenario *scenario, uint32_t sync);
// The event loops of a process, of at most so many rows each. Cuts off `box` what they take.
enum { BAND_LOOP_ROWS = 4 };
void band_loops(Stage *stage, Box *box, uint32_t pid);
// How many rows of a process that wants.
int band_python_rows(const Scenario *scenario);
// The memory of the processes, in scenarios that speak of it, at the bottom of a box whose rest has
// to stay `least_h` high; else nothing. Cuts off `box` what it takes. And how many rows it wants.
void band_memory(Stage *stage, Box *box, int least_h);
int band_memory_rows(const Scenario *scenario);
// Run queues; who is blocked; pipes and message queues.
void band_kernel(Stage *stage, Box box);
// The cores.
void band_hardware(Stage *stage, Box box);
// How high the cores want to be.
int band_hardware_h(const Stage *stage, int w);
