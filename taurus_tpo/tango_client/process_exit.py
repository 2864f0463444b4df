"""The end of a process in which a call to a device hangs.

PyTango 10.3 cannot be cleaned up then: ``ApiUtil.cleanup``, and the same in C when the
process exits, wait for the call to end, and keep Python's lock meanwhile, which the
thread in the call needs in order to return. Seen as a process that never ends.

Nor may such a call return while Python ends: before 3.14, Python has any other thread
that asks for its lock then exit at once, and C++ does not let a thread out of a
destructor. Seen as "terminate called without an active exception", and an abort.
"""

from __future__ import annotations

import ctypes
import gc


def leave_tango_behind() -> bool:
    """Let the process end, with the status it has, before C's own clean-up.

    To be called once Python is ending (``atexit``): all that Python does at its end is
    still done, and what waits in C's streams is written. What libraries have left for
    C's ``exit`` is not done.

    :return: False where the C library has no ``on_exit`` (it is glibc's).
    """
    libc = ctypes.CDLL(None)
    on_exit = getattr(libc, "on_exit", None)
    if on_exit is None:
        return False
    # C's exit() calls the function that was registered last first, with the status.
    last = on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
    on_exit(ctypes.cast(libc.fcloseall, ctypes.c_void_p), None)
    return bool(last == 0)


def park_what_returns() -> bool:
    """Let a thread that comes back from C++ while Python ends wait, for the exit.

    To be called once Python is ending; where C++ would abort the process after that,
    the thread alone stops.

    :return: False where C++'s library is not GNU's.
    """
    try:
        library = ctypes.CDLL("libstdc++.so.6")
    except OSError:
        return False
    # Called without arguments, in the thread, as std::terminate() would be.
    pause = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p)
    set_terminate = library._ZSt13set_terminatePFvvE
    set_terminate.restype = ctypes.c_void_p
    set_terminate(pause)
    return True


def keep_for_ever(*classes: type) -> None:
    """Let Python's own end destroy no object of ``classes`` that there is now.

    To destroy a proxy waits for Tango's monitor, which the call that hangs may hold;
    seen as an end that took 6 s, and as a crash.
    """
    for found in gc.get_objects():
        # Not isinstance: a dead weak proxy raises when it is asked for its class.
        if issubclass(type(found), classes):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))
