"""The devices and the arithmetic of a run: strategies of `tf.distribute`, precision.

  --strategy=default        the first GPU, or the CPU
  --strategy=mirrored       all GPUs of this machine, or the first --replicas of them
  --strategy=multi_worker   all GPUs of several hosts; see below

`--batch_size` is the global batch: each replica takes an equal share of it, and the
step is the one of a single device on all of it (see `models.trainer`).

Several hosts run the same command, each with its own `TF_CONFIG` in the environment,
which lists all of them:

  TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]},
              "task": {"type": "worker", "index": 0}}'

`--output_dir` must lie on a file system that they share. The first worker, the chief,
alone writes there. When a worker is lost, the others stop: the same commands again go
on from the last backup.
"""

import contextlib
import json
import os
import pathlib

import keras
import tensorflow as tf
from absl import flags

from experiments.common.run import app, replicas, run_folder

_STRATEGY = flags.DEFINE_enum(
  "strategy",
  "default",
  ["default", "mirrored", "multi_worker"],
  "One device; all local GPUs (or --replicas); or several hosts by TF_CONFIG.",
)
_REPLICAS = flags.DEFINE_integer(
  "replicas",
  None,
  "Of --strategy=mirrored: how many GPUs to use; without a GPU, how many logical "
  "devices to make of the CPU, for testing.",
  lower_bound=1,
)
_PRECISION = flags.DEFINE_enum(
  "precision",
  "float32",
  ["float32", "mixed_bfloat16", "mixed_float16"],
  "Of the trained networks' layers. Their variables and all losses stay in float32; "
  "with mixed_float16, losses are scaled.",
)

_current = None


def set_up():
  """Applies the flags. Must be called before TensorFlow uses a device.

  Returns:
    Whether there are several replicas or hosts.

  Raises:
    ValueError: if flags or `TF_CONFIG` do not fit the machine or each other.
  """
  global _current
  if _REPLICAS.value and _STRATEGY.value != "mirrored":
    raise ValueError("--replicas has no effect without --strategy=mirrored")
  gpus = tf.config.list_physical_devices("GPU")
  keras.config.set_dtype_policy(_PRECISION.value)
  if _STRATEGY.value == "default":
    return False
  # TensorFlow tells of every sum over replicas that it plans.
  tf.get_logger().setLevel("WARNING")
  _current = _mirrored(gpus) if _STRATEGY.value == "mirrored" else _multi_worker()
  return True


def strategy():
  """The `tf.distribute.Strategy` that the flags ask for."""
  return _current or tf.distribute.get_strategy()


def is_chief():
  """Whether this process is the one that writes files."""
  return replicas.is_chief(strategy())


def check_batch(batch_size):
  """Raises ValueError if the replicas cannot share a global batch equally."""
  count = strategy().num_replicas_in_sync
  if batch_size % count:
    raise ValueError(
      f"--batch_size, the global batch, must be a multiple of the {count} replicas of "
      f"--strategy={_STRATEGY.value}. Received: {batch_size}"
    )
  if count > 1 and is_chief():
    print(f"{count} replicas, {batch_size // count} of {batch_size} examples on each")


@contextlib.contextmanager
def open_run():
  """The run folder, see `run_folder.open_run`; all hosts leave it together."""
  if is_chief():
    folder = run_folder.open_run(
      app.OUTPUT_DIR.value, app.OVERWRITE.value, app.SEED.value
    )
    print(f"Run folder: {folder}")
  # The chief may have deleted an earlier run there.
  replicas.wait_for_all(strategy())
  yield pathlib.Path(app.OUTPUT_DIR.value)
  # A process that ends while others work makes them fail.
  replicas.wait_for_all(strategy())


def _mirrored(gpus):
  count = _REPLICAS.value
  if gpus:
    if count and count > len(gpus):
      raise ValueError(
        f"--replicas must be at most the number of GPUs, {len(gpus)}. Received: {count}"
      )
    return tf.distribute.MirroredStrategy(
      [f"GPU:{i}" for i in range(count or len(gpus))]
    )
  if not count:
    raise ValueError(
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
    raise ValueError(
      "--strategy=multi_worker needs the environment variable TF_CONFIG, such as "
      '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
      f'"task": {{"type": "worker", "index": 0}}}}. Received: {text!r}'
    )
  return tf.distribute.MultiWorkerMirroredStrategy()
