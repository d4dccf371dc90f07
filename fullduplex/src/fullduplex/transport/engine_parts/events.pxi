# The event face: its listeners, and its send.

cdef int emit_message(PyObject *connection, object message) except -1:
    """Emit ``message`` on a connection, and then on its server."""
    cdef object is_binary = PyBytes_CheckExact(message)
    if PyTuple_GET_SIZE(<object>slot(connection, at.listeners)) > 0:
        emit(<object>connection, at.listeners, None, message, is_binary)
    server = <object>slot(connection, at.owner)
    if server is not None and PyTuple_GET_SIZE(<object>slot(<PyObject *>server, at.listeners_of_owner)) > 0:
        emit(server, at.listeners_of_owner, <object>connection, message, is_binary)
    return 0


cdef int emit(emitter, Py_ssize_t listeners, connection, message, is_binary) except -1:
    """Emit ``message``, as the emitter in Python does; it does everything but the plainest case."""
    cdef tuple row = <object>slot(<PyObject *>emitter, listeners)
    cdef Py_ssize_t index, found = -1, count = 0
    for index in range(0, PyTuple_GET_SIZE(row), 3):
        if row[index] is message_event or row[index] == message_event:
            found = index
            count += 1
    if count == 0:
        return 0
    if count == 1:
        listener = row[found + 1]
        if row[found + 2] is False:
            try:
                if connection is None:
                    result = listener(message, is_binary)
                else:
                    result = listener(connection, message, is_binary)
                if result is not None:
                    finish_listener(emitter._logger, message_event, result)
            except Exception as error:
                report_listener(emitter._logger, message_event, error)
            return 0
    if connection is None:
        emitter.emit(message_event, message, is_binary)
    else:
        emitter.emit(message_event, connection, message, is_binary)
    return 0


def accelerate_send(definition):
    """Return the event face's ``send``: plain messages are sent here, everything else by its definition."""

    def send(self, data, callback=None, *, binary=None, compress=None, fin=True):
        if (
            callback is None
            and binary is None
            and compress is None
            and fin is True
            and PyObject_TypeCheck(<PyObject *>self, event_class)
            # A client's is open for the program once "open" is emitted.
            and slot(<PyObject *>self, at.stage) == NONE
            and send_plain(<PyObject *>self, data)
        ):
            return None
        return definition(self, data, callback, binary=binary, compress=compress, fin=fin)

    return send
