"""Tell which processes of this machine are running."""

import os
from pathlib import Path
from typing import Any


def is_running(process: int) -> bool:
    """Return whether a process with this ID is running."""
    if os.name == "nt":
        return _is_running_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A zombie stays in the process table until its parent collects its exit status, if ever.
    return _kernel_fields(process)[:1] not in (["Z"], ["X"])


def _is_running_on_windows(process: int) -> bool:
    # On Windows, `os.kill` with signal 0 would send Ctrl-C.
    import ctypes

    still_active, query = 259, 0x1000
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(query, False, process)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active


def start_of(process: int) -> str:
    """Return the start time of a process in kernel ticks; empty where it is not reported."""
    return "".join(_kernel_fields(process)[19:20])


def _kernel_fields(process: int) -> list[str]:
    """Return Linux's fields of a process, from its state on; empty on other systems."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The preceding name may hold spaces and parentheses.
    return stat.rpartition(")")[2].split()
