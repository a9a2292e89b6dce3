// What happens now: the instant, the event as a sentence, why, and what comes next.
#include "render/panel.h"
#include "render/views.h"
#include "sim/analysis/cause.h"
#include "sim/analysis/sentence.h"
#include "sim/analysis/why.h"
#include "sim/base/count.h"

#include <inttypes.h>
#include <stdio.h>

enum { SENTENCE_BYTES = 512 };

// "12.345 678 ms": exact to the nanosecond, in groups of three.
static char *instant_text(int64_t ns, char text[static 48])
{
    snprintf(text, 48, "%" PRId64 ".%03" PRId64 " %03" PRId64 " ms", ns / 1000000, ns / 1000 % 1000,
             ns % 1000);
    return text;
}

// The instant is always whole; of the event's number there is what has room beside it.
static void heading(DrawList *list, Box row, const Player *player)
{
    char time[48], done[32], all[32], where[3][80];
    int gap = theme_px(list->theme, 12),
        caption = draw_text_width(list, STYLE_CAPTION, "NOW") + gap;
    count_text(player->scene.next, done);
    count_text(player->recording->count, all);
    snprintf(where[0], sizeof where[0], "event %s of %s", done, all);
    snprintf(where[1], sizeof where[1], "%s of %s", done, all);
    snprintf(where[2], sizeof where[2], "%s", done);
    instant_text(player->time_ns, time);
    int room = row.w - caption - draw_text_width(list, STYLE_MONO_BOLD, time) - gap;
    for (int i = 0; i < 3; i++) {
        if (draw_text_width(list, STYLE_SMALL, where[i]) > room)
            continue;
        draw_text(list, row, ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, where[i]);
        break;
    }
    draw_text(list, box_cut_left(&row, caption), ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT,
              "NOW");
    draw_text(list, row, ALIGN_LEFT, STYLE_MONO_BOLD, COLOUR_TEXT, time);
}

// Of the quiz: what is asked, or how the last guess was, and how many were right.
static void quiz_line(DrawList *list, Box row, const Player *player)
{
    if (player->guesses > 0) {
        char score[48];
        snprintf(score, sizeof score, "%" PRIu32 " of %" PRIu32 " right", player->guesses_right,
                 player->guesses);
        row.w -= draw_text(list, row, ALIGN_RIGHT, STYLE_BOLD, COLOUR_TEXT, score) +
                 theme_px(list->theme, 12);
    }
    const char *asked = player->guess == GUESS_RIGHT   ? "Right!"
                        : player->guess == GUESS_WRONG ? "No: that is not who acts next."
                        : player->revealed
                            ? "This is the answer."
                            : "Who acts next? Click a thread or a core; Enter shows it.";
    draw_text(list, row, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, asked);
}

static void next_line(DrawList *list, Box *box, const Player *player, const Names *names)
{
    char text[SENTENCE_BYTES];
    const TraceRecord *next = player_next(player);
    int line = draw_line_height(list, STYLE_BODY);
    Box row = *box;
    int label = draw_text(list, (Box){row.x, row.y, row.w, line}, ALIGN_LEFT, STYLE_CAPTION,
                          COLOUR_TEXT_SOFT, "Next") +
                theme_px(list->theme, 10);
    box_cut_left(&row, label);
    int took;
    if (player->quiz && !player->revealed)
        took = draw_paragraph(list, row, STYLE_BODY, COLOUR_TEXT, "?");
    else if (next == NULL)
        took = draw_paragraph(list, row, STYLE_BODY, COLOUR_TEXT, "Nothing: the run is over.");
    else
        took = draw_paragraph(list, row, STYLE_BODY, COLOUR_TEXT,
                              narrate_sentence(names, next, text, sizeof text));
    box_cut_top(box, took);
}

// The causal chain of the wait of `task`, each link a step to the right, as far as there is room.
static void why_chain(DrawList *list, Box box, const Player *player, uint32_t task)
{
    Why why = {0};
    why_now(&why, player->recording, &player->scene, task);
    TextStyle style = player->why ? STYLE_SMALL : STYLE_BODY;
    int step = theme_px(list->theme, 14), line = draw_line_height(list, style);
    for (uint32_t i = 0; i < why.count && box.h >= line; i++) {
        int indent = (int)(why.lines[i].depth < 6 ? why.lines[i].depth : 6) * step;
        Box place = {box.x + indent, box.y, box.w - indent, box.h};
        if (box.h < 2 * line && i + 1 < why.count) {
            box.h = line;
            draw_textf(list, box, ALIGN_LEFT, style, COLOUR_TEXT_SOFT,
                       "and so on: %" PRIu32 " more", why.count - i);
            break;
        }
        box_cut_top(&box, draw_paragraph(list, place, style, COLOUR_TEXT_SOFT, why.lines[i].text));
    }
    why_free(&why);
}

// Why the event happened; or, when that is asked for, why the selected thread does not get on.
static void why(DrawList *list, Box box, const Player *player, const TraceRecord *record)
{
    char text[SENTENCE_BYTES];
    if (player->why) {
        why_chain(list, box, player,
                  player->selected_task != 0 ? player->selected_task : record->task);
        return;
    }
    const SceneTask *task = scene_task(&player->scene, record->task);
    if (cause_text(player->recording, &player->scene, text, sizeof text))
        draw_paragraph(list, box, STYLE_BODY, COLOUR_TEXT_SOFT, text);
    else if (task != NULL && (task->wants != 0 || task_state_blocked((TaskState)task->state)))
        why_chain(list, box, player, record->task);
}

void view_now(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    Names names = {player->scenario, &player->recording->tasks, &player->recording->processes};
    char text[SENTENCE_BYTES];
    Box inside = panel_plain(list, box);
    heading(list, box_cut_top(&inside, draw_line_height(list, STYLE_MONO_BOLD)), player);
    int line = draw_line_height(list, STYLE_BODY),
        sentence = draw_line_height(list, STYLE_SENTENCE);
    bool low = inside.h < 4 * line + sentence || player->why; // or the chain needs the room
    box_cut_top(&inside, theme_px(theme, low ? 2 : 8));

    // What comes next keeps its place at the bottom, and so does a line about the quiz; but the
    // event itself comes before both.
    bool last_line = player->quiz || player->message != NULL;
    int room = inside.h - sentence, small = draw_line_height(list, STYLE_SMALL);
    Box foot = box_cut_bottom(&inside, last_line && room >= small + line ? small : 0);
    Box next = box_cut_bottom(&inside, low ? (room >= line ? line : 0) : 2 * line);

    const TraceRecord *record = player_current(player);
    if (record == NULL)
        snprintf(text, sizeof text, "Nothing has happened yet.");
    else
        narrate_sentence(&names, record, text, sizeof text);
    box_cut_top(&inside, draw_paragraph(list, inside, STYLE_SENTENCE, COLOUR_TEXT, text));
    box_cut_top(&inside, theme_px(theme, 6));
    box_cut_bottom(&inside, theme_px(theme, 4));
    if (record != NULL)
        why(list, inside, player, record);
    next_line(list, &next, player, &names);
    if (player->quiz)
        quiz_line(list, foot, player);
    else if (player->message != NULL)
        draw_text(list, foot, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, player->message);
}
