/* The load of the engine's benchmark: opens WebSocket connections, sends as fast as it is answered, and
 * checks every byte of every answer.
 *
 *     load [-t] [-r] [-o EXTENSIONS] -p PORT -s PID [-s PID ...]
 *
 * -t: with TLS.  -r: without WebSocket: the bytes that frames would have, to a server of limit.c.  -o: what
 * to offer in Sec-WebSocket-Extensions.  -s: the server's processes, whose processor time is read.
 *
 * It reads what to do from its standard input, a line each, and answers with a line of JSON each:
 *
 *     open N                              open so many connections more, WINDOW at a time
 *     echo KIND IN_FLIGHT SIZE WARM SECONDS    "text" or "binary" messages on every connection, each echoed
 *     frames IN_FLIGHT FILE DUMP WARM SECONDS  compressed messages from a file; what comes back on the
 *                                         first connection is appended to the file DUMP
 *     broadcast FILE DUMP WARM SECONDS    the first connection sends what is in a file, and every one
 *                                         receives it; what is compressed then goes to the file DUMP
 *     ping                                a ping on every connection, and its pong
 *     each SIZE                           one message on every connection, echoed, WINDOW at a time
 *
 * What is wrong ends it, with a sentence on its standard error and status 1.  One thread, one epoll, level
 * triggered; one recv for each readable connection, and one send for all that is due on it then.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

#define CAPACITY 20000
#define EVENTS 512
#define WINDOW 64
#define STALLED 20.0
#define BUFFER (1 << 20)
#define MASK "\x5a\x3c\xa5\x69"
/* The example of RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { CONNECTING, OPENING, OPEN };
enum { ECHO, BROADCAST, EACH, PINGS, NOTHING };

struct connection {
    int fd, state;
    bool wants_write, is_compressed, is_in_frame;
    /* Frames that are to be sent, which one is next, and how much of it is sent. */
    uint32_t owed, next;
    size_t partial;
    /* The head of the frame being read, what is left of its payload, and how much was before it. */
    uint8_t head[10], head_size;
    uint64_t left, at;
#ifdef WITH_TLS
    SSL *ssl;
#endif
};

/* Frames, one behind the other: those before `again` are sent once, the others over and over. */
static struct {
    uint8_t *bytes;
    size_t *offsets;
    uint32_t count, again;
} script;
/* What must come back: the payload, and for -r as many bytes as its frame has; the size is 0 for what is
 * compressed. */
static struct {
    uint8_t *bytes;
    size_t size;
    int opcode;
} expected;

static struct connection connections[CAPACITY];
static int count, opened, wanted, mode = NOTHING, epoll, port, server_count;
static clockid_t servers[64];
static bool is_raw, is_tls, is_stopping;
static const char *offer;
static char extensions[512];
static uint64_t messages, in_flight, wire, asked;
/* When anything came, or was asked for. */
static double heard;
static FILE *dump;
static uint8_t *kept;
static size_t kept_size, kept_room;
static uint8_t buffer[BUFFER];

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static void *room(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (memory == NULL)
        fail("no memory for %zu bytes", size);
    return memory;
}

static double clock_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time))
        fail("a process of the server is gone");
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double now(void) { return clock_of(CLOCK_MONOTONIC); }

static double server_seconds(void) {
    double sum = 0;
    for (int i = 0; i < server_count; i++)
        sum += clock_of(servers[i]);
    return sum;
}

/* ---- Bytes, with TLS or without: -1 when there are none now ----------------------------------------- */

#ifdef WITH_TLS
static SSL_CTX *tls;

