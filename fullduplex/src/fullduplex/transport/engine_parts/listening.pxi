# Listening sockets.

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
            transport.connection = connection
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
