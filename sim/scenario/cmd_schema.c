// `ringside schema`: the JSON Schema of the scenario language; with --reference its reference.
#include "sim/cli.h"
#include "sim/scenario/reference.h"
#include "sim/scenario/schema.h"

typedef struct Schema {
    bool reference;
} Schema;

enum { KEY_REFERENCE = 256 };

static const struct argp_option options[] = {
    // For those who change the language: scenarios/README.md is this text.
    {"reference", KEY_REFERENCE, NULL, OPTION_HIDDEN, "Print the language's reference instead", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    (void)value;
    Schema *schema = state->input;
    if (key != KEY_REFERENCE)
        return ARGP_ERR_UNKNOWN;
    schema->reference = true;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .doc = "Prints the JSON Schema of the scenario language. An editor that knows it completes "
           "and checks scenarios while they are written."
           "\vExample:\n  ringside schema > ringside.schema.json\n\nThen begin a scenario with\n"
           "  # yaml-language-server: $schema=ringside.schema.json",
};

int cmd_schema(int argc, char **argv)
{
    Schema schema = {0};
    cli_parse(&argp, argc, argv, &schema);
    Arena arena = {0};
    fputs(schema.reference ? reference_text(&arena) : schema_text(&arena), stdout);
    arena_free(&arena);
    return CLI_OK;
}