static ssize_t tls_result(struct connection *c, int result) {
    int error = SSL_get_error(c->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -1;
    fail("TLS failed: %s", ERR_reason_error_string(ERR_peek_last_error()));
    return 0;
}
#endif

static ssize_t take(struct connection *c, uint8_t *into, size_t size) {
    ssize_t result;
#ifdef WITH_TLS
    if (c->ssl) {
        result = SSL_read(c->ssl, into, size);
        return result > 0 ? result : tls_result(c, result);
    }
#endif
    result = recv(c->fd, into, size, 0);
    if (result == 0)
        fail("connection %d of %d was cut by the server", (int)(c - connections), count);
    if (result < 0 && errno != EAGAIN)
        fail("recv: %s", strerror(errno));
    return result;
}

static ssize_t give(struct connection *c, const uint8_t *bytes, size_t size) {
    ssize_t result;
#ifdef WITH_TLS
    if (c->ssl) {
        result = SSL_write(c->ssl, bytes, size);
        return result > 0 ? result : tls_result(c, result);
    }
#endif
    result = send(c->fd, bytes, size, MSG_NOSIGNAL);
    if (result < 0 && errno != EAGAIN)
        fail("send: %s", strerror(errno));
    return result;
}

static void watch(struct connection *c, int operation, bool wants_write) {
    struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.ptr = c};
    if (operation == EPOLL_CTL_MOD && c->wants_write == wants_write)
        return;
    c->wants_write = wants_write;
    if (epoll_ctl(epoll, operation, c->fd, &event))
        fail("epoll_ctl: %s", strerror(errno));
}

/* ---- What is sent ------------------------------------------------------------------------------------- */

static size_t write_head(uint8_t *out, int first, size_t size, bool is_masked) {
    size_t at = 2;
    out[0] = first;
    if (size < 126)
        out[1] = size;
    else if (size < 65536) {
        out[1] = 126;
        out[2] = size >> 8;
        out[3] = size;
        at = 4;
    } else {
        out[1] = 127;
        for (int i = 0; i < 8; i++)
            out[2 + i] = (uint64_t)size >> (56 - 8 * i);
        at = 10;
    }
    if (is_masked) {
        out[1] |= 0x80;
        memcpy(out + at, MASK, 4);
        at += 4;
    }
    return at;
}

/* Which file of frames the script was read from: who sends it again goes on where it was, as the compression
 * does. */
static char script_path[512];

static void begin_script(uint32_t frames, uint32_t again, size_t bytes) {
    script.bytes = room(script.bytes, bytes + 14 * (size_t)frames);
    script.offsets = room(script.offsets, (frames + 1) * sizeof *script.offsets);
    script.offsets[0] = 0;
    script.count = 0;
    script.again = again;
    script_path[0] = 0;
    for (int i = 0; i < count; i++)
        connections[i].next = 0;
}

static void add_frame(int first, const uint8_t *payload, size_t size) {
    uint8_t *out = script.bytes + script.offsets[script.count];
    size_t head = write_head(out, first, size, true);
    for (size_t i = 0; i < size; i++)
        out[head + i] = payload[i] ^ (uint8_t)MASK[i & 3];
    script.offsets[script.count + 1] = script.offsets[script.count] + head + size;
    script.count++;
}

static void make_payload(size_t size) {
    uint32_t seed = 1;
    expected.bytes = room(expected.bytes, size + 14);
    expected.size = size;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245 + 12345;
        expected.bytes[i] = 'a' + (seed >> 16) % 26;
    }
}

static FILE *opened_file(const char *path, const char *how) {
    FILE *file = fopen(path, how);
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));
    return file;
}

static void read_payload(const char *path) {
    FILE *file = opened_file(path, "rb");
    expected.bytes = room(expected.bytes, BUFFER + 14);
    expected.size = fread(expected.bytes, 1, BUFFER, file);
    fclose(file);
}

/* Let every frame be the payload, and as many of them lie in a row as are sent at once. */
static void repeat(int opcode, uint32_t times) {
    size_t size = expected.size;
    expected.opcode = opcode;
    begin_script(times, 0, size * times);
    for (uint32_t i = 0; i < times; i++)
        add_frame(0x80 | opcode, expected.bytes, size);
    if (is_raw)
        expected.size = script.offsets[1] - strlen(MASK);
}

