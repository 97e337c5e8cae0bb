/* Loaded into a daemon, lets nothing reach the disk as long as a file is there. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *dam;

__attribute__((constructor)) static void begin(void) {
    dam = getenv("TRUNKLINE_DAM");
    unsetenv("LD_PRELOAD");
}

static void wait_for_it(void) {
    while (dam && access(dam, F_OK) == 0) usleep(2000);
}

int fdatasync(int file) {
    wait_for_it();
    return syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    wait_for_it();
    return syscall(SYS_fsync, file);
}
