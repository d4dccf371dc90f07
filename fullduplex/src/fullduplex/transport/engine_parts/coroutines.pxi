# The asyncio face: what its recv and send return.

cdef int count_in_inbox(PyObject *inbox, object message, int count) except -1:
    """Count a message that goes in or, with a negative count, out."""
    cdef Py_ssize_t size = entry_size
    if PyBytes_CheckExact(message):
        size += PyBytes_GET_SIZE(message)
    elif PyUnicode_IS_ASCII(message):
        size += len(<str>message)
    else:
        size += 4 * len(<str>message)
    put(inbox, at.whole, <Py_ssize_t><object>slot(inbox, at.whole) + count)
    put(inbox, at.size, <Py_ssize_t><object>slot(inbox, at.size) + count * size)
    return 0


cdef bint is_full(PyObject *inbox) except -1:
    """Tell what ``Inbox.is_full`` tells."""
    cdef PyObject *most = slot(inbox, at.most_messages)
    if most != NONE and len(<object>slot(inbox, at.entries)) >= (<tuple>most)[0]:
        return True
    return <object>slot(inbox, at.size) >= (<tuple>slot(inbox, at.most_bytes))[0]


cdef object take_from_inbox(PyObject *inbox):
    """Return the next message; it has to be there."""
    cdef Py_ssize_t size
    message = (<object>slot(inbox, at.entries))[0]
    if not PyBytes_CheckExact(message) and not PyUnicode_CheckExact(message):
        return (<object>inbox).take_message()
    (<object>slot(inbox, at.entries)).popleft()
    count_in_inbox(inbox, message, -1)
    return message


cdef enum:
    WAITING
    WOKEN
    CANCELLED


@cython.freelist(64)
cdef class Waiter:
    """The future that ``recv`` waits for; it may bring the message along.

    Who has waited goes on within the engine's batch, when all messages of one read are there, and
    not in the loop's next turn.
    """

    cdef object connection
    cdef object message
    cdef object callback
    cdef object context
    cdef list callbacks
    # What was said when it was cancelled.
    cdef object words
    cdef int state
    cdef public bint _asyncio_future_blocking
    cdef object __weakref__

    def get_loop(self):
        """Return the loop that it is waited on."""
        return self.connection.loop

    def add_done_callback(self, callback, *, context=None):
        """Call ``callback`` when the waiting is over."""
        if self.state != WAITING:
            self.connection.loop.call_soon(callback, self, context=context)
        elif self.callback is None:
            self.callback, self.context = callback, context
        else:
            if self.callbacks is None:
                self.callbacks = []
            self.callbacks.append((callback, context))

    def remove_done_callback(self, callback):
        """Undo ``add_done_callback``."""
        if self.callback == callback:
            self.callback = self.context = None
            return 1
        return 0

    def done(self):
        """Tell whether the waiting is over."""
        return self.state != WAITING

    def cancelled(self):
        """Tell whether it was cancelled."""
        return self.state == CANCELLED

    def cancel(self, msg=None):
        """Stop the waiting."""
        if self.state != WAITING:
            return False
        self.state = CANCELLED
        self.words = msg
        self.call_soon()
        return True

    def set_result(self, result):
        """End the waiting: something has happened."""
        if self.state == WAITING:
            self.state = WOKEN
            self.call_soon()

    def result(self):
        """Return nothing, or raise what the waiting was ended by."""
        if self.state == CANCELLED:
            raise CancelledError if self.words is None else CancelledError(self.words)
        return None

    def exception(self):
        """Return nothing: a waiting doesn't fail."""
        return self.result()

    cdef int call_soon(self) except -1:
        loop = self.connection.loop
        callback, self.callback = self.callback, None
        if callback is not None:
            loop.call_soon(callback, self, context=self.context)
        callbacks, self.callbacks = self.callbacks, None
        for callback, context in callbacks or ():
            loop.call_soon(callback, self, context=context)
        return 0

    cdef int wake(self, Engine engine) except -1:
        """Let the one who waits go on now."""
        cdef object given = self
        cdef PyObject *owner
        if self.state != WAITING:
            return 0
        self.state = WOKEN
        if self.callback is None or self.context is None or self.callbacks is not None:
            self.call_soon()
            return 0
        callback, self.callback = self.callback, None
        context, self.context = self.context, None
        owner = PyCFunction_GET_SELF(callback) if PyCFunction_CheckExact(callback) else NULL
        if owner != NULL and Py_TYPE(owner) == <PyTypeObject *>Task:
            # A task wants to know only whether it may go on, which a future of asyncio's tells it fastest.
            given = engine.done
        PyContext_Enter(context)
        try:
            callback(given)
        finally:
            PyContext_Exit(context)
        return 0


