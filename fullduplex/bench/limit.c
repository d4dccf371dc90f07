/* What the engine is measured against: servers over one epoll that do the least there is to do.
 *
 *     limit relay IN OUT       for every IN bytes received send OUT, as they come: a plain TCP echo, of as
 *                              many bytes each way as WebSocket's frames have
 *     limit broadcast IN OUT   for every IN bytes received, send OUT to every connection
 *     limit websocket          echo WebSocket messages: not a limit, but what clients are measured with
 *
 * It says "ready PORT" on its standard output.  One thread, one epoll, level triggered; one recv for each
 * readable connection, and one send for all of what it brought.  What a socket doesn't take is kept, and
 * nothing is read of that connection meanwhile.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY 20000
#define EVENTS 512
/* Of 64, 128, 256 and 1,024 KiB the last took the least, for messages of 64 KiB and of 1 MiB. */
#define BUFFER (1 << 20)
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct connection {
    int fd, index;
    bool is_open, wants_write;
    uint64_t got, gave;
    uint8_t *kept, *due;
    size_t kept_size, due_size;
};

static struct connection *connections[CAPACITY];
static int count, epoll;
static size_t in_size, out_size;
static uint8_t buffer[BUFFER];

static void fail(const char *what) {
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct connection *c, int operation) {
    struct epoll_event event = {.events = c->wants_write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->fd, &event))
        fail("epoll_ctl");
}

static void keep(uint8_t **kept, size_t *size, const uint8_t *bytes, size_t more) {
    *kept = realloc(*kept, *size + more);
    if (*kept == NULL)
        fail("realloc");
    memcpy(*kept + *size, bytes, more);
    *size += more;
}

static void give(struct connection *c, const uint8_t *bytes, size_t size) {
    ssize_t result = c->due_size ? 0 : send(c->fd, bytes, size, MSG_NOSIGNAL);
    if (result < 0)
        result = 0;
    if ((size_t)result == size)
        return;
    keep(&c->due, &c->due_size, bytes + result, size - result);
    if (!c->wants_write) {
        c->wants_write = true;
        watch(c, EPOLL_CTL_MOD);
    }
}

static void writable(struct connection *c) {
    ssize_t result = send(c->fd, c->due, c->due_size, MSG_NOSIGNAL);
    if (result < 0)
        return;
    c->due_size -= result;
    memmove(c->due, c->due + result, c->due_size);
    if (!c->due_size) {
        c->wants_write = false;
        watch(c, EPOLL_CTL_MOD);
    }
}

/* ---- Without WebSocket -------------------------------------------------------------------------------- */

static ssize_t relay(struct connection *c) {
    ssize_t size = recv(c->fd, buffer, sizeof buffer, 0);
    if (size <= 0)
        return size;
    c->got += size;
    uint64_t part = c->got % in_size, all = c->got / in_size * out_size + (part < out_size ? part : out_size);
    if (all > c->gave)
        give(c, buffer, all - c->gave);
    c->gave = all;
    return size;
}

static ssize_t broadcast(struct connection *c) {
    ssize_t size = recv(c->fd, buffer, sizeof buffer, 0);
    if (size <= 0)
        return size;
    for (c->got += size; c->got >= in_size; c->got -= in_size)
        for (int i = 0; i < count; i++)
            give(connections[i], buffer, out_size);
    return size;
}

/* ---- With WebSocket ----------------------------------------------------------------------------------- */

static uint32_t rotated(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void digest_block(uint32_t *state, const uint8_t *block) {
    static const uint32_t constants[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t words[80] = {0}, v[5];
    for (int i = 0; i < 64; i++)
        words[i / 4] = words[i / 4] << 8 | block[i];
    for (int i = 16; i < 80; i++)
        words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 80; i++) {
        uint32_t parity = v[1] ^ v[2] ^ v[3], chosen = (v[1] & v[2]) | (~v[1] & v[3]);
        uint32_t majority = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]);
        uint32_t mixed = i < 20 ? chosen : i >= 40 && i < 60 ? majority : parity;
        uint32_t next = rotated(v[0], 5) + mixed + v[4] + constants[i / 20] + words[i];
        v[4] = v[3], v[3] = v[2], v[2] = rotated(v[1], 30), v[1] = v[0], v[0] = next;
    }
    for (int i = 0; i < 5; i++)
        state[i] += v[i];
}

/* SHA-1 (RFC 3174) of the 60 bytes that a key and the GUID are: with the padding, two blocks. */
static void digest(const uint8_t *text, uint8_t *out) {
    uint32_t state[] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t blocks[128] = {0};
    memcpy(blocks, text, 60);
    blocks[60] = 0x80;
    blocks[126] = 60 * 8 >> 8;
    blocks[127] = 60 * 8 & 255;
    digest_block(state, blocks);
    digest_block(state, blocks + 64);
    for (int i = 0; i < 20; i++)
        out[i] = state[i / 4] >> (24 - 8 * (i % 4));
}

