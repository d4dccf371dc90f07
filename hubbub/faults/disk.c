/* Records what a process writes into a folder, when it has the disk take that, and what it sends to sockets.

   Preloaded (LD_PRELOAD).  FAULTS_FOLDER is the folder, FAULTS_RECORD the file of the record: each entry is a
   head and its bytes, as disk.py reads them.  While the file FAULTS_FAILING exists, nothing is taken by the disk
   (EIO).

   Invariants:

   1. The entries are in the order in which things happened: writing and noting it is one step.
   2. What the disk was told to take is noted twice, before and after.  What was written before the first is on
      the disk from the second on; others may write meanwhile. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE, SYNCING, SYNCED, SENT, FAILED };

struct head {
    uint32_t kind;
    uint32_t length;
    uint64_t offset;
    char name[64];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *folder, *failing;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULTS_RECORD");
    folder = getenv("FAULTS_FOLDER");
    failing = getenv("FAULTS_FAILING");
    if (file && folder)
        record = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Returns whether a descriptor is a file of the folder, or with `socket` a socket; then it has a name. */
static int concerns(int fd, int socket, char name[64]) {
    char link[32], path[4096];
    if (record < 0 || fd == record)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    memset(name, 0, 64);
    if (socket)
        return strncmp(path, "socket:", 7) == 0;
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) || path[length] != '/' || strlen(path + length + 1) > 63)
        return 0;
    strcpy(name, path + length + 1);
    return 1;
}

static void note(enum kind kind, const char name[64], uint64_t offset, const void *bytes, size_t length) {
    struct head head = {kind, (uint32_t)length, offset, {0}};
    memcpy(head.name, name, 64);
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
    int saved = errno;
    if (REAL(writev)(record, parts, 2) != (ssize_t)(sizeof head + length))
        abort();
    errno = saved;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    char name[64];
    if (!concerns(fd, 0, name))
        return REAL(pwrite64)(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(pwrite64)(fd, bytes, length, offset);
    if (done > 0)
        note(WRITE, name, (uint64_t)offset, bytes, (size_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t size) {
    char name[64];
    if (!concerns(fd, 0, name))
        return REAL(ftruncate64)(fd, size);
    pthread_mutex_lock(&lock);
    int done = REAL(ftruncate64)(fd, size);
    if (done == 0)
        note(TRUNCATE, name, (uint64_t)size, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int take(int fd, int (*real)(int)) {
    char name[64];
    if (!concerns(fd, 0, name))
        return real(fd);
    if (failing && access(failing, F_OK) == 0) {
        pthread_mutex_lock(&lock);
        note(FAILED, name, 0, "", 0);
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    pthread_mutex_lock(&lock);
    note(SYNCING, name, 0, "", 0);
    pthread_mutex_unlock(&lock);
    int done = real(fd);
    pthread_mutex_lock(&lock);
    if (done == 0)
        note(SYNCED, name, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return take(fd, REAL(fsync)); }

int fdatasync(int fd) { return take(fd, REAL(fdatasync)); }

/* Noted before it is sent: who gets it may be told of it before we could note it. */
static void note_sent(int fd, const struct iovec *parts, size_t count) {
    char name[64];
    if (!concerns(fd, 1, name))
        return;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        note(SENT, name, (uint64_t)fd, parts[i].iov_base, parts[i].iov_len);
    pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char name[64];
    if (concerns(fd, 0, name)) {
        pthread_mutex_lock(&lock);
        off64_t offset = lseek64(fd, 0, SEEK_CUR);
        ssize_t done = REAL(write)(fd, bytes, length);
        if (done > 0)
            note(WRITE, name, (uint64_t)offset, bytes, (size_t)done);
        pthread_mutex_unlock(&lock);
        return done;
    }
    struct iovec part = {(void *)bytes, length};
    note_sent(fd, &part, 1);
    return REAL(write)(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    note_sent(fd, parts, (size_t)count);
    return REAL(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    struct iovec part = {(void *)bytes, length};
    note_sent(fd, &part, 1);
    return REAL(send)(fd, bytes, length, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
    struct iovec part = {(void *)bytes, length};
    note_sent(fd, &part, 1);
    return REAL(sendto)(fd, bytes, length, flags, to, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    note_sent(fd, message->msg_iov, message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}
