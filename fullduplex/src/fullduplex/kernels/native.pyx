# cython: language_level=3
# cython: freethreading_compatible=False
# cython: subinterpreters_compatible=no
"""The inner loops in C, called like those of ``pure``.

Knows how to take a buffer and give bytes; what is done to them is in
``kernels.h``, where other native modules find it too.  It doesn't know the
errors: whatever isn't plain, contiguous bytes and in order goes to ``pure``,
which gives the answer or raises.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.long cimport PyLong_AsLongLongAndOverflow

from . import pure

__all__ = ["apply_mask", "frame_head", "utf8_prefix"]


cdef bint _view_bytes(data, Py_buffer* view) except -1:
    """Take the buffer of ``data``; if it isn't bytes in a row, take nothing and return False."""
    try:
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
    except BufferError:
        return False
    if view.itemsize == 1:
        return True
    PyBuffer_Release(view)
    return False


def apply_mask(data, key):
    """Return ``data`` exclusive-ored with the four bytes of ``key``, repeated (5.3)."""
    cdef Py_buffer view
    if type(key) is not bytes or len(<bytes> key) != 4 or not _view_bytes(data, &view):
        return pure.apply_mask(data, key)
    try:
        masked = PyBytes_FromStringAndSize(NULL, view.len)
        mask_into(
            <uint8_t*> PyBytes_AS_STRING(masked),
            <const uint8_t*> view.buf,
            view.len,
            <const uint8_t*> PyBytes_AS_STRING(key),
        )
        return masked
    finally:
        PyBuffer_Release(&view)


def frame_head(first, length, key=None):
    """Return the head of a frame: first byte, length in its shortest form, masking key (5.2)."""
    cdef int first_overflow = 0, length_overflow = 0
    cdef long long byte = PyLong_AsLongLongAndOverflow(first, &first_overflow)
    cdef long long size = PyLong_AsLongLongAndOverflow(length, &length_overflow)
    cdef const uint8_t* mask = NULL
    cdef uint8_t head[MAX_HEAD]
    if key is not None:
        if type(key) is not bytes or len(<bytes> key) != 4:
            return pure.frame_head(first, length, key)
        mask = <const uint8_t*> PyBytes_AS_STRING(key)
    if first_overflow or length_overflow or size < 0 or not 0 <= byte <= 255:
        return pure.frame_head(first, length, key)
    return PyBytes_FromStringAndSize(<char*> head, head_into(head, <uint8_t> byte, size, mask))


def utf8_prefix(data, final):
    """Return how many leading bytes of ``data`` are whole, valid characters."""
    cdef Py_buffer view
    cdef size_t whole
    cdef int left
    if not _view_bytes(data, &view):
        return pure.utf8_prefix(data, final)
    whole = utf8_whole(<const uint8_t*> view.buf, view.len, &left)
    PyBuffer_Release(&view)
    if left < 0 or (left and final):
        return pure.utf8_prefix(data, final)
    return whole