cdef tuple RECEIVERS = ("Connection.recv", "Connection.__anext__")


cdef object thrown(kind, value, traceback):
    """Return the exception that a coroutine's ``throw`` is given, in one of the ways in which that is done."""
    if value is None:
        value = kind if isinstance(kind, BaseException) else kind()
    return value if traceback is None else value.with_traceback(traceback)


@cython.freelist(64)
cdef class Receiver:
    """What ``recv`` returns: a coroutine without a frame."""

    cdef object connection
    cdef Waiter waiter
    cdef bint iterates
    cdef bint is_begun
    cdef bint is_over
    cdef object __weakref__

    def __dealloc__(self):
        # What it referred to may be gone already.
        if not self.is_begun and not self.is_over:
            warn_never_awaited(RECEIVERS[self.iterates])

    @property
    def __name__(self):
        return RECEIVERS[self.iterates].partition(".")[2]

    @property
    def __qualname__(self):
        return RECEIVERS[self.iterates]

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        result = self.step()
        if self.is_over:
            raise StopIteration(result)
        return result

    def send(self, value):
        """Go on."""
        return self.__next__()

    def throw(self, kind, value=None, traceback=None):
        """Stop waiting by an exception; a message that has come already is left to whoever receives next."""
        self.leave()
        raise thrown(kind, value, traceback)

    def close(self):
        """Stop waiting."""
        self.leave()

    cdef object stop_waiting(self):
        """Wait no more; return the message that was brought."""
        cdef PyObject *connection = <PyObject *>self.connection
        cdef Waiter waiter = self.waiter
        self.waiter = None
        if slot(connection, at.receiver) == <PyObject *>waiter:
            put(connection, at.receiver, None)
        return waiter.message

    cdef int leave(self) except -1:
        cdef PyObject *inbox
        self.is_begun = self.is_over = True
        if self.waiter is not None:
            message = self.stop_waiting()
            if message is not None:
                inbox = slot(<PyObject *>self.connection, at.inbox)
                (<object>slot(inbox, at.entries)).appendleft(message)
                count_in_inbox(inbox, message, 1)
        return 0

    cdef object step(self):
        """Return the message, or what is to be waited for."""
        cdef PyObject *connection = <PyObject *>self.connection
        cdef PyObject *inbox
        cdef bint is_new = self.waiter is None
        cdef Waiter waiter
        if self.is_over:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self.is_begun = self.is_over = True
        if not is_new:
            message = self.stop_waiting()
            if message is not None:
                return message
        try:
            if is_new and slot(connection, at.stream) != NONE:
                self.connection._leave_stream()
            inbox = slot(connection, at.inbox)
            if <Py_ssize_t><object>slot(inbox, at.whole) > 0:
                message = take_from_inbox(inbox)
                if slot(connection, at.is_reading_paused) == TRUE:
                    self.connection._read_on()
                return message
            waiter = Waiter.__new__(Waiter)
            waiter.connection = self.connection
            waiter._asyncio_future_blocking = True
            if (
                is_open(slot(connection, at.codec))
                and slot(connection, at.failure) == NONE
                and slot(connection, at.receiver) == NONE
                and slot(connection, at.is_reading_paused) == FALSE
            ):
                put(connection, at.receiver, waiter)
            else:
                self.connection._begin_waiting(waiter)
        except Exception as error:
            if self.iterates and isinstance(error, closed_properly):
                raise StopAsyncIteration from None
            raise
        self.is_over = False
        self.waiter = waiter
        return waiter


