/* A disk that is full, simulated: of what is written below FULL_FOLDER only as many bytes are
   taken as the shared file FULL_LEFT says (a long; below zero: any number). As on a real one a
   write may be cut short before one fails, and what is written in place needs no space (pwrite).
   cc -shared -fPIC -O2 -o full_disk.so full_disk.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *folder;
static volatile long *left;

__attribute__((constructor)) static void begin(void) {
    const char *shared = getenv("FULL_LEFT");
    folder = getenv("FULL_FOLDER");
    int descriptor = shared ? open(shared, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *map = mmap(0, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (map != MAP_FAILED) left = map;
    close(descriptor);
}

/* how many of `size` bytes fit */
static size_t fitting(int descriptor, size_t size) {
    if (!left || !folder || *left < 0 || !size) return size;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return size;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder))) return size;
    long before = __atomic_load_n(left, __ATOMIC_SEQ_CST), taken;
    do {
        if (before < 0) return size;
        taken = before < (long)size ? before : (long)size;
    } while (!__atomic_compare_exchange_n(left, &before, before - taken, 0, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return taken;
}

ssize_t write(int descriptor, const void *from, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    size_t fits = fitting(descriptor, size);
    if (size && !fits) {
        errno = ENOSPC;
        return -1;
    }
    return real(descriptor, from, fits);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (!count) return 0;
    int first = 0;
    while (first < count - 1 && !parts[first].iov_len) first++;
    return write(descriptor, parts[first].iov_base, parts[first].iov_len);
}
