"""The end of a process in which a call to a device hangs. Floor 0.

PyTango 10.3 cannot be cleaned up then: ``ApiUtil.cleanup``, and the same in C when the
process exits, wait for the call to end, and keep Python's lock meanwhile, which the
thread in the call needs in order to return. Seen as a process that never ends.
"""

from __future__ import annotations

import ctypes
import gc


def leave_tango_behind() -> bool:
    """Let the process end, with the status it has, before C's own clean-up.

    To be called once Python is ending (``atexit``): all that Python does at its end is
    still done, what libraries have left for C's ``exit`` is not.

    :return: False where the C library has no ``on_exit`` (it is glibc's).
    """
    libc = ctypes.CDLL(None)
    on_exit = getattr(libc, "on_exit", None)
    if on_exit is None:
        return False
    # C's exit() calls the function that was registered last first, with the status.
    return bool(on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None) == 0)


def keep_for_ever(*classes: type) -> None:
    """Let Python's own end destroy no object of ``classes`` that there is now.

    To destroy a proxy waits for Tango's monitor, which the call that hangs may hold;
    seen as an end that took 6 s, and as a crash.
    """
    for found in gc.get_objects():
        # Not isinstance: a dead weak proxy raises when it is asked for its class.
        if issubclass(type(found), classes):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))
