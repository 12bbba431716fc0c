"""Flags of experiments that train on several devices; see `common.run.devices`."""

from absl import flags

from experiments.common.run import devices

STRATEGY = flags.DEFINE_enum(
  "strategy",
  "default",
  ["default", "mirrored", "multi_worker"],
  "Devices of the training: one device; all local GPUs, or --replicas of them "
  "(mirrored); several hosts by TF_CONFIG (multi_worker).",
)
REPLICAS = flags.DEFINE_integer(
  "replicas",
  None,
  "Number of GPUs that --strategy=mirrored uses; without a GPU, number of logical "
  "devices to make of the CPU, for testing.",
  lower_bound=1,
)
PRECISION = flags.DEFINE_enum(
  "precision",
  "float32",
  ["float32", "mixed_bfloat16", "mixed_float16"],
  "Arithmetic of the trained networks' layers. Their variables and all losses stay in "
  "float32; with mixed_float16, losses are scaled.",
)


def set_up():
  """Applies the flags; see `devices.set_up`."""
  return devices.set_up(STRATEGY.value, REPLICAS.value, PRECISION.value)
