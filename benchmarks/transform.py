"""Images a second of ``maskgen.MaskTransform`` on one core: 112, 224 and 512 px, with and without given landmarks.

    python benchmarks/transform.py [--images 60]

The pictures are crops of the two public-domain portraits about the face, resized; every draw is another mask. CPU
time of one thread, so that other work on the machine matters less; the first sixty images, which load masks and models,
are not counted.
"""

# a benchmark prints

from __future__ import annotations

import argparse
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    options = parser.parse_args()

    import cv2
    import numpy as np
    from contact_sheets import portraits

    import maskgen
    from maskgen.faces.landmarks import face_box
    from maskgen.render.region import cut

    cv2.setNumThreads(1)
    print("| side | landmarks given | searched | camera, given |\n|---|---|---|---|")
    for side in (112, 224, 512):
        work = []
        for _, photo, face in portraits():
            left, top, right, bottom = (round(part) for part in face_box(face.landmarks).grown(1.5).xyxy)
            square = left, top, left + max(right - left, bottom - top), top + max(right - left, bottom - top)
            scale = side / (square[2] - square[0])
            work.append((cut(photo, square, (side, side)), (face.landmarks - square[:2]) * scale))
        row = []
        for camera, given in ((None, True), (None, False), ("street", True)):
            transform = maskgen.MaskTransform(camera=camera)  # type: ignore[arg-type]
            rng = np.random.default_rng(0)
            jobs = [(image, marks if given else None) for image, marks in work]
            for n in range(60):  # every mask is read and reduced once
                transform(*jobs[n % len(jobs)], rng=rng)
            began = time.process_time()
            drawn = [transform(*jobs[n % len(jobs)], rng=rng) for n in range(options.images)]
            rate = options.images / (time.process_time() - began)
            row.append(f"{rate:.0f}" + (" (some without)" if None in drawn else ""))
        print(f"| {side} px | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
