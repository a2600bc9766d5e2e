"""Whether OpenCV can open a window here, found out without risking this process.

With a build that has windows and a display that is missing or stale, ``cv2.imshow`` aborts the process: there is no
exception to catch. So the first window is opened by another process, which may abort as it likes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

TIMEOUT_S = 20.0
"""Importing cv2 takes 0.2 s here, a window 0.1 s; an X server across a network may take seconds."""

_NO_BUILD, _NO_CV2 = 3, 4

# Every step that a real window takes. The name of the user interface is printed before anything can abort.
_PROBE = f"""
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an abort is expected and leaves no core file
except ImportError:
    pass
try:
    import cv2
except ImportError as error:
    print(error)
    sys.exit({_NO_CV2})
print(cv2.__version__, cv2.currentUIFramework() or "none", flush=True)
if not cv2.currentUIFramework():
    sys.exit({_NO_BUILD})
import numpy
cv2.namedWindow("maskgen", cv2.WINDOW_NORMAL)
cv2.resizeWindow("maskgen", 1, 1)
cv2.imshow("maskgen", numpy.zeros((1, 1, 3), numpy.uint8))
cv2.waitKey(1)
cv2.destroyAllWindows()
"""


@dataclass(frozen=True, slots=True)
class Window:
    """What the probe found.

    Attributes:
        available: a window can be opened.
        opencv: OpenCV's version; None when it cannot be imported.
        framework: ``QT``, ``GTK3``, ``WIN32``, ``COCOA``; None in a build without windows.
        reason: why there is no window, in one line; empty where there is one.
    """

    available: bool
    opencv: str | None
    framework: str | None
    reason: str


def has_window() -> bool:
    """Whether OpenCV can open a window here. Takes half a second the first time; the answer is kept."""
    return probe().available


def probe() -> Window:
    """Find out by opening a window in a subprocess; the answer is kept for each display."""
    found = _probe(os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", ""))
    if found.available and (found.framework or "").startswith("QT") and _av_came_first(list(sys.modules)):
        reason = "PyAV was imported before OpenCV, whose window would hang: import cv2 before av"
        return Window(False, found.opencv, found.framework, reason)
    return found


def _av_came_first(modules: list[str]) -> bool:
    """Whether this process, not the probe's, has loaded the two in the order that ``detect.sources.pyav`` avoids."""
    return "av" in modules and ("cv2" not in modules or modules.index("av") < modules.index("cv2"))


@lru_cache(maxsize=4)
def _probe(display: str, wayland: str) -> Window:
    try:
        # -P: a file called cv2.py in the current folder is nobody's OpenCV.
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        version, framework = _printed(late.stdout or b"")
        return Window(False, version, framework, f"the display did not answer within {TIMEOUT_S:.0f} s")
    except OSError as error:
        return Window(False, None, None, f"no process could be started to look for one ({error.strerror})")
    if done.returncode == _NO_CV2:
        return Window(False, None, None, f"OpenCV cannot be imported: {done.stdout.decode(errors='replace').strip()}")
    version, framework = _printed(done.stdout)
    if done.returncode == 0:
        return Window(True, version, framework, "")
    if done.returncode == _NO_BUILD:
        return Window(False, version, None, "this OpenCV has no windows; install opencv-python, not -headless")
    if sys.platform.startswith("linux") and not display and not wayland:
        return Window(False, version, framework, "no display: neither DISPLAY nor WAYLAND_DISPLAY is set")
    named = f" {display or wayland}" if display or wayland else ""
    return Window(False, version, framework, f"the display{named} cannot be opened")


def _printed(out: bytes) -> tuple[str | None, str | None]:
    words = out.decode(errors="replace").split()
    if len(words) < 2:
        return None, None
    return words[0], None if words[1] == "none" else words[1]
