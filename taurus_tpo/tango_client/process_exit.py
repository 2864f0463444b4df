"""The end of a process while a call to a device hangs.

PyTango 10.3 cannot be cleaned up then. ``ApiUtil.cleanup``, and the equivalent in C at
the exit of the process, wait for the end of the call with Python's lock held, which the
calling thread needs in order to return. Seen as a process that never ends.

Nor may such a call return while Python ends: before 3.14, Python makes any other thread
that requests its lock exit at once, and C++ does not let a thread exit in a destructor.
Seen as "terminate called without an active exception", and an abort.
"""

from __future__ import annotations

import ctypes
import gc


def leave_tango_behind() -> bool:
    """Have the process exit, with its status, before the cleanup of C libraries.

    To be called when Python ends (``atexit``): the rest of Python's own cleanup is
    still done, and C streams are flushed. Other exit handlers of C libraries are
    skipped.

    :return: False if the C library has no ``on_exit`` (a function of glibc).
    """
    libc = ctypes.CDLL(None)
    on_exit = getattr(libc, "on_exit", None)
    if on_exit is None:
        return False
    # C's exit() calls the functions in reverse order, with the status.
    last = on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
    on_exit(ctypes.cast(libc.fcloseall, ctypes.c_void_p), None)
    return bool(last == 0)


def park_what_returns() -> bool:
    """Block threads that return from C++ while Python ends, until the exit.

    To be called when Python ends. Where C++ would abort the process, only the thread
    stops.

    :return: False if the C++ library is not GNU's.
    """
    try:
        library = ctypes.CDLL("libstdc++.so.6")
    except OSError:
        return False
    # Called without arguments, in the thread, in place of std::terminate().
    pause = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p)
    set_terminate = library._ZSt13set_terminatePFvvE
    set_terminate.restype = ctypes.c_void_p
    set_terminate(pause)
    return True


def never_destroy(*classes: type) -> None:
    """Keep all present objects of ``classes`` from being destroyed at Python's end.

    Destroying a proxy waits for Tango's monitor, which a call that hangs may hold; seen
    as an end that took 6 s, and as a crash.
    """
    for found in gc.get_objects():
        # Not isinstance: a dead weak proxy raises when its class is requested.
        if issubclass(type(found), classes):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))
