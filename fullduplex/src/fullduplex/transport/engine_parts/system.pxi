# What C and the interpreter offer.

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
    #ifdef __GLIBC__
    #include <malloc.h>
    #endif

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

    /* Give the system back what is free between pieces of memory that aren't. */
    static void
    trim_memory(void)
    {
    #ifdef __GLIBC__
        malloc_trim(0);
    #endif
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
    void trim_memory()
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
