"""Entry points run as a user runs them, each in a process of its own."""

import json
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
# Flags of `experiments.sr` that make everything small, with all terms of the loss.
TINY_SR = (
  *("--blocks=1", "--width=4", "--discriminator_width=2", "--crop_size=32"),
  *("--batch_size=2", "--steps_per_epoch=4", "--max_points=100", "--seed=4"),
  *("--backbone=vgg16", "--backbone_weights=bundled", "--layers=block1_conv2"),
)


def start(module, *arguments, environment=None):
  """Starts `python -m module arguments` in the checkout."""
  return subprocess.Popen(
    [sys.executable, "-m", module, *map(str, arguments)],
    cwd=ROOT,
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def run(module, *arguments):
  """Runs it to its end; returns `(exit code, stdout, stderr)`."""
  process = start(module, *arguments)
  out, err = process.communicate(timeout=500)
  return process.returncode, out, err


def succeed(module, *arguments):
  """Runs it to its end, which must be a good one; returns `(stdout, stderr)`."""
  code, out, err = run(module, *arguments)
  assert code == 0, err
  return out, err


def kill_at(path, module, *arguments):
  """Starts it, and kills it as soon as a file exists."""
  process = start(module, *arguments)
  wait_for(path, process)
  process.kill()
  process.communicate()
  assert process.returncode != 0, f"it ended before {path} was seen"


def wait_for(path, process):
  """Waits until a file exists or the process has ended."""
  deadline = time.monotonic() + 200
  while not path.exists() and process.poll() is None:
    assert time.monotonic() < deadline, f"{path} did not appear"
    time.sleep(0.02)


def entries(folder):
  """What a run logged."""
  return [json.loads(line) for line in (folder / "metrics.jsonl").open()]


def steps(folder):
  """The phases and steps of what a run logged."""
  return [(entry["phase"], entry["step"]) for entry in entries(folder)]


def tags(folder):
  """The tags of what a folder's TensorBoard shows."""
  from tensorboard.backend.event_processing import event_accumulator

  events = event_accumulator.EventAccumulator(str(folder)).Reload()
  return set(events.Tags()["tensors"])


def assert_same_weights(*files):
  """Compares the weights of two networks to the bit."""
  networks = (keras.models.load_model(file).weights for file in files)
  for first, second in zip(*networks, strict=True):
    np.testing.assert_array_equal(first, second, err_msg=first.path)
