// The program: the scenario's text, the line of the current event, and where each thread and
// coroutine is in it.
#include "render/program_cursors.h"
#include "render/views.h"

#include <stdio.h>
#include <string.h>

// The line that the current event belongs to: its thread's, or, of an event without one, that of
// the selected thread or else of the last thread before; 0: none.
static uint32_t current_line(const Player *player)
{
    enum { LOOK_BACK = 64 };
    uint32_t id = 0;
    for (uint64_t i = 0; id == 0 && i < LOOK_BACK && i < player->scene.next; i++) {
        id = recording_at(player->recording, player->scene.next - 1 - i)->task;
        if (id == 0 && player->selected_task != 0)
            id = player->selected_task;
    }
    const SceneTask *task = scene_task(&player->scene, id);
    return task != NULL ? program_line(player, task->op) : 0;
}

static uint32_t count_lines(const char *text)
{
    uint32_t lines = 0;
    for (; *text != 0; lines++) {
        const char *end = strchr(text, '\n');
        if (end == NULL)
            return lines + 1;
        text = end + 1;
    }
    return lines;
}

// ---- lines that are too long go on in the next row, a step further in

typedef struct Program {
    const char **lines; // where each begins; one more, behind the last
    LineCursors *cursors;
    uint32_t count;
    int row_h, gutter, gap; // pixels
    int text_w;             // beside the gutter
} Program;

static int chip_most(const DrawList *list)
{
    return theme_px(list->theme, 110);
}

// How many chips of a line there is room for beside its text, and what they take: the first one has
// half of the row, the others what the text leaves.
static uint32_t chips_that_fit(DrawList *list, const Player *player, const Program *program,
                               uint32_t number, int *taken)
{
    const LineCursors *line = &program->cursors[number - 1];
    const char *text = program->lines[number - 1];
    int gap = theme_px(list->theme, 4), least = program->text_w / 2;
    int text_w = (int)strcspn(text, "\n") * draw_text_width(list, STYLE_MONO, " ");
    uint32_t fit = 0;
    char more[24];
    snprintf(more, sizeof more, "+%u", line->count);
    if (line->count > 1)
        text_w += draw_text_width(list, STYLE_MONO_SMALL, more) + gap;
    *taken = 0;
    for (; fit < line->shown; fit++) {
        int w = cursor_width(list, player, chip_most(list), line->at[fit]) + gap;
        if (program->text_w - *taken - w < (fit == 0 ? least : text_w))
            break;
        *taken += w;
    }
    if (fit < line->count) {
        snprintf(more, sizeof more, "+%u", line->count - fit);
        *taken += draw_text_width(list, STYLE_MONO_SMALL, more) + gap;
    }
    return fit;
}

// How far in the rows of a line begin that are not its first.
static int hanging(DrawList *list, const Program *program, const char *line)
{
    int blank = draw_text_width(list, STYLE_MONO, " ");
    int w = ((int)strspn(line, " ") + 2) * blank;
    return w < program->text_w / 2 ? w : program->text_w / 2;
}

// The next row of a line, from `at`: its bytes. The blanks that a line begins with stay with what
// comes behind them.
static size_t row_of(DrawList *list, const char *at, bool first, int w, size_t *skip)
{
    size_t blanks = first ? strspn(at, " ") : 0;
    int blanks_w = (int)blanks * draw_text_width(list, STYLE_MONO, " ");
    if (blanks_w >= w)
        return draw_line_of(list, STYLE_MONO, at, w, skip);
    return blanks + draw_line_of(list, STYLE_MONO, at + blanks, w - blanks_w, skip);
}

static int rows_of_line(DrawList *list, const Player *player, const Program *program, uint32_t line)
{
    const char *at = program->lines[line - 1], *end = program->lines[line];
    int chips, rows = 0, hang = hanging(list, program, at);
    chips_that_fit(list, player, program, line, &chips);
    while (rows == 0 || (at < end && *at != '\n' && *at != 0)) {
        size_t skip;
        at += row_of(list, at, rows == 0, program->text_w - (rows == 0 ? chips : hang), &skip);
        at += skip;
        rows++;
    }
    return rows;
}

// The first of the lines before `line` that has room with them in `rows` rows.
static uint32_t first_within(DrawList *list, const Player *player, const Program *program,
                             uint32_t line, int rows)
{
    while (line > 1) {
        rows -= rows_of_line(list, player, program, line - 1);
        if (rows < 0)
            break;
        line--;
    }
    return line;
}

// The first line to show, so that the wanted one is in the middle as far as the text allows.
static uint32_t first_shown(DrawList *list, const Player *player, const Program *program,
                            uint32_t current, int rows)
{
    uint32_t last_first = first_within(list, player, program, program->count + 1, rows);
    last_first = last_first <= program->count ? last_first : program->count;
    uint32_t first = player->first_line > 0 ? (uint32_t)player->first_line
                     : current == 0         ? 1
                                    : first_within(list, player, program, current, (rows - 1) / 2);
    return first < last_first ? first : last_first;
}

