"""Streams on the loopback address that can be cut and come back."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskgen import images
from maskgen.types import RGB


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MjpegServer:
    """A network camera of the simple kind: ``multipart/x-mixed-replace`` over HTTP.

    Attributes:
        shows: gives the picture of a moment, by the frame's number.
    """

    def __init__(self, shows: Callable[[int], RGB], port: int = 0, fps: float = 25) -> None:
        self.shows = shows
        self._stop = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                with contextlib.suppress(OSError):
                    while not server._stop.is_set():
                        data = images.encode(server.shows(number), ".jpg", 90)
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                        number += 1
                        time.sleep(1 / fps)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/video"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop every viewer and stop listening."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._stop.is_set():
            self.cut()


class TransportStream:
    """A video file sent again and again as MPEG-TS to whoever connects first."""

    def __init__(self, video: Path, port: int) -> None:
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            pytest.skip("needs ffmpeg to send a stream")
        self.url = f"tcp://127.0.0.1:{port}"
        words = ["-v", "error", "-re", "-stream_loop", "-1", "-i", str(video), "-c", "copy", "-f", "mpegts"]
        self._process = subprocess.Popen(
            [ffmpeg, *words, f"{self.url}?listen=1"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # A connection to try would be the one it serves: wait until the port is taken.
        for _ in range(100):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    break
            time.sleep(0.05)

    def cut(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> TransportStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
