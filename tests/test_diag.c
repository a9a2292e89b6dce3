// Messages: their form, their order and the nearest word.
#include "sim/base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void a_message_shows_line_caret_and_hint(void **state)
{
    (void)state;
    Diag diag = {.path = "gil.yaml", .source = "a\n          - compute: 50\nb"};
    // Ten blanks, "- compute: " is eleven characters: the 50 stands in column 22.
    assert_false(diag_fail_hint(&diag, (SourceAt){2, 22, 2}, "did you mean 50ms?",
                                "'compute' needs a duration; found '%d'", 50));
    assert_string_equal(diag_text(&diag),
                        "gil.yaml:2:22: error: 'compute' needs a duration; found '50'\n"
                        "    2 |           - compute: 50\n"
                        "      |                      ^~ did you mean 50ms?\n");
    diag_free(&diag);
}

static void a_message_without_a_place_is_one_line(void **state)
{
    (void)state;
    Diag diag = {0};
    diag_fail(&diag, (SourceAt){0}, "cannot open '%s'", "x");
    diag_warn(&diag, (SourceAt){0}, "careful");
    assert_string_equal(diag_text(&diag), "error: cannot open 'x'\nwarning: careful\n");
    assert_int_equal(diag.errors, 1);
    assert_int_equal(diag.warnings, 1);
    diag.path = "a.yaml";
    assert_string_equal(diag_text(&diag),
                        "a.yaml: error: cannot open 'x'\na.yaml: warning: careful\n");
    diag_free(&diag);
}

static void messages_stand_in_order_of_their_place(void **state)
{
    (void)state;
    Diag diag = {0};
    diag_fail(&diag, (SourceAt){0}, "nowhere");
    diag_fail(&diag, (SourceAt){3, 1, 1}, "third");
    diag_fail(&diag, (SourceAt){1, 9, 1}, "second");
    diag_fail(&diag, (SourceAt){1, 2, 1}, "first");
    diag_fail(&diag, (SourceAt){3, 1, 1}, "fourth, at the same place");
    assert_string_equal(diag_text(&diag), "line 1:2: error: first\n"
                                          "line 1:9: error: second\n"
                                          "line 3:1: error: third\n"
                                          "line 3:1: error: fourth, at the same place\n"
                                          "error: nowhere\n");
    assert_string_equal(diag.last->text, "nowhere");
    diag_free(&diag);
}

static void the_first_errors_of_the_source_are_kept(void **state)
{
    (void)state;
    Diag diag = {0};
    // Lines 100, 99, … 71: of these thirty, the twenty with the least lines are 71 to 90.
    for (uint32_t line = 100; line > 70; line--)
        diag_fail(&diag, (SourceAt){line, 1, 1}, "line %u", line);
    assert_int_equal(diag.errors, 30);
    uint32_t expected = 71;
    for (const DiagMessage *message = diag.first; message != NULL; message = message->next)
        assert_int_equal(message->at.line, expected++);
    assert_int_equal(expected, 91);
    assert_non_null(strstr(diag_text(&diag), "and 10 more errors\n"));
    diag_free(&diag);
}

static void columns_count_characters_and_tabs_stay(void **state)
{
    (void)state;
    Diag diag = {.path = "p", .source = "\tgr\xC3\xBCn: x"};
    diag_fail(&diag, (SourceAt){1, 8, 1}, "here"); // tab g r ü n : blank x: the x is the eighth
    assert_string_equal(diag_text(&diag), "p:1:8: error: here\n"
                                          "    1 | \tgr\xC3\xBCn: x\n"
                                          "      | \t      ^\n");
    diag_free(&diag);
}

static void a_line_cannot_steer_the_terminal(void **state)
{
    (void)state;
    Diag diag = {.path = "p", .source = "a\x1b[31m\xFF\r\nb"};
    diag_fail(&diag, (SourceAt){1, 1, 1}, "here");
    assert_string_equal(diag_text(&diag), "p:1:1: error: here\n"
                                          "    1 | a?[31m?\n"
                                          "      | ^\n");
    diag_free(&diag);
}

static void a_place_beyond_the_text_is_no_crash(void **state)
{
    (void)state;
    Diag diag = {.path = "p", .source = "ab"};
    diag_fail(&diag, (SourceAt){1, 5, 9}, "behind the line");
    diag_fail(&diag, (SourceAt){7, 1, 1}, "behind the text");
    assert_string_equal(diag_text(&diag), "p:1:5: error: behind the line\n"
                                          "    1 | ab\n"
                                          "      |     ^~~~~~~~~\n"
                                          "p:7:1: error: behind the text\n");
    diag_free(&diag);
}

static void a_long_line_is_shown_around_the_place(void **state)
{
    (void)state;
    char source[401] = {0};
    memset(source, '.', 400);
    source[299] = 'X';
    Diag diag = {.path = "p", .source = source};
    diag_fail(&diag, (SourceAt){1, 300, 1}, "here");
    // Shown are columns 240 (60 before the place) to 399, with a sign that there is more.
    char expected[600];
    int dots = 60;
    snprintf(expected, sizeof expected, "p:1:300: error: here\n    1 | …%.*sX%.*s…\n      | %*s^\n",
             dots, source, 99, source, dots + 1, "");
    assert_string_equal(diag_text(&diag), expected);
    diag_free(&diag);
}

static void the_nearest_word_is_suggested(void **state)
{
    (void)state;
    const char *const words[] = {"compute", "sleep", "yield", NULL, "lock", "unlock"};
    size_t count = sizeof words / sizeof words[0];
    assert_string_equal(diag_nearest("compte", words, count), "compute"); // one letter missing
    assert_string_equal(diag_nearest("sleeep", words, count), "sleep");   // one too many
    assert_string_equal(diag_nearest("yeild", words, count), "yield");    // two swapped: one step
    assert_string_equal(diag_nearest("YIELD", words, count), "yield");    // case is no difference
    assert_string_equal(diag_nearest("lokc", words, count), "lock");
    assert_null(diag_nearest("barrier", words, count)); // more than a third differs from each
    assert_null(diag_nearest("", words, count));
    assert_null(diag_nearest("x", words, 0));
    // Two letters that share none are not alike, though only two differ.
    const char *const small[] = {"rr"};
    assert_null(diag_nearest("ab", small, 1));
    // The first of two that are equally near.
    const char *const equal[] = {"cat", "car"};
    assert_string_equal(diag_nearest("caz", equal, 2), "cat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_shows_line_caret_and_hint),
        cmocka_unit_test(a_message_without_a_place_is_one_line),
        cmocka_unit_test(messages_stand_in_order_of_their_place),
        cmocka_unit_test(the_first_errors_of_the_source_are_kept),
        cmocka_unit_test(columns_count_characters_and_tabs_stay),
        cmocka_unit_test(a_line_cannot_steer_the_terminal),
        cmocka_unit_test(a_place_beyond_the_text_is_no_crash),
        cmocka_unit_test(a_long_line_is_shown_around_the_place),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
