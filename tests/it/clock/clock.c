/* Loaded into a daemon, puts its time of day forward or back by the milliseconds that a file holds, as they change. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile long long *ahead_ms;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TRUNKLINE_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *map = mmap(0, sizeof *ahead_ms, PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) ahead_ms = map;
    close(file);
    unsetenv("LD_PRELOAD");
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = syscall(SYS_clock_gettime, clock, time);
    if (!failed && ahead_ms && clock == CLOCK_REALTIME) {
        long long ms = *ahead_ms;
        time->tv_sec += ms / 1000;
    }
    return failed;
}
