"""Sets up TensorFlow and Keras for a run, and for runs within it."""

import keras
import tensorflow as tf

from experiments.common import results
from experiments.common.run import devices, run_folder
from experiments.common.run.devices import DeviceSettings
from experiments.common.run.startup import held_back_stderr


def set_up(settings, deterministic=None):
  """Chooses the devices and seeds all random numbers.

  Args:
    settings: of the run. A field `devices` of `DeviceSettings` takes effect, as does
      `seed`, which is else 0.
    deterministic: whether operations are. By default only without a GPU.
  """
  with held_back_stderr():
    if deterministic is None:
      deterministic = not tf.config.list_physical_devices("GPU")
    if deterministic:
      tf.config.experimental.enable_op_determinism()
    devices.set_up(getattr(settings, "devices", DeviceSettings()))
    keras.utils.set_random_seed(getattr(settings, "seed", 0))
    tf.config.list_logical_devices()


def run_within(experiment, prepare, settings, folder):
  """Runs an experiment as a process of its own would, unless it is finished.

  That is with the same names, random numbers and record. What was stopped goes on.

  Args:
    experiment: its name.
    prepare: function from `settings` to an object with a method `run(folder)`.
    settings: of the experiment; `seed` among them.
    folder: path of its run folder.

  Raises:
    UserError: if a run with other settings lies there.
  """
  run_folder.check(folder, settings)
  # Written when all is done: a folder that has it is finished.
  if not (folder / results.FILE).exists():
    print(f"\n== {folder}", flush=True)
    policy = keras.config.dtype_policy()
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(settings.seed)
    job = prepare(settings)
    run_folder.open_run(folder, settings, experiment)
    job.run(folder)
  # The next run may start from what this one has written.
  devices.wait_for_all()
