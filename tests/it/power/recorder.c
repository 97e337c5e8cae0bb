/* Writes down, in one order, what a process does to the files of one folder: loaded into it by LD_PRELOAD.
 *
 * A record is: kind (1 byte), length of the name (4), a number (8: place, or length), length of the data (8), the name,
 * the data; numbers are little-endian. The processes that it starts are not recorded: they run under a list of calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 'w', DURABLE_WRITE = 'd', SYNC = 's', TRUNCATE = 't', RENAME = 'r', UNLINK = 'u', CREATE = 'c' };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static char under[PATH_MAX];

#define REAL(type, name, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name);

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("TRUNKLINE_RECORD"), *folder = getenv("TRUNKLINE_RECORD_UNDER");
    if (!log || !folder || strlen(folder) >= sizeof under) return;
    strcpy(under, folder);
    out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    unsetenv("LD_PRELOAD");
    unsetenv("TRUNKLINE_RECORD");
}

static int is_ours(const char *path) {
    size_t length = strlen(under);
    return out >= 0 && strncmp(path, under, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The name of an open file, if it is one of the folder's or the folder itself. */
static const char *named(int fd, char *path) {
    if (out < 0 || fd == out) return NULL;
    char link[64] = "/proc/self/fd/", digits[16];
    int at = 14, count = 0;
    if (fd < 0) return NULL;
    do digits[count++] = '0' + fd % 10; while (fd /= 10);
    while (count) link[at++] = digits[--count];
    link[at] = 0;
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return is_ours(path) ? path : NULL;
}

static void note(char kind, const char *name, uint64_t number, const struct iovec *data, int count, uint64_t length) {
    unsigned char head[21];
    uint32_t name_length = strlen(name);
    head[0] = kind;
    memcpy(head + 1, &name_length, 4);
    memcpy(head + 5, &number, 8);
    memcpy(head + 13, &length, 8);
    syscall(SYS_write, out, head, sizeof head);
    syscall(SYS_write, out, name, name_length);
    for (int i = 0; i < count && length > 0; i++) {
        uint64_t part = data[i].iov_len < length ? data[i].iov_len : length;
        syscall(SYS_write, out, data[i].iov_base, part);
        length -= part;
    }
}

static char kind_of(int fd) { return syscall(SYS_fcntl, fd, F_GETFL) & O_DSYNC ? DURABLE_WRITE : WRITE; }

/* What was written, if anything was, at the place where it began. */
static ssize_t wrote(int fd, off_t at, const struct iovec *data, int count, ssize_t done) {
    char path[PATH_MAX];
    const char *name = done > 0 ? named(fd, path) : NULL;
    if (name) note(kind_of(fd), name, at, data, count, done);
    return done;
}

#define LOCKED(type, call)                                                                                             \
    pthread_mutex_lock(&lock);                                                                                         \
    type done = call;                                                                                                  \
    pthread_mutex_unlock(&lock);                                                                                       \
    return done;

static ssize_t pwrite_at(int fd, const void *data, size_t length, off_t at) {
    struct iovec one = {(void *)data, length};
    LOCKED(ssize_t, wrote(fd, at, &one, 1, syscall(SYS_pwrite64, fd, data, length, at)))
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite_at(fd, data, length, at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) { return pwrite_at(fd, data, length, at); }

static ssize_t pwritev_at(int fd, const struct iovec *data, int count, off_t at) {
    LOCKED(ssize_t, wrote(fd, at, data, count, syscall(SYS_pwritev, fd, data, count, at, 0)))
}
ssize_t pwritev(int fd, const struct iovec *data, int count, off_t at) { return pwritev_at(fd, data, count, at); }
ssize_t pwritev64(int fd, const struct iovec *data, int count, off_t at) { return pwritev_at(fd, data, count, at); }

/* Where the next byte goes of a file that is written from its position on. */
static off_t place(int fd) {
    if (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) return syscall(SYS_lseek, fd, 0, SEEK_END);
    return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

ssize_t writev(int fd, const struct iovec *data, int count) {
    char path[PATH_MAX];
    if (!named(fd, path)) return syscall(SYS_writev, fd, data, count);
    LOCKED(ssize_t, ({ off_t at = place(fd); wrote(fd, at, data, count, syscall(SYS_writev, fd, data, count)); }))
}

ssize_t write(int fd, const void *data, size_t length) {
    struct iovec one = {(void *)data, length};
    char path[PATH_MAX];
    if (!named(fd, path)) return syscall(SYS_write, fd, data, length);
    LOCKED(ssize_t, ({ off_t at = place(fd); wrote(fd, at, &one, 1, syscall(SYS_write, fd, data, length)); }))
}

static int synced(int fd, int done) {
    char path[PATH_MAX];
    const char *name = done == 0 ? named(fd, path) : NULL;
    if (name) note(SYNC, name, 0, NULL, 0, 0);
    return done;
}
int fsync(int fd) { LOCKED(int, synced(fd, syscall(SYS_fsync, fd))) }
int fdatasync(int fd) { LOCKED(int, synced(fd, syscall(SYS_fdatasync, fd))) }

static int cut(int fd, off_t length, int done) {
    char path[PATH_MAX];
    const char *name = done == 0 ? named(fd, path) : NULL;
    if (name) note(TRUNCATE, name, length, NULL, 0, 0);
    return done;
}
int ftruncate(int fd, off_t length) { LOCKED(int, cut(fd, length, syscall(SYS_ftruncate, fd, length))) }
int ftruncate64(int fd, off_t length) { LOCKED(int, cut(fd, length, syscall(SYS_ftruncate, fd, length))) }

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *)
    struct iovec one = {(void *)to, strlen(to)};
    pthread_mutex_lock(&lock);
    int done = real(from, to);
    if (done == 0 && is_ours(from)) note(RENAME, from, 0, &one, 1, one.iov_len);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *)
    pthread_mutex_lock(&lock);
    int done = real(path);
    if (done == 0 && is_ours(path)) note(UNLINK, path, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

/* A file that is made, or made empty. */
static int opened(const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&lock);
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    char full[PATH_MAX];
    const char *name = fd >= 0 && flags & (O_CREAT | O_TRUNC) ? named(fd, full) : NULL;
    if (name) note(CREATE, name, flags & O_TRUNC ? 1 : 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return fd;
}
#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        mode_t mode = 0;                                                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_list more;                                                                                              \
            va_start(more, flags);                                                                                     \
            mode = va_arg(more, mode_t);                                                                               \
            va_end(more);                                                                                              \
        }                                                                                                              \
        return opened(path, flags, mode);                                                                              \
    }
OPEN(open)
OPEN(open64)
