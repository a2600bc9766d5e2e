"""Whether detect's memory, threads and files stay flat over hours of video.

    python benchmarks/soak.py VIDEO [--model FOLDER] [--hours 1] [--json FILE]

Runs a video again and again through one detector, each time with a page and a written mp4, until the frames add up to
that much video, as fast as they come. Prints resident memory, threads and open files as it goes; exits 1 when the last
tenth of the run holds more than a tenth and 20 MB above the second tenth, or threads or files were left behind.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

# benchmarks/detect.py has the package's name and would be found in its place.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]


def main() -> int:
    from detect import Detector, watch
    from detect.outputs.mp4 import Mp4Writer
    from detect.outputs.page import LivePage
    from detect.outputs.recording import Mp4Sink
    from detect.run import Summary, run
    from detect.sources import open_source

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    process = psutil.Process()
    detector = Detector.load(words.model, threads=2)
    rows: list[dict[str, float]] = []
    done_s, frames, began_s = 0.0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while done_s < words.hours * 3600:
            source = open_source(words.video)
            writer = Mp4Writer(Path(folder) / "out.mp4", source.rate, overwrite=True)
            sinks = [Mp4Sink(writer), LivePage(detector.labels, source.name, port=0)]
            summary = Summary()
            run(watch(detector, source), sinks, summary)
            done_s += summary.time_s + 1 / source.rate
            frames += summary.frames
            gc.collect()
            rows.append(
                {
                    "video_s": round(done_s, 1),
                    "rss_mb": round(process.memory_info().rss / 1e6, 1),
                    "threads": threading.active_count(),
                    "files": process.num_fds() if hasattr(process, "num_fds") else 0,
                }
            )
            if len(rows) % 10 == 1:
                print(rows[-1], flush=True)
    tenth = max(1, len(rows) // 10)
    early = max(row["rss_mb"] for row in rows[tenth : 2 * tenth] or rows)
    late = max(row["rss_mb"] for row in rows[-tenth:])
    print(rows[-1])
    print(f"{frames} frames in {time.monotonic() - began_s:.0f} s; {early} MB early, {late} MB late")
    if words.json:
        words.json.write_text(json.dumps(rows) + "\n")
    left = rows[-1]["threads"] > rows[0]["threads"] or rows[-1]["files"] > rows[0]["files"] + 2
    return int(late > 1.1 * early + 20 or left)


if __name__ == "__main__":
    sys.exit(main())
