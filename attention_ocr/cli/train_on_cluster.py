"""`attention-ocr train --engine=ray`: the workers of a run, started on a Ray cluster."""

import signal
from collections.abc import Callable

from absl import flags

from attention_ocr.cli.engine_argument import LOCAL
from attention_ocr.cluster.address import names_cluster
from attention_ocr.training.interruption import Interruption, StoppedError, signal_name

_COUNTS = {
    "num_workers": ("Workers, processes that train together.", 1),
    "worker_cpus": ("Processors that Ray reserves for each worker.", 1),
    "worker_gpus": ("GPUs of each worker.", 0),
}
CLUSTER_FLAGS = frozenset({"engine", *_COUNTS})
"""The flags that say where to train; they are no settings of a model."""

_EXPANDED = {"preset", "flagfile", "undefok"}


def define_cluster_flags(values: flags.FlagValues, title: str) -> None:
    """Define the flags that start a run on a cluster.

    Args:
        values: The flags of the command.
        title: Under which help lists them.
    """
    flags.DEFINE_string(
        "engine",
        LOCAL,
        "Where to train: local, in this process; ray, in --num_workers processes on the Ray "
        "cluster of RAY_ADDRESS or of this machine; ray://HOST:PORT.",
        flag_values=values,
        module_name=title,
    )
    for name, (about, least) in _COUNTS.items():
        flags.DEFINE_integer(
            name,
            None,
            f"With --engine=ray: {about[0].lower()}{about[1:]}",
            lower_bound=least,
            flag_values=values,
            module_name=title,
        )


def refuse_cluster_flags(values: flags.FlagValues) -> None:
    """Refuse, without a cluster, the flags that need one.

    Raises:
        ValueError: If one is given; the message names it.
    """
    given = [f"--{name}" for name in _COUNTS if values[name].present]
    if given:
        raise ValueError(f"{', '.join(given)} needs --engine=ray. Received: --engine={LOCAL}")


def worker_arguments(values: flags.FlagValues) -> list[str]:
    """Return the arguments of each worker: the given flags, with those of presets and files."""
    return [
        values[name].serialize()
        for name in sorted(values)
        if values[name].present and name not in CLUSTER_FLAGS | _EXPANDED
    ]


def train_on_cluster(
    values: flags.FlagValues, check_settings: Callable[[flags.FlagValues], object]
) -> None:
    """Train on a cluster.

    Args:
        values: The flags of the command.
        check_settings: Refuses wrong settings.

    Raises:
        ChildProcessError: If a worker has failed.
        ConnectionError: If there is no such cluster, or it lacks the processors or GPUs.
        StoppedError: If a signal stopped it.
        ValueError: If the engine is malformed, or the number of workers is missing.
    """
    if not names_cluster(values.engine):
        raise ValueError(
            f"Expected --engine=local, ray or ray://HOST:PORT. Received: {values.engine}"
        )
    if values["strategy"].present and values.strategy != "multi_worker":
        raise ValueError(
            f"--engine=ray trains with --strategy=multi_worker. Received: {values.strategy}"
        )
    if values.num_workers is None:
        raise ValueError("--engine=ray needs --num_workers. Received: none")
    values["strategy"].parse("multi_worker")
    # Wrong settings are refused here, not by the workers.
    check_settings(values)
    from attention_ocr.cluster.engine import RayEngine
    from attention_ocr.cluster.training import Workers, train_on_ray

    workers = Workers(values.num_workers, values.worker_cpus or 1, values.worker_gpus or 0)
    # Ray sets a handler of SIGTERM when it connects.
    with RayEngine(values.engine, shows_output=True), Interruption() as interruption:
        try:
            train_on_ray(worker_arguments(values), workers)
        except KeyboardInterrupt as error:
            # Ray's waiting replaces the error of the signal.
            number = interruption.number or signal.SIGINT
            raise StoppedError(
                number, f"stopped by {signal_name(number)}; run the same command to resume."
            ) from error
