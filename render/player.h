// The player: all that the window knows besides pixels: the take, the instant, what is selected,
// zoom, theme, quiz; and what keys, clicks and time do to it. It has no window: sdl.c feeds it
// events, and tests do. What it cannot do itself (run again, save a picture) it asks for with a
// request.
#pragma once
#include "render/draw.h"
#include "render/take.h"
#include "sim/analysis/rewind.h"
#include "sim/analysis/why.h"

enum { WITH_SHIFT = 1, WITH_CTRL = 2 };

// Every key, one row each: the window's translation, the help and the buttons expand the list.
// X(ID, "SDL's name of the key", modifiers, "as shown", "what it does")
#define PLAYER_KEYS(X)                                                                             \
    X(PLAY, "Space", 0, "Space", "plays and pauses")                                               \
    X(NEXT, "Right", 0, "\u2192", "the next event")                                                \
    X(BACK, "Left", 0, "\u2190", "the event before")                                               \
    X(PAGE_NEXT, "PageDown", 0, "PgDn", "the next event (remotes send it)")                        \
    X(PAGE_BACK, "PageUp", 0, "PgUp", "the event before (remotes send it)")                        \
    X(NEXT_SWITCH, "Right", WITH_SHIFT, "Shift \u2192", "the selected one's next switch")          \
    X(BACK_SWITCH, "Left", WITH_SHIFT, "Shift \u2190", "its switch before")                        \
    X(HOME, "Home", 0, "Home", "the beginning")                                                    \
    X(END, "End", 0, "End", "the end")                                                             \
    X(FASTER, "+", 0, "+", "plays twice as fast")                                                  \
    X(SLOWER, "-", 0, "\u2212", "plays half as fast")                                              \
    X(ZOOM_IN, "Up", 0, "\u2191", "zooms in, about the instant")                                   \
    X(ZOOM_OUT, "Down", 0, "\u2193", "zooms it out")                                               \
    X(ZOOM_ALL, "0", 0, "0", "shows the whole run")                                                \
    X(NEXT_TASK, "Tab", 0, "Tab", "selects the next thread")                                       \
    X(BACK_TASK, "Tab", WITH_SHIFT, "Shift Tab", "selects the thread before")                      \
    X(CORES, "C", 0, "C", "runs again with more cores: 1, 2, 4, 8")                                \
    X(SCHEDULER, "S", 0, "S", "runs again with the next scheduler")                                \
    X(COSTS, "K", 0, "K", "runs again with costs, or without")                                     \
    X(GIL, "G", 0, "G", "runs again with no GIL, one, or one a thread")                            \
    X(SEED, "N", 0, "N", "runs again with the next seed")                                          \
    X(ORIGINAL, "O", 0, "O", "runs the scenario as it is written")                                 \
    X(WHY, "W", 0, "W", "why it does not run; critical path")                                      \
    X(QUIZ, "Q", 0, "Q", "quiz: hides what comes; click who acts")                                 \
    X(REVEAL, "Return", 0, "Enter", "shows the answer")                                            \
    X(THEME, "T", 0, "T", "light or dark")                                                         \
    X(LARGE, "L", 0, "L", "large type, for the back row")                                          \
    X(PICTURE, "P", 0, "P", "saves a picture")                                                     \
    X(FULLSCREEN, "F", 0, "F", "the whole screen")                                                 \
    X(RELOAD, "R", 0, "R", "reads the file again")                                                 \
    X(HELP, "H", 0, "H", "these keys")                                                             \
    X(LEAVE, "Escape", 0, "Esc", "leaves the help, then the selection")                            \
    X(QUIT, "Q", WITH_CTRL, "Ctrl Q", "ends ringside")

typedef enum PlayerKey {
#define X(id, key, modifiers, shown, text) KEY_##id,
    PLAYER_KEYS(X)
#undef X
        KEY_COUNT
} PlayerKey;

typedef struct PlayerKeyInfo {
    const char *key; // as SDL names it
    int modifiers;
    const char *shown, *text;
} PlayerKeyInfo;

const PlayerKeyInfo *player_key_info(PlayerKey key);

// What the player asks of whoever feeds it.
typedef enum PlayerRequest {
    REQUEST_NONE,
    REQUEST_RUN, // again, with `change` on top of the scenario
    REQUEST_PICTURE,
    REQUEST_FULLSCREEN,
    REQUEST_QUIT
} PlayerRequest;

// What is changed about Python's GIL: processes with one get the build without it (3.13t), and the
// other way round the build with one; or each thread of the scenario gets an interpreter, and so a
// GIL, of its own, where there are several and their version has that (3.12).
typedef enum GilChange { GIL_AS_WRITTEN, GIL_NONE, GIL_ONE, GIL_EACH } GilChange;

// What is changed about the machine; 0 or NULL: as the scenario says.
typedef struct Change {
    uint32_t cores;
    const char *scheduler;
    const char *costs; // "zero" or "typical"
    uint64_t seed;
    GilChange gil;
} Change;

