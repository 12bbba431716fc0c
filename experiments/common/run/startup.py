"""Explains missing packages, and silences TensorFlow's start-up notices."""

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import tempfile

from experiments.common.run.errors import UserError

# What the extra `experiments` of setup.py brings, by the names that are imported.
PACKAGES = (
  *("absl", "filelock", "importlib_resources", "jinja2", "matplotlib"),
  *("skimage", "tensorboard", "tensorflow_datasets", "tqdm"),
)


def install():
  """Lets TensorFlow be imported without a word, and missing packages be explained.

  Nothing is imported before an experiment does.
  """
  sys.meta_path.insert(0, _QuietTensorFlow())
  sys.meta_path.append(_MissingPackage())


class _QuietTensorFlow(importlib.abc.MetaPathFinder):
  """Holds back what TensorFlow prints as it is imported and looks for GPUs.

  `TF_CPP_MIN_LOG_LEVEL` does not reach what is logged before TensorFlow has set up
  its logging.
  """

  def find_spec(self, name, path=None, target=None):
    if name != "tensorflow":
      return None
    sys.meta_path.remove(self)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    spec = importlib.util.find_spec(name)
    if spec is not None:
      execute = spec.loader.exec_module

      def quietly(module):
        with held_back_stderr():
          execute(module)
          module.config.list_physical_devices()

      spec.loader.exec_module = quietly
    return spec


class _MissingPackage(importlib.abc.MetaPathFinder):
  """Is asked last, for what no other finder has."""

  def find_spec(self, name, path=None, target=None):
    if name in PACKAGES:
      raise ModuleNotFoundError(
        f"the experiments need {name}. In the checkout, run: "
        'pip install -e ".[experiments]"',
        name=name,
      )


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