/* Base64 (RFC 4648) of 20 bytes, which are 28 characters. */
static void encode(const uint8_t *bytes, char *out) {
    static const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 21; i += 3, out += 4) {
        uint32_t group = bytes[i] << 16 | bytes[i + 1] << 8 | (i + 2 < 20 ? bytes[i + 2] : 0);
        for (int j = 0; j < 4; j++)
            out[j] = letters[group >> (18 - 6 * j) & 63];
    }
    out[-1] = '=';
}

static size_t handshake(struct connection *c, uint8_t *bytes, size_t size) {
    uint8_t *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    *end = 0;
    char *key = strcasestr((char *)bytes, "\r\nsec-websocket-key:"), accept[29] = {0}, response[256];
    uint8_t text[61], hash[20];
    if (key == NULL)
        return 0;
    key += strlen("\r\nsec-websocket-key:");
    key += strspn(key, " ");
    snprintf((char *)text, sizeof text, "%.24s%s", key, GUID);
    digest(text, hash);
    encode(hash, accept);
    int length = snprintf(response, sizeof response,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n",
                          accept);
    c->is_open = true;
    give(c, (uint8_t *)response, length);
    return end + 4 - bytes;
}

static void unmask(uint8_t *out, const uint8_t *bytes, size_t size, const uint8_t *mask) {
    uint64_t wide = 0, word;
    memcpy(&wide, mask, 4);
    wide |= wide << 32;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < size; i++)
        out[i] = bytes[i] ^ mask[i & 3];
}

/* Turn whole frames at the start of the bytes into their echo, in place; return how many bytes they had. */
static size_t echo_frames(uint8_t *bytes, size_t size, size_t *echoed) {
    size_t used = 0;
    *echoed = 0;
    while (size - used >= 2) {
        uint8_t *frame = bytes + used, *out = bytes + *echoed, mask[4];
        uint64_t length = frame[1] & 127;
        size_t head = length < 126 ? 2 : length == 126 ? 4 : 10;
        if (size - used < head + 4)
            break;
        if (head > 2)
            length = 0;
        for (size_t i = 2; i < head; i++)
            length = length << 8 | frame[i];
        if (size - used - head - 4 < length)
            break;
        memcpy(mask, frame + head, 4);
        frame[1] &= 127;
        /* A ping, 9, is answered with a pong, 10. */
        if ((frame[0] & 15) == 9)
            frame[0] ^= 3;
        memmove(out, frame, head);
        unmask(out + head, frame + head + 4, length, mask);
        *echoed += head + length;
        used += head + 4 + length;
    }
    return used;
}

static size_t frames_received(struct connection *c, uint8_t *bytes, size_t size) {
    size_t echoed, used, opening = 0;
    if (!c->is_open && !(opening = handshake(c, bytes, size)))
        return 0;
    used = echo_frames(bytes + opening, size - opening, &echoed);
    if (echoed)
        give(c, bytes + opening, echoed);
    return opening + used;
}

static ssize_t websocket(struct connection *c) {
    ssize_t size = recv(c->fd, buffer, sizeof buffer, 0);
    if (size <= 0)
        return size;
    if (c->kept_size) {
        keep(&c->kept, &c->kept_size, buffer, size);
        size_t used = frames_received(c, c->kept, c->kept_size);
        memmove(c->kept, c->kept + used, c->kept_size -= used);
    } else {
        size_t used = frames_received(c, buffer, size);
        if (used < (size_t)size)
            keep(&c->kept, &c->kept_size, buffer + used, size - used);
    }
    return size;
}

/* ---- The loop ----------------------------------------------------------------------------------------- */

static void add(int fd) {
    struct connection *c = calloc(1, sizeof *c);
    int one = 1;
    if (c == NULL || count == CAPACITY)
        fail("one connection too many");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    c->index = count;
    connections[count++] = c;
    watch(c, EPOLL_CTL_ADD);
}

static void drop(struct connection *c) {
    close(c->fd);
    connections[c->index] = connections[--count];
    connections[c->index]->index = c->index;
    free(c->kept);
    free(c->due);
    free(c);
}

static int listening(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 512))
        fail("listen");
    getsockname(fd, (struct sockaddr *)&address, &size);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    printf("ready %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    static struct epoll_event events[EVENTS];
    ssize_t (*readable)(struct connection *) = NULL;
    const char *what = argc > 1 ? argv[1] : "";
    if (argc == 4)
        in_size = strtoul(argv[2], NULL, 10), out_size = strtoul(argv[3], NULL, 10);
    if (!strcmp(what, "websocket"))
        readable = websocket;
    else if (in_size >= out_size && out_size)
        readable = !strcmp(what, "relay") ? relay : broadcast;
    else
        return 2;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listening();
    for (;;) {
        int found = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < found; i++) {
            struct connection *c = events[i].data.ptr;
            ssize_t size;
            if (c == NULL)
                for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
                    add(fd);
            else if (c->wants_write)
                writable(c);
            else if ((size = readable(c)) == 0 || (size < 0 && errno != EAGAIN))
                drop(c);
        }
    }
}
