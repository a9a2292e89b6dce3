// The sink that writes a trace file: to a temporary name beside the final one, renamed when it is
// complete, so that a file of that name is always whole.
#include "sim/trace/layout.h"
#include "sim/trace/sinks.h"

#include "sim/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool file_sink_write(TraceSink *sink, const TraceRecord *records, size_t count)
{
    FileSink *file = (FileSink *)sink;
    if (file->error != 0 || file->file == NULL)
        return false;
    errno = 0;
    if (fwrite(records, sizeof *records, count, file->file) != count) {
        file->error = errno != 0 ? errno : EIO;
        return false;
    }
    file->count += count;
    return true;
}

// The whole header in `bytes` (malloc), with the record count still 0; NULL when it is too long.
static unsigned char *header_bytes(const TraceHeader *header, size_t *size)
{
    const char *texts[LAYOUT_TEXT_COUNT] = {header->scenario_path, header->scenario_text,
                                            header->overrides, header->machine};
    size_t lengths[LAYOUT_TEXT_COUNT], total = LAYOUT_TEXTS;
    for (int i = 0; i < LAYOUT_TEXT_COUNT; i++) {
        lengths[i] = texts[i] == NULL ? 0 : strlen(texts[i]);
        total += lengths[i];
    }
    total = (total + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    if (total > UINT32_MAX)
        return NULL;
    unsigned char *bytes = calloc(1, total);
    CHECK(bytes != NULL);
    memcpy(bytes, TRACE_MAGIC, LAYOUT_MAGIC_BYTES);
    layout_put(bytes + LAYOUT_VERSION, 4, TRACE_FILE_VERSION);
    layout_put(bytes + LAYOUT_HEADER_BYTES, 4, total);
    layout_put(bytes + LAYOUT_RECORD_BYTES, 4, sizeof(TraceRecord));
    layout_put(bytes + LAYOUT_FLAGS, 4, header->measured ? LAYOUT_FLAG_MEASURED : 0);
    layout_put(bytes + LAYOUT_SEED, 8, header->seed);
    unsigned char *end = bytes + LAYOUT_TEXTS;
    for (int i = 0; i < LAYOUT_TEXT_COUNT; i++) {
        layout_put(bytes + LAYOUT_LENGTHS + 4 * i, 4, lengths[i]);
        if (lengths[i] > 0)
            memcpy(end, texts[i], lengths[i]);
        end += lengths[i];
    }
    *size = total;
    return bytes;
}

static char *text_joined(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 1;
    char *text = malloc(size);
    CHECK(text != NULL);
    snprintf(text, size, "%s%s", a, b);
    return text;
}

// Opens a file that did not exist, in the directory of the final one (a rename must not cross file
// systems). Several names are tried: a run that was killed may have left its own behind.
static FILE *temporary_open(FileSink *file)
{
    for (int i = 0; i < 100; i++) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, ".tmp%d", i);
        free(file->temporary_path);
        file->temporary_path = text_joined(file->path, suffix);
        FILE *stream = fopen(file->temporary_path, "wbx");
        if (stream != NULL || errno != EEXIST)
            return stream;
    }
    return NULL;
}

bool file_sink_open(FileSink *file, const char *path, const TraceHeader *header, Diag *diag)
{
    *file = (FileSink){.sink.write = file_sink_write, .path = text_joined(path, "")};
    size_t size;
    unsigned char *bytes = header_bytes(header, &size);
    if (bytes == NULL) {
        file_sink_abandon(file);
        return diag_fail(diag, (SourceAt){0}, "a scenario of 4 GiB does not fit in a trace file");
    }
    errno = 0;
    FILE *stream = temporary_open(file);
    file->file = stream;
    bool written = stream != NULL && fwrite(bytes, 1, size, stream) == size;
    int error = errno;
    free(bytes);
    if (written)
        return true;
    diag_fail(diag, (SourceAt){0}, "cannot write the trace '%s': %s", file->temporary_path,
              strerror(error));
    file_sink_abandon(file);
    return false;
}

bool file_sink_close(FileSink *file, Diag *diag)
{
    FILE *stream = file->file;
    CHECK(stream != NULL);
    unsigned char count[8];
    layout_put(count, 8, file->count);
    errno = 0;
    bool good = file->error == 0;
    good = good && fseek(stream, LAYOUT_COUNT, SEEK_SET) == 0;
    good = good && fwrite(count, 1, sizeof count, stream) == sizeof count;
    good = fclose(stream) == 0 && good;
    file->file = NULL;
    good = good && rename(file->temporary_path, file->path) == 0;
    if (!good) {
        int error = file->error != 0 ? file->error : errno;
        diag_fail(diag, (SourceAt){0}, "cannot write the trace '%s': %s", file->path,
                  strerror(error));
        remove(file->temporary_path);
        file_sink_abandon(file);
        return false;
    }
    free(file->temporary_path);
    free(file->path);
    file->temporary_path = file->path = NULL;
    return true;
}

void file_sink_abandon(FileSink *file)
{
    if (file->file != NULL) {
        fclose(file->file);
        remove(file->temporary_path);
    }
    free(file->temporary_path);
    free(file->path);
    file->file = NULL;
    file->temporary_path = file->path = NULL;
}
