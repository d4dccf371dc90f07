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

include "engine_parts/system.pxi"

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
    # How many have to be made anew, one soon after the other, for the system to be given memory back.
    MANY_SPARES = 32
    # Bounds that are compared with new ones.
    KNOWN_BOUNDS = 8
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

include "engine_parts/learned.pxi"
include "engine_parts/loop.pxi"
include "engine_parts/connection.pxi"
include "engine_parts/opening.pxi"
include "engine_parts/encryption.pxi"
include "engine_parts/listening.pxi"
include "engine_parts/events.pxi"
include "engine_parts/deflate.pxi"
include "engine_parts/sending.pxi"
include "engine_parts/broadcast.pxi"
include "engine_parts/coroutines.pxi"
