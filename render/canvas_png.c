// A canvas as a PNG file, for whoever has no CliFile: the window's key for a picture, and tests.
#include "render/canvas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool refused(Diag *diag, const char *path, int error)
{
    return diag_fail(diag, (SourceAt){0}, "cannot write the picture '%s': %s", path,
                     strerror(error));
}

static bool write_whole(const char *temporary, const unsigned char *bytes, size_t count)
{
    FILE *stream = fopen(temporary, "wbx");
    if (stream == NULL)
        return false;
    bool good = fwrite(bytes, 1, count, stream) == count;
    int error = errno;
    if (fclose(stream) != 0 && good) {
        good = false;
        error = errno;
    }
    errno = error;
    return good;
}

bool canvas_save_png(const Canvas *canvas, const char *path, Diag *diag)
{
    unsigned char *png;
    size_t count;
    if (!canvas_encode_png(canvas, &png, &count, diag))
        return false;
    // Of this process alone: a file of that name is a dead one's.
    char *temporary = arena_format(&diag->arena, "%s.%ld.tmp", path, (long)getpid());
    unlink(temporary);
    bool good = write_whole(temporary, png, count) && rename(temporary, path) == 0;
    int error = errno;
    free(png);
    if (!good)
        unlink(temporary);
    return good || refused(diag, path, error);
}
