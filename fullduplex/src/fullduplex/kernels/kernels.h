/* The inner loops in C: masking, frame heads, UTF-8.

   Knows bytes and nothing else: no Python, no memory but what it is given.  Words are read by memcpy, so that
   any alignment will do; at -O3 compilers make vectors of these loops. */

#ifndef FULLDUPLEX_KERNELS_H
#define FULLDUPLEX_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The longest head: first byte, mask bit and 127, length, masking key (5.2). */
#define MAX_HEAD 14

/* Write `from`, exclusive-ored with the four bytes of `key` repeated, to `to`, which may be `from` itself (5.3).
   Otherwise the two may not overlap. */
static inline void
mask_into(uint8_t *to, const uint8_t *from, size_t length, const uint8_t *key)
{
    uint32_t half;
    uint64_t pad;
    size_t at = 0;

    memcpy(&half, key, 4);
    pad = (uint64_t)half << 32 | half;
    for (; at + 8 <= length; at += 8) {
        uint64_t word;
        memcpy(&word, from + at, 8);
        word ^= pad;
        memcpy(to + at, &word, 8);
    }
    for (; at < length; at++)
        to[at] = from[at] ^ key[at & 3];
}

/* Write the head of a frame, with its length in the shortest form, and return its size; `key` may be NULL (5.2). */
static inline size_t
head_into(uint8_t *to, uint8_t first, uint64_t length, const uint8_t *key)
{
    uint8_t mask_bit = key == NULL ? 0 : 0x80;
    int more = length < 126 ? 0 : length < 65536 ? 2 : 8;
    size_t size = 2 + (size_t)more;

    to[0] = first;
    to[1] = mask_bit | (uint8_t)(more == 0 ? length : more == 2 ? 126 : 127);
    for (int at = 0; at < more; at++)
        to[2 + at] = (uint8_t)(length >> 8 * (more - 1 - at));
    if (key != NULL) {
        memcpy(to + size, key, 4);
        size += 4;
    }
    return size;
}

/* Tell whether the four bytes at `data` are ASCII. */
static inline int
is_ascii(const uint8_t *data)
{
    uint32_t word;

    memcpy(&word, data, 4);
    return (word & 0x80808080) == 0;
}

/* Return how many of the leading bytes are ASCII. */
static inline size_t
ascii_prefix(const uint8_t *data, size_t length)
{
    size_t at = 0;

    for (; at + 32 <= length; at += 32) {
        uint64_t words[4];
        memcpy(words, data + at, 32);
        if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080)
            break;
    }
    while (at < length && data[at] < 0x80)
        at++;
    return at;
}

/* Return how many bytes the character at `data` has, of which four bytes can be read; 0 if it isn't valid
   (RFC 3629 4). */
static inline size_t
utf8_character(const uint8_t *data)
{
    uint32_t bytes = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];

    if (bytes < 0x80000000)
        return 1;
    if (bytes < 0xE0000000)
        return (bytes & 0x00C00000) == 0x00800000 && bytes >= 0xC2000000 ? 2 : 0;
    if (bytes < 0xF0000000) {
        uint32_t high = bytes & 0x0F200000;
        /* Longer than needed, and surrogates. */
        return (bytes & 0x00C0C000) == 0x00808000 && high != 0 && high != 0x0D200000 ? 3 : 0;
    }
    /* From U+10000 to U+10FFFF. */
    return (bytes & 0x00C0C0C0) == 0x00808080 && bytes >= 0xF0900000 && bytes < 0xF4900000 ? 4 : 0;
}

/* Return how many bytes the character has that begins the `length` bytes at `data`, 1 to 3: more than `length` if
   it isn't complete yet, 0 if no continuation can make it valid. */
static inline size_t
utf8_last(const uint8_t *data, size_t length)
{
    uint8_t bytes[4];
    size_t width;

    /* Of what may follow a first byte, one of these two is always a part. */
    memset(bytes, 0x80, 4);
    memcpy(bytes, data, length);
    width = utf8_character(bytes);
    if (width != 0)
        return width;
    memset(bytes, 0xA0, 4);
    memcpy(bytes, data, length);
    return utf8_character(bytes);
}

/* Return how many leading bytes are whole, valid characters.  `left` tells what comes after them: 0 nothing,
   1 a character that isn't complete yet, -1 what no continuation can make valid. */
static inline size_t
utf8_whole(const uint8_t *data, size_t length, int *left)
{
    size_t at = ascii_prefix(data, length), width = 1;

    while (width != 0 && length - at >= 4) {
        width = utf8_character(data + at);
        at += width;
        if (width == 1 && length - at >= 4 && is_ascii(data + at))
            at += ascii_prefix(data + at, length - at);
    }
    while (width != 0 && at < length) {
        width = utf8_last(data + at, length - at);
        if (width > length - at) {
            *left = 1;
            return at;
        }
        at += width;
    }
    *left = width == 0 ? -1 : 0;
    return at;
}

#endif
