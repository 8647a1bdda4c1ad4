/* A slow network file system, simulated: calls on files below SLOW_FOLDER wait SLOW_US
   microseconds, and are counted by kind in the shared file SLOW_COUNTS.
   cc -shared -fPIC -O2 -o slow_calls.so slow_calls.c -ldl */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, CLOSE, STAT, FSTAT, READ, LIST, OTHER, KINDS };
#define MOST 65536
#define LISTED 32768 /* bytes that one getdents64 of glibc asks for */

static char folder[4096];
static size_t folder_length;
static long delay_us;
static volatile long *counts;
static unsigned char slow[MOST];
static struct { DIR *stream; long bytes; } listing[256];

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("SLOW_FOLDER"), *shared = getenv("SLOW_COUNTS");
    if (!where || !shared) return;
    strncpy(folder, where, sizeof folder - 1);
    delay_us = atol(getenv("SLOW_US") ? getenv("SLOW_US") : "0");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int descriptor = real(shared, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *map = mmap(0, KINDS * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (map != MAP_FAILED) { counts = map; folder_length = strlen(folder); }
}

static void wait_for(int kind) {
    int before = errno;
    struct timespec time = {delay_us / 1000000, delay_us % 1000000 * 1000};
    __atomic_add_fetch(&counts[kind], 1, __ATOMIC_RELAXED);
    if (delay_us) nanosleep(&time, 0);
    errno = before;
}
static int below(const char *path) {
    return folder_length && path && !strncmp(path, folder, folder_length)
        && (path[folder_length] == '/' || !path[folder_length]);
}
static int known(int descriptor) { return descriptor >= 0 && descriptor < MOST && slow[descriptor]; }
static int opened(int descriptor, int is_slow) {
    if (descriptor >= 0 && descriptor < MOST) slow[descriptor] = is_slow;
    return descriptor;
}
/* a file that was reached from above, or by the number of an open one */
static int leads_below(int descriptor) {
    char link[64], where[4096];
    if (!folder_length || descriptor < 0) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t (*real)(const char *, char *, size_t) = dlsym(RTLD_NEXT, "readlink");
    ssize_t length = real(link, where, sizeof where - 1);
    errno = before;
    if (length < 0) return 0;
    where[length] = 0;
    return below(where);
}
static int is_number(const char *path) {
    return !strncmp(path, "/dev/fd/", 8) || !strncmp(path, "/proc/self/fd/", 14);
}
#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        int is_slow = below(path), found = real(path, flags, mode); \
        if (!is_slow && is_number(path)) is_slow = leads_below(found); \
        if (is_slow) wait_for(OPEN); \
        return opened(found, is_slow); }
OPENING(open)
OPENING(open64)
#define OPENING_AT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(name); va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        int is_slow = below(path) || (*path != '/' && known(at)), found = real(at, path, flags, mode); \
        if (!is_slow && (*path != '/' || is_number(path))) is_slow = leads_below(found); \
        if (is_slow) wait_for(OPEN); \
        return opened(found, is_slow); }
