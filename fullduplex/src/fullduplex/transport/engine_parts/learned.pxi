# What is learned of the Python classes: where their objects keep what the engine has to know.

cdef struct Slots:
    # Of the connection:
    Py_ssize_t transport, codec, busy, flush_is_due, is_reading_paused, has_more, is_writing_paused, outbox
    Py_ssize_t heartbeat, message_rate, byte_rate, is_ending
    # Of the protocol:
    Py_ssize_t lifecycle, output, frames, messages, extension, is_sending_fragments, late_pong, is_broken
    Py_ssize_t state
    Py_ssize_t left, partial, in_message
    Py_ssize_t opcode, is_streaming
    Py_ssize_t heard
    Py_ssize_t frames_of_kinds
    Py_ssize_t keys
    # Of permessage-deflate:
    Py_ssize_t kind, deflate, inflate, window, is_idle, is_for_small
    Py_ssize_t local_no_takeover, remote_no_takeover, remote_bits
    # Of the event face:
    Py_ssize_t listeners, stage, owner, listeners_of_owner
    # Of the asyncio face:
    Py_ssize_t inbox, receiver, stream, failure, fragments_ended
    Py_ssize_t entries, whole, size, most_bytes, most_messages

cdef Slots at
cdef PyTypeObject *connection_class = NULL
cdef PyTypeObject *frame_reader_class = NULL
cdef PyTypeObject *prepared_class = NULL
cdef PyTypeObject *deflate_class = NULL
cdef Py_ssize_t large_deflated = 0
cdef PyTypeObject *event_class = NULL
cdef object state_open = None
cdef object text_event = None
cdef object binary_event = None
cdef object text_opcode = None
cdef object binary_opcode = None
cdef PyTypeObject *event_server_class = NULL
cdef object event_emit = None
cdef object event_message_received = None
cdef object finish_listener = None
cdef object report_listener = None
cdef PyTypeObject *coroutine_class = NULL
cdef object coroutine_message_received = None
cdef object closed_properly = None
cdef Py_ssize_t entry_size = 0
cdef object key_pool = None
cdef object zero = 0
cdef str message_event = sys.intern("message")


cdef Py_ssize_t offset(kind, str name) except -1:
    for owner in kind.__mro__:
        if name in vars(owner):
            found = slot_offset(vars(owner)[name])
            if found > 0:
                return found
            break
    raise TypeError(f"{kind.__qualname__}.{name} isn't a slot")


def learn_events_of_protocol(text, binary, opcode):
    """Take note of how the protocol says that a message arrived."""
    global text_event, binary_event, text_opcode, binary_opcode
    text_event, binary_event = text, binary
    text_opcode, binary_opcode = opcode.TEXT, opcode.BINARY


def learn_keys(pool):
    """Take note of where clients' masking keys come from."""
    global key_pool
    at.keys = offset(type(pool), "_keys")
    key_pool = pool


def learn_connection(connection, codec, lifecycle, frames, messages, prepared, heartbeat, opened):
    """Take note of where the objects of a connection keep what the engine has to know.

    Raises:
        TypeError: if one of the names isn't a slot.
    """
    global connection_class, frame_reader_class, prepared_class, state_open
    at.transport = offset(connection, "_transport")
    at.codec = offset(connection, "codec")
    at.busy = offset(connection, "_busy")
    at.flush_is_due = offset(connection, "_flush_is_due")
    at.is_reading_paused = offset(connection, "is_reading_paused")
    at.has_more = offset(connection, "_has_more")
    at.is_writing_paused = offset(connection, "_is_writing_paused")
    at.outbox = offset(connection, "_outbox")
    at.heartbeat = offset(connection, "_heartbeat")
    at.message_rate = offset(connection, "_message_rate")
    at.byte_rate = offset(connection, "_byte_rate")
    at.is_ending = offset(connection, "_is_ending")
    at.lifecycle = offset(codec, "lifecycle")
    at.output = offset(codec, "_output")
    at.frames = offset(codec, "_frames")
    at.messages = offset(codec, "_messages")
    at.extension = offset(codec, "extension")
    at.is_sending_fragments = offset(codec, "_is_sending_fragments")
    at.late_pong = offset(codec, "_late_pong")
    at.is_broken = offset(codec, "_is_broken")
    at.state = offset(lifecycle, "state")
    at.left = offset(frames, "_left")
    at.partial = offset(frames, "_buffer")
    at.in_message = offset(frames, "_in_message")
    at.opcode = offset(messages, "_opcode")
    at.is_streaming = offset(messages, "is_streaming")
    at.heard = offset(heartbeat, "heard")
    at.frames_of_kinds = offset(prepared, "_frames")
    # Classes aren't forgotten: these references are never given back.
    Py_INCREF(connection)
    Py_INCREF(frames)
    Py_INCREF(prepared)
    prepared_class = <PyTypeObject *>prepared
    connection_class = <PyTypeObject *>connection
    frame_reader_class = <PyTypeObject *>frames
    state_open = opened


