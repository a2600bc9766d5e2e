"""``python run_ray.py IN OUT``: a run on two real nodes, one of which is killed in the middle.

A process of its own: Ray leaves threads, sockets and signal handlers behind.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}

from maskgen.dataset.pipeline import Progress, Run, generate
from maskgen.dataset.settings import Settings


def main(source: str, output: str) -> None:
    from ray.cluster_utils import Cluster

    logging.disable(logging.INFO)
    os.environ["RAY_health_check_failure_threshold"] = "2"  # noqa: SIM112 Ray spells it so
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20},
    )
    doomed = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    killed: list[int] = []

    def look(progress: Progress) -> None:
        if progress.counts["photos"] >= 6 and not killed:
            killed.append(progress.counts["photos"])
            cluster.remove_node(doomed, allow_graceful=False)

    run = Run(engine="ray", ray_address=cluster.address, factory="fake_worker:build", on_progress=look, timeout_s=60)
    try:
        summary = generate([source], Settings(output, wardrobe="fake"), run)
    finally:
        cluster.shutdown()
    sys.stdout.write(f"killed after {killed}, {summary.totals['images']} images\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
