// One run as the window has it, for tests of what is drawn: its player, and the last draw list.
#pragma once
#include "render/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern Fonts *fonts;
extern DrawList list;
extern Player player;
extern Take *take;

// Around each test.
int shown_setup(void **state);
int shown_teardown(void **state);

// The take of `yaml`, with an override or none; fails the test, with messages, when it cannot be.
Take *shown_take(const char *yaml, const char *change);
// The run of `yaml` at an instant, in the place of the one before; nothing moves.
void shown_open(const char *yaml, int64_t us);
// Draws the window.
void shown_draw(ThemeName name, bool large, int w, int h);

// The first text that is drawn so; NULL: none.
const DrawItem *text_item(const char *text);
// The same; fails the test when there is none.
const DrawItem *expect_text(const char *text);