static uint32_t read_number(FILE *file) {
    uint8_t raw[4];
    if (fread(raw, 1, 4, file) != 4)
        fail("the file of frames ends too early");
    return raw[0] | raw[1] << 8 | raw[2] << 16 | (uint32_t)raw[3] << 24;
}

/* Read frames: how many are sent once, how many then again and again, their sizes, and their payloads. */
static void read_script(const char *path) {
    if (!strcmp(path, script_path))
        return;
    FILE *file = opened_file(path, "rb");
    uint32_t again = read_number(file), frames = again + read_number(file);
    uint32_t *sizes = room(NULL, frames * sizeof *sizes);
    size_t sum = 0;
    for (uint32_t i = 0; i < frames; i++)
        sum += sizes[i] = read_number(file);
    begin_script(frames, again, sum);
    uint8_t *payload = room(NULL, sum);
    if (fread(payload, 1, sum, file) != sum)
        fail("the file of frames ends too early");
    size_t at = 0;
    for (uint32_t i = 0; i < frames; at += sizes[i++])
        add_frame(0x80 | 0x40 | TEXT, payload + at, sizes[i]);
    free(sizes);
    free(payload);
    fclose(file);
    snprintf(script_path, sizeof script_path, "%s", path);
    expected.size = 0;
}

static void sent(struct connection *c, size_t size) {
    c->partial += size;
    while (c->owed) {
        size_t frame = script.offsets[c->next + 1] - script.offsets[c->next];
        if (c->partial < frame)
            break;
        c->partial -= frame;
        c->owed--;
        if (++c->next == script.count)
            c->next = script.again;
    }
}

static void send_owed(struct connection *c) {
    while (c->owed) {
        uint32_t end = c->next + c->owed < script.count ? c->next + c->owed : script.count;
        size_t from = script.offsets[c->next] + c->partial;
        ssize_t result = give(c, script.bytes + from, script.offsets[end] - from);
        if (result < 0)
            break;
        sent(c, result);
    }
    watch(c, EPOLL_CTL_MOD, c->owed > 0);
}

static void owe(struct connection *c, uint32_t frames) {
    c->owed += frames;
    in_flight += mode == BROADCAST ? (uint64_t)opened : frames;
}

/* ---- What is received --------------------------------------------------------------------------------- */

static void message_received(struct connection *c) {
    if (!in_flight)
        fail("a message came that nobody has sent");
    messages++;
    in_flight--;
    if (mode == ECHO && !is_stopping)
        owe(c, 1);
    else if (mode == BROADCAST && !in_flight && !is_stopping) {
        owe(&connections[0], 1);
        if (c != &connections[0])
            send_owed(&connections[0]);
    } else if (mode == EACH && (int)asked < opened) {
        struct connection *other = &connections[asked++];
        owe(other, 1);
        send_owed(other);
    }
}

static void keep(const uint8_t *bytes, size_t size) {
    if (kept_size + size > kept_room)
        kept = room(kept, kept_room = 2 * (kept_size + size));
    memcpy(kept + kept_size, bytes, size);
    kept_size += size;
}

static void dump_message(bool is_compressed) {
    uint32_t size = kept_size;
    uint8_t head[5] = {is_compressed, size, size >> 8, size >> 16, size >> 24};
    fwrite(head, 1, 5, dump);
    fwrite(kept, 1, kept_size, dump);
    kept_size = 0;
}

static void payload_received(struct connection *c, const uint8_t *bytes, size_t size) {
    int opcode = c->head[0] & 15;
    wire += size;
    if (opcode >= CLOSE)
        return;
    if (expected.size && (c->at + size > expected.size || memcmp(bytes, expected.bytes + c->at, size)))
        fail("what came back isn't what was sent, from byte %llu on", (unsigned long long)c->at);
    if (!expected.size && dump && c == connections)
        keep(bytes, size);
    c->at += size;
}

