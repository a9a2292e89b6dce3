// What happens now: the instant, the event as a sentence, why, and what comes next.
#include "render/panel.h"
#include "render/views.h"
#include "sim/analysis/cause.h"
#include "sim/analysis/sentence.h"
#include "sim/base/count.h"

#include <inttypes.h>
#include <stdio.h>

enum { SENTENCE_BYTES = 512 };

// "12.345 678 ms": exact to the nanosecond, in groups of three.
static char *instant_text(int64_t ns, char text[static 48])
{
    snprintf(text, 48, "%" PRId64 ".%03" PRId64 " %03" PRId64 " ms", ns / 1000000,
             ns / 1000 % 1000, ns % 1000);
    return text;
}

static void heading(DrawList *list, Box row, const Player *player)
{
    char text[48], done[32], all[32];
    int gap = theme_px(list->theme, 12);
    char where[80];
    snprintf(where, sizeof where, "event %s of %s", count_text(player->scene.next, done),
             count_text(player->recording->count, all));
    int taken = draw_text(list, row, ALIGN_RIGHT, STYLE_SMALL, COLOUR_TEXT_SOFT, where);
    row.w -= taken + gap;
    box_cut_left(&row, draw_text(list, row, ALIGN_LEFT, STYLE_CAPTION, COLOUR_TEXT_SOFT, "NOW") +
                           gap);
    draw_text(list, row, ALIGN_LEFT, STYLE_MONO_BOLD, COLOUR_TEXT,
              instant_text(player->time_ns, text));
}

static void first_letter_up(char *text)
{
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
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
                        : player->revealed             ? "This is the answer."
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

void view_now(DrawList *list, Box box, const Player *player)
{
    const Theme *theme = list->theme;
    Names names = {player->scenario, &player->recording->tasks, &player->recording->processes};
    char text[SENTENCE_BYTES];
    Box inside = panel_plain(list, box);
    heading(list, box_cut_top(&inside, draw_line_height(list, STYLE_MONO_BOLD)), player);
    box_cut_top(&inside, theme_px(theme, 8));

    // What comes next keeps its place at the bottom, two lines and one about the quiz.
    int line = draw_line_height(list, STYLE_BODY);
    bool last_line = player->quiz || player->message != NULL;
    Box foot = box_cut_bottom(&inside, last_line ? draw_line_height(list, STYLE_SMALL) : 0);
    Box next = box_cut_bottom(&inside, 2 * line + theme_px(theme, 4));

    const TraceRecord *record = player_current(player);
    if (record == NULL)
        snprintf(text, sizeof text, "Nothing has happened yet.");
    else
        narrate_sentence(&names, record, text, sizeof text);
    (void)first_letter_up;
    box_cut_top(&inside, draw_paragraph(list, inside, STYLE_SENTENCE, COLOUR_TEXT, text));
    box_cut_top(&inside, theme_px(theme, 6));
    if (record != NULL && inside.h >= line && cause_text(player->recording, &player->scene, text, sizeof text))
        draw_paragraph(list, inside, STYLE_BODY, COLOUR_TEXT_SOFT, text);
    next_line(list, &next, player, &names);
    if (player->quiz)
        quiz_line(list, foot, player);
    else if (player->message != NULL)
        draw_text(list, foot, ALIGN_LEFT, STYLE_SMALL, COLOUR_TEXT_SOFT, player->message);
}
