# One connection: what is read, handed on and written.

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


@cython.final
@cython.no_gc
cdef class Bounds:
    """How much a connection may receive, and how much may wait to be written to it; it is never changed."""

    # The marks at which the connection is told to send no more, and to go on.
    cdef Py_ssize_t high
    cdef Py_ssize_t low
    # The largest plain message; -1 until the first one has come.
    cdef Py_ssize_t max_payload
    # The largest that is read straight into place.
    cdef Py_ssize_t max_large
    # The most that an extension may have encoded, and what it claims of a first byte.
    cdef Py_ssize_t max_marked
    cdef uint8_t extension_bits
    # The most that a message may be inflated to, and one byte; 0 if there is no limit.
    cdef Py_ssize_t max_inflated

    def __cinit__(self):
        self.high = 65536
        self.low = 16384
        self.max_payload = -1

    cdef Bounds copy(self):
        """Return what may become other bounds, and then ``shared_bounds``."""
        cdef Bounds bounds = Bounds()
        bounds.high, bounds.low = self.high, self.low
        bounds.max_payload, bounds.max_large = self.max_payload, self.max_large
        bounds.max_marked, bounds.extension_bits = self.max_marked, self.extension_bits
        bounds.max_inflated = self.max_inflated
        return bounds

    cdef bint equals(self, Bounds other) noexcept:
        return (
            self.high == other.high
            and self.low == other.low
            and self.max_payload == other.max_payload
            and self.max_large == other.max_large
            and self.max_marked == other.max_marked
            and self.extension_bits == other.extension_bits
            and self.max_inflated == other.max_inflated
        )


# The bounds that were needed last, the newest first: connections of one server have the same.
cdef list known_bounds = [Bounds()]
cdef Bounds first_bounds = known_bounds[0]


cdef Bounds shared_bounds(Bounds bounds):
    """Return bounds that others may have as well, in place of equal ones."""
    cdef Bounds known
    for known in known_bounds:
        if known.equals(bounds):
            return known
    known_bounds.insert(0, bounds)
    del known_bounds[KNOWN_BOUNDS:]
    return bounds


@cython.final
cdef class Apart:
    """What few connections have."""

    # The transport of the loop whose socket this is.
    cdef object below
    # Who is told of the socket's end, if that isn't the connection itself.
    cdef object protocol
    # The Python object of the socket, once somebody asked for it.
    cdef object sock
    # The peer, if its address isn't one of IPv4.
    cdef object peer
    cdef sockaddr_in6 six


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class Large:
    """A large message that is arriving, unmasked as far as it is there."""

    cdef bytes message
    cdef Py_ssize_t have
    cdef Py_ssize_t checked
    cdef uint8_t first
    cdef uint8_t key[4]


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class Backlog:
    """What the system hasn't taken yet, which is something."""

    cdef list items
    cdef Py_ssize_t size
    # Bytes of the first item that it has taken.
    cdef Py_ssize_t first_written


cdef struct Kept:
    Py_ssize_t size
    uint8_t start[1]