OPENING_AT(openat)
OPENING_AT(openat64)
int close(int descriptor) {
    REAL(close);
    if (known(descriptor)) { wait_for(CLOSE); slow[descriptor] = 0; }
    return real(descriptor);
}
int dup(int descriptor) { REAL(dup); return opened(real(descriptor), known(descriptor)); }
#define CONTROLLING(name) \
    int name(int descriptor, int command, ...) { \
        static int (*real)(int, int, ...); if (!real) real = dlsym(RTLD_NEXT, #name); \
        va_list rest; va_start(rest, command); void *given = va_arg(rest, void *); va_end(rest); \
        int found = real(descriptor, command, given); \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? opened(found, known(descriptor)) : found; }
CONTROLLING(fcntl)
CONTROLLING(fcntl64)
#define LOOKING(name, type) \
    int name(const char *path, struct type *to) { \
        REAL(name); if (below(path)) wait_for(STAT); return real(path, to); }
LOOKING(stat, stat)
LOOKING(stat64, stat64)
LOOKING(lstat, stat)
LOOKING(lstat64, stat64)
#define LOOKING_BY(name, type) \
    int name(int descriptor, struct type *to) { \
        REAL(name); if (known(descriptor)) wait_for(FSTAT); return real(descriptor, to); }
LOOKING_BY(fstat, stat)
LOOKING_BY(fstat64, stat64)
/* as programs that were linked with an older glibc call them */
#define LOOKING_OLD(name, type) \
    int name(int version, const char *path, struct type *to) { \
        static int (*real)(int, const char *, struct type *); if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (below(path)) { wait_for(STAT); } return real(version, path, to); }
LOOKING_OLD(__xstat, stat)
LOOKING_OLD(__xstat64, stat64)
LOOKING_OLD(__lxstat, stat)
LOOKING_OLD(__lxstat64, stat64)
#define LOOKING_OLD_BY(name, type) \
    int name(int version, int descriptor, struct type *to) { \
        static int (*real)(int, int, struct type *); if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (known(descriptor)) { wait_for(FSTAT); } return real(version, descriptor, to); }
LOOKING_OLD_BY(__fxstat, stat)
LOOKING_OLD_BY(__fxstat64, stat64)
#define LOOKING_AT(name, type) \
    int name(int at, const char *path, struct type *to, int flags) { \
        REAL(name); if (below(path)) wait_for(STAT); else if (known(at)) wait_for(*path ? STAT : FSTAT); \
        return real(at, path, to, flags); }
LOOKING_AT(fstatat, stat)
LOOKING_AT(fstatat64, stat64)
int statx(int at, const char *path, int flags, unsigned mask, struct statx *to) {
    REAL(statx);
    if (below(path)) wait_for(STAT); else if (known(at)) wait_for(*path ? STAT : FSTAT);
    return real(at, path, flags, mask, to);
}
int access(const char *path, int mode) { REAL(access); if (below(path)) wait_for(OTHER); return real(path, mode); }
ssize_t readlink(const char *path, char *to, size_t size) {
    REAL(readlink); if (below(path)) wait_for(OTHER); return real(path, to, size);
}
ssize_t getxattr(const char *path, const char *name, void *to, size_t size) {
    static ssize_t (*real)(const char *, const char *, void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "getxattr");
    if (below(path)) wait_for(OTHER);
    return real(path, name, to, size);
}
int flock(int descriptor, int operation) {
    static int (*real)(int, int);
    if (!real) real = dlsym(RTLD_NEXT, "flock");
    if (known(descriptor)) wait_for(OTHER);
    return real(descriptor, operation);
}
ssize_t read(int descriptor, void *to, size_t size) {
    REAL(read); if (known(descriptor)) wait_for(READ); return real(descriptor, to, size);
}
#define READING_AT(name, offset_type) \
    ssize_t name(int descriptor, void *to, size_t size, offset_type offset) { \
        REAL(name); if (known(descriptor)) wait_for(READ); return real(descriptor, to, size, offset); }
READING_AT(pread, off_t)
READING_AT(pread64, off64_t)
ssize_t readv(int descriptor, const struct iovec *to, int count) {
    REAL(readv); if (known(descriptor)) wait_for(READ); return real(descriptor, to, count);
}
#define READING_PARTS(name, offset_type) \
    ssize_t name(int descriptor, const struct iovec *to, int count, offset_type offset) { \
        REAL(name); if (known(descriptor)) wait_for(READ); return real(descriptor, to, count, offset); }
READING_PARTS(preadv, off_t)
READING_PARTS(preadv64, off64_t)
#define READING_PARTS_SO(name, offset_type) \
    ssize_t name(int descriptor, const struct iovec *to, int count, offset_type offset, int flags) { \
        REAL(name); if (known(descriptor)) wait_for(READ); return real(descriptor, to, count, offset, flags); }
READING_PARTS_SO(preadv2, off_t)
READING_PARTS_SO(preadv64v2, off64_t)

/* listing: glibc calls the kernel from inside, so what it does is counted here */
DIR *opendir(const char *path) {
    REAL(opendir);
    int is_slow = below(path);
    if (is_slow) { wait_for(OPEN); wait_for(FSTAT); }
    DIR *stream = real(path);
    if (stream && is_slow)
        for (int i = 0; i < 256; i++)
            if (__sync_bool_compare_and_swap(&listing[i].stream, 0, stream)) { listing[i].bytes = -1; break; }
    return stream;
}
static void listed(DIR *stream, long size) {
    for (int i = 0; i < 256; i++)
        if (listing[i].stream == stream) {
            if (listing[i].bytes < 0 || !size || listing[i].bytes + size > LISTED) {
                wait_for(LIST);
                listing[i].bytes = 0;
            }
            listing[i].bytes += size;
            return;
        }
}
struct dirent *readdir(DIR *stream) {
    REAL(readdir); struct dirent *found = real(stream); listed(stream, found ? found->d_reclen : 0); return found;
}
struct dirent64 *readdir64(DIR *stream) {
    REAL(readdir64); struct dirent64 *found = real(stream); listed(stream, found ? found->d_reclen : 0); return found;
}
int closedir(DIR *stream) {
    REAL(closedir);
    for (int i = 0; i < 256; i++)
        if (listing[i].stream == stream) { wait_for(CLOSE); listing[i].stream = 0; break; }
    return real(stream);
}
