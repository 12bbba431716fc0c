"""Memory over a long training with all that belongs to a real run."""

import os
import pathlib

import keras
import numpy as np
import pytest

import cxloss
from experiments.common.data import crops
from experiments.common.run import logs, resumable_training
from experiments.common.upscaling import validation
from experiments.common.upscaling.pairs import Pairs
from models import srgan, super_resolution
from tests.experiments.common.upscaling.photographs import Photographs

_STEPS = 2000
_WARM = 200  # steps until all is allocated
_EPOCH = 50


class _Resident(keras.callbacks.Callback):
  """Resident memory in bytes after every tenth step."""

  def __init__(self):
    super().__init__()
    self.steps, self.sizes = [], []

  def on_train_batch_end(self, batch, logs=None):
    step = int(self.model.optimizer.iterations)
    if step % 10 == 0:
      pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
      self.steps.append(step)
      self.sizes.append(pages * os.sysconf("SC_PAGE_SIZE"))


@pytest.mark.slow
@pytest.mark.skipif(
  not pathlib.Path("/proc/self/statm").exists(), reason="reads Linux's /proc"
)
def test_memory_stays_flat_over_2000_steps_of_the_full_objective(tmp_path):
  keras.utils.set_random_seed(0)
  features = cxloss.VGGFeatures({"block1_conv2": 1.0}, "vgg16", "bundled", (-1.0, 1.0))
  terms = {
    "contextual": (0.1, cxloss.ContextualLoss(features, max_points=100)),
    "low_frequency": (10.0, cxloss.LowFrequencyLoss()),
  }
  model = super_resolution.SuperResolutionTrainer(
    srgan.generator(1, 4), terms, srgan.discriminator(32, 2), 1e-3
  )
  model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
  rng = np.random.default_rng(0)
  source = Photographs(rng.integers(0, 256, (6, 72, 80, 3), np.uint8))
  settings = (source, 32, 4, 2, 0)
  resident, epochs = _Resident(), _STEPS // _EPOCH
  cores = os.sched_getaffinity(0)
  os.sched_setaffinity(0, sorted(cores)[:2])
  try:
    resumable_training.fit(
      model,
      lambda step, _: crops.training_batches(*settings, start=step),
      steps_per_epoch=_EPOCH,
      epochs=epochs,
      backup=tmp_path / "backup.weights.h5",
      every=30,
      callbacks=[
        validation.Validation(
          tmp_path,
          "ours",
          Pairs(source, 4)[:3],
          next(iter(crops.training_batches(*settings))),
          every=3,
          epochs=epochs,
        ),
        logs.Logger(tmp_path, "ours"),
        resident,
      ],
      verbose=0,
    )
  finally:
    os.sched_setaffinity(0, cores)
  assert resident.steps[-1] == _STEPS
  sizes = np.array(resident.sizes) / 2**20
  after = sizes[_WARM // 10 :]
  usual = np.median(after[:20])
  print(
    f"MiB: {usual:.0f} after {_WARM} steps, then {after.min():.0f} to "
    f"{after.max():.0f}, at the end {after[-1]:.0f}"
  )
  assert after.max() <= 1.05 * usual
