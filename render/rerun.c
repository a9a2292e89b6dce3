#include "render/rerun.h"

#include "sim/base/array.h"
#include "sim/base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct Job {
    char **overrides;
    size_t count;
    bool due; // there is one
} Job;

struct Rerun {
    TakeSource source;
    char *path;
    TakeSimulate simulate;
    pthread_t thread;
    bool has_thread;
    bool busy; // of the window's thread: started, and not collected

    pthread_mutex_t lock; // of all below
    pthread_cond_t news;  // there is something to do
    Job next;
    ARRAY(Take *) dropped;
    bool closing;
    bool done; // of the last one started: `take` or `error`
    Take *take;
    char *error;
    atomic_bool given_up; // the run under way; read without the lock
};

static void job_free(Job *job)
{
    for (size_t i = 0; i < job->count; i++)
        free(job->overrides[i]);
    free(job->overrides);
    *job = (Job){0};
}

static Job job_make(const char *const *overrides, size_t count)
{
    Job job = {.overrides = calloc(count + 1, sizeof *job.overrides), .count = count, .due = true};
    CHECK(job.overrides != NULL);
    for (size_t i = 0; i < count; i++) {
        job.overrides[i] = strdup(overrides[i]);
        CHECK(job.overrides[i] != NULL);
    }
    return job;
}

// What was made, unless another one has been asked for meanwhile. With the lock.
static void hand_over(Rerun *rerun, Take *take, char *error)
{
    if (rerun->next.due || rerun->closing) {
        if (take != NULL)
            *ARRAY_PUSH(&rerun->dropped) = take;
        free(error);
        return;
    }
    rerun->take = take;
    rerun->error = error;
    rerun->done = true;
}

// Does what there is to do; with the lock, which it lets go meanwhile. False: there is nothing.
static bool work(Rerun *rerun)
{
    if (rerun->dropped.count > 0) {
        Take *take = rerun->dropped.at[--rerun->dropped.count];
        pthread_mutex_unlock(&rerun->lock);
        take_free(take);
        pthread_mutex_lock(&rerun->lock);
        return true;
    }
    if (!rerun->next.due || rerun->closing)
        return false;
    Job job = rerun->next;
    rerun->next = (Job){0};
    atomic_store(&rerun->given_up, false);
    pthread_mutex_unlock(&rerun->lock);
    char *error;
    Take *take = take_from(&rerun->source, (const char *const *)job.overrides, job.count,
                           rerun->simulate, &rerun->given_up, &error);
    job_free(&job);
    pthread_mutex_lock(&rerun->lock);
    hand_over(rerun, take, error);
    return true;
}

static void *work_on(void *context)
{
    Rerun *rerun = context;
    pthread_mutex_lock(&rerun->lock);
    for (;;) {
        if (work(rerun))
            continue;
        if (rerun->closing)
            break;
        pthread_cond_wait(&rerun->news, &rerun->lock);
    }
    pthread_mutex_unlock(&rerun->lock);
    return NULL;
}

Rerun *rerun_open(const TakeSource *source, TakeSimulate simulate)
{
    Rerun *rerun = calloc(1, sizeof *rerun);
    CHECK(rerun != NULL);
    rerun->source = *source;
    rerun->path = strdup(source->path);
    CHECK(rerun->path != NULL);
    rerun->source.path = rerun->path;
    rerun->simulate = simulate;
    pthread_mutex_init(&rerun->lock, NULL);
    pthread_cond_init(&rerun->news, NULL);
    rerun->has_thread = pthread_create(&rerun->thread, NULL, work_on, rerun) == 0;
    return rerun;
}

// To be called with the lock, which it lets go. Without a thread the work is done here, and the
// window waits for it.
static void tell(Rerun *rerun)
{
    if (rerun->has_thread)
        pthread_cond_signal(&rerun->news);
    else
        while (work(rerun))
            ;
    pthread_mutex_unlock(&rerun->lock);
}

// What is under way, and what has come of the last one. With the lock.
static void give_up(Rerun *rerun)
{
    atomic_store(&rerun->given_up, true);
    job_free(&rerun->next);
    if (rerun->take != NULL)
        *ARRAY_PUSH(&rerun->dropped) = rerun->take;
    free(rerun->error);
    rerun->take = NULL;
    rerun->error = NULL;
    rerun->done = false;
}

void rerun_close(Rerun *rerun)
{
    pthread_mutex_lock(&rerun->lock);
    give_up(rerun);
    rerun->closing = true;
    tell(rerun);
    if (rerun->has_thread)
        pthread_join(rerun->thread, NULL);
    pthread_cond_destroy(&rerun->news);
    pthread_mutex_destroy(&rerun->lock);
    ARRAY_FREE(&rerun->dropped);
    free(rerun->path);
    free(rerun);
}

void rerun_start(Rerun *rerun, const char *const *overrides, size_t count)
{
    pthread_mutex_lock(&rerun->lock);
    give_up(rerun);
    rerun->next = job_make(overrides, count);
    rerun->busy = true;
    tell(rerun);
}

bool rerun_busy(const Rerun *rerun)
{
    return rerun->busy;
}

bool rerun_collect(Rerun *rerun, Take **take, char **error)
{
    if (!rerun->busy)
        return false;
    pthread_mutex_lock(&rerun->lock);
    bool done = rerun->done;
    if (done) {
        *take = rerun->take;
        *error = rerun->error;
        rerun->take = NULL;
        rerun->error = NULL;
        rerun->done = false;
        rerun->busy = false;
    }
    pthread_mutex_unlock(&rerun->lock);
    return done;
}

void rerun_drop(Rerun *rerun, Take *take)
{
    if (take == NULL)
        return;
    pthread_mutex_lock(&rerun->lock);
    *ARRAY_PUSH(&rerun->dropped) = take;
    tell(rerun);
}
