// The machine in cross-section: user space, the ring boundary, the kernel, the hardware. A thread
// is one chip; when its place changes, it moves there.
#include "render/machine_bands.h"
#include "render/views.h"

#include <stdio.h>

typedef struct Bands {
    Box user, boundary, kernel, hardware;
} Bands;

// How many rows the processes in user space want, and the kernel's columns; from the scenario, so
// that nothing jumps while the run goes on.
static int user_rows(const Scenario *scenario)
{
    int rows = 0;
    for (uint32_t i = 0; i < scenario->sync_count; i++)
        rows += !scenario->syncs[i].library;
    rows = rows < 3 ? 3 : rows > 8 ? 8 : rows;
    int python = band_python_rows(scenario);
    return 1 + (python + rows < 12 ? python + rows : 12) + band_memory_rows(scenario);
}

static int kernel_rows(const Stage *stage)
{
    const Scenario *scenario = stage->scene->scenario;
    // An event loop needs the room more than queues do that are empty as a rule.
    bool loops = band_python_rows(scenario) > 1;
    int least = stage->compact || loops ? 2 : 3, most = stage->compact || loops ? 3 : 4;
    if (stage->compact && user_rows(scenario) > 5)
        most = least; // and so do many locks
    int queues = scenario->machine.global_queue ? 1 : (int)scenario->machine.cores;
    int pipes = (int)(scenario->pipe_count + scenario->message_queue_count);
    int rows = queues < most ? queues : most;
    rows = rows < pipes ? pipes : rows;
    return (rows < least ? least : rows) + !stage->compact; // their titles
}

enum { TAG_W = 76 };

static int band_pad(const Stage *stage)
{
    return theme_px(stage->list->theme, stage->compact ? 4 : 8);
}

static Bands bands_of(const Stage *stage, Box box)
{
    const Theme *theme = stage->list->theme;
    const Scenario *scenario = stage->scene->scenario;
    int pad = band_pad(stage), tag = theme_px(theme, TAG_W);
    Bands bands;
    int hardware = band_hardware_h(stage, box.w - 2 * pad - tag) + 2 * pad;
    hardware = hardware < box.h * 2 / 5 ? hardware : box.h * 2 / 5;
    bands.hardware = box_cut_bottom(&box, hardware);
    box_cut_bottom(&box, theme_px(theme, stage->compact ? 4 : 6));
    int boundary = theme_px(theme, stage->compact ? 16 : 18), left = box.h - boundary;
    int kernel = kernel_rows(stage) * stage_row_h(stage) + 2 * pad;
    int user = user_rows(scenario) * stage_row_h(stage) + 3 * pad;
    // What there is, in the proportion of what is wanted; but who waits in the kernel is seen there
    // as long as user space has room for the most of it.
    enum { USER_LEAST = 5 };
    int fair = left * kernel / (kernel + user);
    int most = left - USER_LEAST * stage_row_h(stage) - 3 * pad;
    kernel = kernel < most ? kernel : most;
    kernel = kernel > fair ? kernel : fair;
    int row = stage_row_h(stage) + 2 * pad;
    kernel = kernel < row && left > USER_LEAST * stage_row_h(stage) ? row : kernel;
    bands.kernel = box_cut_bottom(&box, kernel);
    bands.boundary = box_cut_bottom(&box, boundary);
    bands.user = box;
    return bands;
}

// A band's ground and its name at the right. Returns the box for what is in it.
static Box band(Stage *stage, Box box, ColourRole ground, const char *name, const char *ring)
{
    DrawList *list = stage->list;
    const Theme *theme = list->theme;
    Box inside = box_inset(box, band_pad(stage));
    Box tag = box_cut_right(&inside, theme_px(theme, TAG_W));
    if (!stage->dry) {
        draw_round(list, box, theme_px(theme, 5), ground);
        int line = draw_line_height(list, STYLE_SMALL);
        draw_text(list, box_cut_top(&tag, line), ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, name);
        if (tag.h >= line)
            draw_text(list, box_cut_top(&tag, line), ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT,
                      ring);
    }
    return inside;
}

