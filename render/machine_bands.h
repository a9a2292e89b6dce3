// The three bands of the machine view. Each places and draws its part of a stage's scene into a
// box. Private to the machine view.
#pragma once
#include "render/stage.h"

// Processes, and what their threads synchronise by.
void band_user(Stage *stage, Box box);
// Run queues; who is blocked; pipes and message queues.
void band_kernel(Stage *stage, Box box);
// The cores.
void band_hardware(Stage *stage, Box box);
// How high the cores want to be.
int band_hardware_h(const Stage *stage, int w);
