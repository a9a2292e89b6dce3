// The outputs of `ringside run`: opened before the run, completed behind it, or given up.
#include "sim/analysis/cmd_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool output_write(void *context, const char *bytes, size_t count)
{
    return cli_file_write(&((Output *)context)->file, bytes, count);
}

bool output_open(Output *output, const char *path)
{
    output->open = cli_file_open(&output->file, path);
    if (output->open)
        writer_open(&output->writer, output_write, output);
    return output->open;
}

bool output_close(Output *output)
{
    output->open = false;
    writer_flush(&output->writer); // a failure is the file's too
    return cli_file_close(&output->file);
}

// The sink needs a path that it can rename to. For standard output, a pipe or a device that is a
// temporary file; its bytes are copied when it is complete.
static bool save_open(Outputs *outputs, const Scenario *scenario, Diag *diag)
{
    const char *path = outputs->save_to;
    char *real = realpath(path, NULL);
    struct stat status;
    outputs->save_copied = strcmp(path, "-") == 0 ||
                           (real != NULL && stat(real, &status) == 0 && !S_ISREG(status.st_mode));
    outputs->save_path =
        outputs->save_copied ? cli_temporary_file() : strdup(real != NULL ? real : path);
    free(real);
    if (outputs->save_path == NULL)
        return false;
    TraceHeader header = {
        .measured = false,
        .seed = scenario->seed,
        .scenario_path = scenario->path,
        .scenario_text = scenario->source,
        .overrides = scenario->overrides,
        .machine = "",
    };
    outputs->saving = file_sink_open(&outputs->save, outputs->save_path, &header, diag);
    if (outputs->saving)
        cli_guard(outputs->save.temporary_path);
    return outputs->saving;
}

static bool save_copy(const Outputs *outputs)
{
    CliFile out;
    FILE *from = fopen(outputs->save_path, "rb");
    bool good = from != NULL && cli_file_open(&out, outputs->save_to);
    char bytes[1 << 16];
    for (size_t got; good && (got = fread(bytes, 1, sizeof bytes, from)) > 0;)
        cli_file_write(&out, bytes, got);
    good = good && cli_file_close(&out);
    if (from != NULL)
        fclose(from);
    return good;
}

static bool save_close(Outputs *outputs, Diag *diag)
{
    char *temporary = strdup(outputs->save.temporary_path);
    outputs->saving = false;
    bool good = file_sink_close(&outputs->save, diag);
    cli_unguard(temporary);
    free(temporary);
    return good && (!outputs->save_copied || save_copy(outputs));
}

bool outputs_open(Outputs *outputs, const Options *asked, const Scenario *scenario, Diag *diag)
{
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        const char *path = asked->paths[i];
        if (path != NULL && !output_open(&outputs->at[i], path))
            return false;
    }
    outputs->save_to = asked->paths[OUTPUT_SAVE];
    return outputs->save_to == NULL || save_open(outputs, scenario, diag);
}

bool outputs_close(Outputs *outputs, Diag *diag)
{
    bool good = true;
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        if (outputs->at[i].open)
            good = output_close(&outputs->at[i]) && good;
    }
    if (outputs->saving)
        good = save_close(outputs, diag) && good;
    return good;
}

void outputs_free(Outputs *outputs)
{
    for (int i = 0; i < OUTPUT_SAVE; i++) {
        if (outputs->at[i].open)
            cli_file_abandon(&outputs->at[i].file);
    }
    if (outputs->saving)
        file_sink_abandon(&outputs->save);
    if (outputs->save_copied && outputs->save_path != NULL) {
        unlink(outputs->save_path);
        cli_unguard(outputs->save_path);
    }
    free(outputs->save_path);
}
