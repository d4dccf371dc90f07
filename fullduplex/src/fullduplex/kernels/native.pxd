# What C offers to every native module; nothing of it needs the interpreter.

from libc.stdint cimport uint8_t, uint64_t


cdef extern from "kernels.h" nogil:
    const int MAX_HEAD
    void mask_into(uint8_t* to, const uint8_t* data, size_t length, const uint8_t* key)
    size_t head_into(uint8_t* to, uint8_t first, uint64_t length, const uint8_t* key)
    size_t utf8_whole(const uint8_t* data, size_t length, int* left)
