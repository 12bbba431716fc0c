import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.common.run.errors import UserError
from experiments.sr import export
from experiments.sr.__main__ import COMMANDS
from models import srgan
from tests.experiments import in_process

# Two sizes: networks are exported for any.
_IMAGES = [
  np.random.default_rng(i).uniform(-1, 1, (1, 9, 7 + i, 3)).astype(np.float32)
  for i in range(2)
]


@pytest.fixture(scope="module", name="weights")
def _weights(tmp_path_factory):
  keras.utils.set_random_seed(1)
  path = tmp_path_factory.mktemp("network") / "g.keras"
  srgan.generator(blocks=2, width=8).save(path)
  return path


def _onnx(path):
  runtime = pytest.importorskip("onnxruntime")
  session = runtime.InferenceSession(path)
  [image] = session.get_inputs()
  return lambda x: session.run(None, {image.name: x})[0]


def _litert(path):
  litert = pytest.importorskip("ai_edge_litert.interpreter")
  interpreter = litert.Interpreter(str(path))
  [image], [result] = (
    interpreter.get_input_details(),
    interpreter.get_output_details(),
  )

  def run(x):
    interpreter.resize_tensor_input(image["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(image["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])

  return run


def _saved_model(path):
  # Kept with the function, which does not keep its variables.
  loaded = tf.saved_model.load(path)
  return lambda x: loaded.serve(x).numpy()


@pytest.mark.parametrize(
  ("form", "name", "load"),
  [
    ("onnx", "g.onnx", _onnx),
    ("litert", "g.tflite", _litert),
    ("saved_model", "g", _saved_model),
  ],
)
def test_exported_network_makes_the_same_picture(tmp_path, weights, form, name, load):
  if form == "onnx":
    pytest.importorskip("tf2onnx")
  path = tmp_path / name
  arguments = ["--mode=export", f"--weights={weights}", f"--output={path}"]
  settings = in_process.settings(COMMANDS, *arguments, f"--format={form}")
  export.export(settings, tmp_path)
  assert [p.name for p in tmp_path.iterdir()] == [name]
  network = keras.saving.load_model(weights)
  run = load(path)
  for image in _IMAGES:
    grey_levels = 127.5 * np.abs(run(image) - network(image))
    assert grey_levels.max() < 1


def test_missing_package_is_named(monkeypatch):
  monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
  with pytest.raises(UserError, match="needs onnx and tf2onnx: pip install"):
    export.check("g.onnx", "onnx")
