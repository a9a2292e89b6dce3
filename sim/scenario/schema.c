// Builds the JSON Schema of the scenario language from its lists. Not a checker: the loader is.
#include "sim/scenario/schema.h"

#include "sim/base/check.h"
#include "sim/scenario/keys.h"
#include "sim/scenario/loader.h"
#include "sim/scenario/scenario.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// What a scalar of the language is in a schema. Names in YAML may look like numbers; where a text
// is due the loader takes any scalar.
#define UNITS        "(ns|us|µs|ms|s|min|h)"
#define AMOUNT       "[0-9][0-9_]*(\\.[0-9]+)?"
#define TIME_PATTERN "^ *" AMOUNT " *" UNITS " *$"

// "exp(5ms)": the names of dists.def, then anything in parentheses.
static const char *dist_pattern(Arena *arena)
{
    static const char *const names[] = {
#define DIST(kind, name, parameters, example, text) name,
#include "sim/scenario/dists.def"
#undef DIST
    };
    const char *alternatives = names[0];
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
        alternatives = arena_format(arena, "%s|%s", alternatives, names[i]);
    return arena_format(arena, "^ *(%s) *\\(.*\\) *$", alternatives);
}

// The type of an op's field, as a name under "$defs".
static const char *field_type_name(FieldType type)
{
    switch (type) {
    case FIELD_DURATION:
        return "duration";
    case FIELD_COUNT:
        return "count";
    case FIELD_CHANCE:
        return "chance";
    case FIELD_TEXT:
        return "text";
    case FIELD_BLOCK:
        return "ops";
    case FIELD_MODE:
        return "mode";
    case FIELD_TEST:
        return "text";
    case FIELD_INTEGER:
        return "integer";
    case FIELD_SIZE:
        return "size";
    case FIELD_CODE:
        return "exit_code";
    case FIELD_FLAG:
        return "bool";
    case FIELD_ACCESS:
        return "access";
    case FIELD_SIGNAL:
        return "signal";
    case FIELD_PIPE_END:
        return "pipe_end";
    case FIELD_SYSCALL:
        return "syscall";
    case FIELD_RETURN_WHEN:
        return "return_when";
    case FIELD_EVENT_LOOP:
        return "event_loop";
    case FIELD_START_METHOD:
        return "start_method";
    case FIELD_WORK:
        return "awaited";
    case FIELD_AWAITED:
        return "awaited";
    case FIELD_HANDLERS:
        return "handlers";
    default:
        return "name";
    }
}

// A value from jansson's format string; a mistake in the format is our bug.
static json_t *make(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    json_error_t error;
    json_t *value = json_vpack_ex(&error, 0, format, values);
    va_end(values);
    CHECKF(value != NULL, "%s in %s", error.text, format);
    return value;
}

static json_t *reference_to(const char *name)
{
    char path[64];
    CHECK(strlen(name) < sizeof path - 9);
    strcpy(path, "#/$defs/");
    strcat(path, name);
    return make("{s:s}", "$ref", path);
}

