"""Milliseconds a face, one thread, and accuracy of every form that a model can be exported to.

    python benchmarks/formats.py MODEL DATASET                    MODEL: a model folder, or the word packaged
    python benchmarks/formats.py MODEL DATASET --faces PHOTOS     int8 calibrated on faces drawn from these photos
    python benchmarks/formats.py MODEL DATASET --crops FOLDER     int8 calibrated on this labelled folder

DATASET is a folder of faces by label, to judge by and never to calibrate with. Without ``--faces`` or ``--crops`` int8
sees two portraits only. Every form gets the same faces, one at a time, in turns of ten, so that a busy moment of the
machine falls on all of them; the figures are medians, by the clock and of CPU time, which other work on the machine
changes less. TensorFlow, LiteRT and onnxruntime are each held to one thread.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "NO_ALBUMENTATIONS_UPDATE": "1"}

import numpy as np
from numpy.typing import NDArray

Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
TURN = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--turns", type=int, default=12, help="turns of ten faces each")
    parser.add_argument("--limit", type=int, help="judge by so many images of the dataset only")
    arguments = parser.parse_args()

    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from trainer.bundle import Bundle, packaged_bundle
    from trainer.data.faces import Crop, decode
    from trainer.data.labelled import find_samples
    from trainer.data.samples import relabel
    from trainer.metrics.evaluation import judge

    bundle = Bundle.load(packaged_bundle() if arguments.model == "packaged" else Path(arguments.model))
    samples = relabel(find_samples(arguments.dataset, split=None)[0], bundle.labels, "drop")
    samples = samples[:: max(1, len(samples) // arguments.limit)] if arguments.limit else samples
    faces = decode(samples, bundle.labels, Crop(bundle.input_size_wh, bundle.margin_wh))
    with tempfile.TemporaryDirectory() as temp:
        checked, calibration = crops(bundle, arguments, Path(temp))
        network, files, notes = forms(bundle, checked, calibration, Path(temp))
        runners = run_by(network, files)
        print(f"{platform.machine()}, one thread, Python {platform.python_version()}, load {load()}")
        spent = times(runners, faces.pixels, arguments.turns)
        heads = f"{'':<28}{'ms a face':>10}{'CPU ms':>8}{'MB':>7}{'balanced accuracy':>19}{'labels':>8}"
        print(heads + "  against Keras on crops")
        expected = None
        for name, runner in runners.items():
            if name == "predict":  # the same network as predict_on_batch
                print(f"{'model.predict':<28}{spent[name][0]:>10.2f}{spent[name][1]:>8.2f}")
                continue
            found = judge(faces, runner(faces.pixels), bundle.labels, bundle.threshold)
            expected = found if expected is None else expected
            changed = int((found.predicted != expected.predicted).sum())
            size = f"{files[name].stat().st_size / 1e6:.1f}" if name in files else ""
            label = "model.predict_on_batch" if name == "predict_on_batch" else name
            print(
                f"{label:<28}{spent[name][0]:>10.2f}{spent[name][1]:>8.2f}{size:>7}"
                f"{100 * found.balanced_accuracy.value:>17.2f} %{changed:>8}  {notes.get(name, '')}"
            )
        print(
            f"{len(faces)} faces of {arguments.dataset.name}, {bundle.input_size_wh[0]} px, threshold "
            f"{bundle.threshold:g}; labels: how many differ from Keras'; load {load()} at the end"
        )
    return 0


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def crops(bundle: Any, arguments: argparse.Namespace, temp: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Real faces to compare with Keras on, and others for int8; none of the dataset it is judged by."""
    from trainer.export.checks import portraits, real_faces

    folder = arguments.crops
    if arguments.faces is not None:
        from maskgen.dataset.pipeline import Run, generate
        from maskgen.dataset.settings import Settings

        folder = temp / "drawn"
        photos = sorted(str(path) for path in arguments.faces.rglob("*") if path.is_file())
        generate(photos[:: max(1, len(photos) // 100)][:100], Settings(str(folder)), Run())
    if folder is None:
        return portraits(bundle.input_size_wh), portraits(bundle.input_size_wh, swapped=True)
    return real_faces(folder, bundle, 200)


def forms(
    bundle: Any, checked: NDArray[np.uint8], calibration: NDArray[np.uint8], temp: Path
) -> tuple[Any, dict[str, Path], dict[str, str]]:
    """The network, and every file that can be made of it here."""
    from maskgen.errors import MaskgenError
    from trainer.export.checks import Checks
    from trainer.export.export import write
    from trainer.models.weights import load_network

    network = load_network(bundle.path("model.keras"))
    files: dict[str, Path] = {}
    notes: dict[str, str] = {}
    wanted = [("litert", "none"), ("litert", "float16"), ("litert", "int8"), ("onnx", "none")]
    for to, quantize in wanted:
        name = {"none": f"{to} float32"}.get(quantize, f"{to} {quantize}")
        path = temp / f"{name.replace(' ', '_')}.{'onnx' if to == 'onnx' else 'tflite'}"
        try:
            # Refused or not, it is measured; the note says how far off it is.
            checks = Checks(checked, calibration, max_shift=1.0)
            made = write(network, path, to, quantize, checks, threshold=bundle.threshold)  # type: ignore[arg-type]
        except MaskgenError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        files[name] = path
        notes[name] = f"shift at most {made.max_shift:.2g}, mean {made.mean_shift:.2g}"
    return network, files, notes


def run_by(network: Any, files: dict[str, Path]) -> dict[str, Runner]:
    """What answers for every form: (N, H, W, 3) uint8 to (N, C)."""
    from trainer.models.litert import LiteRTModel

    def one_by_one(call: Callable[[Any], Any]) -> Runner:
        return lambda rois: np.concatenate([np.asarray(call(roi[None].astype(np.float32))) for roi in rois])

    runners: dict[str, Runner] = {
        "predict": one_by_one(lambda batch: network.predict(batch, verbose=0)),
        "predict_on_batch": one_by_one(network.predict_on_batch),
    }
    for name, path in files.items():
        if path.suffix == ".tflite":
            runners[name] = LiteRTModel(path).predict
            continue
        try:
            import onnxruntime
        except ImportError:
            print("onnx float32: left out, onnxruntime is not installed", file=sys.stderr)
            continue
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        runners[name] = one_by_one(lambda batch, session=session, entry=entry: session.run(None, {entry: batch})[0])
    return runners


def times(runners: dict[str, Runner], pixels: NDArray[np.uint8], turns: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds a face, by the clock and of CPU time, the forms taking turns."""
    some = pixels[np.linspace(0, len(pixels) - 1, TURN).astype(int)]
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
    for runner in runners.values():
        runner(some[:3])
    for _ in range(turns):
        for name, runner in runners.items():
            for roi in some:
                began, cpu = time.perf_counter(), time.process_time()
                runner(roi[None])
                spent[name].append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)))
    medians = {name: np.median(values, axis=0) for name, values in spent.items()}
    return {name: (float(clock), float(cpu)) for name, (clock, cpu) in medians.items()}


if __name__ == "__main__":
    sys.exit(main())
