#include "render/rerun.h"

#include "sim/base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct Rerun {
    char *path;
    TakeSimulate simulate;
    pthread_t thread;
    bool started;     // there is a thread to join
    char **overrides; // of the run under way
    size_t override_count;
    atomic_bool given_up, done;
    Take *take;
    char *error;
};

static void *make_take(void *context)
{
    Rerun *rerun = context;
    rerun->take =
        take_make(rerun->path, (const char *const *)rerun->overrides, rerun->override_count,
                  rerun->simulate, &rerun->given_up, &rerun->error);
    atomic_store(&rerun->done, true);
    return NULL;
}

static void drop_overrides(Rerun *rerun)
{
    for (size_t i = 0; i < rerun->override_count; i++)
        free(rerun->overrides[i]);
    free(rerun->overrides);
    rerun->overrides = NULL;
    rerun->override_count = 0;
}

static void give_up(Rerun *rerun)
{
    if (!rerun->started)
        return;
    atomic_store(&rerun->given_up, true);
    pthread_join(rerun->thread, NULL);
    rerun->started = false;
    take_free(rerun->take);
    free(rerun->error);
    rerun->take = NULL;
    rerun->error = NULL;
}

Rerun *rerun_open(const char *path, TakeSimulate simulate)
{
    Rerun *rerun = calloc(1, sizeof *rerun);
    CHECK(rerun != NULL);
    rerun->path = strdup(path);
    CHECK(rerun->path != NULL);
    rerun->simulate = simulate;
    return rerun;
}

void rerun_close(Rerun *rerun)
{
    give_up(rerun);
    drop_overrides(rerun);
    free(rerun->path);
    free(rerun);
}

void rerun_start(Rerun *rerun, const char *const *overrides, size_t count)
{
    give_up(rerun);
    drop_overrides(rerun);
    rerun->overrides = calloc(count + 1, sizeof *rerun->overrides);
    CHECK(rerun->overrides != NULL);
    rerun->override_count = count;
    for (size_t i = 0; i < count; i++)
        rerun->overrides[i] = strdup(overrides[i]);
    atomic_store(&rerun->given_up, false);
    atomic_store(&rerun->done, false);
    int error = pthread_create(&rerun->thread, NULL, make_take, rerun);
    rerun->started = true;
    if (error != 0) { // then it is made here, and the window waits for it
        make_take(rerun);
        rerun->started = false;
    }
}

bool rerun_busy(const Rerun *rerun)
{
    return rerun->started;
}

bool rerun_collect(Rerun *rerun, Take **take, char **error)
{
    if (rerun->started && atomic_load(&rerun->done)) {
        pthread_join(rerun->thread, NULL);
        rerun->started = false;
    }
    if (rerun->started || (rerun->take == NULL && rerun->error == NULL))
        return false;
    *take = rerun->take;
    *error = rerun->error;
    rerun->take = NULL;
    rerun->error = NULL;
    return true;
}
