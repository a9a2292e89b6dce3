// `ringside film FILE -o OUT.gif`: a part of the run, drawn as the window would show it while it
// plays, as a moving picture. The frames go to ffmpeg, a program of its own, through a pipe.
#include "render/cmd_studio.h"
#include "sim/base/check.h"
#include "sim/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- the command line

typedef enum FilmKind { FILM_GIF, FILM_MP4, FILM_KINDS } FilmKind;

typedef struct Options {
    StudioOptions studio;
    FilmKind kind;
    bool has_to;
    int64_t from_ns, to_ns; // of the simulation
    int64_t length_ns;      // of the film
    int fps;
} Options;

enum { OPTION_FROM = 0x200, OPTION_TO, OPTION_SECONDS, OPTION_FPS };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "When:", 2},
    {"from", OPTION_FROM, "TIME", 0, "The simulated time that it begins at (default 0ms)", 2},
    {"to", OPTION_TO, "TIME", 0, "The one that it ends at (default: the end of the run)", 2},
    {"seconds", OPTION_SECONDS, "S", 0, "How long it lasts, 0.1 to 600 (default 10)", 2},
    {"fps", OPTION_FPS, "N", 0, "Frames a second, 1 to 60 (default 20 for GIF, 30 for MP4)", 2},
    {0},
};

static const char *const endings[FILM_KINDS] = {[FILM_GIF] = ".gif", [FILM_MP4] = ".mp4"};

static void parse_kind(Options *asked, struct argp_state *state)
{
    const char *path = asked->studio.output;
    size_t length = strlen(path);
    for (int kind = 0; kind < FILM_KINDS; kind++) {
        size_t ending = strlen(endings[kind]);
        if (length > ending && strcmp(path + length - ending, endings[kind]) == 0) {
            asked->kind = (FilmKind)kind;
            return;
        }
    }
    argp_error(state, "-o %s: a film's name ends in .gif or .mp4", path);
}

static void parse_seconds(Options *asked, struct argp_state *state, const char *text)
{
    char *rest;
    double seconds = strtod(text, &rest);
    if (rest == text || *rest != 0 || !(seconds >= 0.1 && seconds <= 600))
        argp_error(state, "'%s' is no length of a film; it lasts 0.1 to 600 seconds", text);
    asked->length_ns = (int64_t)(seconds * 1e9);
}

