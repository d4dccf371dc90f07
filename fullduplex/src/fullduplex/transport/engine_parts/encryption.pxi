# TLS below a connection.

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
