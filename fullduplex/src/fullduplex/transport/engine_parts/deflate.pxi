# permessage-deflate, of messages that are whole.

cdef bint is_worthwhile(object extension, Py_ssize_t size) except -1:
    """Tell what ``is_worthwhile`` tells."""
    if Py_TYPE(<PyObject *>extension) != deflate_class:
        return extension.is_worthwhile(size)
    return size >= <Py_ssize_t>(<tuple>slot(<PyObject *>extension, at.kind))[KIND_THRESHOLD]


cdef bytes encode(object extension, object data, Py_ssize_t size):
    """Return what ``encode`` returns for a whole message of so many bytes."""
    cdef PyObject *plain = <PyObject *>extension
    cdef bytes start, payload
    if (
        Py_TYPE(plain) != deflate_class
        or slot(plain, at.deflate) == NONE
        or slot(plain, at.local_no_takeover) != FALSE
        or (slot(plain, at.is_for_small) != FALSE and size >= large_deflated)
    ):
        return bytes(extension.encode(data, ends_message=True))
    put(plain, at.is_idle, False)
    deflate = <object>slot(plain, at.deflate)
    # Of a module that a program has chosen it might be anything, None among it.
    start = bytes(deflate.compress(data))
    payload = bytes(deflate.flush(Z_SYNC_FLUSH))
    if PyBytes_GET_SIZE(start):
        payload = start + payload
    size = PyBytes_GET_SIZE(payload) - TAIL_SIZE
    if size >= 0 and memcmp(PyBytes_AS_STRING(payload) + size, TAIL, TAIL_SIZE) == 0:
        payload = PyBytes_FromStringAndSize(PyBytes_AS_STRING(payload), size)
    return payload or b"\0"


cdef bint inflates_plainly(PyObject *extension) noexcept:
    """Tell whether a message that arrives whole can be inflated in the context that there is, which stays."""
    return (
        Py_TYPE(extension) == deflate_class
        and slot(extension, at.inflate) != NONE
        and slot(extension, at.remote_no_takeover) == FALSE
    )


cdef object inflate(object extension, bytes payload, Py_ssize_t most, bint is_text):
    """Return the message of a payload with its tail; None if it isn't plain, and its definition is to tell."""
    cdef PyObject *plain = <PyObject *>extension
    cdef object context = <object>slot(plain, at.inflate)
    cdef bytes data
    try:
        data = bytes(context.decompress(payload, most))
    except Exception as error:
        put(plain, at.inflate, Inflated(context, None, error))
        return None
    if not context.eof and (most == 0 or PyBytes_GET_SIZE(data) < most):
        try:
            message = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), NULL) if is_text else data
        except UnicodeDecodeError:
            pass
        else:
            put(plain, at.is_idle, False)
            remember(extension, data)
            return message
    put(plain, at.inflate, Inflated(context, data, None))
    return None


cdef int remember(object extension, bytes data) except -1:
    """Keep the end of what was inflated, as ``_remember`` does."""
    cdef bytearray window = <bytearray>slot(<PyObject *>extension, at.window)
    cdef Py_ssize_t bits = <object>slot(<PyObject *>extension, at.remote_bits)
    cdef Py_ssize_t have = PyByteArray_GET_SIZE(window), size = PyBytes_GET_SIZE(data)
    if have + size > <Py_ssize_t>2 << max(bits, 9):
        extension._remember(data)
    else:
        PyByteArray_Resize(window, have + size)
        memcpy(PyByteArray_AS_STRING(window) + have, PyBytes_AS_STRING(data), size)
    return 0


@cython.final
cdef class Inflated:
    """A context that gives once more what it has just given, to the definition, which asks it the same."""

    cdef object inflate
    cdef object data
    cdef object error

    def __init__(self, inflate, data, error):
        self.inflate, self.data, self.error = inflate, data, error

    def decompress(self, data, size):
        """Return what came out, or raise what was raised; from the second time on, inflate."""
        if self.error is not None:
            raise self.error
        if self.data is None:
            return self.inflate.decompress(data, size)
        given, self.data = self.data, None
        return given

    def __getattr__(self, name):
        return getattr(self.inflate, name)