typedef struct TimeSpan {
    int64_t from_ns, to_ns;
} TimeSpan;

typedef enum PointerKind {
    POINTER_DOWN,
    POINTER_UP,
    POINTER_MOVE,
    POINTER_WHEEL, // `amount` up (away from the user)
} PointerKind;

typedef struct Pointer {
    PointerKind kind;
    int x, y;     // pixels
    float amount; // of the wheel, in notches
    int modifiers;
} Pointer;

// An answer to "why?", and what it was asked about.
typedef struct PlayerWhy {
    Why why;
    bool known;
    uint64_t next;
    int64_t time_ns;
    uint32_t task, coroutine;
} PlayerWhy;

enum { GUESS_NONE, GUESS_RIGHT, GUESS_WRONG };

typedef struct Player {
    const Take *take;
    const Take *before; // the take before the last change; NULL: none
    // Parts of the two, for the views.
    const Scenario *scenario;
    const Recording *recording;
    const Recording *ghost; // NULL: none

    Scene scene;      // at the instant shown: `scene.next` records have happened
    Scene was;        // before the last step, for chips that move
    Rewind rewind;    // for steps back
    PlayerWhy *asked; // the last answer, see player_why
    float moved;      // how much of that movement is done, 0 .. 1
    int64_t time_ns;
    bool playing;
    double speed;      // simulated ns a second of the wall, or events (see player_by_event)
    double elapsed_ns; // of playing, below one of them

    uint32_t selected_task;      // TaskId; 0: none
    int selected_core;           // CORE_NONE: none
    uint32_t selected_coroutine; // serial; 0: none. Of the three at most one is selected
    TimeSpan zoom;               // what the timeline shows, see player_place
    TimeSpan marked; // a stretch of the run, by dragging with Shift; to_ns <= from_ns: none
    int first_row;   // of the timeline's threads
    int first_line;  // of the program, from 1; 0: it follows the current event

    ThemeName theme;
    bool large, fullscreen;
    bool help;
    bool why;  // the causal chain instead of the event's sentence
    bool quiz; // hides what comes next until `revealed`
    bool revealed;
    int guess; // the last one, GUESS_…
    uint32_t guesses, guesses_right;

    Change change, change_shown; // what is asked for, and what `take` was made with
    int64_t kept_ns;       // the instant that was gone to last, which shorter runs may not have
    uint64_t kept_records; // how many of its records had happened
    bool change_failed;    // `error` comes of a change, not of the file
    bool gil_each;         // as it is written, its threads could have a GIL each
    PlayerRequest request;
    const char *error;   // of the last run or reload; NULL: none. Shown until the next good one.
    const char *message; // "picture.png is written"; NULL: none

    // The pointer, while its button is down.
    Hit pressed;
    int pressed_x, pressed_y;
    bool dragged;
    bool marking; // with Shift, in the timeline
    TimeSpan pressed_zoom;
} Player;

// Shows the beginning of `take`, which outlives the player or the next player_show.
void player_open(Player *player, const Take *take);
void player_free(Player *player);
// Another take, after a change or a reload: the instant, the zoom and the selection are kept as far
// as they exist in it. The take before becomes the ghost; both outlive the player or the next call.
void player_show(Player *player, const Take *take);
// There is no other take: `error` says why and outlives the next one. A change that cannot be run
// is taken back.
void player_fail(Player *player, const char *error);

void player_key(Player *player, PlayerKey key);
// `frame` is the last frame drawn: what is where.
void player_pointer(Player *player, const DrawList *frame, Pointer pointer);
// The wall moved on by `seconds`. Returns whether the picture has changed.
bool player_pass(Player *player, double seconds);
PlayerRequest player_take_request(Player *player); // and forgets it

void player_seek_time(Player *player, int64_t time_ns);
void player_seek_event(Player *player, uint64_t next); // so many records have happened

// The record that happened last, and the one that comes next; NULL: none.
const TraceRecord *player_current(const Player *player);
const TraceRecord *player_next(const Player *player);
// Why the thread, or the coroutine if there is one (else 0), is where it is at the instant. Lasts
// to the next such question.
const Why *player_why(const Player *player, uint32_t task, uint32_t coroutine);
// The axis of the timeline, which `zoom` and `marked` are parts of: nanoseconds, or, when the run
// takes no time, how many events have happened. Which of the two it is, where the instant is on it,
// and all of it, the ghost's run included.
bool player_by_event(const Player *player);
int64_t player_place(const Player *player);
TimeSpan player_whole(const Player *player);
// What is asked of a run, as overrides ("machine.cores=4"), behind the `given` ones. In `arena`,
// but for the texts of `given`; how many they are goes into `*count`.
const char **player_overrides(const Player *player, Arena *arena, const char *const *given,
                              size_t given_count, size_t *count);
// The machine's costs in a word: "zero", "typical", or "own".
const char *costs_word(const Scenario *scenario);
// The Python that the first of its Python processes runs, NULL when there is none.
const Runtime *python_runtime(const Scenario *scenario);
