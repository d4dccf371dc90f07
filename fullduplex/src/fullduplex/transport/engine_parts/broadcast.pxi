# One message for many connections.

def broadcast(connections, message):
    """Write a prepared message to all connections to which that can be done now; give the other ones in turn.

    That is done with the first such message of a turn.  Of those after it what is for one
    connection is written together.
    """
    cdef list everyone = list(connections)
    cdef Py_ssize_t index, count = PyList_GET_SIZE(everyone)
    cdef Cast cast = Cast()
    cast.message = message
    if isinstance(connections, (set, frozenset)):
        # It has no order of its own; in that of their making, as sockets lie too, the system takes 1/6 less.
        qsort(PySequence_Fast_ITEMS(everyone), count, sizeof(PyObject *), compare_addresses)
    for index in range(count):
        # What is looked at of a connection is fetched while the system sends to those before it.
        if index + 3 < count:
            fetch_connection(<PyObject *>everyone[index + 3])
        if index + 2 < count:
            fetch_parts(<PyObject *>everyone[index + 2])
        if index + 1 < count:
            fetch_state(<PyObject *>everyone[index + 1])
        if not cast.reaches(<PyObject *>everyone[index]):
            yield everyone[index]


cdef int compare_addresses(const void *one, const void *other) noexcept nogil:
    cdef char *left = (<char **>one)[0]
    cdef char *right = (<char **>other)[0]
    return (left > right) - (left < right)


cdef inline void fetch_connection(PyObject *connection) noexcept:
    """Have the processor fetch what is looked at of a connection."""
    prefetch(connection)
    prefetch(<char *>connection + at.busy)
    prefetch(<char *>connection + at.is_ending)
    prefetch(<char *>connection + at.outbox)
    prefetch(<char *>connection + at.codec)


cdef inline void fetch_parts(PyObject *connection) noexcept:
    """Have it fetch the connection's protocol and transport."""
    cdef char *codec
    cdef char *transport
    if PyObject_TypeCheck(connection, connection_class):
        codec = <char *>slot(connection, at.codec)
        transport = <char *>slot(connection, at.transport)
        prefetch(codec)
        prefetch(codec + at.output)
        prefetch(codec + at.extension)
        prefetch(transport)
        prefetch(transport + 64)
        prefetch(transport + 128)


cdef inline void fetch_state(PyObject *connection) noexcept:
    """Have it fetch what the protocol's parts tell."""
    cdef PyObject *codec
    cdef char *lifecycle
    if PyObject_TypeCheck(connection, connection_class):
        codec = slot(connection, at.codec)
        if codec != NULL:
            lifecycle = <char *>slot(codec, at.lifecycle)
            prefetch(lifecycle)
            prefetch(lifecycle + at.state)
            prefetch(slot(codec, at.output))
            prefetch(slot(codec, at.frames))
            prefetch(<char *>slot(codec, at.extension) + at.kind)


@cython.final
cdef class Cast:
    """A message on its way to many connections."""

    cdef object message
    # The frame for connections without an extension.
    cdef bytes plain
    # That for the kind of compression that came last, and whether it is compressed.
    cdef object kind
    cdef bytes frame
    cdef bint is_compressed

    cdef bint reaches(self, PyObject *connection) except -1:
        """Write the message if nothing is against doing so now, and nothing else waits to be written."""
        cdef Transport transport = plain_transport(connection)
        cdef PyObject *codec
        cdef PyObject *extension
        cdef bytes frame
        if transport is None:
            return False
        codec = slot(connection, at.codec)
        extension = slot(codec, at.extension)
        if (
            transport.tls is not None
            or transport.backlog is not None
            or slot(connection, at.busy) != FALSE
            or (slot(codec, at.output) != NONE and PyList_GET_SIZE(<list>slot(codec, at.output)) > 0)
            or (extension != NONE and Py_TYPE(extension) != deflate_class)
            or not transport.engine.may_write(self)
        ):
            return False
        if extension == NONE:
            if self.plain is None:
                self.plain = self.message.frame(None)
            frame = self.plain
        else:
            if slot(extension, at.kind) != <PyObject *>self.kind:
                self.look_up(<object>codec)
            frame = self.frame
            if self.is_compressed:
                (<object>extension).sent_alone()
        try:
            transport.write_now(frame)
        except Exception as error:
            transport.fail(error, "writing to a connection failed")
        return True

    cdef int look_up(self, object codec) except -1:
        """Make the frame for the kind of compression that a connection has."""
        extension = codec._begin_message(len(self.message.data), True, self.message.compress)
        self.frame = self.message.frame(extension)
        self.is_compressed = extension is not None
        self.kind = codec.extension.kind
        return 0
