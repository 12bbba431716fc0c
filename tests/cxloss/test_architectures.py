import keras
import numpy as np
import pytest

import cxloss
from cxloss import architectures, backbones
from tests.cxloss import oracle

_BUILD = {"alexnet": cxloss.AlexNetFeatures, "squeezenet": cxloss.SqueezeNetFeatures}
_LAYERS = {
  "alexnet": ["conv1", "conv2", "conv3", "conv4", "conv5"],
  "squeezenet": ["conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"],
}


def _weights(architecture):
  """Random arrays of a whole network, by name in a weights file."""
  model = getattr(architectures, architecture)(_LAYERS[architecture][-1:])
  arrays = {}
  for i, layer in enumerate(layer for layer in model.layers if layer.weights):
    name = backbones._array_name(layer.name)
    kernel, bias = (tuple(w.shape) for w in layer.weights)
    # Keeps the activations' scale.
    scale = np.sqrt(2 / np.prod(kernel[:3]))
    arrays[f"{name}/kernel"] = scale * oracle.features(2 * i, *kernel)
    arrays[f"{name}/bias"] = 0.1 * oracle.features(2 * i + 1, *bias)
  return arrays


@pytest.fixture(scope="module", params=list(_LAYERS))
def network(request, tmp_path_factory):
  path = tmp_path_factory.mktemp(request.param) / "w.npz"
  arrays = _weights(request.param)
  np.savez(path, preprocessing="torch", **arrays)
  return request.param, path, arrays


def _conv(x, arrays, name, stride=1, pad=0):
  kernel, bias = (np.float64(arrays[f"{name}/{part}"]) for part in ("kernel", "bias"))
  x = np.pad(x, [(pad, pad), (pad, pad), (0, 0)])
  windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
  windows = windows[::stride, ::stride]
  return np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + bias, 0)


def _pool(x, round_up):
  """3 x 3 maxima at stride 2; rounding up, the last window may be cut off."""
  rounded = np.ceil if round_up else np.floor
  height, width = (int(rounded((side - 3) / 2)) + 1 for side in x.shape[:2])
  rows = [
    [x[2 * r : 2 * r + 3, 2 * c : 2 * c + 3].max(axis=(0, 1)) for c in range(width)]
    for r in range(height)
  ]
  return np.array(rows)


def _alexnet(x, arrays):
  """The layers that torchvision lists."""
  conv1 = _conv(x, arrays, "conv1", stride=4, pad=2)
  conv2 = _conv(_pool(conv1, False), arrays, "conv2", pad=2)
  conv3 = _conv(_pool(conv2, False), arrays, "conv3", pad=1)
  conv4 = _conv(conv3, arrays, "conv4", pad=1)
  return [conv1, conv2, conv3, conv4, _conv(conv4, arrays, "conv5", pad=1)]


def _squeezenet(x, arrays):
  maps = [_conv(x, arrays, "conv1", stride=2)]
  x = maps[0]
  for i in range(2, 10):
    x = _pool(x, True) if i in (2, 4, 6) else x
    x = _conv(x, arrays, f"fire{i}/squeeze1x1")
    halves = [
      _conv(x, arrays, f"fire{i}/expand1x1"),
      _conv(x, arrays, f"fire{i}/expand3x3", pad=1),
    ]
    x = np.concatenate(halves, axis=2)
    maps += [x] if i not in (2, 4) else []
  return maps


@pytest.mark.parametrize("size", [(64, 64), (47, 54)])
def test_maps_are_those_of_the_layers_that_torchvision_lists(network, size):
  name, path, arrays = network
  image = np.random.default_rng(0).uniform(0, 1, (*size, 3)).astype("float32")
  inputs = (np.float64(image) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
  expected = {"alexnet": _alexnet, "squeezenet": _squeezenet}[name](inputs, arrays)
  maps = _BUILD[name](_LAYERS[name], path, (0, 1))(image[None])
  assert len(maps) == len(expected)
  for (weight, actual), wanted in zip(maps, expected, strict=True):
    assert weight == 1.0
    assert actual.shape[1:] == wanted.shape
    assert oracle.relative_error(actual[0], wanted) < 1e-5


def test_caffe_preprocessing_is_obeyed_from_the_file_or_the_argument(network, tmp_path):
  name, path, arrays = network
  stating, silent = tmp_path / "stating.npz", tmp_path / "silent.npz"
  np.savez(stating, preprocessing="caffe", **arrays)
  np.savez(silent, **arrays)
  image = np.random.default_rng(1).uniform(0, 1, (1, 40, 40, 3)).astype("float32")
  make, layer = _BUILD[name], _LAYERS[name][:1]
  torch = make(layer, path, (0, 1))(image)[0][1]
  caffe = make(layer, stating, (0, 1))(image)[0][1]
  argued = make(layer, silent, (0, 1), preprocessing="caffe")(image)[0][1]
  np.testing.assert_array_equal(caffe, argued)
  assert oracle.relative_error(caffe, torch) > 1
  np.testing.assert_array_equal(make(layer, silent, (0, 1))(image)[0][1], torch)
  with pytest.raises(ValueError, match=r"`preprocessing`.*'torch'.*'caffe'"):
    make(layer, path, preprocessing="caffe")


def test_features_serve_the_contextual_loss_and_survive_serialisation(network):
  name, path, _ = network
  features = _BUILD[name](_LAYERS[name][:2], path, (0, 1))
  images = np.random.default_rng(2).uniform(0, 1, (2, 1, 48, 48, 3)).astype("float32")
  loss = cxloss.ContextualLoss(features)
  assert float(loss(images[0], images[0])) < 1e-3 < float(loss(images[0], images[1]))
  config = keras.saving.serialize_keras_object(loss)
  restored = keras.saving.deserialize_keras_object(config)
  assert type(restored.features) is _BUILD[name]
  assert float(restored(*images)) == pytest.approx(float(loss(*images)))


@pytest.mark.parametrize(
  ("layers", "weights", "options", "message"),
  [
    (["fire2"], None, {}, r"`layers`.*conv1, conv2.*\['fire2'\]"),
    (["conv1"], "imagenet", {}, r"`weights` of alexnet.*cxloss\.convert"),
    (["conv1"], __file__, {}, r"`weights` of alexnet.*ending in \.npz.*\.py"),
    (["conv1"], None, {"preprocessing": "tf"}, r"`preprocessing`.*'torch'.*'tf'"),
  ],
)
def test_error_names_the_argument_and_what_was_received(
  layers, weights, options, message
):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    cxloss.AlexNetFeatures(layers, weights, **options)
