"""The network that comes with the project, on what it has not seen."""

import keras
import numpy as np

from experiments.common import networks
from experiments.normals import evaluate
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data import sources
from models import guided_crn
from tests.experiments import in_process

_PATH = networks.PRETRAINED["pretrained-normals"]


def test_file_is_small_and_holds_a_plain_network_of_known_size():
  assert _PATH.stat().st_size < 6e6
  network = keras.models.load_model(_PATH)
  assert not network.compiled and guided_crn.side(network) == 112
  assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def _rows(name, *arguments):
  data = in_process.settings(COMMANDS, f"--data={name}", *arguments).data
  source = sources.load(data, name, "validation")
  predictors = {
    "mean normal": evaluate.mean_normal(source),
    "ours": evaluate.predictor(evaluate.load(_PATH)),
  }
  return {row["method"]: row for row in evaluate.measure(predictors, source)}


def test_it_beats_the_mean_normal_on_a_photograph_that_is_no_room():
  rows = _rows("motorcycle", "--reduce=4")
  assert rows["ours"]["mean"] < rows["mean normal"]["mean"]


def test_a_mirrored_photograph_has_about_the_mirrored_normals():
  (scene,) = sources.load(
    in_process.settings(COMMANDS, *[]).data, "motorcycle", "train"
  )
  predict = evaluate.predictor(evaluate.load(_PATH))
  normals, mirrored = predict(scene.image), predict(scene.image[:, ::-1])
  cosine = (normals * (mirrored[:, ::-1] * [-1, 1, 1])).sum(axis=-1)
  assert np.median(cosine) > 0.9