@cython.no_gc_clear
cdef class Transport(Watched):
    """One connection's socket, with the methods of ``asyncio.Transport`` that connections use.

    There may be very many: what only few need, or only now and then, is in objects of its own.
    """

    cdef object connection
    cdef Apart apart
    # The peer's address, if it is one of IPv4.
    cdef uint32_t peer_address
    cdef uint16_t peer_port
    cdef uint16_t peer_family
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
    cdef uint8_t was_told
    cdef Encryption tls
    # What was read and isn't handled yet: the beginning of a frame, or when a turn was over.
    cdef Kept *kept
    cdef Large large
    cdef Backlog backlog
    # Bytes in the protocol's output, and those that were written of it.
    cdef Py_ssize_t unwritten
    cdef readonly Py_ssize_t written
    cdef Bounds bounds

    def __cinit__(self):
        self.descriptor = -1
        self.bounds = first_bounds

    def __dealloc__(self):
        if self.descriptor >= 0 and (self.apart is None or (self.apart.below is None and self.apart.sock is None)):
            close(self.descriptor)
        PyMem_Free(self.kept)

    cdef Apart set_apart(self):
        """Return where that is kept which few connections have."""
        if self.apart is None:
            self.apart = Apart()
        return self.apart

    cdef object told(self):
        """Return who is told of the socket's end; nobody once it was."""
        if self.was_told:
            return None
        if self.apart is not None and self.apart.protocol is not None:
            return self.apart.protocol
        return self.connection

    # What a connection asks of asyncio's transports

    def get_extra_info(self, name, default=None):
        """Tell what is known of the socket."""
        if self.tls is not None and name in TLS_INFORMATION:
            return TLS_INFORMATION[name](self.tls.whole)
        if name == "fileno":
            return default if self.descriptor < 0 else self.descriptor
        if self.apart is not None and self.apart.below is not None:
            return self.apart.below.get_extra_info(name, default)
        if name == "peername":
            return self.peername()
        if name == "sockname":
            return default if self.descriptor < 0 else address_of(self.descriptor, "getsockname")
        if name == "socket":
            if self.apart is None or self.apart.sock is None:
                if self.descriptor < 0:
                    return default
                self.set_apart().sock = socket.socket(fileno=self.descriptor)
            # One that can't be closed, or another connection's descriptor might soon be taken for it.
            return TransportSocket(self.apart.sock)
        return default

    cdef int set_peer(self, const Address *peer) except -1:
        """Keep the peer's address: it can't be asked for any more when the peer has gone."""
        self.peer_family = peer.four.sin_family
        if self.peer_family == AF_INET:
            self.peer_address = peer.four.sin_addr.s_addr
            self.peer_port = peer.four.sin_port
        elif self.peer_family == AF_INET6:
            self.set_apart().six = peer.six
        else:
            self.set_apart().peer = address_of(self.descriptor, "getpeername")
        return 0

    cdef object peername(self):
        """Return the peer's address as ``getpeername`` does."""
        if self.peer_family == AF_INET:
            four = PyBytes_FromStringAndSize(<char *>&self.peer_address, sizeof(self.peer_address))
            return socket.inet_ntop(AF_INET, four), ntohs(self.peer_port)
        if self.peer_family == AF_INET6:
            return peername_of(&self.apart.six)
        return None if self.apart is None else self.apart.peer

    def is_closing(self):
        """Tell whether it is closed, or will be when everything is written."""
        return self.is_closing_ != 0

    def can_write_eof(self):
        """Without TLS our side can be shut down alone."""
        return self.tls is None

    def get_write_buffer_size(self):
        """Return how many bytes the system hasn't taken yet."""
        return 0 if self.backlog is None else self.backlog.size

    def set_write_buffer_limits(self, high=None, low=None):
        """Set the marks at which the connection is told to send no more, and to go on."""
        cdef Bounds wanted = self.bounds.copy()
        wanted.high = 65536 if high is None else min(high, sys.maxsize)
        wanted.low = wanted.high // 4 if low is None else min(low, sys.maxsize)
        self.bounds = shared_bounds(wanted)

    def get_write_buffer_limits(self):
        """Return the marks that ``set_write_buffer_limits`` sets."""
        return self.bounds.low, self.bounds.high

    def pause_reading(self):
        """Read nothing more; an event that comes nevertheless makes the engine look away."""
        self.is_paused = True

    def resume_reading(self):
        """Read on, what was kept first."""
        self.is_paused = False
        if self.is_lost or self.is_closing_:
            return
        self.set_interest()
        if self.kept != NULL or (self.tls is not None and self.tls.has_more()):
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
        return self.told()

    def set_protocol(self, protocol):
        """Tell somebody else of the socket's end, and of what is read unless it is read for its connection.

        Raises:
            RuntimeError: once messages were read here.
        """
        if self.connection is not None and getattr(protocol, "connection", protocol) is not self.connection:
            if self.bounds.max_payload >= 0:
                raise RuntimeError("an open connection's transport can't be given away")
            self.connection = None
        self.set_apart().protocol = protocol

    def serve(self, connection):
        """Read for a connection that has been open since now, not for a protocol any more."""
        self.connection = connection

    def write_eof(self):
        """Shut down our side when everything is written."""
        if self.is_closing_ or self.ends_writing:
            return
        self.ends_writing = True
        if self.backlog is None:
            self.shut_down()

    def close(self):
        """Close when everything is written."""
        if self.is_closing_:
            return
        if self.tls is not None and not self.is_lost:
            self.check_thread()
            self.say_goodbye()
        self.is_closing_ = True
        if self.backlog is None:
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
            if self.backlog is not None:
                wanted |= EPOLLOUT
        return self.watch(wanted)

    cdef int lose(self, exc) except -1:
        """Have nothing to do with the socket any more; the connection hears of it soon."""
        if self.is_lost:
            return 0
        self.is_lost = self.is_closing_ = True
        self.backlog = None
        self.set_interest()
        self.engine.loop.call_soon(self.tell_lost, exc)
        return 0

    def tell_lost(self, exc):
        """Tell the connection that the transport is gone, and close the socket."""
        protocol = self.told()
        if protocol is None:
            return
        self.was_told = True
        if self.apart is not None:
            self.apart.protocol = None
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
            self.set_interest()
        self.tell_lost(exc)

    cdef int release(self) except -1:
        cdef int descriptor = self.descriptor
        self.descriptor = -1
        self.connection = None
        self.large = None
        PyMem_Free(self.take_kept())
        if self.apart is not None and self.apart.below is not None:
            self.apart.below.abort()
        elif self.apart is not None and self.apart.sock is not None:
            self.apart.sock.close()
        else:
            close(descriptor)
        self.engine.leave()
        return 0

    cdef int fail(self, error, str what) except -1:
        """Cut the connection by an error; one of the network is no surprise."""
        if not isinstance(error, (OSError, KeyboardInterrupt, SystemExit)):
            self.engine.loop.call_exception_handler(
                {"message": what, "exception": error, "transport": self, "protocol": self.told()}
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
                    if events & (EPOLLERR | EPOLLHUP) and self.backlog is not None:
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
        cdef Kept *kept
        if self.is_lost or self.is_closing_ or self.is_paused:
            return 0
        # Nobody may find it while it is used up: a listener might ask for what is kept.
        kept = self.take_kept()
        try:
            self.is_kept_whole = False
            if kept != NULL:
                self.process(kept.start, kept.size)
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
        cdef Kept *kept
        if self.is_lost or self.connection is None:
            return
        self.check_thread()
        if self.large is not None:
            self.give_large()
        elif self.kept != NULL:
            kept = self.take_kept()
            try:
                self.give(kept.start, kept.size)
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
        cdef Py_ssize_t kept
        cdef ssize_t size
        if self.is_unfinished:
            # What was kept goes first, in a turn of its own.
            return 0
        if self.tls is not None:
            return self.read_encrypted()
        if self.large is not None:
            return self.read_large()
        kept = self.begin_with_kept(buffer)
        size = recv(self.descriptor, buffer + kept, READ_SIZE - kept, 0)
        if size > 0:
            PyMem_Free(self.take_kept())
            self.process(buffer, kept + size)
            if (
                self.large is not None
                and self.large.have >= READ_SIZE - MAX_HEAD
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
            if not self.told().eof_received():
                self.close()
        elif errno != EAGAIN and errno != EINTR:
            self.fail_by_system()
        return 0

    cdef int keep(self, const uint8_t *start, Py_ssize_t size) except -1:
        """Keep bytes for the next time; nothing is kept already."""
        self.kept = <Kept *>PyMem_Malloc(sizeof(Py_ssize_t) + size)
        if self.kept == NULL:
            raise MemoryError
        memcpy(self.kept.start, start, size)
        self.kept.size = size
        return 0

    cdef Kept *take_kept(self) noexcept:
        """Return what is kept, which is the caller's to free, and keep it no more."""
        cdef Kept *kept = self.kept
        self.kept = NULL
        return kept

    cdef Py_ssize_t begin_with_kept(self, uint8_t *buffer) noexcept:
        """Copy what is kept to the buffer, which is longer than what isn't whole; return how much that was."""
        if self.kept == NULL:
            return 0
        memcpy(buffer, self.kept.start, self.kept.size)
        return self.kept.size

    cdef int process(self, uint8_t *start, Py_ssize_t size, object message=None) except -1:
        """Handle bytes that were read: messages here, as long as they are plain, and the rest in Python.

        A ``message`` that is given came before them.
        """
        connection = self.connection
        cdef PyObject *plain = <PyObject *>connection
        cdef PyObject *heartbeat
        cdef Py_ssize_t used
        if connection is None:
            self.told().data_received(PyBytes_FromStringAndSize(<char *>start, size))
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
        cdef Bounds bounds
        if self.bounds.max_payload < 0:
            self.look_up_limits()
        bounds = self.bounds
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
            bits = here[0] & ~bounds.extension_bits
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
            if length > (bounds.max_marked if is_marked else bounds.max_payload):
                break
            if self.is_masked:
                head += 4
            if left < head:
                return used
            if left - head < length:
                # What is encoded is looked at as it arrives.
                if is_marked or length > bounds.max_large or not self.may_become_message(here, head, left - head):
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
            message = inflate(extension, payload, self.bounds.max_inflated, is_text)
            if message is not None:
                return message
            payload = payload[:length]
        event = connection.codec.receive_whole(
            text_opcode if is_text else binary_opcode, self.bounds.extension_bits, payload
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
        cdef Bounds found = self.bounds.copy()
        # Where no message may have a fragment, that is to be told of.
        if codec.extension is not None and limits.fragments > 0:
            found.extension_bits = codec.extension.rsv
            found.max_marked = sys.maxsize
            if limits.message is not None:
                found.max_marked = min(limits.message + codec.extra_room, sys.maxsize)
                found.max_inflated = min(limits.message + 1, sys.maxsize)
            if limits.frame is not None:
                found.max_marked = min(found.max_marked, limits.frame)
        for limit in (limits.message, limits.frame):
            if limit is not None:
                most = min(most, <Py_ssize_t>min(limit, sys.maxsize))
        found.max_payload = most
        found.max_large = LARGEST
        if self.kind == KIND_UNKNOWN:
            self.kind = kind_of(<PyObject *>self.connection)
        if self.kind == KIND_COROUTINES:
            # More than that isn't read for nobody.
            found.max_large = min(LARGEST, self.connection._settings.read_marks[0])
        self.bounds = shared_bounds(found)
        return 0

    # Large messages

    cdef int begin_large(self, uint8_t *frame, Py_ssize_t head, Py_ssize_t length, Py_ssize_t have) except -1:
        """Take what there is of a large message to where all of it will be."""
        cdef Large large = Large()
        large.message = self.engine.room_for(length)
        large.have = have
        large.first = frame[0]
        if self.is_masked:
            memcpy(large.key, frame + head - 4, 4)
            mask_into(<uint8_t *>PyBytes_AS_STRING(large.message), frame + head, have, large.key)
        else:
            memcpy(PyBytes_AS_STRING(large.message), frame + head, have)
        self.large = large
        return 0

    cdef int read_large(self) except -1:
        """Read more of a large message, and what comes after it."""
        cdef Large large = self.large
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(large.message)
        cdef Py_ssize_t missing = PyBytes_GET_SIZE(large.message) - large.have
        cdef iovec vectors[2]
        cdef ssize_t size
        if not is_plain(<PyObject *>self.connection):
            return self.give_large()
        vectors[0].iov_base = payload + large.have
        vectors[0].iov_len = missing
        vectors[1].iov_base = self.engine.buffer
        vectors[1].iov_len = READ_SIZE
        size = readv(self.descriptor, vectors, 2)
        if size <= 0:
            return self.not_read(size)
        return self.have_large(size)

    cdef int have_large(self, Py_ssize_t size) except -1:
        """Take note that so much more of a large message was read, and beyond it into the buffer."""
        cdef Large large = self.large
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(large.message)
        cdef Py_ssize_t length = PyBytes_GET_SIZE(large.message)
        cdef Py_ssize_t missing = length - large.have
        cdef uint8_t key[4]
        cdef int index, left = 0
        if self.is_masked:
            for index in range(4):
                key[index] = large.key[(large.have + index) & 3]
            mask_into(payload + large.have, payload + large.have, min(size, missing), key)
        large.have += min(size, missing)
        if size < missing:
            heartbeat = slot(<PyObject *>self.connection, at.heartbeat)
            if heartbeat != NONE:
                put(heartbeat, at.heard, True)
            if large.first == FINAL_TEXT:
                large.checked += utf8_whole(payload + large.checked, large.have - large.checked, &left)
                if left < 0:
                    self.give_large()
            return 0
        if large.first == FINAL_TEXT:
            try:
                message = PyUnicode_DecodeUTF8(<char *>payload, length, NULL)
            except UnicodeDecodeError:
                self.give_large()
                return self.process_if_any(size - missing)
        else:
            message = large.message
        large.message = None
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
        cdef Large large = self.large
        cdef uint8_t *payload = <uint8_t *>PyBytes_AS_STRING(large.message)
        cdef size_t size = head_into(
            head, large.first, PyBytes_GET_SIZE(large.message), large.key if self.is_masked else NULL
        )
        if self.is_masked:
            mask_into(payload, payload, large.have, large.key)
        self.large = None
        self.give(head, size)
        if not self.is_lost and self.connection is not None:
            self.give(payload, large.have)
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
                room = PyBytes_GET_SIZE(self.large.message) - self.large.have
                target = PyMemoryView_FromMemory(
                    PyBytes_AS_STRING(self.large.message) + self.large.have, room, PyBUF_WRITE
                )
            else:
                kept = self.begin_with_kept(buffer)
                room = READ_SIZE - kept
                target = self.engine.buffer_view
                if kept:
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
        self.add_to_backlog(data)
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
                    # One that would stop the reading isn't kept while there is more to read.
                    if len(message) >= (<tuple>slot(inbox, at.most_bytes))[0]:
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
            self.written += size
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
        if self.backlog is not None:
            # Many small objects would take more than they hold.
            self.add_to_backlog(b"".join(items) if count > 1 else items[0])
            return total
        if count == 1:
            self.send_or_keep(<bytes>items[0])
        elif is_small and total <= WRITE_SIZE:
            size = 0
            for index in range(count):
                item = <bytes>items[index]
                memcpy(scratch + size, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
                size += PyBytes_GET_SIZE(item)
            size = self.send(<char *>scratch, total)
            if 0 <= size < total:
                self.set_backlog([PyBytes_FromStringAndSize(<char *>scratch + size, total - size)], total - size, 0)
        else:
            self.set_backlog(items[:], total, 0)
            self.send_backlog()
        if self.backlog is not None:
            self.set_interest()
        return total

    cdef int send_or_keep(self, bytes data) except -1:
        """Send bytes before which nothing waits, or keep what the system doesn't take."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef ssize_t sent = self.send(PyBytes_AS_STRING(data), size)
        if 0 <= sent < size:
            self.set_backlog([data], size - sent, sent)
        return 0

    cdef int write_now(self, bytes frame) except -1:
        """Write a frame before which nothing waits."""
        self.written += PyBytes_GET_SIZE(frame)
        self.send_or_keep(frame)
        if self.backlog is not None:
            self.set_interest()
            self.look_at_mark()
        return 0

    cdef int look_at_mark(self) except -1:
        """Tell the connection once too much waits."""
        if self.backlog is not None and self.backlog.size > self.bounds.high and not self.is_blocked:
            self.is_blocked = True
            self.told().pause_writing()
        return 0

    cdef int set_backlog(self, list items, Py_ssize_t size, Py_ssize_t first_written) except -1:
        """Keep pieces of bytes, of which so many aren't written."""
        cdef Backlog backlog = Backlog()
        backlog.items = items
        backlog.size = size
        backlog.first_written = first_written
        self.backlog = backlog
        return 0

    cdef int add_to_backlog(self, bytes data) except -1:
        if self.backlog is None:
            return self.set_backlog([data], PyBytes_GET_SIZE(data), 0)
        PyList_Append(self.backlog.items, data)
        self.backlog.size += PyBytes_GET_SIZE(data)
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
        cdef Backlog backlog = self.backlog
        while backlog is not None and backlog.size > 0:
            count = min(PyList_GET_SIZE(backlog.items), MAX_VECTORS)
            for index in range(count):
                item = <bytes>backlog.items[index]
                vectors[index].iov_base = PyBytes_AS_STRING(item)
                vectors[index].iov_len = PyBytes_GET_SIZE(item)
            vectors[0].iov_base = <char *>vectors[0].iov_base + backlog.first_written
            vectors[0].iov_len -= backlog.first_written
            memset(&header, 0, sizeof(header))
            header.msg_iov = vectors
            header.msg_iovlen = count
            sent = sendmsg(self.descriptor, &header, MSG_NOSIGNAL)
            if sent < 0:
                if errno != EAGAIN and errno != EINTR:
                    self.fail_by_system()
                return 0
            backlog.size -= sent
            done = 0
            for index in range(count):
                size = vectors[index].iov_len
                if sent < size:
                    break
                sent -= size
                done += 1
                backlog.first_written = 0
            backlog.first_written += sent
            del backlog.items[:done]
            if done < count:
                return 0
        self.backlog = None
        return 0

    cdef int write_backlog(self) except -1:
        """Send what is kept, and do what had to wait for that."""
        self.send_backlog()
        if self.is_lost:
            return 0
        if self.backlog is None:
            if self.is_closing_:
                return self.end()
            if self.ends_writing:
                try:
                    self.shut_down()
                except OSError as error:
                    self.lose(error)
                    return 0
        self.set_interest()
        if self.is_blocked and (self.backlog is None or self.backlog.size <= self.bounds.low):
            self.is_blocked = False
            self.told().resume_writing()
        return 0

    cdef int shut_down(self) except -1:
        if shutdown(self.descriptor, SHUT_WR) < 0:
            raise OSError(errno, os.strerror(errno))
        return 0
