# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: freethreading_compatible=False
# cython: subinterpreters_compatible=no
"""The native engine: one epoll inside the loop's epoll.

Every connection of a loop is in one epoll descriptor, and the loop watches that one descriptor, whatever loop
it is.  When it is ready, a batch of connections is read, each into the same buffer, and what they
were sent meanwhile is written with one system call each.

The engine understands whole, final, uncompressed data frames of an open connection.  Anything else, and
anything that is wrong, goes to the protocol in Python, which is the definition of what these frames mean too.
Where a connection stands it doesn't keep: it reads the slots of the Python objects, so that there is one
truth about it.  See docs/decisions/0028.

Invariants:

1. A connection that is handled is referred to until that is over, whatever listeners do to it.
2. After each call of Python everything that was looked up before is looked up again.
3. What is kept of a partial message never exceeds what the limits allow; for a length that
   is only claimed no memory is touched.
4. A batch ends after ``MAX_EVENTS`` connections or ``MAX_NANOSECONDS``, and a connection's turn after ``BATCH``
   messages; the rest waits for the loop's next turn, and comes first there.
5. The engine's descriptor is watched as long as there are connections, and closed with the last one.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.list cimport PyList_GET_SIZE, PyList_Append
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.errno cimport EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errno
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcmp, memcpy, memset

from fullduplex.kernels.native cimport MAX_HEAD, head_into, mask_into, utf8_whole

import os
import socket
import sys
import warnings
import weakref
from asyncio import CancelledError, Task, _get_running_loop
from asyncio.trsock import TransportSocket
from ssl import MemoryBIO, SSLError, SSLWantReadError, SSLZeroReturnError

from .deadlines import Timer

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        void *ptr
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout)
    enum: EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP

cdef extern from "<sys/uio.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    ssize_t readv(int descriptor, const iovec *vectors, int count)

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int descriptor, void *buffer, size_t size, int flags)
    ssize_t send(int descriptor, const void *buffer, size_t size, int flags)
    cdef struct sockaddr:
        pass
    int accept4(int descriptor, sockaddr *address, unsigned int *size, int flags)
    int setsockopt(int descriptor, int level, int name, const void *value, unsigned int size)
    ssize_t sendmsg(int descriptor, const msghdr *message, int flags)
    int shutdown(int descriptor, int how)
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    enum: MSG_NOSIGNAL, SHUT_WR, SOCK_NONBLOCK, SOCK_CLOEXEC, AF_INET, AF_INET6

cdef extern from "<netinet/tcp.h>" nogil:
    enum: TCP_NODELAY

cdef extern from "<netinet/in.h>" nogil:
    enum: IPPROTO_TCP
    uint16_t ntohs(uint16_t number)
    uint32_t ntohl(uint32_t number)
    cdef struct in_addr:
        uint32_t s_addr
    cdef struct in6_addr:
        pass
    cdef struct sockaddr_in:
        uint16_t sin_family, sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        uint16_t sin6_port
        uint32_t sin6_flowinfo, sin6_scope_id
        in6_addr sin6_addr

cdef extern from "<unistd.h>" nogil:
    int close(int descriptor)
    int getpid()

cdef extern from "<time.h>" nogil:
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *now)
    enum: CLOCK_MONOTONIC

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void *place) noexcept nogil

cdef extern from *:
    """
    #include "structmember.h"

    /* Return where a slot of a class is in its objects; -1 if that isn't a slot. */
    static Py_ssize_t
    slot_offset(PyObject *descriptor)
    {
        if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type))
            return -1;
        PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }

    /* Give bytes that only the caller refers to another size, for which they have room. */
    static void
    resize_bytes(PyObject *bytes, Py_ssize_t size)
    {
        Py_SET_SIZE((PyVarObject *)bytes, size);
        PyBytes_AS_STRING(bytes)[size] = 0;
    #pragma GCC diagnostic push
    #pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        /* Its hash isn't known any more. */
        ((PyBytesObject *)bytes)->ob_shash = -1;
    #pragma GCC diagnostic pop
    }

    /* Let a class's objects be sent values without an exception at their end. */
    typedef int (*engine_send)(PyObject *, PyObject *, PyObject **);
    static void
    set_send(PyTypeObject *type, engine_send function)
    {
        type->tp_as_async->am_send = (sendfunc)function;
    }
    """
    ctypedef int (*sendfunc "engine_send")(PyObject *, PyObject *, PyObject **) noexcept
    Py_ssize_t slot_offset(object descriptor)
    Py_ssize_t Py_REFCNT(PyObject *thing)
    void resize_bytes(PyObject *data, Py_ssize_t size)
    void set_send(PyTypeObject *kind, sendfunc function)
    enum: PYGEN_RETURN, PYGEN_ERROR, PYGEN_NEXT
    int PyIter_Send(object iterator, object value, PyObject **result)
    void PyErr_SetObject(object kind, object value)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_IS_ASCII "PyUnicode_IS_COMPACT_ASCII"(object text)
    bint PyObject_TypeCheck(PyObject *thing, PyTypeObject *kind)
    PyTypeObject *Py_TYPE(PyObject *thing)
    bint PyBytes_CheckExact(object thing)
    PyObject **PySequence_Fast_ITEMS(object items)
    bint PyUnicode_CheckExact(object thing)
    bint PyCFunction_CheckExact(object thing)
    PyObject *PyCFunction_GET_SELF(object function)
    unsigned long PyThread_get_thread_ident()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    PyObject *TRUE "Py_True"
    PyObject *FALSE "Py_False"
    PyObject *NONE "Py_None"

cdef enum:
    # What one read takes at most, with room for a head beside 64 KiB, and what is copied together into one write.
    READ_SIZE = 66560
    WRITE_SIZE = 65536
    # A payload from which on a message is read straight into place.
    LARGE = 16384
    # The largest message that is read into place: the room for it is set aside at once, untouched.
    LARGEST = 67108864
    # Large messages that are used again when the program has dropped them: which sizes, and how many.
    SPARE_LEAST = 131072
    SPARE_MOST = 2097152
    SPARES = 8
    # What a batch, and one connection's turn in it, may take.
    MAX_EVENTS = 128
    MAX_NANOSECONDS = 2000000
    BATCH = 256
    # Messages after which the clock is looked at again, or after eight connections: it takes 1 % of an echo.
    CLOCK_MESSAGES = 64
    # Connections that are accepted at once.
    MAX_ACCEPTED = 32
    # Pieces of bytes in one write.
    MAX_VECTORS = 64
    # The first bytes of plain frames (5.2).
    FINAL_TEXT = 0x81
    FINAL_BINARY = 0x82
    # How a message that is deflated ends (RFC 7692, 7.2.1), how to have it so, and where a kind has its threshold.
    TAIL_SIZE = 4
    Z_SYNC_FLUSH = 2
    KIND_THRESHOLD = 3
    PyBUF_READ = 0x100
    PyBUF_WRITE = 0x200

cdef const char *TAIL = b"\x00\x00\xff\xff"

cdef enum:
    KIND_UNKNOWN
    KIND_EVENTS
    KIND_COROUTINES
    KIND_OTHER

# ---- What is learned of the Python classes -----------------------------------------------------------------

cdef struct Slots:
    # Of the connection:
    Py_ssize_t transport, codec, busy, flush_is_due, is_reading_paused, has_more, is_writing_paused, outbox
    Py_ssize_t heartbeat, message_rate, byte_rate, written, is_ending
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
    Py_ssize_t listeners, stage
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
    at.written = offset(connection, "_written")
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
    Py_INCREF(kind)
    event_class = <PyTypeObject *>kind
    event_emit = kind.emit
    event_message_received = kind.message_received
    finish_listener = finish
    report_listener = report


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
        if received is event_message_received and function_of((<object>connection).emit) is event_emit:
            return KIND_EVENTS
    elif coroutine_class != NULL and PyObject_TypeCheck(connection, coroutine_class):
        if received is coroutine_message_received:
            return KIND_COROUTINES
    return KIND_OTHER


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


# ---- The engine of a loop ----------------------------------------------------------------------------------

# By the loop's identity.  A loop keeps its engine, as long as there are connections; nothing keeps the loop.
cdef object engines = weakref.WeakValueDictionary()


cdef int64_t nanoseconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


# Seconds without large messages after which none is kept to be used again.
cdef double SPARE_TIME = 0.25


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


# ---- One connection ----------------------------------------------------------------------------------------


cdef class Watched:
    """A socket in the engine's epoll."""

    cdef readonly Engine engine
    cdef int descriptor
    cdef uint32_t interest

    cdef int handle(self, uint32_t events) except -1:
        """Do what the system says can be done."""
        return 0

    cdef int watch(self, uint32_t wanted) except -1:
        """Tell the system what we wait for."""
        cdef epoll_event event
        cdef int operation
        if wanted == self.interest or self.descriptor < 0:
            return 0
        if self.engine.process != getpid():
            # The epoll is our parent's, and so is the connection.
            return 0
        # An error or the end would be told of even if nothing was asked for.
        operation = EPOLL_CTL_DEL if wanted == 0 else EPOLL_CTL_MOD if self.interest else EPOLL_CTL_ADD
        if operation == EPOLL_CTL_ADD:
            self.engine.make_place(self.descriptor)
        event.events = wanted
        event.data.ptr = <void *>self
        if epoll_ctl(self.engine.descriptor, operation, self.descriptor, &event) < 0:
            if operation != EPOLL_CTL_DEL:
                raise OSError(errno, os.strerror(errno))
            # Somebody else has closed the descriptor; as another process may have it too, the epoll
            # may still tell of it.
            self.engine.strays.append(self)
        if operation == EPOLL_CTL_ADD:
            self.engine.replace(self)
        elif operation == EPOLL_CTL_DEL:
            self.engine.watched[self.descriptor] = None
        self.interest = wanted
        return 0


