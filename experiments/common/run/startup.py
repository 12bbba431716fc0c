"""Names missing packages, and silences TensorFlow's start-up notices."""

import contextlib
import importlib.util
import os
import sys
import tempfile

from experiments.common.run.errors import UserError

# What the extra `experiments` of setup.py brings, by the names that are imported.
PACKAGES = (
  *("absl", "filelock", "importlib_resources", "jinja2", "markdown", "matplotlib"),
  *("skimage", "tensorboard", "tensorflow_datasets", "tqdm"),
)


def check_packages(packages=PACKAGES):
  """Raises ModuleNotFoundError, with the remedy, unless all packages are installed."""
  missing = [name for name in packages if importlib.util.find_spec(name) is None]
  if missing:
    raise ModuleNotFoundError(
      f"the experiments need {', '.join(missing)}. In the checkout, run: "
      'pip install -e ".[experiments]"',
      name=missing[0],
    )


def import_tensorflow():
  """Imports TensorFlow and looks for GPUs without a word on success.

  `TF_CPP_MIN_LOG_LEVEL` does not reach what is logged before TensorFlow has set up
  its logging.
  """
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  with held_back_stderr():
    import tensorflow as tf

    tf.config.list_physical_devices()


@contextlib.contextmanager
def held_back_stderr():
  """Holds back what is written to stderr; prints it if TensorFlow fails meanwhile."""
  sys.stderr.flush()
  original = os.dup(2)
  with tempfile.TemporaryFile() as held:
    os.dup2(held.fileno(), 2)
    try:
      yield
    except UserError:
      raise
    except BaseException:
      os.dup2(original, 2)
      held.seek(0)
      os.write(2, held.read())
      raise
    finally:
      os.dup2(original, 2)
      os.close(original)
