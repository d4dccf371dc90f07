# The engine of a loop: whom it watches, in what order, and for how long at a time.

# By the loop's identity.  A loop keeps its engine, as long as there are connections; nothing keeps the loop.
cdef object engines = weakref.WeakValueDictionary()


cdef int64_t nanoseconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


# After one to two times as many seconds without large messages none is kept to be used again.
cdef double SPARE_TIME = 0.125


cdef class Engine:
    """The connections of one event loop."""

    cdef int descriptor
    cdef readonly object loop
    cdef Py_ssize_t count
    cdef bint is_in_batch
    # Whether the loop was run again within a batch, and has something for us to do.
    cdef bint is_suspended
    cdef bint is_flush_due
    cdef list unflushed
    # The message for many that this turn's others wait behind.
    cdef Cast cast
    cdef list unfinished
    # Those that the last batch had no time for, with what the epoll told of them, the first one last.
    cdef list delayed
    # Messages since the clock was looked at.
    cdef Py_ssize_t handed
    # Whom the epoll knows, and may tell of, by their descriptors: they live as long.
    cdef list watched
    # Those of them whose descriptor somebody else has closed.
    cdef list strays
    cdef int process
    cdef uint8_t *buffer
    cdef uint8_t *scratch
    # The whole buffer, as TLS wants it.
    cdef object buffer_view
    cdef unsigned long thread
    # The last large messages, which the program may have dropped by now, and what there is room for in them.
    cdef PyObject *spares[SPARES]
    cdef Py_ssize_t rooms[SPARES]
    cdef int next_spare
    cdef bint is_spare_used
    # Large messages that memory was taken for, since none was kept.
    cdef Py_ssize_t spares_made
    cdef object spare_timer
    # A future that is done.
    cdef object done
    cdef object __weakref__

    def __cinit__(self, loop):
        self.descriptor = -1
        self.loop = loop
        self.unflushed = []
        self.unfinished = []
        self.delayed = []
        self.watched = []
        self.strays = []
        self.process = getpid()
        self.done = loop.create_future()
        self.done.set_result(None)
        self.thread = PyThread_get_thread_ident()
        # Of the loop's, not of any connection's memory, which alone is traced.
        self.buffer = <uint8_t *>malloc(READ_SIZE)
        self.scratch = <uint8_t *>malloc(WRITE_SIZE)
        if self.buffer == NULL or self.scratch == NULL:
            raise MemoryError
        self.buffer_view = PyMemoryView_FromMemory(<char *>self.buffer, READ_SIZE, PyBUF_WRITE)

    def __dealloc__(self):
        if self.descriptor >= 0:
            close(self.descriptor)
        self.forget_spares()
        free(self.buffer)
        free(self.scratch)

    cdef int make_place(self, int descriptor) except -1:
        """See that a descriptor has a place among those that are watched."""
        while PyList_GET_SIZE(self.watched) <= descriptor:
            self.watched.append(None)
        return 0

    cdef int replace(self, Watched watched) except -1:
        """Note who is watched by a descriptor now; who was until now has had it closed by somebody else."""
        cdef Watched stray = self.watched[watched.descriptor]
        if stray is not None:
            # The epoll may still tell of it, and what is written or closed by that number isn't its own.
            self.strays.append(stray)
            stray.descriptor = -1
        self.watched[watched.descriptor] = watched
        return 0

    cdef int enter(self) except -1:
        """Count one more connection; watch the descriptor from the first on."""
        cdef int descriptor
        if self.descriptor < 0:
            descriptor = epoll_create1(EPOLL_CLOEXEC)
            if descriptor < 0:
                raise OSError(errno, os.strerror(errno))
            try:
                self.loop.add_reader(descriptor, self.ready)
            except BaseException:
                close(descriptor)
                raise
            self.descriptor = descriptor
        self.count += 1
        return 0

    cdef int leave(self) except -1:
        """Count one less; with the last one, leave nothing behind in the loop."""
        self.count -= 1
        if self.count == 0 and not self.is_in_batch:
            self.stop()
        return 0

    cdef int stop(self) except -1:
        cdef int descriptor = self.descriptor
        if descriptor >= 0:
            self.descriptor = -1
            self.delayed.clear()
            self.strays.clear()
            # What a child process has inherited of the loop is watched by its parent.
            if not self.loop.is_closed() and self.process == getpid():
                self.loop.remove_reader(descriptor)
            close(descriptor)
        if self.spare_timer is not None:
            self.spare_timer.cancel()
            self.spare_timer = None
        self.forget_spares()
        return 0

    def ready(self):
        """Handle a batch of connections; the loop calls this when there are any."""
        cdef epoll_event events[MAX_EVENTS]
        cdef int count = 0, index = 0
        cdef int64_t end
        if self.descriptor < 0:
            return
        if self.is_in_batch:
            # A listener runs the loop again, as Qt's dialogs do.  The buffer is in use until it returns.
            self.is_suspended = True
            self.loop.remove_reader(self.descriptor)
            return
        end = nanoseconds() + MAX_NANOSECONDS
        self.thread = PyThread_get_thread_ident()
        self.is_in_batch = True
        try:
            # The epoll tells of all in the same order again: those that come last would have to wait for
            # ever if the first ones always took all the time.
            if self.delayed:
                self.handle_delayed(end)
            if self.delayed:
                return
            count = max(0, epoll_wait(self.descriptor, events, MAX_EVENTS, 0))
            for index in range(count):
                Py_INCREF(<object>events[index].data.ptr)
            index = 0
            while index < count:
                (<Watched>events[index].data.ptr).handle(events[index].events)
                index += 1
                if not index & 7 or self.handed >= CLOCK_MESSAGES:
                    self.handed = 0
                    if nanoseconds() > end:
                        break
        finally:
            self.is_in_batch = False
            while count > index:
                count -= 1
                self.delayed.append((<object>events[count].data.ptr, events[count].events))
                Py_DECREF(<object>events[count].data.ptr)
            for index in range(count):
                Py_DECREF(<object>events[index].data.ptr)
            self.end_batch()

    cdef int end_batch(self) except -1:
        """Write what is due, go on with what couldn't be done within the batch, and stop if that was the last."""
        if self.is_suspended:
            self.is_suspended = False
            if self.descriptor >= 0:
                self.loop.add_reader(self.descriptor, self.ready)
            self.loop.call_soon(self.go_on)
        self.flush()
        if self.count == 0:
            self.stop()
        return 0

    cdef int handle_delayed(self, int64_t end) except -1:
        """Handle, as long as there is time, those first for whom there was none; they may be ready no more."""
        cdef Watched watched
        while self.delayed and nanoseconds() <= end:
            watched, events = self.delayed.pop()
            watched.handle(events)
        return 0

    cdef int check_thread(self) except -1:
        """See that the loop runs in this thread: it may have run in another before."""
        if _get_running_loop() is not self.loop:
            raise RuntimeError(
                "a connection is used in the thread of its event loop only: use loop.call_soon_threadsafe"
            )
        self.thread = PyThread_get_thread_ident()
        return 0

    cdef bytes room_for(self, Py_ssize_t length):
        """Return bytes of that length to be filled: a message that was dropped, if one fits.

        To touch fresh memory takes longer than to read into it what a socket has.
        """
        cdef PyObject *spare
        cdef int index
        if not SPARE_LEAST <= length <= SPARE_MOST:
            return PyBytes_FromStringAndSize(NULL, length)
        for index in range(SPARES):
            spare = self.spares[index]
            if spare != NULL and Py_REFCNT(spare) == 1 and self.rooms[index] // 2 < length <= self.rooms[index]:
                self.is_spare_used = True
                resize_bytes(spare, length)
                return <bytes>spare
        return self.add_spare(PyBytes_FromStringAndSize(NULL, length), length)

    cdef bytes add_spare(self, bytes message, Py_ssize_t length):
        """Keep a message in place of the oldest one, and return it."""
        cdef int index = self.next_spare
        self.next_spare = (index + 1) % SPARES
        Py_XDECREF(self.spares[index])
        Py_INCREF(message)
        self.spares[index] = <PyObject *>message
        self.rooms[index] = length
        self.is_spare_used = True
        self.spares_made += 1
        if self.spare_timer is None:
            self.spare_timer = self.loop.call_later(SPARE_TIME, self.look_at_spares)
        return message

    def look_at_spares(self):
        """Forget the messages that were kept if none was needed since the last time."""
        if self.is_spare_used:
            self.is_spare_used = False
            self.spare_timer = self.loop.call_later(SPARE_TIME, self.look_at_spares)
        else:
            self.spare_timer = None
            self.forget_spares()
            if self.spares_made > MANY_SPARES:
                # Of many at a time, the C library keeps what lies below anything that is still in use: of 64
                # messages of 1 MiB it was up to 40 MiB.  It takes some milliseconds to look for that.
                trim_memory()
            self.spares_made = 0

    cdef void forget_spares(self) noexcept:
        cdef int index
        for index in range(SPARES):
            Py_XDECREF(self.spares[index])
            self.spares[index] = NULL

    cdef int add_unflushed(self, Transport transport) except -1:
        """Write what a connection has to send when the batch is over, or else in the next turn."""
        PyList_Append(self.unflushed, transport)
        if not self.is_in_batch and not self.is_flush_due:
            self.is_flush_due = True
            self.loop.call_soon(self.flush)
        return 0

    cdef bint may_write(self, Cast cast) except -1:
        """Tell whether a message for many is written at once: the first one of a turn is."""
        if self.thread != PyThread_get_thread_ident():
            return False
        if self.cast is None:
            self.cast = cast
            if not self.is_in_batch and not self.is_flush_due:
                self.is_flush_due = True
                self.loop.call_soon(self.flush)
        return self.cast is cast

    cpdef flush(self):
        """Write what connections have to send."""
        cdef Transport transport
        cdef Py_ssize_t done = 0
        self.is_flush_due = False
        self.cast = None
        if not self.unflushed:
            return
        unflushed, self.unflushed = self.unflushed, []
        try:
            for transport in unflushed:
                done += 1
                if transport.connection is not None:
                    transport.flush_if_due()
        finally:
            # After an interrupt, the others have their turn later.
            for transport in unflushed[done:]:
                self.add_unflushed(transport)

    cdef int add_unfinished(self, Transport transport) except -1:
        """Go on with a connection in the next turn."""
        if not self.unfinished:
            self.loop.call_soon(self.go_on)
        self.unfinished.append(transport)
        return 0

    def go_on(self):
        """Go on with connections that had more to read than fits into a turn."""
        cdef Transport transport
        cdef int64_t end = nanoseconds() + MAX_NANOSECONDS
        if self.is_in_batch:
            self.is_suspended = True
            return
        unfinished, self.unfinished = self.unfinished, []
        unfinished.reverse()
        self.is_in_batch = True
        self.thread = PyThread_get_thread_ident()
        try:
            while unfinished and nanoseconds() <= end:
                transport = unfinished.pop()
                transport.is_unfinished = False
                transport.handle_kept()
        finally:
            self.is_in_batch = False
            if unfinished:
                if not self.unfinished:
                    self.loop.call_soon(self.go_on)
                # They have waited longer than those that were added meanwhile.
                unfinished.reverse()
                self.unfinished[:0] = unfinished
            self.end_batch()


def engine_of(loop):
    """Return the engine of a loop."""
    engine = engines.get(id(loop))
    if engine is None or (<Engine>engine).loop is not loop:
        engine = engines[id(loop)] = Engine(loop)
    return engine