cdef union Address:
    sockaddr any
    sockaddr_in four
    sockaddr_in6 six


@cython.no_gc_clear
cdef class Transport(Watched):
    """One connection's socket, with the methods of ``asyncio.Transport`` that connections use."""

    cdef object connection
    # The transport of the loop whose socket this is, if it has one, and what is told of the socket's end.
    cdef object below
    cdef object protocol
    # The Python object of the socket, once somebody asked for it.
    cdef object sock
    # The peer of an accepted socket: an IPv4 address in place, an IPv6 one as the system's bytes.
    cdef object peer
    cdef uint32_t peer_address
    cdef uint16_t peer_port
    cdef uint16_t peer_family
    cdef Encryption tls
    # Answers to yes and no, in a byte each.
    cdef uint8_t kind
    cdef uint8_t is_paused
    cdef uint8_t is_closing_
    cdef uint8_t is_lost
    cdef uint8_t ends_writing
    cdef uint8_t is_blocked
    cdef uint8_t is_unfinished
    cdef uint8_t is_lingering
    cdef uint8_t is_masked
    cdef uint8_t is_strange
    cdef uint8_t is_kept_whole
    # What an extension claims of a first byte; see below.
    cdef uint8_t extension_bits
    cdef uint8_t large_first
    cdef uint8_t large_key[4]
    # What was read and isn't handled yet: the beginning of a frame, or when a turn was over.
    cdef uint8_t *kept
    cdef Py_ssize_t kept_size
    # A large message that is arriving, unmasked as far as it is there.
    cdef object large
    cdef Py_ssize_t large_have
    cdef Py_ssize_t large_checked
    # What the system hasn't taken yet.
    cdef list backlog
    cdef Py_ssize_t backlog_size
    cdef Py_ssize_t first_written
    cdef Py_ssize_t high
    cdef Py_ssize_t low
    # Bytes in the protocol's output.
    cdef Py_ssize_t unwritten
    cdef Py_ssize_t max_payload
    # The most that an extension may have encoded.
    cdef Py_ssize_t max_marked
    cdef Py_ssize_t max_large
    # The most that a message may be inflated to, and one byte; 0 if there is no limit.
    cdef Py_ssize_t max_inflated

    def __cinit__(self):
        self.descriptor = -1
        self.high = 65536
        self.low = 16384
        self.max_payload = -1

    def __dealloc__(self):
        if self.descriptor >= 0 and self.below is None and self.sock is None:
            close(self.descriptor)
        PyMem_Free(self.kept)

    # What a connection asks of asyncio's transports

    def get_extra_info(self, name, default=None):
        """Tell what is known of the socket."""
        if self.tls is not None and name in TLS_INFORMATION:
            return TLS_INFORMATION[name](self.tls.whole)
        if name == "fileno":
            return default if self.descriptor < 0 else self.descriptor
        if self.below is not None:
            return self.below.get_extra_info(name, default)
        if name == "peername":
            return self.peername()
        if name == "sockname":
            return default if self.descriptor < 0 else address_of(self.descriptor, "getsockname")
        if name == "socket":
            if self.sock is None:
                if self.descriptor < 0:
                    return default
                self.sock = socket.socket(fileno=self.descriptor)
            # One that can't be closed, or another connection's descriptor might soon be taken for it.
            return TransportSocket(self.sock)
        return default

    cdef int set_peer(self, const Address *peer) except -1:
        """Keep the peer's address: it can't be asked for any more when the peer has gone."""
        self.peer_family = peer.four.sin_family
        if self.peer_family == AF_INET:
            self.peer_address = peer.four.sin_addr.s_addr
            self.peer_port = peer.four.sin_port
        elif self.peer_family == AF_INET6:
            self.peer = PyBytes_FromStringAndSize(<const char *>peer, sizeof(peer.six))
        else:
            self.peer = address_of(self.descriptor, "getpeername")
        return 0

    cdef object peername(self):
        """Return the peer's address as ``getpeername`` does."""
        if self.peer_family == AF_INET:
            four = PyBytes_FromStringAndSize(<char *>&self.peer_address, sizeof(self.peer_address))
            return socket.inet_ntop(AF_INET, four), ntohs(self.peer_port)
        if self.peer_family == AF_INET6:
            return peername_of(self.peer)
        return self.peer

    def is_closing(self):
        """Tell whether it is closed, or will be when everything is written."""
        return self.is_closing_ != 0

    def can_write_eof(self):
        """Without TLS our side can be shut down alone."""
        return self.tls is None

    def get_write_buffer_size(self):
        """Return how many bytes the system hasn't taken yet."""
        return self.backlog_size

    def set_write_buffer_limits(self, high=None, low=None):
        """Set the marks at which the connection is told to send no more, and to go on."""
        self.high = 65536 if high is None else min(high, sys.maxsize)
        self.low = self.high // 4 if low is None else min(low, sys.maxsize)

    def get_write_buffer_limits(self):
        """Return the marks that ``set_write_buffer_limits`` sets."""
        return self.low, self.high

    def pause_reading(self):
        """Read nothing more; an event that comes nevertheless makes the engine look away."""
        self.is_paused = True

    def resume_reading(self):
        """Read on, what was kept first."""
        self.is_paused = False
        if self.is_lost or self.is_closing_:
            return
        self.set_interest()
        if self.kept_size > 0 or (self.tls is not None and self.tls.has_more()):
            self.finish_later()

    def write(self, data):
        """Write bytes, or keep what the system doesn't take."""
        self.unwritten = 0
        if self.is_lost or self.ends_writing:
            return
        if not isinstance(data, bytes):
            data = bytes(data)
        self.write_list([data])
        self.look_at_mark()

    def writelines(self, pieces):
        """Write several pieces of bytes."""
        self.write(b"".join(pieces))

    def is_reading(self):
        """Tell whether anything is read."""
        return not self.is_paused and not self.is_closing_

    def get_protocol(self):
        """Return what is told of the socket's end."""
        return self.protocol

    def set_protocol(self, protocol):
        """Tell somebody else of the socket's end, and of what is read unless it is read for its connection.

        Raises:
            RuntimeError: once messages were read here.
        """
        if self.connection is not None and getattr(protocol, "connection", protocol) is not self.connection:
            if self.max_payload >= 0:
                raise RuntimeError("an open connection's transport can't be given away")
            self.connection = None
        self.protocol = protocol

    def serve(self, connection):
        """Read for a connection that has been open since now, not for a protocol any more."""
        self.connection = connection

    def write_eof(self):
        """Shut down our side when everything is written."""
        if self.is_closing_ or self.ends_writing:
            return
        self.ends_writing = True
        if self.backlog_size == 0:
            self.shut_down()

    def close(self):
        """Close when everything is written."""
        if self.is_closing_:
            return
        if self.tls is not None and not self.is_lost:
            self.check_thread()
            self.say_goodbye()
        self.is_closing_ = True
        if self.backlog_size == 0:
            self.end()
        else:
            self.set_interest()

    def abort(self):
        """Close at once."""
        self.is_closing_ = True
        self.lose(None)

    # Beginning and end

    cdef int set_interest(self) except -1:
        """Tell the system what we wait for."""
        cdef uint32_t wanted = 0
        if not self.is_lost:
            if self.is_lingering or (not self.is_paused and not self.is_closing_):
                wanted |= EPOLLIN
            if self.backlog_size > 0:
                wanted |= EPOLLOUT
        return self.watch(wanted)

    cdef int lose(self, exc) except -1:
        """Have nothing to do with the socket any more; the connection hears of it soon."""
        if self.is_lost:
            return 0
        self.is_lost = self.is_closing_ = True
        self.backlog = None
        self.backlog_size = 0
        self.set_interest()
        self.engine.loop.call_soon(self.tell_lost, exc)
        return 0

    def tell_lost(self, exc):
        """Tell the connection that the transport is gone, and close the socket."""
        protocol, self.protocol = self.protocol, None
        if protocol is None:
            return
        try:
            # As asyncio has it, nobody is told of a connection that TLS didn't come to.
            if self.tls is not None and self.tls.is_shaking_hands:
                self.tls.shaking_hands.pop(self).cancel()
                self.tls.tell_opener(ConnectionResetError() if exc is None else exc)
            else:
                protocol.connection_lost(exc)
        finally:
            self.release()

    def below_lost(self, exc):
        """Take note that the transport below is lost; its socket is closed after this."""
        if not self.is_lost:
            self.is_lost = self.is_closing_ = True
            self.backlog = None
            self.backlog_size = 0
            self.set_interest()
        self.tell_lost(exc)

    cdef int release(self) except -1:
        cdef int descriptor = self.descriptor
        self.descriptor = -1
        self.connection = None
        self.large = None
        PyMem_Free(self.take_kept())
        if self.below is not None:
            self.below.abort()
        elif self.sock is not None:
            self.sock.close()
        else:
            close(descriptor)
        self.engine.leave()
        return 0

    cdef int fail(self, error, str what) except -1:
        """Cut the connection by an error; one of the network is no surprise."""
        if not isinstance(error, (OSError, KeyboardInterrupt, SystemExit)):
            self.engine.loop.call_exception_handler(
                {"message": what, "exception": error, "transport": self, "protocol": self.protocol}
            )
        self.lose(error)
        return 0

    cdef int fail_by_system(self) except -1:
        cdef int number = errno
        self.lose(OSError(number, os.strerror(number)))
        return 0

    # Reading

    cdef int handle(self, uint32_t events) except -1:
        """Do what the system says can be done."""
        if self.is_lost or self.descriptor < 0:
            return 0
        try:
            if self.is_lingering:
                return self.linger()
            if events & EPOLLOUT:
                self.write_backlog()
            if events & ~EPOLLOUT and not self.is_lost:
                if self.is_paused or self.is_closing_:
                    if events & (EPOLLERR | EPOLLHUP) and self.backlog_size > 0:
                        self.write_backlog()
                    self.set_interest()
                else:
                    self.read()
        except BaseException as error:
            # What was read and isn't handled is gone.
            self.fail(error, "handling a connection failed")
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        return 0

    cdef int handle_kept(self) except -1:
        """Go on with what was kept when the last turn was over."""
        cdef Py_ssize_t size = self.kept_size
        cdef uint8_t *kept
        if self.is_lost or self.is_closing_ or self.is_paused:
            return 0
        # Nobody may find it while it is used up: a listener might ask for what is kept.
        kept = self.take_kept()
        try:
            self.is_kept_whole = False
            if size > 0:
                self.process(kept, size)
            if self.tls is not None:
                self.decrypt()
        except BaseException as error:
            # What was read and isn't handled is gone.
            self.fail(error, "handling a connection failed")
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        finally:
            PyMem_Free(kept)
        return 0

    def give_kept(self):
        """Let the protocol in Python take what there is of a message that isn't whole."""
        cdef Py_ssize_t size
        cdef uint8_t *kept
        if self.is_lost or self.connection is None:
            return
        self.check_thread()
        if self.large is not None:
            self.give_large()
        elif self.kept_size > 0:
            size = self.kept_size
            kept = self.take_kept()
            try:
                self.give(kept, size)
            finally:
                PyMem_Free(kept)

    cdef int check_thread(self) except -1:
        """See that we are in the loop's thread: while OpenSSL reads, others run, and it must not be used by two."""
        if self.engine.thread != PyThread_get_thread_ident():
            self.engine.check_thread()
        return 0

    cdef int finish_later(self) except -1:
        if not self.is_unfinished:
            self.is_unfinished = True
            self.engine.add_unfinished(self)
        return 0

    cdef int read(self) except -1:
        """Read once, and handle what there is."""
        cdef uint8_t *buffer = self.engine.buffer
        cdef Py_ssize_t kept = self.kept_size
        cdef ssize_t size
        if self.is_unfinished:
            # What was kept goes first, in a turn of its own.
            return 0
        if self.tls is not None:
            return self.read_encrypted()
        if self.large is not None:
            return self.read_large()
        # What is kept without being whole is shorter than the buffer.
        if kept:
            memcpy(buffer, self.kept, kept)
        size = recv(self.descriptor, buffer + kept, READ_SIZE - kept, 0)
        if size > 0:
            PyMem_Free(self.take_kept())
            self.process(buffer, kept + size)
            if (
                self.large is not None
                and self.large_have >= READ_SIZE - MAX_HEAD
                and not (self.is_closing_ or self.is_paused)
            ):
                # It has filled the buffer alone: there is more of it, and nothing was handed on in this turn.
                self.read_large()
        else:
            self.not_read(size)
        return 0

    cdef int not_read(self, ssize_t size) except -1:
        """Handle a read that gave nothing: the peer's end, or an error."""
        if size == 0 and self.tls is not None and self.tls.is_shaking_hands:
            self.lose(None)
        elif size == 0:
            # Nothing more is to be read, or asked for: it would be told of again and again.
            self.is_paused = True
            self.set_interest()
            if not self.protocol.eof_received():
                self.close()
        elif errno != EAGAIN and errno != EINTR:
            self.fail_by_system()
        return 0

    cdef int keep(self, const uint8_t *start, Py_ssize_t size) except -1:
        """Keep bytes for the next time; nothing is kept already."""
        self.kept = <uint8_t *>PyMem_Malloc(size)
        if self.kept == NULL:
            raise MemoryError
        memcpy(self.kept, start, size)
        self.kept_size = size
        return 0

    cdef uint8_t *take_kept(self) noexcept:
        """Return what is kept, which is the caller's to free, and keep it no more."""
        cdef uint8_t *kept = self.kept
        self.kept = NULL
        self.kept_size = 0
        return kept

    cdef int process(self, uint8_t *start, Py_ssize_t size, object message=None) except -1:
        """Handle bytes that were read: messages here, as long as they are plain, and the rest in Python.

        A ``message`` that is given came before them.
        """
        connection = self.connection
        cdef PyObject *plain = <PyObject *>connection
        cdef PyObject *heartbeat
        cdef Py_ssize_t used
        if connection is None:
            self.protocol.data_received(PyBytes_FromStringAndSize(<char *>start, size))
            return 0
        self.is_strange = False
        if message is None and not is_plain(plain):
            self.give(start, size)
            return 0
        heartbeat = slot(plain, at.heartbeat)
        if heartbeat != NONE:
            put(heartbeat, at.heard, True)
        put(plain, at.busy, True)
        try:
            used = self.receive(start, size, message)
            if self.kind == KIND_COROUTINES:
                if self.is_strange:
                    self.wake_later()
                else:
                    self.wake()
        finally:
            put(plain, at.busy, False)
        if self.is_lost:
            return 0
        if used < size:
            if self.is_strange or not (self.is_kept_whole or self.is_paused or is_plain(plain)):
                # It ends with a flush.
                return self.give(start + used, size - used)
            self.keep(start + used, size - used)
            if self.is_kept_whole and not self.is_paused:
                self.finish_later()
        self.flush()
        return 0

    cdef int give(self, uint8_t *start, Py_ssize_t size) except -1:
        """Let the protocol in Python take bytes."""
        view = PyMemoryView_FromMemory(<char *>start, size, PyBUF_READ)
        try:
            self.connection.data_received(view)
        finally:
            # An exception's traceback may keep it.
            view.release()
        if self.connection is not None:
            # Most of what arrives is read here.
            self.connection.codec.release()
        return 0

    cdef Py_ssize_t receive(self, uint8_t *start, Py_ssize_t size, object message) except -1:
        """Hand on ``message`` if there is one, and the plain messages that the bytes begin with.

        Returns how many bytes they had.  What is left is the beginning of a frame, or isn't
        plain, which ``is_strange`` tells if nothing else does, or ``is_kept_whole`` tells that
        the turn is over.
        """
        cdef Py_ssize_t used = 0, left, length, head
        cdef uint8_t *here
        cdef uint8_t bits
        cdef bint is_marked
        cdef int index, messages = 0
        if self.max_payload < 0:
            self.look_up_limits()
        self.is_kept_whole = False
        while True:
            if message is not None:
                messages += 1
                self.engine.handed += 1
                self.deliver(message)
                message = None
                if self.is_lost or not is_plain(<PyObject *>self.connection):
                    return used
                if messages == BATCH:
                    self.is_kept_whole = used < size
                    return used
            left = size - used
            if left == 0:
                return used
            here = start + used
            bits = here[0] & ~self.extension_bits
            if bits != FINAL_TEXT and bits != FINAL_BINARY:
                break
            is_marked = bits != here[0]
            if left < 2:
                return used
            if (here[1] & 0x80 != 0) != self.is_masked:
                break
            length = here[1] & 0x7F
            head = 2
            if length >= 126:
                head = 4 if length == 126 else 10
                if left < head:
                    return used
                if head == 10 and here[2] & 0x80:
                    break
                length = 0
                for index in range(2, head):
                    length = length << 8 | here[index]
            if length > (self.max_marked if is_marked else self.max_payload):
                break
            if self.is_masked:
                head += 4
            if left < head:
                return used
            if left - head < length:
                # What is encoded is looked at as it arrives.
                if is_marked or length > self.max_large or not self.may_become_message(here, head, left - head):
                    break
                if length < LARGE:
                    return used
                self.begin_large(here, head, length, left - head)
                return size
            used += head + length
            if is_marked:
                message = self.decode(here, head, length)
                if message is None:
                    return size
                continue
            message = self.make_message(here, head, length)
            if message is None:
                used -= head + length
                break
        self.is_strange = True
        return used

    cdef object make_message(self, uint8_t *frame, Py_ssize_t head, Py_ssize_t length):
        """Return the message of a frame; None if it is text and isn't UTF-8."""
        cdef uint8_t *payload = frame + head
        cdef bytes message
        if frame[0] == FINAL_BINARY:
            message = PyBytes_FromStringAndSize(NULL, length)
            if self.is_masked:
                mask_into(<uint8_t *>PyBytes_AS_STRING(message), payload, length, payload - 4)
            else:
                memcpy(PyBytes_AS_STRING(message), payload, length)
            return message
        if self.is_masked:
            mask_into(payload, payload, length, payload - 4)
        try:
            return PyUnicode_DecodeUTF8(<char *>payload, length, NULL)
        except UnicodeDecodeError:
            if self.is_masked:
                mask_into(payload, payload, length, payload - 4)
            return None

    cdef object decode(self, uint8_t *frame, Py_ssize_t head, Py_ssize_t length):
        """Return the message of a frame that an extension has encoded; None if it broke a rule."""
        connection = self.connection
        extension = connection.codec.extension
        cdef bint is_text = frame[0] & 0x0F == 1
        cdef bint is_deflated = length > 0 and inflates_plainly(<PyObject *>extension)
        # With room for the tail, which isn't sent.
        cdef bytes payload = PyBytes_FromStringAndSize(NULL, length + TAIL_SIZE if is_deflated else length)
        cdef uint8_t *place = <uint8_t *>PyBytes_AS_STRING(payload)
        if self.is_masked:
            mask_into(place, frame + head, length, frame + head - 4)
        else:
            memcpy(place, frame + head, length)
        if is_deflated:
            memcpy(place + length, TAIL, TAIL_SIZE)
            message = inflate(extension, payload, self.max_inflated, is_text)
            if message is not None:
                return message
            payload = payload[:length]
        event = connection.codec.receive_whole(
            text_opcode if is_text else binary_opcode, self.extension_bits, payload
        )
        if is_deflated and type(<object>slot(<PyObject *>extension, at.inflate)) is Inflated:
            put(<PyObject *>extension, at.inflate, (<Inflated>slot(<PyObject *>extension, at.inflate)).inflate)
        if type(event) is text_event or type(event) is binary_event:
            return event.data
        if self.kind == KIND_COROUTINES:
            self.wake_later()
        connection._dispatch(event)
        return None

    cdef bint may_become_message(self, uint8_t *frame, Py_ssize_t head, Py_ssize_t have) noexcept:
        """Tell whether the first bytes of a message may be what they say: text is checked as it arrives."""
        cdef uint8_t *payload = frame + head
        cdef int left = 0
        if frame[0] != FINAL_TEXT:
            return True
        if self.is_masked:
            mask_into(payload, payload, have, payload - 4)
        utf8_whole(payload, have, &left)
        if self.is_masked:
            mask_into(payload, payload, have, payload - 4)
        return left >= 0

    cdef int look_up_limits(self) except -1:
        """Note how large a plain message may be; limits don't change."""
        codec = self.connection.codec
        limits = codec.limits
        cdef Py_ssize_t most = sys.maxsize
        # Where no message may have a fragment, that is to be told of.
        if codec.extension is not None and limits.fragments > 0:
            self.extension_bits = codec.extension.rsv
            self.max_marked = sys.maxsize
            if limits.message is not None:
                self.max_marked = min(limits.message + codec.extra_room, sys.maxsize)
                self.max_inflated = min(limits.message + 1, sys.maxsize)
            if limits.frame is not None:
                self.max_marked = min(self.max_marked, limits.frame)
        for limit in (limits.message, limits.frame):
            if limit is not None:
                most = min(most, <Py_ssize_t>min(limit, sys.maxsize))
        self.max_payload = most
        self.max_large = LARGEST
        if self.kind == KIND_UNKNOWN:
            self.kind = kind_of(<PyObject *>self.connection)
        if self.kind == KIND_COROUTINES:
            # More than that isn't read for nobody.
            self.max_large = min(LARGEST, self.connection._settings.read_marks[0])
        return 0

    # Large messages

    cdef int begin_large(self, uint8_t *frame, Py_ssize_t head, Py_ssize_t length, Py_ssize_t have) except -1:
        """Take what there is of a large message to where all of it will be."""
        cdef bytes message = self.engine.room_for(length)
        if self.is_masked:
            memcpy(self.large_key, frame + head - 4, 4)
            mask_into(<uint8_t *>PyBytes_AS_STRING(message), frame + head, have, self.large_key)
        else:
            memcpy(PyBytes_AS_STRING(message), frame + head, have)
        self.large = message
        self.large_have = have
        self.large_checked = 0
        self.large_first = frame[0]
        return 0

    cdef int read_large(self) except -1:
        """Read more of a large message, and what comes after it."""
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(self.large)
        cdef Py_ssize_t length = PyBytes_GET_SIZE(self.large)
        cdef Py_ssize_t missing = length - self.large_have
        cdef iovec vectors[2]
        cdef ssize_t size
        if not is_plain(<PyObject *>self.connection):
            return self.give_large()
        vectors[0].iov_base = payload + self.large_have
        vectors[0].iov_len = missing
        vectors[1].iov_base = self.engine.buffer
        vectors[1].iov_len = READ_SIZE
        size = readv(self.descriptor, vectors, 2)
        if size <= 0:
            return self.not_read(size)
        return self.have_large(size)

    cdef int have_large(self, Py_ssize_t size) except -1:
        """Take note that so much more of a large message was read, and beyond it into the buffer."""
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(self.large)
        cdef Py_ssize_t length = PyBytes_GET_SIZE(self.large)
        cdef Py_ssize_t missing = length - self.large_have
        cdef uint8_t key[4]
        cdef int index, left = 0
        if self.is_masked:
            for index in range(4):
                key[index] = self.large_key[(self.large_have + index) & 3]
            mask_into(
                payload + self.large_have, payload + self.large_have, min(size, missing), key
            )
        self.large_have += min(size, missing)
        if size < missing:
            heartbeat = slot(<PyObject *>self.connection, at.heartbeat)
            if heartbeat != NONE:
                put(heartbeat, at.heard, True)
            if self.large_first == FINAL_TEXT:
                self.large_checked += utf8_whole(
                    payload + self.large_checked, self.large_have - self.large_checked, &left
                )
                if left < 0:
                    self.give_large()
            return 0
        if self.large_first == FINAL_TEXT:
            try:
                message = PyUnicode_DecodeUTF8(<char *>payload, length, NULL)
            except UnicodeDecodeError:
                self.give_large()
                return self.process_if_any(size - missing)
        else:
            message = self.large
        self.large = None
        self.process(self.engine.buffer, size - missing, message)
        return 0

    cdef int process_if_any(self, Py_ssize_t size) except -1:
        if size > 0 and not self.is_lost:
            self.process(self.engine.buffer, size)
        return 0

    cdef int give_large(self) except -1:
        """Let the protocol in Python take what there is of a large message, as it came."""
        cdef uint8_t head[MAX_HEAD]
        cdef bytes message = self.large
        cdef Py_ssize_t have = self.large_have
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(message)
        cdef size_t size = head_into(
            head, self.large_first, PyBytes_GET_SIZE(message), self.large_key if self.is_masked else NULL
        )
        if self.is_masked:
            mask_into(payload, payload, have, self.large_key)
        self.large = None
        self.give(head, size)
        if not self.is_lost and self.connection is not None:
            self.give(payload, have)
        return 0

    # TLS

    cdef int read_encrypted(self) except -1:
        """Read once, and handle what that decrypts to."""
        cdef char *scratch = <char *>self.engine.scratch
        cdef ssize_t size = recv(self.descriptor, scratch, WRITE_SIZE, 0)
        if size <= 0:
            return self.not_read(size)
        # A view takes longer to make than a few bytes take to copy.
        self.tls.incoming.write(
            PyBytes_FromStringAndSize(scratch, size)
            if size < LARGE
            else PyMemoryView_FromMemory(scratch, size, PyBUF_READ)
        )
        if self.tls.is_shaking_hands:
            try:
                self.tls.connection.do_handshake()
            except SSLWantReadError:
                return self.send_encrypted()
            except SSLError as error:
                self.send_encrypted()
                self.lose(error)
                return 0
            self.tls.is_shaking_hands = False
            self.tls.shaking_hands.pop(self).cancel()
            self.tls.tell_opener(None)
            self.send_encrypted()
            if self.is_lost:
                return 0
            self.connection.connection_made(self)
        return self.decrypt()

    cdef int decrypt(self) except -1:
        """Handle what was read and isn't decrypted yet."""
        cdef uint8_t *buffer = self.engine.buffer
        cdef Py_ssize_t kept, room, size
        while not (self.is_lost or self.is_closing_ or self.is_paused or self.is_unfinished):
            if self.large is not None and not is_plain(<PyObject *>self.connection):
                self.give_large()
                continue
            if self.large is not None:
                kept = 0
                room = PyBytes_GET_SIZE(self.large) - self.large_have
                target = PyMemoryView_FromMemory(
                    PyBytes_AS_STRING(self.large) + self.large_have, room, PyBUF_WRITE
                )
            else:
                kept = self.kept_size
                room = READ_SIZE - kept
                target = self.engine.buffer_view
                if kept:
                    memcpy(buffer, self.kept, kept)
                    target = PyMemoryView_FromMemory(<char *>buffer + kept, room, PyBUF_WRITE)
            try:
                size = self.tls.connection.read(room, target)
            except SSLWantReadError:
                break
            except SSLZeroReturnError:
                size = 0
            except SSLError as error:
                self.send_encrypted()
                self.lose(error)
                return 0
            if size == 0:
                self.not_read(0)
                break
            if self.large is not None:
                self.have_large(size)
            else:
                PyMem_Free(self.take_kept())
                self.process(buffer, kept + size)
            # Where there was room for more, nothing is left of the last record.
            if not (self.tls.has_more() if size == room else self.tls.incoming.pending):
                break
        return self.send_encrypted()

    cdef int send_encrypted(self) except -1:
        """Send what TLS has to say by itself."""
        cdef bytes data
        if self.is_lost or not self.tls.outgoing.pending:
            return 0
        data = self.tls.outgoing.read()
        if self.backlog_size > 0:
            self.backlog.append(data)
        else:
            self.set_backlog([data], 0)
        self.backlog_size += PyBytes_GET_SIZE(data)
        self.send_backlog()
        if not self.is_lost:
            self.set_interest()
        return 0

    def shaking_hands_timed_out(self, seconds):
        """Cut a connection whose server doesn't come to TLS."""
        self.lose(
            ConnectionAbortedError(
                f"SSL handshake is taking longer than {seconds} seconds: aborting the connection"
            )
        )

    cdef int say_goodbye(self) except -1:
        """Tell the peer, in TLS, that nothing more will come."""
        try:
            self.tls.connection.shutdown()
        except (SSLError, ValueError):
            pass
        return self.send_encrypted()

    cdef int end(self) except -1:
        """Close, as everything is written; with TLS let the peer close first, or lose what it hasn't read."""
        if self.tls is None or self.tls.is_shaking_hands or self.is_lost:
            self.lose(None)
        elif not self.is_lingering:
            self.is_lingering = True
            self.set_interest()
            self.drop()
        return 0

    cdef int linger(self) except -1:
        """Read what still comes, to see the peer close."""
        cdef ssize_t size = recv(self.descriptor, self.engine.scratch, WRITE_SIZE, 0)
        if size > 0:
            self.tls.incoming.write(PyMemoryView_FromMemory(<char *>self.engine.scratch, size, PyBUF_READ))
            self.drop()
        elif size == 0 or (errno != EAGAIN and errno != EINTR):
            self.lose(None)
        return 0

    cdef int drop(self) except -1:
        """Decrypt what came, for nothing but the peer's goodbye."""
        try:
            while self.tls.connection.read(WRITE_SIZE):
                pass
        except SSLWantReadError:
            return 0
        except SSLError:
            pass
        self.lose(None)
        return 0

    # Handing on

    cdef int deliver(self, object message) except -1:
        """Give a message to the face."""
        connection = self.connection
        if self.kind == KIND_UNKNOWN:
            self.kind = kind_of(<PyObject *>connection)
        if self.kind == KIND_EVENTS:
            emit_message(<PyObject *>connection, message)
        elif self.kind == KIND_COROUTINES:
            self.queue(<PyObject *>connection, message)
        else:
            connection.message_received(message)
        return 0

    cdef int queue(self, PyObject *connection, object message) except -1:
        """Let a message be received: by who waits, at the end of this read, or else by who will."""
        cdef PyObject *inbox = slot(connection, at.inbox)
        cdef PyObject *waiting = slot(connection, at.receiver)
        cdef Waiter waiter = None
        if waiting != NONE:
            if type(<object>waiting) is Waiter:
                waiter = <Waiter>waiting
                if waiter.state == WAITING and waiter.message is None:
                    waiter.message = message
                    if len(message) >= LARGE:
                        waiter.wake(self.engine)
                    return 0
            else:
                (<object>connection)._wake_receiver()
        (<object>slot(inbox, at.entries)).append(message)
        count_in_inbox(inbox, message, 1)
        if is_full(inbox):
            if waiter is not None:
                waiter.wake(self.engine)
            if is_full(slot(connection, at.inbox)):
                (<object>connection).pause_reading()
        return 0

    cdef int wake(self) except -1:
        """Let who has waited for a message go on with it."""
        cdef PyObject *waiting = slot(<PyObject *>self.connection, at.receiver)
        if waiting != NONE and type(<object>waiting) is Waiter and (<Waiter>waiting).message is not None:
            (<Waiter>waiting).wake(self.engine)
        return 0

    cdef int wake_later(self) except -1:
        """Let who has waited for a message go on in the next turn, as something else came with it.

        The message waits to be received: if a rule is broken next, it is to be answered first.
        """
        cdef PyObject *inbox = slot(<PyObject *>self.connection, at.inbox)
        cdef PyObject *waiting = slot(<PyObject *>self.connection, at.receiver)
        cdef Waiter waiter
        if waiting != NONE and type(<object>waiting) is Waiter and (<Waiter>waiting).message is not None:
            waiter = <Waiter>waiting
            message, waiter.message = waiter.message, None
            (<object>slot(inbox, at.entries)).appendleft(message)
            count_in_inbox(inbox, message, 1)
            waiter.set_result(None)
        return 0

    # Writing

    cdef int flush_if_due(self) except -1:
        if not self.is_lost and slot(<PyObject *>self.connection, at.flush_is_due) == TRUE:
            try:
                self.flush()
            except Exception as error:
                self.fail(error, "writing to a connection failed")
        return 0

    cdef int flush(self) except -1:
        """Write what the protocol has to send."""
        connection = self.connection
        cdef PyObject *plain = <PyObject *>connection
        cdef PyObject *codec = slot(plain, at.codec)
        cdef list output
        cdef Py_ssize_t size
        if (
            slot(plain, at.is_ending) == TRUE
            or slot(codec, at.late_pong) != NONE
            or slot(slot(codec, at.lifecycle), at.state) != <PyObject *>state_open
        ):
            connection.flush()
            return 0
        put(plain, at.flush_is_due, False)
        self.unwritten = 0
        output = <object>slot(codec, at.output)
        if output is not None:
            put(codec, at.output, None)
            size = self.write_list(output)
            put(plain, at.written, <Py_ssize_t><object>slot(plain, at.written) + size)
            self.look_at_mark()
        return 0

    cdef Py_ssize_t write_list(self, list items) except -1:
        """Write several pieces of bytes, or keep what the system doesn't take; return how many they are."""
        cdef Py_ssize_t count = PyList_GET_SIZE(items), total = 0, index, size
        cdef uint8_t *scratch = self.engine.scratch
        cdef bint is_small = True
        cdef bytes item
        if self.tls is not None:
            self.check_thread()
            items = [self.tls.encrypt(items)]
            count = 1
        for index in range(count):
            size = PyBytes_GET_SIZE(items[index])
            is_small = is_small and size < LARGE
            total += size
        if self.backlog_size > 0:
            # Many small objects would take more than they hold.
            self.backlog.append(b"".join(items) if count > 1 else items[0])
            self.backlog_size += total
        else:
            if count == 1:
                item = <bytes>items[0]
                size = self.send(PyBytes_AS_STRING(item), total)
                if 0 <= size < total:
                    self.set_backlog([item], total - size)
                    self.first_written = size
            elif is_small and total <= WRITE_SIZE:
                size = 0
                for index in range(count):
                    item = <bytes>items[index]
                    memcpy(scratch + size, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
                    size += PyBytes_GET_SIZE(item)
                size = self.send(<char *>scratch, total)
                if 0 <= size < total:
                    self.set_backlog([PyBytes_FromStringAndSize(<char *>scratch + size, total - size)], total - size)
            else:
                self.set_backlog(items[:], total)
                self.send_backlog()
            if self.is_lost:
                return total
            if self.backlog_size > 0:
                self.set_interest()
        return total

    cdef int write_now(self, PyObject *connection, bytes frame) except -1:
        """Write a frame before which nothing waits."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(frame)
        cdef ssize_t sent = self.send(PyBytes_AS_STRING(frame), size)
        put(connection, at.written, <Py_ssize_t><object>slot(connection, at.written) + size)
        if 0 <= sent < size:
            self.set_backlog([frame], size - sent)
            self.first_written = sent
            self.set_interest()
            self.look_at_mark()
        return 0

    cdef int look_at_mark(self) except -1:
        """Tell the connection once too much waits."""
        if self.backlog_size > self.high and not self.is_blocked:
            self.is_blocked = True
            self.protocol.pause_writing()
        return 0

    cdef int set_backlog(self, list items, Py_ssize_t size) except -1:
        self.backlog = items
        self.backlog_size = size
        self.first_written = 0
        return 0

    cdef ssize_t send(self, const char *data, Py_ssize_t size) except -2:
        """Send bytes; return how many the system took, or -1 if the connection is lost."""
        cdef ssize_t sent = send(self.descriptor, data, size, MSG_NOSIGNAL)
        if sent < 0:
            if errno == EAGAIN or errno == EINTR:
                return 0
            self.fail_by_system()
        return sent

    cdef int send_backlog(self) except -1:
        """Send as much of what is kept as the system takes."""
        cdef msghdr header
        cdef iovec vectors[MAX_VECTORS]
        cdef Py_ssize_t index, count, done, size
        cdef ssize_t sent
        cdef bytes item
        while self.backlog_size > 0:
            count = min(PyList_GET_SIZE(self.backlog), MAX_VECTORS)
            for index in range(count):
                item = <bytes>self.backlog[index]
                vectors[index].iov_base = PyBytes_AS_STRING(item)
                vectors[index].iov_len = PyBytes_GET_SIZE(item)
            vectors[0].iov_base = <char *>vectors[0].iov_base + self.first_written
            vectors[0].iov_len -= self.first_written
            memset(&header, 0, sizeof(header))
            header.msg_iov = vectors
            header.msg_iovlen = count
            sent = sendmsg(self.descriptor, &header, MSG_NOSIGNAL)
            if sent < 0:
                if errno != EAGAIN and errno != EINTR:
                    self.fail_by_system()
                return 0
            self.backlog_size -= sent
            done = 0
            for index in range(count):
                size = vectors[index].iov_len
                if sent < size:
                    break
                sent -= size
                done += 1
                self.first_written = 0
            self.first_written += sent
            if done == PyList_GET_SIZE(self.backlog):
                self.backlog = None
            else:
                del self.backlog[:done]
                if done < count:
                    return 0
        return 0

    cdef int write_backlog(self) except -1:
        """Send what is kept, and do what had to wait for that."""
        self.send_backlog()
        if self.is_lost:
            return 0
        if self.backlog_size == 0:
            if self.is_closing_:
                return self.end()
            if self.ends_writing:
                try:
                    self.shut_down()
                except OSError as error:
                    self.lose(error)
                    return 0
        self.set_interest()
        if self.is_blocked and self.backlog_size <= self.low:
            self.is_blocked = False
            self.protocol.resume_writing()
        return 0

    cdef int shut_down(self) except -1:
        if shutdown(self.descriptor, SHUT_WR) < 0:
            raise OSError(errno, os.strerror(errno))
        return 0


def move(connection, protocol, transport, high, low, bint is_masked, bint is_paused):
    """Read and write for a connection instead of its transport, which has stopped; return who does so now."""
    cdef Transport moved = Transport()
    moved.engine = engine_of(connection.loop)
    moved.below = transport
    moved.protocol = protocol
    moved.connection = connection
    moved.set_write_buffer_limits(high, low)
    moved.is_masked = is_masked
    moved.is_paused = is_paused
    moved.descriptor = transport.get_extra_info("socket").fileno()
    moved.engine.enter()
    try:
        moved.set_interest()
    except BaseException:
        moved.engine.leave()
        raise
    return moved


cdef object address_of(int descriptor, str what):
    """Ask the system for an address of a socket; None if it doesn't know it."""
    sock = socket.socket(fileno=descriptor)
    try:
        return getattr(sock, what)()
    except OSError:
        # It has gone already.
        return None
    finally:
        sock.detach()


cdef tuple peername_of(bytes address):
    """Return an IPv6 address, given as the system writes it, as ``getpeername`` does."""
    cdef sockaddr_in6 *six = <sockaddr_in6 *>PyBytes_AS_STRING(address)
    host = PyBytes_FromStringAndSize(<char *>&six.sin6_addr, sizeof(six.sin6_addr))
    return (
        socket.inet_ntop(AF_INET6, host), ntohs(six.sin6_port), ntohl(six.sin6_flowinfo), six.sin6_scope_id
    )


def begin(connection, sock, context, server_hostname, handshake_timeout):
    """Read and write a connected socket for a client's connection; return who does so.

    With a ``context`` for TLS there is a future beside it: when that is done, the connection has
    its transport, and otherwise now.
    """
    cdef Transport transport = Transport()
    cdef int one = 1
    transport.engine = engine_of(connection.loop)
    transport.sock = sock
    transport.descriptor = sock.fileno()
    setsockopt(transport.descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
    transport.peer = address_of(transport.descriptor, "getpeername")
    transport.connection = transport.protocol = connection
    opened = None
    if context is not None:
        transport.tls = Encryption(context, server_side=False, server_hostname=server_hostname)
        transport.tls.greet()
    transport.engine.enter()
    if context is not None:
        transport.tls.opened = opened = connection.loop.create_future()
        transport.tls.shaking_hands = {
            transport: connection.loop.call_later(
                handshake_timeout, transport.shaking_hands_timed_out, handshake_timeout
            )
        }
    try:
        transport.set_interest()
        if opened is None:
            connection.connection_made(transport)
        else:
            transport.send_encrypted()
    except Exception as error:
        transport.fail(error, "opening a connection failed")
    return transport, opened


cdef class Encryption:
    """TLS below a connection: OpenSSL between two buffers in memory."""

    cdef object whole
    # What is in the standard library's object, without the calls that only pass on.
    cdef object connection
    cdef object incoming
    cdef object outgoing
    cdef bint is_shaking_hands
    # Those of the same listener, with their time-outs; a client is alone.
    cdef dict shaking_hands
    # A client's future of the handshake.
    cdef object opened

    def __init__(self, context, *, server_side=True, server_hostname=None):
        self.incoming, self.outgoing = MemoryBIO(), MemoryBIO()
        self.whole = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self.connection = self.whole._sslobj
        self.is_shaking_hands = True

    cdef int greet(self) except -1:
        """Begin the handshake as a client."""
        try:
            self.connection.do_handshake()
        except SSLWantReadError:
            pass
        return 0

    cdef int tell_opener(self, error) except -1:
        """Tell the client that waits for it how the handshake has ended."""
        opened, self.opened = self.opened, None
        if opened is None or opened.done():
            return 0
        if error is None:
            opened.set_result(None)
        else:
            opened.set_exception(error)
        return 0

    cdef bint has_more(self) except -1:
        """Tell whether there may be something to decrypt."""
        return self.incoming.pending > 0 or self.connection.pending() > 0

    cdef bytes encrypt(self, list items):
        """Return what goes on the wire for several pieces of bytes."""
        self.connection.write(items[0] if PyList_GET_SIZE(items) == 1 else b"".join(items))
        return self.outgoing.read()


cdef dict TLS_INFORMATION = {
    "ssl_object": lambda tls: tls,
    "sslcontext": lambda tls: tls.context,
    "peercert": lambda tls: tls.getpeercert(),
    "cipher": lambda tls: tls.cipher(),
    "compression": lambda tls: tls.compression(),
}


# ---- Listening ---------------------------------------------------------------------------------------------


cdef class Listener(Watched):
    """A listening socket; ``accept`` makes a connection for each that comes."""

    cdef readonly object sock
    cdef object accept
    cdef object pause
    cdef object context
    cdef object handshake_timeout
    cdef dict shaking_hands

    def __init__(self, loop, sock, accept, context, handshake_timeout):
        self.engine = engine_of(loop)
        self.sock = sock
        self.accept = accept
        self.context = context
        self.handshake_timeout = handshake_timeout
        self.shaking_hands = {}
        self.descriptor = -1

    def start(self):
        """Accept connections from now on."""
        if self.descriptor < 0:
            self.engine.enter()
            self.descriptor = self.sock.fileno()
            self.watch(EPOLLIN)

    def stop(self):
        """Accept no more, and cut who hasn't finished TLS; the listening socket is left open."""
        for transport in list(self.shaking_hands):
            transport.abort()
        if self.pause is not None:
            self.pause.cancel()
            self.pause = None
        if self.descriptor >= 0:
            self.watch(0)
            self.descriptor = -1
            self.engine.leave()

    def go_on(self):
        """Accept again, after a pause."""
        self.pause = None
        self.watch(EPOLLIN)

    cdef int handle(self, uint32_t events) except -1:
        """Accept some connections."""
        cdef int index, descriptor
        cdef Address peer
        cdef unsigned int size
        for index in range(MAX_ACCEPTED):
            if self.descriptor < 0 or self.pause is not None:
                break
            size = sizeof(peer)
            descriptor = accept4(self.descriptor, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
            if descriptor >= 0:
                self.take(descriptor, &peer)
            elif errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
                self.rest(errno)
            elif errno != ECONNABORTED:
                break
        return 0

    cdef int rest(self, int number) except -1:
        """Accept nothing for a second: there is no room, and the system would tell of it again and again."""
        self.engine.loop.call_exception_handler(
            {"message": "accepting a connection failed", "exception": OSError(number, os.strerror(number))}
        )
        self.watch(0)
        self.pause = self.engine.loop.call_later(1, self.go_on)
        return 0

    cdef int take(self, int descriptor, const Address *peer) except -1:
        cdef Transport transport = Transport()
        cdef int one = 1
        transport.engine = self.engine
        transport.descriptor = descriptor
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
        try:
            transport.set_peer(peer)
            connection = self.accept()
            transport.connection = transport.protocol = connection
            transport.is_masked = True
            self.engine.enter()
            if self.context is None:
                connection.connection_made(transport)
            else:
                transport.tls = Encryption(self.context)
                transport.tls.shaking_hands = self.shaking_hands
                self.shaking_hands[transport] = Timer(
                    self.engine.loop, self.handshake_timeout, transport.abort
                )
            transport.set_interest()
        except Exception as error:
            if transport.connection is None:
                self.engine.loop.call_exception_handler(
                    {"message": "accepting a connection failed", "exception": error}
                )
            else:
                transport.fail(error, "accepting a connection failed")
        return 0


# ---- The event face ----------------------------------------------------------------------------------------


cdef int emit_message(PyObject *connection, object message) except -1:
    """Emit ``message``, as the emitter in Python does; it does everything but the plainest case."""
    cdef tuple row = <object>slot(connection, at.listeners)
    cdef bint is_binary = PyBytes_CheckExact(message)
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
                result = listener(message, is_binary)
                if result is not None:
                    finish_listener((<object>connection)._logger, message_event, result)
            except Exception as error:
                report_listener((<object>connection)._logger, message_event, error)
            return 0
    (<object>connection).emit(message_event, message, is_binary)
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


# ---- permessage-deflate ------------------------------------------------------------------------------------


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
    if transport.unwritten > transport.high:
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
        prefetch(transport + 192)
        prefetch(transport + 256)


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
            prefetch(slot(connection, at.written))
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
            or transport.backlog_size > 0
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
            transport.write_now(connection, frame)
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


# ---- The asyncio face --------------------------------------------------------------------------------------


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
