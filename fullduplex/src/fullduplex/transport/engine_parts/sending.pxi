# Sending: what every face shares.

cdef Transport plain_transport(PyObject *connection):
    """Return the transport of a server's connection that can be sent a plain message now; None for any other."""
    cdef Transport transport = ready_transport(connection)
    return transport if transport is not None and transport.is_masked else None


cdef Transport ready_transport(PyObject *connection):
    """Return the transport of a connection to which a plain message can be sent now; None for any other."""
    cdef PyObject *codec
    cdef PyObject *found
    cdef Transport transport
    if not PyObject_TypeCheck(connection, connection_class):
        return None
    found = slot(connection, at.transport)
    # There is nothing at all in a connection that was never initialised.
    if found == NULL or Py_TYPE(found) != <PyTypeObject *>Transport:
        return None
    transport = <Transport>found
    if transport.engine.thread != PyThread_get_thread_ident():
        transport.engine.check_thread()
    codec = slot(connection, at.codec)
    if (
        not is_open(codec)
        or transport.is_lost
        or slot(connection, at.is_writing_paused) != FALSE
        or slot(connection, at.outbox) != NONE
        or slot(connection, at.is_ending) != FALSE
        or slot(codec, at.is_sending_fragments) != FALSE
    ):
        return None
    return transport


cdef int send_frame(PyObject *connection, Transport transport, bytes frame, bytes payload) except -1:
    """Send a frame, of which the payload may be given apart."""
    cdef PyObject *codec = slot(connection, at.codec)
    cdef list output = <object>slot(codec, at.output)
    if output is None:
        output = [frame]
        put(codec, at.output, output)
    else:
        PyList_Append(output, frame)
    transport.unwritten += PyBytes_GET_SIZE(frame)
    if payload is not None:
        PyList_Append(output, payload)
        transport.unwritten += PyBytes_GET_SIZE(payload)
    if transport.unwritten > transport.bounds.high:
        transport.flush()
    elif slot(connection, at.busy) != TRUE and slot(connection, at.flush_is_due) != TRUE:
        put(connection, at.flush_is_due, True)
        transport.engine.add_unflushed(transport)
    return 0


cdef bytes take_key():
    """Return a masking key that nobody else gets: the next of the pool."""
    found = next(<object>slot(<PyObject *>key_pool, at.keys), None)
    return key_pool.take() if found is None else <bytes>(<tuple>found)[0]


cdef bint send_plain(PyObject *connection, object data) except -1:
    """Send a message if nothing is against doing so at once; tell whether it was."""
    return send_as(connection, FINAL_BINARY if PyBytes_CheckExact(data) else FINAL_TEXT, data)


cdef bint send_as(PyObject *connection, uint8_t first, object data) except -1:
    """The same for a message whose kind, the first byte of its frame, is told: of bytes it may be either."""
    cdef Transport transport = ready_transport(connection)
    cdef Py_ssize_t size
    cdef const char *payload
    cdef bytes frame, key = None
    cdef uint8_t *mask = NULL
    cdef size_t head
    cdef bint is_copied
    if transport is None:
        return False
    if PyBytes_CheckExact(data):
        payload = PyBytes_AS_STRING(data)
        size = PyBytes_GET_SIZE(data)
    elif PyUnicode_CheckExact(data) and PyUnicode_IS_ASCII(data):
        payload = PyUnicode_AsUTF8AndSize(data, &size)
    else:
        return False
    extension = <object>slot(slot(connection, at.codec), at.extension)
    if extension is not None and is_worthwhile(extension, size):
        # Who encodes may keep what it is given.
        encoded = encode(
            extension, data if PyBytes_CheckExact(data) else PyBytes_FromStringAndSize(payload, size), size
        )
        first |= <uint8_t>extension.rsv
        payload = PyBytes_AS_STRING(encoded)
        size = PyBytes_GET_SIZE(encoded)
    head = 2 if size < 126 else 4 if size < 65536 else 10
    if not transport.is_masked:
        # The other side doesn't mask: we do.
        key = take_key()
        mask = <uint8_t *>PyBytes_AS_STRING(key)
        head += 4
    is_copied = size < LARGE or first != FINAL_BINARY or mask != NULL
    frame = transport.engine.room_for(head + size if is_copied else head)
    head_into(<uint8_t *>PyBytes_AS_STRING(frame), first, size, mask)
    if mask != NULL:
        mask_into(<uint8_t *>PyBytes_AS_STRING(frame) + head, <const uint8_t *>payload, size, mask)
    elif is_copied:
        memcpy(PyBytes_AS_STRING(frame) + head, payload, size)
    send_frame(connection, transport, frame, None if is_copied else data)
    return True


def accelerate_send_message(definition):
    """Return the connection's ``send_message``: messages in ``bytes`` are sent here, if they are plain."""

    def send_message(self, opcode, data, *, compress=None, waits=False):
        if (
            compress is None
            and PyBytes_CheckExact(data)
            and (opcode is text_opcode or opcode is binary_opcode)
            and send_as(<PyObject *>self, FINAL_TEXT if opcode is text_opcode else FINAL_BINARY, data)
        ):
            return None
        return definition(self, opcode, data, compress=compress, waits=waits)

    return send_message


def accelerate_send_prepared(definition):
    """Return the connection's ``send_prepared``."""

    def send_prepared(self, message):
        cdef Transport transport = plain_transport(<PyObject *>self)
        cdef PyObject *frame
        if (
            transport is None
            or Py_TYPE(<PyObject *>message) != prepared_class
            or slot(slot(<PyObject *>self, at.codec), at.extension) != NONE
        ):
            return definition(self, message)
        frame = PyDict_GetItem(<object>slot(<PyObject *>message, at.frames_of_kinds), None)
        send_frame(<PyObject *>self, transport, message.frame(None) if frame == NULL else <object>frame, None)

    return send_prepared
