"""Runs entry points up to where work would start, in forks of one process.

  python -m tests.experiments.common.run.forked < CASES.json > RESULTS.json

A case is a module and its arguments; a result the exit code, stderr, and the paths that
came to be in the current folder. TensorFlow is imported once, so that a case takes a
fraction of a second. What entry points do first once flags are accepted, to look for
data or to build a network, ends the process with `STARTED`.
"""

import gc
import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile

import keras
import matplotlib.pyplot  # noqa: F401
import skimage.metrics  # noqa: F401
import tensorboard  # noqa: F401
import tensorflow as tf
import tensorflow_datasets  # noqa: F401

import cxloss
from experiments.common import data
from experiments.common.data import picture, samples
from experiments.normals.data import sources
from experiments.spatial_support import lightning
from experiments.twoafc import measure

STARTED = 99
_SECONDS = 30  # for a case


def _start(*_, **__):
  sys.stderr.flush()
  os._exit(STARTED)


def _patch():
  for owner, name in (
    (data, "load"),
    (sources, "load"),
    (picture, "load"),
    (samples, "photograph"),
    (lightning, "draw"),
    (measure, "rank"),
    (cxloss, "contextual_loss"),
    (keras, "Input"),
    (keras.models, "load_model"),
    (pathlib.Path, "mkdir"),
    (subprocess, "run"),
    (tf.random, "stateless_normal"),
  ):
    setattr(owner, name, _start)
  # TensorFlow cannot open its devices in a fork.
  tf.config.list_logical_devices = list
  keras.utils.set_random_seed = lambda seed: None


def _run(module, arguments):
  """`(exit code, stderr)` of `python -m module arguments`, up to where it starts."""
  with tempfile.TemporaryFile("w+") as stderr:
    child = os.fork()
    if not child:
      os.dup2(stderr.fileno(), 2)
      os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
      sys.argv = [module, *arguments]
      signal.alarm(_SECONDS)
      _patch()
      try:
        runpy.run_module(f"experiments.{module}", run_name="__main__")
        code = 0
      except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
      except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
      sys.stderr.flush()
      os._exit(code)
    _, status = os.waitpid(child, 0)
    stderr.seek(0)
    return os.waitstatus_to_exitcode(status), stderr.read()


if __name__ == "__main__":
  # Lest children copy every object that they look at.
  gc.freeze()
  gc.disable()
  before = sorted(os.listdir())
  results = []
  for case in json.load(sys.stdin):
    code, stderr = _run(*case)
    results.append((code, stderr, sorted(set(os.listdir()) - set(before))))
  json.dump(results, sys.stdout)