static void place(Stage *stage, Box box)
{
    Bands bands = bands_of(stage, box);
    band_user(stage, band(stage, bands.user, COLOUR_USER_BAND, "user space", "ring 3"));
    band_kernel(stage, band(stage, bands.kernel, COLOUR_KERNEL_BAND, "kernel", "ring 0"));
    band_hardware(stage, band(stage, bands.hardware, COLOUR_HARDWARE_BAND, "hardware", ""));
}

// ---- the ring boundary

// Who crossed it with the current event, or is below it: "web-1 ↓ futex wait 0.4 us".
static bool crossing_text(const Player *player, uint32_t core, char text[static 160])
{
    const Scene *scene = &player->scene;
    uint32_t id = scene->cores[core].task;
    const SceneTask *task = scene_task(scene, id);
    const TraceRecord *record = player_current(player);
    char name[96], ns[32];
    if (task == NULL)
        return false;
    recording_task_name(player->recording, id, name);
    if (task->state == TASK_STATE_RUNNING_KERNEL)
        snprintf(text, 160, "%s ↓ %s%s%s", name,
                 task->errand == KERNEL_ERRAND_SYSCALL && task->syscall != 0
                     ? syscall_name(task->syscall - 1u)
                     : kernel_errand_word(task->errand),
                 scene->time_ns > task->since_ns ? " " : "",
                 scene->time_ns > task->since_ns
                     ? duration_text(scene->time_ns - task->since_ns, ns)
                     : "");
    else if (record != NULL && record->kind == EVENT_KERNEL_EXIT && record->task == id)
        snprintf(text, 160, "%s ↑ returns", name);
    else
        return false;
    return true;
}

static void draw_boundary(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    int y = box.y + box.h / 2, h = draw_line_height(list, STYLE_MONO_SMALL) + theme_px(theme, 2);
    int gap = theme_px(theme, 10), pad = theme_px(theme, 9);
    draw_line(list, box.x, y, box_right(box), y, theme_px(theme, 2), theme_px(theme, 6),
              COLOUR_KERNEL);
    Box row = {box.x + gap, y - h / 2, box.w - 2 * gap, h};
    char text[160];
    for (uint32_t i = 0; i < player->scene.core_count; i++) {
        if (!crossing_text(player, i, text))
            continue;
        int w = draw_text_width(list, STYLE_MONO_SMALL, text) + 2 * pad;
        if (w > row.w)
            return;
        Box pill = box_cut_left(&row, w);
        box_cut_left(&row, gap);
        draw_round(list, pill, h / 2, COLOUR_KERNEL_BAND);
        draw_stroke(list, pill, h / 2, theme_px(theme, 1), COLOUR_KERNEL);
        draw_text(list, pill, ALIGN_CENTRE, STYLE_MONO_SMALL, COLOUR_TEXT, text);
        draw_hit(list, pill, HIT_TASK, player->scene.cores[i].task);
    }
}

void view_machine(DrawList *list, Box box, const Player *player)
{
    bool compact = box.h < 15 * draw_line_height(list, STYLE_MONO) + theme_px(list->theme, 130);
    Box inside = compact ? panel_plain(list, box) : panel_draw(list, box, "MACHINE");
    Stage stage = {.list = list, .player = player, .scene = &player->scene, .compact = compact};
    place(&stage, inside);
    draw_boundary(list, bands_of(&stage, inside).boundary, player);
    if (player->moved >= 1) {
        stage_draw_chips(&stage, NULL);
        return;
    }
    Stage before = {.list = list, .player = player, .scene = &player->was, .dry = true};
    before.compact = compact;
    place(&before, inside);
    stage_draw_chips(&stage, &before);
}