def learn_deflate(kind, Py_ssize_t large):
    """Take note of the class of permessage-deflate, and from which size on a message may need another context."""
    global deflate_class, large_deflated
    large_deflated = large
    at.kind = offset(kind, "kind")
    at.deflate = offset(kind, "_deflate")
    at.inflate = offset(kind, "_inflate")
    at.window = offset(kind, "_window")
    at.is_for_small = offset(kind, "_is_for_small")
    at.is_idle = offset(kind, "_is_idle")
    at.local_no_takeover = offset(kind, "local_no_takeover")
    at.remote_bits = offset(kind, "remote_bits")
    at.remote_no_takeover = offset(kind, "remote_no_takeover")
    Py_INCREF(kind)
    deflate_class = <PyTypeObject *>kind


def learn_events(kind, finish, report):
    """Take note of the event face: its class, and who takes what a listener returns, and what it raises."""
    global event_class, event_emit, event_message_received, finish_listener, report_listener
    at.listeners = offset(kind, "_listeners")
    at.stage = offset(kind, "_stage")
    at.owner = offset(kind, "_owner")
    Py_INCREF(kind)
    event_class = <PyTypeObject *>kind
    event_emit = kind.emit
    event_message_received = kind.message_received
    finish_listener = finish
    report_listener = report


def learn_server_of_events(kind):
    """Take note of the event face's server, which hears of all messages."""
    global event_server_class
    at.listeners_of_owner = offset(kind, "_listeners")
    Py_INCREF(kind)
    event_server_class = <PyTypeObject *>kind


def learn_coroutines(kind, inbox, Py_ssize_t size_of_entry, closed_ok):
    """Take note of the asyncio face: its class, that of its inbox, and the exception that ends an iteration."""
    global coroutine_class, coroutine_message_received, closed_properly, entry_size
    at.inbox = offset(kind, "_inbox")
    at.receiver = offset(kind, "_receiver")
    at.stream = offset(kind, "_stream")
    at.failure = offset(kind, "_failure")
    at.fragments_ended = offset(kind, "_fragments_ended")
    at.entries = offset(inbox, "_entries")
    at.whole = offset(inbox, "_whole")
    at.size = offset(inbox, "_size")
    at.most_bytes = offset(inbox, "_most_bytes")
    at.most_messages = offset(inbox, "_most_messages")
    Py_INCREF(kind)
    coroutine_class = <PyTypeObject *>kind
    coroutine_message_received = kind.message_received
    closed_properly = closed_ok
    entry_size = size_of_entry


cdef inline PyObject *slot(PyObject *thing, Py_ssize_t where) noexcept nogil:
    return (<PyObject **>(<char *>thing + where))[0]


cdef inline void put(PyObject *thing, Py_ssize_t where, object value) noexcept:
    cdef PyObject **place = <PyObject **>(<char *>thing + where)
    cdef PyObject *old = place[0]
    Py_INCREF(value)
    place[0] = <PyObject *>value
    Py_XDECREF(old)


cdef int kind_of(PyObject *connection) except -1:
    """Tell which face a connection is of, as far as messages are concerned; one that does otherwise is of none."""
    received = function_of((<object>connection).message_received)
    if event_class != NULL and PyObject_TypeCheck(connection, event_class):
        if received is event_message_received and emits_plainly(connection):
            return KIND_EVENTS
    elif coroutine_class != NULL and PyObject_TypeCheck(connection, coroutine_class):
        if received is coroutine_message_received:
            return KIND_COROUTINES
    return KIND_OTHER


cdef bint emits_plainly(PyObject *connection) except -1:
    """Tell whether a connection of the event face, and its server if it has one, emit as the library does."""
    cdef PyObject *owner = slot(connection, at.owner)
    if function_of((<object>connection).emit) is not event_emit:
        return False
    if owner == NONE:
        return True
    return (
        event_server_class != NULL
        and PyObject_TypeCheck(owner, event_server_class)
        and function_of((<object>owner).emit) is event_emit
    )


cdef object function_of(method):
    """Return the function that a method calls; None for anything else that an object may have in its place."""
    return getattr(method, "__func__", None)


cdef inline bint is_open(PyObject *codec) noexcept:
    """Tell whether frames of this protocol may go past it; a tapped one has another reader."""
    cdef PyObject *frames = slot(codec, at.frames)
    return (
        slot(slot(codec, at.lifecycle), at.state) == <PyObject *>state_open
        and (frames == NONE or Py_TYPE(frames) == frame_reader_class)
    )


cdef inline bint is_plain(PyObject *connection) noexcept:
    """Tell whether what arrives next begins with a head, and nothing forbids to read it here."""
    cdef PyObject *codec = slot(connection, at.codec)
    cdef PyObject *frames = slot(codec, at.frames)
    cdef PyObject *messages = slot(codec, at.messages)
    return (
        is_open(codec)
        and slot(codec, at.is_broken) == FALSE
        and (frames == NONE or (
            slot(frames, at.left) == <PyObject *>zero
            and PyBytes_GET_SIZE(<object>slot(frames, at.partial)) == 0
            and slot(frames, at.in_message) == FALSE
        ))
        and (messages == NONE or (
            slot(messages, at.opcode) == NONE and slot(messages, at.is_streaming) == FALSE
        ))
        and slot(connection, at.is_reading_paused) == FALSE
        and slot(connection, at.has_more) == FALSE
        and slot(connection, at.message_rate) == NONE
        and slot(connection, at.byte_rate) == NONE
    )