static void frame_ended(struct connection *c) {
    int opcode = c->head[0] & 15;
    c->head_size = 0;
    if (opcode == PONG && mode == PINGS) {
        messages++;
        in_flight--;
    } else if (opcode == CLOSE)
        fail("connection %d of %d was closed by the server", (int)(c - connections), count);
    else if (opcode >= CLOSE)
        fail("a control frame came (opcode %d): turn the server's keepalive off", opcode);
    else if (c->head[0] & 0x80) {
        if (expected.size && c->at != expected.size)
            fail("%llu bytes came back in place of %zu", (unsigned long long)c->at, expected.size);
        if (dump && c == connections)
            dump_message(c->is_compressed);
        c->at = 0;
        message_received(c);
    }
}

static void check_head(struct connection *c) {
    int opcode = c->head[0] & 15;
    if (c->head[1] & 0x80)
        fail("the server has masked a frame");
    if (opcode == TEXT || opcode == BINARY) {
        c->is_compressed = c->head[0] & 0x40;
        if (expected.size && opcode != expected.opcode)
            fail("opcode %d came back in place of %d", opcode, expected.opcode);
        if (expected.size && c->is_compressed)
            fail("a message was compressed that wasn't to be");
    }
}

/* Take of the next frame's head what is there, and return how much that was. */
static size_t read_head(struct connection *c, const uint8_t *bytes, size_t size) {
    size_t used = 0;
    while (used < size) {
        c->head[c->head_size++] = bytes[used++];
        if (c->head_size < 2)
            continue;
        int length = c->head[1] & 127, needed = length < 126 ? 2 : length == 126 ? 4 : 10;
        if (c->head_size < needed)
            continue;
        check_head(c);
        c->left = length < 126 ? length : 0;
        for (int i = 2; i < needed; i++)
            c->left = c->left << 8 | c->head[i];
        wire += needed;
        c->is_in_frame = true;
        break;
    }
    return used;
}

static void frames_received(struct connection *c, const uint8_t *bytes, size_t size) {
    while (size) {
        if (!c->is_in_frame) {
            size_t used = read_head(c, bytes, size);
            bytes += used;
            size -= used;
        }
        size_t part = c->left < size ? c->left : size;
        if (c->is_in_frame && part) {
            payload_received(c, bytes, part);
            c->left -= part;
            bytes += part;
            size -= part;
        }
        if (c->is_in_frame && !c->left) {
            c->is_in_frame = false;
            frame_ended(c);
        }
    }
}

/* Without WebSocket only the amount counts. */
static void raw_received(struct connection *c, const uint8_t *bytes, size_t size) {
    (void)bytes;
    wire += size;
    for (c->at += size; c->at >= expected.size; c->at -= expected.size)
        message_received(c);
}

/* ---- Opening ------------------------------------------------------------------------------------------ */

static void start_opening(void) {
    if (count == CAPACITY)
        fail("no more than %d connections", CAPACITY);
    struct connection *c = &connections[count++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    watch(c, EPOLL_CTL_ADD, true);
}

static void connection_opened(struct connection *c) {
    c->state = OPEN;
    opened++;
    if (count < wanted)
        start_opening();
}

static bool is_connected(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        fail("connect: %s", strerror(error));
#ifdef WITH_TLS
    if (is_tls) {
        if (c->ssl == NULL) {
            c->ssl = SSL_new(tls);
            SSL_set_fd(c->ssl, c->fd);
            SSL_set_connect_state(c->ssl);
        }
        int result = SSL_do_handshake(c->ssl);
        if (result != 1) {
            tls_result(c, result);
            watch(c, EPOLL_CTL_MOD, SSL_want_write(c->ssl));
            return false;
        }
    }
#endif
    return true;
}

static void request(struct connection *c) {
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                        port, offer ? "Sec-WebSocket-Extensions: " : "", offer ? offer : "",
                        offer ? "\r\n" : "");
    if (give(c, (uint8_t *)text, size) != size)
        fail("the request could not be sent at once");
    c->state = OPENING;
    watch(c, EPOLL_CTL_MOD, false);
}