static void parse_fps(Options *asked, struct argp_state *state, const char *text)
{
    char rest;
    if (sscanf(text, "%d%c", &asked->fps, &rest) != 1 || asked->fps < 1 || asked->fps > 60)
        argp_error(state, "'%s': a film has 1 to 60 frames a second", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    Options *asked = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->studio;
        return 0;
    case OPTION_FROM:
        asked->from_ns = studio_parse_time(state, value);
        return 0;
    case OPTION_TO:
        asked->has_to = true;
        asked->to_ns = studio_parse_time(state, value);
        return 0;
    case OPTION_SECONDS:
        parse_seconds(asked, state, value);
        return 0;
    case OPTION_FPS:
        parse_fps(asked, state, value);
        return 0;
    case ARGP_KEY_END: // after the child's, which sees to it that there is an output
        parse_kind(asked, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&studio_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .children = children,
    .args_doc = "FILE",
    .doc =
        "Films a scenario, or a trace that `ringside run --save` wrote, as the window would show "
        "it while it plays. It needs no display, but the program ffmpeg."
        "\vExamples:\n"
        "  ringside film round-robin -o rr.gif --seconds 8\n"
        "  ringside film my.yaml -o my.mp4 --from 10ms --to 12ms --view timeline",
};

// ---- ffmpeg

typedef struct Encoder {
    pid_t process;
    int frames; // the pipe that it reads
    int said;   // a file in memory with what it printed
} Encoder;

// In the child: becomes ffmpeg, or tells the parent why not.
static _Noreturn void become_ffmpeg(char *const *arguments, int frames, int said, int tell)
{
    // It goes when we go, however we go, and leaves no half film behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(frames, STDIN_FILENO) >= 0 && dup2(said, STDOUT_FILENO) >= 0 &&
        dup2(said, STDERR_FILENO) >= 0)
        execvp(arguments[0], arguments);
    int error = errno;
    (void)!write(tell, &error, sizeof error);
    _exit(127);
}

// Waits for the child; its exit status, -1 when a signal ended it.
static int wait_for(pid_t process)
{
    int status;
    while (waitpid(process, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool start_failed(int error)
{
    if (error == ENOENT)
        cli_wrong("a film needs the program ffmpeg, which is not installed (package ffmpeg)");
    else
        cli_wrong("cannot start ffmpeg: %s", strerror(error));
    return false;
}

static bool encoder_start(Encoder *encoder, char *const *arguments)
{
    int frames[2], tell[2]; // what is told is read here: the descriptor closes when exec succeeds
    encoder->said = memfd_create("ffmpeg", MFD_CLOEXEC);
    // What is open already when one of them fails goes with the process, which ends then.
    if (encoder->said < 0 || pipe2(frames, O_CLOEXEC) != 0 || pipe2(tell, O_CLOEXEC) != 0)
        return start_failed(errno);
    encoder->frames = frames[1];
    encoder->process = fork();
    if (encoder->process == 0)
        become_ffmpeg(arguments, frames[0], encoder->said, tell[1]);
    int error = encoder->process < 0 ? errno : 0;
    close(frames[0]);
    close(tell[1]);
    if (error == 0 && read(tell[0], &error, sizeof error) == (ssize_t)sizeof error)
        wait_for(encoder->process);
    close(tell[0]);
    if (error == 0)
        return true;
    close(encoder->frames);
    close(encoder->said);
    return start_failed(error);
}

// False when ffmpeg reads no more: it has ended, and says why when it is waited for.
static bool encoder_frame(const Encoder *encoder, const Canvas *canvas)
{
    const char *bytes = (const char *)canvas->pixels;
    size_t left = (size_t)canvas->w * (size_t)canvas->h * sizeof *canvas->pixels;
    while (left > 0) {
        ssize_t wrote = write(encoder->frames, bytes, left);
        if (wrote < 0 && errno != EINTR)
            return false;
        bytes += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

// What it printed, without the last line's end; cut when that is much.
static const char *encoder_words(const Encoder *encoder, char *words, size_t bytes)
{
    ssize_t got = pread(encoder->said, words, bytes - 1, 0);
    size_t length = got > 0 ? (size_t)got : 0;
    while (length > 0 && words[length - 1] == '\n')
        length--;
    words[length] = 0;
    return length > 0 ? words : "it says nothing";
}

// `taken`: it has read every frame.
static bool encoder_finish(Encoder *encoder, bool taken)
{
    close(encoder->frames);
    int status = wait_for(encoder->process);
    char words[2048];
    if (status == -1)
        cli_wrong("ffmpeg was ended by a signal: %s", encoder_words(encoder, words, sizeof words));
    else if (status != 0)
        cli_wrong("ffmpeg failed: %s", encoder_words(encoder, words, sizeof words));
    else if (!taken)
        cli_wrong("ffmpeg ended before the film did: %s",
                  encoder_words(encoder, words, sizeof words));
    close(encoder->said);
    return status == 0 && taken;
}

// ---- the film

typedef struct Film {
    const Options *asked;
    Studio studio;
    Arena arena;
    int frames;         // of the film
    int drawn, to_draw; // so far and altogether, for the progress bar
    int percent;        // shown last
} Film;

// A GIF has 256 colours, chosen from this many frames before any is written.
enum { PALETTE_FRAMES = 16, ARGUMENTS_MAX = 48 };

static void show_progress(Film *film)
{
    enum { BAR = 30 };
    if (!isatty(STDERR_FILENO))
        return;
    int percent = film->drawn * 100 / film->to_draw, full = film->drawn * BAR / film->to_draw;
    if (percent == film->percent)
        return;
    film->percent = percent;
    fputs("\r  ", stderr);
    for (int i = 0; i < BAR; i++)
        fputs(i < full ? "█" : "░", stderr);
    fprintf(stderr, " %3d %%", percent);
    fflush(stderr);
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

// Draws frame `index` of `count`, evenly spaced over the part of the run, and hands it on.
static bool film_frame(Film *film, const Encoder *encoder, int index, int count)
{
    const Options *asked = film->asked;
    double share = count > 1 ? (double)index / (count - 1) : 0;
    int64_t span = asked->to_ns - asked->from_ns;
    player_seek_time(&film->studio.player, asked->from_ns + (int64_t)(share * (double)span));
    studio_draw(&film->studio);
    film->drawn++;
    show_progress(film);
    return encoder_frame(encoder, &film->studio.canvas);
}

// Runs ffmpeg over `count` frames. `rest` is the command line after the description of its input.
static bool encode(Film *film, int count, char *const *rest)
{
    const ShowOptions *asked = &film->asked->studio.show;
    char size[32], fps[16];
    snprintf(size, sizeof size, "%dx%d", asked->w, asked->h);
    snprintf(fps, sizeof fps, "%d", film->asked->fps);
    char *arguments[ARGUMENTS_MAX] = {"ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr0",
                                      "-s",     size, "-r",    fps,  "-i",       "pipe:0"};
    size_t at = 0;
    while (arguments[at] != NULL)
        at++;
    for (; *rest != NULL; rest++) {
        CHECK(at + 1 < ARGUMENTS_MAX);
        arguments[at++] = *rest;
    }
    Encoder encoder;
    if (!encoder_start(&encoder, arguments))
        return false;
    bool taken = true;
    for (int i = 0; i < count && taken; i++)
        taken = film_frame(film, &encoder, i, count);
    clear_progress();
    film->percent = -1;
    return encoder_finish(&encoder, taken);
}

// `to` is a file that exists and is written over.
static bool encode_gif(Film *film, char *to)
{
    char *palette = cli_temporary_file();
    if (palette == NULL)
        return false;
    char *palette_url = arena_format(&film->arena, "file:%s", palette);
    char *choose[] = {"-vf",       "palettegen=reserve_transparent=0",
                      "-frames:v", "1",
                      "-c:v",      "png",
                      "-f",        "image2pipe",
                      "-y",        palette_url,
                      NULL};
    char *use[] = {"-f",
                   "png_pipe",
                   "-i",
                   palette_url,
                   "-filter_complex",
                   "[0:v][1:v]paletteuse=dither=none",
                   "-f",
                   "gif",
                   "-y",
                   to,
                   NULL};
    int samples = film->frames < PALETTE_FRAMES ? film->frames : PALETTE_FRAMES;
    film->to_draw = samples + film->frames;
    bool good = encode(film, samples, choose) && encode(film, film->frames, use);
    unlink(palette);
    cli_unguard(palette);
    free(palette);
    return good;
}

static bool encode_mp4(Film *film, char *to)
{
    // Players take a film without these words for one with the colours of old television.
    char *arguments[] = {"-vf",
                         "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv",
                         "-c:v",
                         "libx264",
                         "-crf",
                         "18",
                         "-pix_fmt",
                         "yuv420p",
                         "-colorspace",
                         "bt709",
                         "-color_primaries",
                         "bt709",
                         "-color_trc",
                         "bt709",
                         "-movflags",
                         "+faststart",
                         "-f",
                         "mp4",
                         "-y",
                         to,
                         NULL};
    film->to_draw = film->frames;
    return encode(film, film->frames, arguments);
}

static bool write_film(Film *film)
{
    const char *path = film->asked->studio.output;
    CliFile file;
    if (!cli_file_open(&file, path))
        return false;
    bool good = file.temporary != NULL;
    if (!good)
        cli_wrong("%s is no plain file", path);
    if (good) {
        char *to = arena_format(&film->arena, "file:%s", file.temporary);
        good = film->asked->kind == FILM_GIF ? encode_gif(film, to) : encode_mp4(film, to);
    }
    struct stat written;
    if (good && (stat(file.temporary, &written) != 0 || written.st_size == 0)) {
        cli_wrong("ffmpeg says that all is well, but has written no film");
        good = false;
    }
    if (good)
        return cli_file_close(&file);
    cli_file_abandon(&file);
    return false;
}

// The part of the run that was asked for, within it.
static bool fit_span(Options *asked, const Recording *recording)
{
    char from[32], to[32];
    if (!asked->has_to)
        asked->to_ns = recording->end_ns;
    bool good = asked->from_ns <= asked->to_ns && asked->to_ns <= recording->end_ns;
    if (!good)
        cli_wrong("there is nothing to film from %s to %s: the run ends at %s",
                  duration_text(asked->from_ns, from), duration_text(asked->to_ns, to),
                  duration_text(recording->end_ns, (char[32]){0}));
    return good;
}

int cmd_film(int argc, char **argv)
{
    Options asked = {.studio = studio_options(1280, 720), .length_ns = 10 * (int64_t)1000000000};
    cli_parse(&argp, argc, argv, &asked);
    if (asked.fps == 0)
        asked.fps = asked.kind == FILM_GIF ? 20 : 30;
    Film film = {.asked = &asked, .percent = -1};
    film.frames = (int)(asked.length_ns / 1000 * asked.fps / 1000000);
    film.frames = film.frames > 1 ? film.frames : 1;
    bool good =
        studio_open(&film.studio, &asked.studio) && fit_span(&asked, film.studio.player.recording);
    if (good) {
        // What the window says about playing is true of the film.
        film.studio.player.playing = true;
        film.studio.player.speed =
            (double)(asked.to_ns - asked.from_ns) * 1e9 / (double)asked.length_ns;
        good = write_film(&film);
    }
    studio_close(&film.studio);
    arena_free(&film.arena);
    arena_free(&asked.studio.show.scenario.arena);
    return good ? CLI_OK : CLI_WRONG;
}
