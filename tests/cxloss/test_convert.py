import keras
import numpy as np
import pytest

import cxloss
from cxloss import architectures, backbones, convert, lpips
from tests.cxloss import oracle

# Indices of the convolutions in torchvision's `features`, with their filters.
_CONVOLUTIONS = {
  "alexnet": {0: 64, 3: 192, 6: 384, 8: 256, 10: 256},
  "vgg16": {
    0: 64,
    2: 64,
    5: 128,
    7: 128,
    10: 256,
    12: 256,
    14: 256,
    **dict.fromkeys((17, 19, 21, 24, 26, 28), 512),
  },
}
_SIZES = {"alexnet": {0: 11, 3: 5}, "vgg16": {}}


def _state(architecture):
  """A state dict as torchvision's, random."""
  state, channels = {"classifier.1.weight": np.zeros((2, 2), "float32")}, 3
  for index, filters in _CONVOLUTIONS[architecture].items():
    size = _SIZES[architecture].get(index, 3)
    kernel = oracle.features(index, filters, channels, size, size)
    state[f"features.{index}.weight"] = 0.01 * kernel
    state[f"features.{index}.bias"] = oracle.features(index + 1, filters)
    channels = filters
  return state


def _squeezenet_state():
  state = {
    "features.0.weight": oracle.features(0, 64, 3, 3, 3),
    "features.0.bias": oracle.features(1, 64),
  }
  channels = 64
  for i, index in enumerate((3, 4, 6, 7, 9, 10, 11, 12)):
    squeeze = 16 * (i // 2 + 1)
    key, expand = f"features.{index}", 4 * squeeze
    shapes = {
      "squeeze": (squeeze, channels, 1, 1),
      "expand1x1": (expand, squeeze, 1, 1),
      "expand3x3": (expand, squeeze, 3, 3),
    }
    for part, shape in shapes.items():
      state[f"{key}.{part}.weight"] = oracle.features(index, *shape)
      state[f"{key}.{part}.bias"] = oracle.features(index + 1, shape[0])
    channels = 2 * expand
  return state


def test_converted_alexnet_computes_torchs_convolution(tmp_path):
  state = _state("alexnet")
  np.savez(tmp_path / "w.npz", **convert.network_arrays(state, "alexnet"))
  features = cxloss.AlexNetFeatures(["conv1"], tmp_path / "w.npz", (0, 1))
  assert features._preprocessing == "torch"
  image = np.random.default_rng(0).uniform(0, 1, (1, 31, 35, 3)).astype("float32")
  inputs = (np.float64(image[0]) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
  padded = np.pad(inputs.transpose(2, 0, 1), [(0, 0), (2, 2), (2, 2)])
  windows = np.lib.stride_tricks.sliding_window_view(padded, (11, 11), axis=(1, 2))
  # torch: out_ohw = sum over the channels and window, kernel as (out, in, h, w).
  kernel, bias = state["features.0.weight"], state["features.0.bias"]
  expected = np.einsum("chwij,ocij->hwo", windows[:, ::4, ::4], kernel) + bias
  assert oracle.relative_error(features(image)[0][1][0], np.maximum(expected, 0)) < 1e-5


@pytest.mark.parametrize("architecture", ["alexnet", "vgg16", "squeezenet"])
def test_every_layer_finds_its_arrays(architecture, tmp_path):
  squeezes = architecture == "squeezenet"
  state = _squeezenet_state() if squeezes else _state(architecture)
  arrays = convert.network_arrays(state, architecture)
  np.savez(tmp_path / "w.npz", **arrays)
  load = getattr(backbones, architecture.removesuffix("16"))
  layers = {
    "alexnet": architectures.ALEXNET_LAYERS,
    "squeezenet": architectures.SQUEEZENET_LAYERS,
    "vgg16": architectures.vgg_convolutions("vgg16"),
  }[architecture]
  options = ("vgg16",) if architecture == "vgg16" else ()
  model, preprocessing = load(layers, *options, tmp_path / "w.npz")
  assert preprocessing == "torch"
  convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
  assert 2 * len(convolutions) + 1 == len(arrays)
  if squeezes:
    expand = model.get_layer("fire5_expand3x3").kernel.numpy()
    torch = state["features.7.expand3x3.weight"]
    np.testing.assert_array_equal(expand[2, 0, 3, 5], torch[5, 3, 2, 0])


def test_state_dict_of_another_network_is_refused():
  with pytest.raises(ValueError, match=r"must hold features\.0\.weight"):
    convert.network_arrays({"conv1.weight": np.zeros(3)}, "alexnet")
  with pytest.raises(ValueError, match=r"must hold features\.3\.squeeze\.weight"):
    convert.network_arrays(_state("alexnet"), "squeezenet")


@oracle.in_tensorflow
def test_heads_are_named_after_the_layers(tmp_path):
  state = {f"lin{i}.model.1.weight": np.full((1, 4, 1, 1), i, "f4") for i in range(5)}
  np.savez(tmp_path / "h.npz", **convert.head_arrays(state, "vgg16"))
  with np.load(tmp_path / "h.npz") as heads:
    assert list(heads) == [f"lin/{name}" for name in lpips.LAYERS["vgg16"]]
    heads = list(heads.values())
  np.testing.assert_array_equal(heads, np.arange(5)[:, None] * np.ones(4))
  with pytest.raises(ValueError, match="vgg19"):
    convert.head_arrays(state, "vgg19")


def test_checkpoint_of_torch_is_converted(tmp_path, capsys):
  torch = pytest.importorskip("torch")
  state = _state("alexnet")
  tensors = {name: torch.from_numpy(value) for name, value in state.items()}
  torch.save(tensors, tmp_path / "alexnet.pth")
  output = tmp_path / "w.npz"
  convert.main([f"--checkpoint={tmp_path / 'alexnet.pth'}", f"--output={output}"])
  assert capsys.readouterr().out == f"{output}\n"
  with np.load(output) as data:
    kernel = data["conv1/kernel"]
  expected = state["features.0.weight"].transpose(2, 3, 1, 0)
  np.testing.assert_array_equal(kernel, expected)
  assert sorted(path.name for path in tmp_path.iterdir()) == ["alexnet.pth", "w.npz"]


def test_torchvision_has_the_layers_that_are_looked_for():
  models = pytest.importorskip("torchvision.models")
  for architecture, (function, _) in convert.ARCHITECTURES.items():
    state = getattr(models, function)(weights=None).state_dict()
    assert len(convert.network_arrays(state, architecture)) > 10


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--checkpoint=none.pth", "--output=w.npz"], "--checkpoint must be a file"),
    (["--lpips_heads=none.pth", "--output=w.npz"], "--lpips_heads must be a file"),
    (["--checkpoint=w.pth", "--output=w.npz"], "--checkpoint must be a state dict"),
    (["--output=w.txt"], "--output must be a file ending in .npz"),
    (["--output=none/w.npz"], "--output must lie in a writable folder"),
  ],
)
def test_mistake_ends_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
  pytest.importorskip("torch")
  monkeypatch.chdir(tmp_path)
  (tmp_path / "w.pth").write_text("no state dict")
  with pytest.raises(SystemExit) as stop:
    convert.main(arguments)
  error = capsys.readouterr().err
  assert stop.value.code == 1 and error.count("\n") == 1
  assert error.startswith(f"cxloss.convert: {message}")