static void note_extensions(const char *head) {
    const char *name = "\r\nSec-WebSocket-Extensions:", *found = strcasestr(head, name);
    extensions[0] = 0;
    if (found == NULL)
        return;
    found += strlen(name);
    found += strspn(found, " ");
    snprintf(extensions, sizeof extensions, "%.*s", (int)strcspn(found, "\r"), found);
}

static void response_received(struct connection *c) {
    static char head[4096];
    /* The response comes in one piece: it is small, and the only thing that was asked for. */
    ssize_t size = take(c, (uint8_t *)head, sizeof head - 1);
    if (size < 0)
        return;
    head[size] = 0;
    char *end = strstr(head, "\r\n\r\n");
    if (strncmp(head, "HTTP/1.1 101", 12) || end == NULL || !strstr(head, ACCEPT))
        fail("the opening handshake was answered with: %s", head);
    if (end + 4 != head + size)
        fail("the server speaks first");
    note_extensions(head);
    connection_opened(c);
}

/* ---- The loop ----------------------------------------------------------------------------------------- */

static void readable(struct connection *c) {
    ssize_t size;
    do {
        size = take(c, buffer, sizeof buffer);
        if (size > 0)
            (is_raw ? raw_received : frames_received)(c, buffer, size);
        /* TLS may have read more from the socket than it has given. */
    } while (size > 0 && is_tls);
    if (c->owed)
        send_owed(c);
}

static void ready(struct connection *c, uint32_t events) {
    if (c->state == CONNECTING) {
        if (!is_connected(c))
            return;
        if (is_raw) {
            watch(c, EPOLL_CTL_MOD, false);
            connection_opened(c);
        } else
            request(c);
        return;
    }
    if (c->state == OPENING) {
        response_received(c);
        return;
    }
    if (events & EPOLLOUT)
        send_owed(c);
    if (events & ~EPOLLOUT)
        readable(c);
}

static void turn(void) {
    static struct epoll_event events[EVENTS];
    int found = epoll_wait(epoll, events, EVENTS, 100);
    for (int i = 0; i < found; i++)
        ready(events[i].data.ptr, events[i].events);
    if (found)
        heard = now();
    else if (now() - heard > STALLED)
        fail("nothing came for %g s, with %llu answers due", STALLED, (unsigned long long)in_flight);
}

static void answer(double seconds, double taken, double ours, uint64_t number, uint64_t bytes) {
    printf("{\"count\": %llu, \"seconds\": %.6f, \"cpu\": %.6f, \"load_cpu\": %.6f, \"bytes\": %llu,"
           " \"extensions\": \"%s\"}\n",
           (unsigned long long)number, seconds, taken, ours, (unsigned long long)bytes, extensions);
    fflush(stdout);
}

/* Run what was begun, measure it after WARM seconds for as long as is wanted, and let it come to its end. */
static void measure(double warm, double seconds) {
    double begun = now() + warm, cpu, ours, time;
    uint64_t before, bytes;
    is_stopping = false;
    while (now() < begun)
        turn();
    begun = now(), cpu = server_seconds(), ours = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    before = messages, bytes = wire;
    do
        turn();
    while ((time = now()) < begun + seconds);
    cpu = server_seconds() - cpu, ours = clock_of(CLOCK_PROCESS_CPUTIME_ID) - ours;
    before = messages - before, bytes = wire - bytes;
    is_stopping = true;
    while (in_flight)
        turn();
    mode = NOTHING;
    if (dump)
        fclose(dump);
    dump = NULL;
    answer(time - begun, cpu, ours, before, bytes);
}

