// A million threads through the command itself: loads, runs and reports a scenario of a million
// threads that compute and sleep, and says how long that takes and how much memory the process had
// at its peak. Fails when the peak is above the goal of 2 GB: memory, unlike time, does not depend
// on how busy the machine is.
//
// How to run: tests/bench_million [--threads N] [--smoke: the summary only]. The program is the
// `ringside` of the same build; run one of an -O2 build.
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Threads arrive over ten seconds, so that the 64 cores (a million times 3 x 100 us over 10 s is
// 30 cores' worth) work through them while others sleep.
static void write_scenario(const char *path, long threads)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    fprintf(file,
            "title: A million threads\n"
            "machine: { cores: 64 }\n"
            "threads:\n"
            "  - name: worker\n"
            "    count: %ld\n"
            "    start: uniform(0s, 10s)\n"
            "    run:\n"
            "      - repeat: { times: 3, do: [ { compute: 100us }, { sleep: exp(1s) } ] }\n",
            threads);
    if (fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

// Runs `ringside run PATH [FORMAT]` with its output thrown away. Returns whether it ended well and
// stayed within `goal_kb`.
static int run(const char *path, const char *format, long threads, long goal_kb)
{
    double begin = now_s();
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        execl(RINGSIDE_BINARY, "ringside", "run", path, format, (char *)NULL);
        perror(RINGSIDE_BINARY);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("cannot run ringside");
        exit(2);
    }
    int ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%-10s %8ld threads  %6.1f s  peak %7.1f MB  %6.0f bytes/thread%s%s\n",
           format == NULL ? "summary" : format, threads, now_s() - begin,
           (double)usage.ru_maxrss / 1024, (double)usage.ru_maxrss * 1024 / (double)threads,
           ended_well ? "" : "  DID NOT END WELL",
           usage.ru_maxrss <= goal_kb ? "" : "  ABOVE 2 GB");
    fflush(stdout);
    return ended_well && usage.ru_maxrss <= goal_kb;
}

int main(int argc, char **argv)
{
    long threads = 1000000;
    int smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    if (argc == 3 && strcmp(argv[1], "--threads") == 0) {
        threads = atol(argv[2]);
    } else if (argc != 1 && !smoke) {
        fprintf(stderr, "Usage: %s [--threads N] [--smoke]\n", argv[0]);
        return 2;
    }
    char path[] = "/tmp/ringside-million-XXXXXX";
    int descriptor = mkstemp(path);
    if (descriptor < 0) {
        perror(path);
        return 2;
    }
    close(descriptor);
    write_scenario(path, threads);
    const long goal_kb = 2 * 1000 * 1000 / 1024 * 1000;
    int good = run(path, NULL, threads, goal_kb);
    if (!smoke)
        good = run(path, "--json", threads, goal_kb) && good;
    unlink(path);
    return good ? 0 : 1;
}