static Program program_of(DrawList *list, const Player *player, int w)
{
    const Theme *theme = list->theme;
    const char *text = player->scenario->source;
    char digits[24];
    Program program = {.count = count_lines(text),
                       .row_h = draw_line_height(list, STYLE_MONO) + theme_px(theme, 3),
                       .gap = theme_px(theme, 12)};
    program.lines = ARENA_ARRAY(&list->arena, const char *, program.count + 1);
    program.cursors = ARENA_ARRAY(&list->arena, LineCursors, program.count + 1);
    for (uint32_t i = 0; i < program.count; i++) {
        program.lines[i] = text;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    program.lines[program.count] = text;
    snprintf(digits, sizeof digits, "%u", program.count);
    program.gutter = draw_text_width(list, STYLE_MONO, digits);
    program.text_w = w - theme_px(theme, 4) - program.gutter - program.gap;
    program_cursors(player, program.cursors, program.count);
    return program;
}

// ---- drawing

// The chips of a line, from the right end of its first row; `row` becomes what is left for the
// text.
static void draw_cursors(DrawList *list, Box *row, const Player *player, const Program *program,
                         uint32_t number)
{
    const LineCursors *line = &program->cursors[number - 1];
    int gap = theme_px(list->theme, 4), h = row->h - theme_px(list->theme, 2), taken;
    uint32_t fit = chips_that_fit(list, player, program, number, &taken);
    for (uint32_t i = 0; i < fit; i++) {
        int w = cursor_width(list, player, chip_most(list), line->at[i]);
        Box place = box_cut_right(row, w);
        cursor_draw(list, player, (Box){place.x, place.y + (place.h - h) / 2, w, h}, line->at[i]);
        box_cut_right(row, gap);
    }
    if (fit == line->count)
        return;
    char more[24];
    snprintf(more, sizeof more, "+%u", line->count - fit);
    int w = draw_text_width(list, STYLE_MONO_SMALL, more);
    draw_text(list, box_cut_right(row, w), ALIGN_RIGHT, STYLE_MONO_SMALL, COLOUR_TEXT_SOFT, more);
    box_cut_right(row, gap);
}

// One line, in as many rows as it needs and there is room for.
static void draw_line_rows(DrawList *list, Box *box, const Player *player, const Program *program,
                           uint32_t line, bool current)
{
    const Theme *theme = list->theme;
    const char *at = program->lines[line - 1];
    int rows = rows_of_line(list, player, program, line), hang = hanging(list, program, at);
    Box all = box_cut_top(box, rows * program->row_h);
    all.h -= all.h % program->row_h; // the last one may have no room for all of its rows
    if (current) {
        enum { TINT = 36 };
        draw_opacity(list, TINT);
        draw_round(list, all, theme_px(theme, 3), COLOUR_ACCENT);
        draw_opacity(list, 255);
    }
    draw_hit(list, all, HIT_LINE, line);
    box_cut_left(&all, theme_px(theme, 4));
    Box gutter = box_cut_left(&all, program->gutter);
    box_cut_left(&all, program->gap);
    for (int i = 0; i < rows && all.h >= program->row_h; i++) {
        Box row = box_cut_top(&all, program->row_h);
        if (i == 0) {
            draw_textf(list, box_cut_top(&gutter, program->row_h), ALIGN_RIGHT, STYLE_MONO,
                       COLOUR_TEXT_SOFT, "%u", line);
            draw_cursors(list, &row, player, program, line);
        } else {
            box_cut_left(&row, hang);
        }
        size_t skip, length = row_of(list, at, i == 0, row.w, &skip);
        draw_textf(list, row, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT, "%.*s", (int)length, at);
        at += length + skip;
    }
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void view_program(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    Box inside = panel_plain(list, box);
    Box head = box_cut_top(&inside, draw_line_height(list, STYLE_MONO));
    box_cut_left(&head,
                 draw_text(list, head, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT, "PROGRAM") +
                     theme_px(theme, 12));
    draw_name(list, head, ALIGN_LEFT, STYLE_MONO, COLOUR_TEXT_SOFT,
              file_name(player->scenario->path));
    box_cut_top(&inside, theme_px(theme, frame_is_low(list) ? 3 : 6));
    Program program = program_of(list, player, inside.w);
    if (program.text_w < theme_px(theme, 40) || program.count == 0)
        return;
    uint32_t current = current_line(player);
    uint32_t first = first_shown(list, player, &program, current, inside.h / program.row_h);
    draw_hit(list, box, HIT_PROGRAM, first);
    for (uint32_t line = first; line <= program.count && inside.h >= program.row_h; line++)
        draw_line_rows(list, &inside, player, &program, line, line == current);
}