/* Run what was begun to its end, and measure all of it. */
static void finish(int limit) {
    double begun = now(), cpu = server_seconds(), ours = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t before = messages, bytes = wire;
    int had = opened;
    while (in_flight || opened < limit)
        turn();
    double taken = now() - begun;
    mode = NOTHING;
    /* What another process has taken is known when it has gone to sleep, and otherwise a tick later. */
    usleep(20000);
    answer(taken, server_seconds() - cpu, clock_of(CLOCK_PROCESS_CPUTIME_ID) - ours,
           limit > had ? (uint64_t)(limit - had) : messages - before, wire - bytes);
}

static void echo(int frames) {
    mode = ECHO;
    for (int i = 0; i < count; i++) {
        owe(&connections[i], frames);
        send_owed(&connections[i]);
    }
}

static void broadcast(const char *file, const char *copy) {
    read_payload(file);
    repeat(TEXT, 1);
    if (offer) {
        /* Compressed or not is the server's choice: who reads the file looks into it. */
        dump = opened_file(copy, "ab");
        expected.size = 0;
    }
    mode = BROADCAST;
    owe(&connections[0], 1);
    send_owed(&connections[0]);
}

static void each(size_t size) {
    make_payload(size);
    repeat(BINARY, 1);
    mode = EACH;
    for (asked = 0; asked < WINDOW && (int)asked < opened;) {
        struct connection *c = &connections[asked++];
        owe(c, 1);
        send_owed(c);
    }
}

static void ping(void) {
    uint8_t frame[14];
    size_t size = write_head(frame, 0x80 | PING, 0, true);
    mode = PINGS;
    for (int i = 0; i < count; i++) {
        if (give(&connections[i], frame, size) != (ssize_t)size)
            fail("a ping could not be sent at once");
        in_flight++;
    }
}

static void obey(const char *line) {
    char kind[16], file[512], copy[512];
    int number;
    size_t size;
    double warm, seconds;
    heard = now();
    if (sscanf(line, "open %d", &number) == 1) {
        wanted = count + number;
        for (int i = 0; i < WINDOW && count < wanted; i++)
            start_opening();
        finish(wanted);
    } else if (sscanf(line, "echo %15s %d %zu %lf %lf", kind, &number, &size, &warm, &seconds) == 5) {
        make_payload(size);
        repeat(strcmp(kind, "text") ? BINARY : TEXT, number);
        echo(number);
        measure(warm, seconds);
    } else if (sscanf(line, "frames %d %511s %511s %lf %lf", &number, file, copy, &warm, &seconds) == 5) {
        read_script(file);
        dump = opened_file(copy, "ab");
        echo(number);
        measure(warm, seconds);
    } else if (sscanf(line, "broadcast %511s %511s %lf %lf", file, copy, &warm, &seconds) == 4) {
        broadcast(file, copy);
        measure(warm, seconds);
    } else if (sscanf(line, "each %zu", &size) == 1) {
        each(size);
        finish(opened);
    } else if (!strcmp(line, "ping\n")) {
        ping();
        finish(opened);
    } else
        fail("there is no such command: %s", line);
}

static void start_tls(void) {
#ifdef WITH_TLS
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
#else
    fail("this was compiled without TLS");
#endif
}

int main(int argc, char **argv) {
    char line[2048];
    int option;
    while ((option = getopt(argc, argv, "rto:p:s:")) != -1) {
        if (option == 'r')
            is_raw = true;
        else if (option == 't')
            is_tls = true;
        else if (option == 'o')
            offer = optarg;
        else if (option == 'p')
            port = atoi(optarg);
        else if (option == 's' && server_count < 64) {
            if (clock_getcpuclockid(atoi(optarg), &servers[server_count++]))
                fail("there is no process %s", optarg);
        } else
            return 2;
    }
    if (is_tls)
        start_tls();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    while (fgets(line, sizeof line, stdin))
        obey(line);
    return 0;
}
