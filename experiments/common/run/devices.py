"""The devices and the arithmetic of a run: strategies of `tf.distribute`, precision.

  --strategy=default        the first GPU, or the CPU
  --strategy=mirrored       all GPUs of this machine, or the first --replicas of them
  --strategy=multi_worker   all GPUs of several hosts; see below

`--batch_size` is the global batch: each replica takes an equal share of it, and the
step is the one of a single device on all of it (see `models.base_trainer`).

Several hosts run the same command, each with its own `TF_CONFIG` in the environment,
which lists all of them:

  TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]},
              "task": {"type": "worker", "index": 0}}'

`--output_dir` must lie on a file system that they share. The first worker, the chief,
alone writes there. When a worker is lost, the others stop: the same commands again go
on from the last backup.
"""

import dataclasses
import json
import os

import keras
import tensorflow as tf

from experiments.common.run.errors import UserError
from experiments.common.run.options import option

_current = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceSettings:
  """Describes the devices of a training and its arithmetic."""

  strategy: str = option(
    "default",
    "Devices of the training: one device; all local GPUs, or --replicas of them "
    "(mirrored); several hosts by TF_CONFIG (multi_worker).",
    choices=("default", "mirrored", "multi_worker"),
    recorded=False,
  )
  replicas: int | None = option(
    None,
    "Number of GPUs that --strategy=mirrored uses; without a GPU, number of logical "
    "devices to make of the CPU, for testing.",
    lower=1,
    recorded=False,
  )
  precision: str = option(
    "float32",
    "Arithmetic of the trained networks' layers, also of --initial_weights. Variables, "
    "layers that make images or normals, and losses stay in float32; with "
    "mixed_float16, losses are scaled.",
    choices=("float32", "mixed_bfloat16", "mixed_float16"),
  )


def set_up(settings):
  """Chooses the devices. Must be called before TensorFlow uses one.

  Args:
    settings: `DeviceSettings`.

  Raises:
    UserError: if these or `TF_CONFIG` do not fit the machine or each other.
  """
  global _current
  strategy, replicas = settings.strategy, settings.replicas
  if replicas and strategy != "mirrored":
    raise UserError("--replicas has no effect without --strategy=mirrored")
  keras.config.set_dtype_policy(settings.precision)
  _current = None
  if strategy == "default":
    return
  # TensorFlow logs every sum over replicas that it plans.
  tf.get_logger().setLevel("WARNING")
  _current = _mirrored(replicas) if strategy == "mirrored" else _multi_worker()


def current():
  """The `tf.distribute.Strategy` that was chosen, or else the one in scope."""
  return _current or tf.distribute.get_strategy()


def is_replicated():
  """Whether `set_up` has chosen several replicas or hosts."""
  return _current is not None


def on_several_hosts(strategy):
  """Whether a strategy has workers on other hosts."""
  return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy=None):
  """Whether this process is the one that writes files.

  Args:
    strategy: `tf.distribute.Strategy`. Defaults to `current()`.
  """
  strategy = strategy or current()
  return not on_several_hosts(strategy) or strategy.cluster_resolver.task_id == 0


def dataset(strategy, make):
  """Returns the data of all replicas.

  Args:
    strategy: `tf.distribute.Strategy`.
    make: function from a `tf.distribute.InputContext`, or `None` on one device, to a
      `tf.data.Dataset` of a replica's batches.
  """
  if strategy.num_replicas_in_sync == 1 and not on_several_hosts(strategy):
    return make(None)
  return strategy.distribute_datasets_from_function(make)


def wait_for_all(strategy=None):
  """Returns when all processes of a strategy, by default `current()`, are here."""
  total(strategy or current(), 0.0)


def total(strategy, value):
  """The sum of a number of each replica; the others wait until all have called it."""
  if not on_several_hosts(strategy):
    return value * strategy.num_replicas_in_sync

  @tf.function
  def add():
    return strategy.run(
      lambda: tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM, tf.constant(value, tf.float64)
      )
    )

  return float(strategy.experimental_local_results(add())[0])


def lost_worker(error):
  """Returns the line that tells of a lost worker; `None` for another error."""
  if not isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)):
    return None
  first = error.message.strip().splitlines()[0]
  return (
    f"another worker is gone: {first}. The same commands, without --overwrite, go on "
    "from the last backup"
  )


def check_batch(batch_size):
  """Raises UserError if the replicas cannot share a global batch equally."""
  count = current().num_replicas_in_sync
  if batch_size % count:
    raise UserError(
      f"--batch_size, the global batch, must be a multiple of the {count} replicas of "
      f"--strategy. Received: {batch_size}"
    )
  if count > 1 and is_chief():
    print(f"{count} replicas, {batch_size // count} of {batch_size} examples on each")


def _mirrored(count):
  if gpus := len(tf.config.list_physical_devices("GPU")):
    if count and count > gpus:
      raise UserError(
        f"--replicas must be at most the number of GPUs, {gpus}. Received: {count}"
      )
    return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(count or gpus)])
  if not count:
    raise UserError(
      "--strategy=mirrored found no GPU. To test on the CPU, divide it by --replicas"
    )
  tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * count,
  )
  return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])


def _multi_worker():
  text = os.environ.get("TF_CONFIG", "")
  try:
    config = json.loads(text)
    workers = config["cluster"]["worker"]
    task = config["task"]
    fits = set(config["cluster"]) == {"worker"} and task["type"] == "worker"
    fits = fits and 0 <= int(task["index"]) < len(workers)
  except (ValueError, KeyError, TypeError):
    fits = False
  if not fits:
    raise UserError(
      "--strategy=multi_worker needs the environment variable TF_CONFIG, such as "
      '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
      f'"task": {{"type": "worker", "index": 0}}}}. Received: {text!r}'
    )
  return tf.distribute.MultiWorkerMirroredStrategy()
