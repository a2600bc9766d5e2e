"""Ray engine: actors on a cluster, the same plan and the same bytes.

Photos are read and images written by the nodes themselves, so both must lie
where every node reaches them: a shared disk, or an address such as ``s3://``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from maskgen.dataset.engines.base import Job, Outcome, Task, build_worker
from maskgen.dataset.engines.pool import READY, Death, Handle, Pool
from maskgen.dataset.storage import absolute, open_store, spelt_once
from maskgen.errors import InputError, MaskgenError


@dataclass(slots=True, eq=False)
class _Remote:
    """An actor and the answers it owes, in the order it was asked."""

    actor: Any
    owed: list[Any] = field(default_factory=list)


class RayEngine(Pool):
    """Photos done by a Ray cluster.

    Args:
        factory: ``module:function`` that builds the worker from ``settings``.
        settings: plain values.
        workers: how many actors; 0 for as many as the cluster has CPUs.
        timeout_s: how long one photo may take.
        address: of a running cluster (``auto``, ``ray://host:10001``); None
            starts one on this machine.

    Raises:
        InputError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(
        self, factory: str, settings: dict[str, Any], workers: int, timeout_s: float, address: str | None
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError as error:
            raise InputError('--engine ray needs Ray: pip install "maskgen[ray]"') from error
        self._ray = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            options: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
            try:
                ray.init(**options, logging_level=logging.ERROR, log_to_driver=False, configure_logging=False)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InputError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = int(resources.get("CPU", 1))
        super().__init__(workers or cpus, timeout_s)
        remote: Any = ray.remote
        self._actor = remote(num_cpus=1, max_restarts=0, max_concurrency=1)(_Actor)
        self._factory = factory
        # A node has another working folder.
        places = {name: settings.get(name) for name in ("output", "masks_dir", "predictor")}
        known = {name: absolute(str(place)) for name, place in places.items() if place}
        masks = [absolute(mask) if "/" in mask else mask for mask in settings.get("masks") or ()]
        self._settings = settings | known | {"masks": masks}

    @classmethod
    def open(cls, job: Job) -> RayEngine:
        return cls(job.factory, job.settings, job.workers, job.timeout_s, job.address)

    def _spawn(self) -> _Remote:
        actor = self._actor.remote(self._factory, self._settings)
        return _Remote(actor, [actor.ready.remote()])

    def _send(self, handle: Handle, task: Task) -> None:
        task = replace(task, place=spelt_once(task.source))
        with contextlib.suppress(self._ray.exceptions.RayError):
            handle.body.owed.append(handle.body.actor.do.remote(task))

    def _news(self, timeout_s: float) -> Iterator[tuple[Handle, object]]:
        by_ref = {handle.body.owed[0]: handle for handle in self._handles if handle.body.owed}
        if not by_ref:
            return
        ready, _ = self._ray.wait(list(by_ref), num_returns=1, timeout=timeout_s)
        if ready:
            # The others that are ready by now, without waiting.
            ready, _ = self._ray.wait(list(by_ref), num_returns=len(by_ref), timeout=0)
        for ref in ready:
            handle = by_ref[ref]
            try:
                message = self._ray.get(ref)
            except self._ray.exceptions.RayActorError as error:
                yield handle, Death(_one_line(error))
            except self._ray.exceptions.RayError as error:
                yield handle, f"a Ray worker failed: {_one_line(error)}"
            else:
                handle.body.owed.pop(0)
                yield handle, message

    def _kill(self, handle: Handle) -> None:
        with contextlib.suppress(Exception):  # it may be dead, or its node gone
            self._ray.kill(handle.body.actor, no_restart=True)

    def _close(self) -> None:
        super()._close()
        if self._ours:
            self._ray.shutdown()


class _Actor:
    """A worker on a node."""

    def __init__(self, factory: str, settings: dict[str, Any]) -> None:
        self._error: str | None = None
        output = str(settings.get("output", ""))
        if output and not open_store(output).reachable():
            place = f"{output} is not there on the node {socket.gethostname()}"
            self._error = f"{place}; use a folder that all nodes share, or an address such as s3://bucket/dataset"
            return
        try:
            self._worker = build_worker(factory, settings)
        except MaskgenError as error:
            self._error = str(error)

    def ready(self) -> str:
        return self._error or READY

    def do(self, task: Task) -> Outcome:
        return self._worker.do(task)


def _one_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
