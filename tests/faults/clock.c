/* Loaded before the C library: the wall clock of a process and its children is off by the seconds that a file says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_call)(clockid_t, struct timespec *);

static int real(clockid_t clock, struct timespec *now) {
    static clock_call next;
    if (!next) next = (clock_call)dlsym(RTLD_NEXT, "clock_gettime");
    return next(clock, now);
}

static long off_s(void) {
    static long known, read_at = -1;
    struct timespec steady;
    real(CLOCK_MONOTONIC, &steady);
    long tenth = steady.tv_sec * 10 + steady.tv_nsec / 100000000;
    const char *path = getenv("SCORING_CLOCK");
    if (path && tenth != read_at) {
        FILE *file = fopen(path, "r");
        long found;
        if (file) {
            if (fscanf(file, "%ld", &found) == 1) known = found;
            fclose(file);
        }
        read_at = tenth;
    }
    return known;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += off_s();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}