cdef int receiver_send(PyObject *receiver, PyObject *value, PyObject **result) noexcept:
    """Go on without an exception to carry the message (``am_send``)."""
    cdef Receiver it = <Receiver>receiver
    try:
        given = it.step()
        Py_INCREF(given)
        result[0] = <PyObject *>given
        return PYGEN_RETURN if it.is_over else PYGEN_NEXT
    except BaseException as error:
        restore(error)
        result[0] = NULL
        return PYGEN_ERROR


def accelerate_recv(definition):
    """Return the asyncio face's ``recv``."""

    def recv(self, decode=None):
        cdef Receiver receiver
        if decode is not None or not PyObject_TypeCheck(<PyObject *>self, coroutine_class):
            return definition(self, decode)
        receiver = Receiver.__new__(Receiver)
        receiver.connection = self
        return receiver

    return recv


def accelerate_anext(definition):
    """Return the asyncio face's ``__anext__``."""

    def __anext__(self):
        cdef Receiver receiver
        if not PyObject_TypeCheck(<PyObject *>self, coroutine_class):
            return definition(self)
        receiver = Receiver.__new__(Receiver)
        receiver.connection = self
        receiver.iterates = True
        return receiver

    return __anext__


@cython.freelist(64)
cdef class Sending:
    """What ``send`` returns: a coroutine that is over at once where nothing has to wait."""

    cdef object connection
    cdef object message
    cdef object text
    cdef object compress
    cdef object definition
    # The coroutine that does what can't be done at once.
    cdef object rest
    cdef bint is_over

    def __dealloc__(self):
        if not self.is_over:
            warn_never_awaited("Connection.send")

    @property
    def __name__(self):
        return "send"

    @property
    def __qualname__(self):
        return "Connection.send"

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.is_done():
            raise StopIteration
        return next(self.rest)

    def send(self, value):
        """Go on."""
        if self.is_done():
            raise StopIteration
        return self.rest.send(value)

    def throw(self, kind, value=None, traceback=None):
        """Stop by an exception."""
        error = thrown(kind, value, traceback)
        if self.rest is None:
            self.is_over = True
            raise error
        return self.rest.throw(error)

    def close(self):
        """Stop."""
        self.is_over = True
        if self.rest is not None:
            self.rest.close()

    cdef bint is_done(self) except -1:
        """Send if that can be done at once, and tell whether it was; otherwise ``rest`` goes on."""
        if self.rest is not None:
            return False
        if self.is_over:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self.is_over = True
        if (
            self.text is None
            and self.compress is None
            and slot(<PyObject *>self.connection, at.fragments_ended) == NONE
            and send_plain(<PyObject *>self.connection, self.message)
        ):
            if slot(<PyObject *>self.connection, at.is_writing_paused) == FALSE:
                return True
            self.rest = self.connection.drain().__await__()
        else:
            self.rest = self.definition(
                self.connection, self.message, self.text, compress=self.compress
            ).__await__()
        return False


cdef int sending_send(PyObject *sending, PyObject *value, PyObject **result) noexcept:
    """Go on without an exception to carry nothing (``am_send``)."""
    cdef Sending it = <Sending>sending
    try:
        if it.is_done():
            Py_INCREF(None)
            result[0] = NONE
            return PYGEN_RETURN
        return PyIter_Send(it.rest, <object>value, result)
    except BaseException as error:
        restore(error)
        result[0] = NULL
        return PYGEN_ERROR


def accelerate_async_send(definition):
    """Return the asyncio face's ``send``."""

    def send(self, message, text=None, *, compress=None):
        cdef Sending sending
        if not PyObject_TypeCheck(<PyObject *>self, coroutine_class):
            return definition(self, message, text, compress=compress)
        sending = Sending.__new__(Sending)
        sending.connection = self
        sending.message = message
        sending.text = text
        sending.compress = compress
        sending.definition = definition
        return sending

    return send


cdef int warn_never_awaited(str name) except -1:
    """Warn of what was made for nothing, as if it were a coroutine."""
    warnings.warn(f"coroutine '{name}' was never awaited", RuntimeWarning, stacklevel=1)
    return 0


cdef int restore(error) except 0:
    """Raise an exception again, for a caller in C."""
    PyErr_SetObject(type(error), error)
    return 1


set_send(<PyTypeObject *>Receiver, receiver_send)
set_send(<PyTypeObject *>Sending, sending_send)
