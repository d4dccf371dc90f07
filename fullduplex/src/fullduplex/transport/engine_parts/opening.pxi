# How a connection that somebody else has opened comes here.

def move(connection, protocol, transport, high, low, bint is_masked, bint is_paused):
    """Read and write for a connection instead of its transport, which has stopped; return who does so now."""
    cdef Transport moved = Transport()
    moved.engine = engine_of(connection.loop)
    moved.set_apart().below = transport
    moved.apart.protocol = protocol
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


cdef tuple peername_of(sockaddr_in6 *six):
    """Return an IPv6 address, as the system writes it, as ``getpeername`` does."""
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
    transport.set_apart().sock = sock
    transport.descriptor = sock.fileno()
    setsockopt(transport.descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
    transport.apart.peer = address_of(transport.descriptor, "getpeername")
    transport.connection = connection
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