// An object of known properties and no others.
static json_t *object_of(json_t *properties, json_t *required)
{
    json_t *object = make("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                          "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_object_set(object, "required", required);
    json_decref(required);
    return object;
}

static json_t *described(json_t *schema, const char *text)
{
    json_object_set_new(schema, "description", json_string(text));
    return schema;
}

// The map of a section's keys; `properties` may hold others already.
static json_t *section_schema(KeySection section, json_t *properties)
{
    json_t *required = json_array();
    size_t count;
    const KeyInfo *infos = key_infos(&count);
    for (size_t i = 0; i < count; i++) {
        if (infos[i].section != section)
            continue;
        json_t *key = described(reference_to(key_type_name(infos[i].type)), infos[i].text);
        json_object_set_new(properties, infos[i].name, key);
        if (infos[i].required)
            json_array_append_new(required, json_string(infos[i].name));
    }
    return object_of(properties, required);
}

// The value behind an op's name: its one short field, a map of its fields, or either.
static json_t *op_schema(const OpInfo *info)
{
    json_t *properties = json_object(), *required = json_array(), *brief = NULL;
    for (int f = 0; f < OP_FIELDS_MAX && info->fields[f].name != NULL; f++) {
        const OpField *field = &info->fields[f];
        const char *type = field_type_name(field->type);
        json_object_set_new(properties, field->name, described(reference_to(type), field->text));
        if (field->flags & FIELD_REQUIRED)
            json_array_append_new(required, json_string(field->name));
        if (field->flags & FIELD_SHORT)
            brief = reference_to(type);
    }
    json_t *schema = object_of(properties, required);
    if (brief != NULL)
        schema = make("{s:[o, o]}", "anyOf", brief, schema);
    return described(schema, info->text);
}

static bool takes_nothing(const OpInfo *info)
{
    for (int f = 0; f < OP_FIELDS_MAX && info->fields[f].name != NULL; f++)
        if (info->fields[f].flags & FIELD_REQUIRED)
            return false;
    return true;
}

// An op is a bare name or a map of one key.
static json_t *any_op_schema(void)
{
    json_t *bare = json_array(), *properties = json_object();
    for (unsigned code = 0; code < OP_CODE_COUNT; code++) {
        const OpInfo *info = op_info(code);
        if (info == NULL)
            continue;
        if (takes_nothing(info))
            json_array_append_new(bare, json_string(info->name));
        if (info->fields[0].name != NULL)
            json_object_set_new(properties, info->name, op_schema(info));
    }
    json_t *map = make("{s:s, s:o, s:b, s:i, s:i}", "type", "object", "properties", properties,
                       "additionalProperties", 0, "minProperties", 1, "maxProperties", 1);
    return make("{s:[{s:o}, o]}", "anyOf", "enum", bare, map);
}

static json_t *costs_schema(void)
{
    json_t *properties = json_object();
    for (int c = 0; c < COST_COUNT; c++) {
        const CostInfo *info = cost_info((CostId)c);
        json_object_set_new(properties, info->name, described(reference_to("time"), info->text));
    }
    return make("{s:[o, o]}", "anyOf", reference_to("profile"),
                section_schema(KEYS_COSTS, properties));
}

static json_t *limits_schema(void)
{
    json_t *properties = json_object();
#define X(id, name, value, text)                                                                   \
    json_object_set_new(                                                                           \
        properties, name,                                                                          \
        described(reference_to(LIMIT_##id == LIMIT_TIME ? "time" : "count"), text));
    LIMITS(X)
#undef X
    return object_of(properties, json_array());
}

static json_t *list_of(json_t *items)
{
    return make("{s:s, s:o}", "type", "array", "items", items);
}

// The words of a closed set.
static json_t *words_schema(FieldType type)
{
    size_t count;
    const char *const *words = field_words(type, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(words[i]));
    return make("{s:o}", "enum", list);
}

static void define_kernel_values(json_t *defs)
{
    json_object_set_new(
        defs, "size",
        make("{s:s, s:s}", "type", "string", "pattern", "^ *" AMOUNT " *(B|KiB|MiB|GiB|TiB) *$"));
    json_object_set_new(defs, "exit_code",
                        make("{s:s, s:i, s:i}", "type", "integer", "minimum", 0, "maximum", 255));
    json_object_set_new(defs, field_type_name(FIELD_ACCESS), words_schema(FIELD_ACCESS));
    json_object_set_new(defs, field_type_name(FIELD_SIGNAL), words_schema(FIELD_SIGNAL));
    json_object_set_new(defs, field_type_name(FIELD_PIPE_END), words_schema(FIELD_PIPE_END));
    json_object_set_new(defs, field_type_name(FIELD_SYSCALL), words_schema(FIELD_SYSCALL));
    json_object_set_new(defs, field_type_name(FIELD_RETURN_WHEN), words_schema(FIELD_RETURN_WHEN));
    json_object_set_new(defs, field_type_name(FIELD_EVENT_LOOP), words_schema(FIELD_EVENT_LOOP));
    json_object_set_new(defs, field_type_name(FIELD_START_METHOD),
                        words_schema(FIELD_START_METHOD));
}

// Scalars: what may stand where one value is due.
static void define_values(json_t *defs, Arena *arena)
{
    json_object_set_new(defs, "text", make("{s:[s, s, s]}", "type", "string", "number", "boolean"));
    json_object_set_new(defs, "name", make("{s:[s, s]}", "type", "string", "number"));
    json_object_set_new(defs, "seed", make("{s:s, s:i}", "type", "integer", "minimum", 0));
    json_object_set_new(defs, "number", reference_to("seed"));
    json_object_set_new(defs, "count",
                        make("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer", "minimum",
                             1, "type", "string", "pattern", "^[0-9][0-9_]*(\\.[0-9]+)?[kMG]?$"));
    json_object_set_new(defs, "nice",
                        make("{s:s, s:i, s:i}", "type", "integer", "minimum", -20, "maximum", 19));
    json_object_set_new(defs, "integer",
                        make("{s:[{s:s}, {s:s, s:s}]}", "anyOf", "type", "integer", "type",
                             "string", "pattern", "^-?[0-9][0-9_]*(\\.[0-9]+)?[kMG]?$"));
    json_object_set_new(defs, "bool", make("{s:s}", "type", "boolean"));
    json_object_set_new(defs, "time",
                        make("{s:s, s:s}", "type", "string", "pattern", TIME_PATTERN));
    json_object_set_new(defs, "duration",
                        make("{s:[o, {s:s, s:s}]}", "anyOf", reference_to("time"), "type", "string",
                             "pattern", dist_pattern(arena)));
    json_object_set_new(defs, "chance",
                        make("{s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "anyOf", "type", "number",
                             "minimum", 0, "maximum", 1, "type", "string", "pattern",
                             "^[0-9]+(\\.[0-9]+)? *%$"));
    json_t *policies = json_array();
    for (int i = 0; i < SCHEDULER_COUNT; i++)
        json_array_append_new(policies, json_string(scheduler_info((SchedulerKind)i)->name));
    json_object_set_new(defs, "policy", make("{s:o}", "enum", policies));
    json_object_set_new(defs, "queuePlace", make("{s:[s, s]}", "enum", "core", "global"));
    json_object_set_new(defs, "queueEnd", make("{s:[s, s]}", "enum", "tail", "head"));
    json_object_set_new(defs, "draws", make("{s:[s, s]}", "enum", "own", "python"));
    json_object_set_new(defs, "generator",
                        make("{s:[s, s, s, s]}", "enum", "scheduler", "mlfq", "lottery", "multi"));
    json_object_set_new(defs, "profile", make("{s:[s, s]}", "enum", "zero", "typical"));
    json_object_set_new(defs, "mode", make("{s:[s, s]}", "enum", "read", "write"));
    json_object_set_new(defs, "python",
                        make("{s:[s, s], s:s}", "type", "string", "number", "pattern",
                             "^(2\\.7|3\\.([89]|1[0-3])|3\\.13t)$"));
    json_object_set_new(defs, "gil", make("{s:[s]}", "enum", "none"));
    json_object_set_new(
        defs, "core",
        make("{s:s, s:i, s:i}", "type", "integer", "minimum", 0, "maximum", CORES_MAX - 1));
    json_object_set_new(
        defs, "cores",
        make("{s:[o, o]}", "anyOf", reference_to("core"), list_of(reference_to("core"))));
}

// A map of names to values of this type.
static json_t *names_of(json_t *value)
{
    return make("{s:s, s:o}", "type", "object", "additionalProperties", value);
}

// A value, or a map of a section's keys.
static json_t *brief_or_map(const char *brief, KeySection section)
{
    return make("{s:[o, o]}", "anyOf", reference_to(brief), section_schema(section, json_object()));
}

// What threads synchronise by.
static void define_syncs(json_t *defs)
{
    json_t *kinds = json_array();
#define X(id, word)                                                                                \
    if (sync_is_lock(SYNC_##id))                                                                   \
        json_array_append_new(kinds, json_string(word));
    SYNC_KINDS(X)
#undef X
    json_object_set_new(defs, "lockKind", make("{s:o}", "enum", kinds));
    json_object_set_new(defs, "preference", make("{s:[s, s]}", "enum", "readers", "writers"));
    json_object_set_new(defs, "order", make("{s:[s, s]}", "enum", "fifo", "priority"));
    json_object_set_new(
        defs, "capacity",
        make("{s:[o, {s:[s]}]}", "anyOf", reference_to("count"), "enum", "unbounded"));
    json_object_set_new(defs, "locks", names_of(brief_or_map("lockKind", KEYS_LOCK)));
    json_object_set_new(defs, "semaphores", names_of(brief_or_map("number", KEYS_SEMAPHORE)));
    json_object_set_new(defs, "conditions", names_of(brief_or_map("name", KEYS_CONDITION)));
    json_object_set_new(defs, "events", list_of(brief_or_map("name", KEYS_EVENT)));
    json_object_set_new(defs, "barriers", names_of(brief_or_map("count", KEYS_BARRIER)));
    json_object_set_new(defs, "queues", names_of(brief_or_map("capacity", KEYS_QUEUE)));
    json_object_set_new(defs, "names", list_of(reference_to("name")));
    json_object_set_new(defs, "asyncio", section_schema(KEYS_ASYNCIO, json_object()));
    json_object_set_new(defs, "variables", names_of(brief_or_map("integer", KEYS_VARIABLE)));
    json_object_set_new(defs, "connectionKind",
                        make("{s:[s, s, s]}", "enum", "pipe", "simple_queue", "queue"));
    json_object_set_new(defs, "connections",
                        names_of(brief_or_map("connectionKind", KEYS_CONNECTION)));
    json_object_set_new(defs, "pools", names_of(brief_or_map("count", KEYS_POOL)));
    json_object_set_new(defs, "managers", names_of(brief_or_map("count", KEYS_MANAGER)));
    json_object_set_new(defs, "executors", names_of(brief_or_map("count", KEYS_EXECUTOR)));
}

// Maps and lists.
static void define_structures(json_t *defs)
{
    json_object_set_new(defs, "machine", section_schema(KEYS_MACHINE, json_object()));
    json_object_set_new(defs, "scheduler",
                        make("{s:[o, o]}", "anyOf", reference_to("policy"),
                             section_schema(KEYS_SCHEDULER, json_object())));
    json_object_set_new(
        defs, "times",
        make("{s:[o, o]}", "anyOf", reference_to("time"), list_of(reference_to("time"))));
    json_object_set_new(
        defs, "counts",
        make("{s:[o, o]}", "anyOf", reference_to("count"), list_of(reference_to("count"))));
    json_object_set_new(defs, "deadline", section_schema(KEYS_DEADLINE, json_object()));
    json_object_set_new(defs, "threadPolicy",
                        make("{s:[{s:s, s:s}, o]}", "anyOf", "type", "string", "pattern",
                             "^(normal|batch|idle|(fifo|rr) +[1-9][0-9]?)$",
                             section_schema(KEYS_POLICY, json_object())));
    json_object_set_new(defs, "workload", section_schema(KEYS_WORKLOAD, json_object()));
    json_object_set_new(defs, "costs", costs_schema());
    json_object_set_new(defs, "limits", limits_schema());
    define_syncs(defs);
    json_object_set_new(
        defs, "functions",
        make("{s:s, s:o}", "type", "object", "additionalProperties", reference_to("ops")));
    json_object_set_new(defs, "device", section_schema(KEYS_DEVICE, json_object()));
    json_object_set_new(defs, "pipes", list_of(reference_to("name")));
    json_object_set_new(
        defs, "message_queues",
        make("{s:s, s:o}", "type", "object", "additionalProperties", reference_to("count")));
    json_object_set_new(defs, "runtime",
                        make("{s:[{s:s, s:s}, o]}", "anyOf", "type", "string", "pattern",
                             "^(c|node|cpython-(2\\.7|3\\.([89]|1[0-3])|3\\.13t))$",
                             section_schema(KEYS_RUNTIME, json_object())));
    json_object_set_new(
        defs, "awaited",
        make("{s:[o, o]}", "anyOf", reference_to("name"), list_of(reference_to("name"))));
    json_object_set_new(
        defs, "handlers",
        make("{s:s, s:o}", "type", "object", "additionalProperties", reference_to("ops")));
    json_object_set_new(defs, "op", any_op_schema());
    json_object_set_new(defs, "ops", list_of(reference_to("op")));
    json_object_set_new(defs, "threads", list_of(section_schema(KEYS_THREAD, json_object())));
    json_object_set_new(defs, "processes", list_of(section_schema(KEYS_PROCESS, json_object())));
    json_object_set_new(defs, "expects", list_of(make("{s:s}", "type", "string")));
}

char *schema_text(Arena *arena)
{
    json_t *root = make("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                        "title", "A ringside scenario");
    json_t *scenario = section_schema(KEYS_SCENARIO, json_object());
    json_object_update(root, scenario);
    json_decref(scenario);
    json_t *defs = json_object();
    define_values(defs, arena);
    define_kernel_values(defs);
    define_structures(defs);
    json_object_set_new(root, "$defs", defs);
    char *text = json_dumps(root, JSON_INDENT(2));
    CHECK(text != NULL);
    char *copy = arena_format(arena, "%s\n", text);
    free(text);
    json_decref(root);
    return copy;
}
