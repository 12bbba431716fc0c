"""Measure which values the contextual loss takes, and print them as Markdown tables.

  python docs/tools/magnitudes.py
  python docs/tools/magnitudes.py --vgg19=imagenet
  python docs/tools/magnitudes.py --features=patches --tables=bandwidths

The pictures are the middles of four photographs of scikit-image, RGB in [0, 1], and
damaged copies, one pair at a time (so that both kinds of centring agree).
VGG19 needs its weights: `imagenet`, which Keras downloads, or the path of a file. The
tables stand in `docs/guide/values.md`.
"""

import argparse
import io
import pathlib

import keras
import numpy as np
import PIL.Image
import scipy.ndimage
import skimage.data
import tensorflow as tf

import cxloss

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
BANDWIDTHS = (0.05, 0.1, 0.2, 0.5, 1.0)
VGG16_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv1", "block3_conv3")
VGG19_LAYER = "block3_conv4"
# The features for which tables by h and by size are made.
DEFAULTS = ("patches 5 x 5, stride 2", "VGG16 block3_conv3")
TABLES = ("features", "networks", "bandwidths", "sizes", "gradients")
PRETRAINED = pathlib.Path(__file__).parents[2] / "models" / "pretrained"
_SIDE = 96
_SIDES = (64, 96, 128)
_SCALE = 4


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--vgg19", help="`imagenet` or a weights file of VGG19's front")
  parser.add_argument("--features", help="those whose name contains this; default: all")
  parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
  options = parser.parse_args()
  features = make_features(options.vgg19, options.features or "")
  for name in options.tables:
    print(table(name, features), flush=True)


def make_features(vgg19=None, containing=""):
  """Return callables from images to feature maps, by what the tables call them."""
  made = {"patches 5 x 5, stride 2": lambda: cxloss.PatchFeatures()}
  for layer in VGG16_LAYERS:
    made[f"VGG16 {layer}"] = lambda layer=layer: cxloss.VGGFeatures(
      layer, "vgg16", "bundled", (0, 1)
    )
  if vgg19 is not None:
    made[f"VGG19 {VGG19_LAYER}"] = lambda: cxloss.VGGFeatures(
      VGG19_LAYER, "vgg19", vgg19, (0, 1)
    )
  return {name: make() for name, make in made.items() if containing in name}


def table(name, features):
  """Return the Markdown of one of `TABLES`."""
  if name == "features":
    pairs = damaged(_SIDE)
    rows = {
      label: [_text(losses(f, pairs[label])) for f in features.values()]
      for label in pairs
    }
    return markdown("h = 0.1", features, rows)
  if name == "networks":
    return _networks(features)
  if name in ("bandwidths", "sizes"):
    make = _bandwidths if name == "bandwidths" else _sizes
    return "\n".join(make(n, f) for n, f in features.items() if n in DEFAULTS)
  return _gradients(features)


def damaged(side):
  """Return pairs `(target, generated)` of RGB in [0, 1], by what was done to them."""
  targets = {name: photograph(name, side) for name in PHOTOGRAPHS}
  ways = {
    "identical": lambda image: image,
    "moved by 4 pixels": None,
    "JPEG, quality 50": lambda image: jpeg(image, 50),
    "JPEG, quality 10": lambda image: jpeg(image, 10),
    "noise, sigma 10 of 255": noisy,
    "blur, sigma 1.5": lambda image: scipy.ndimage.gaussian_filter(
      image, (1.5, 1.5, 0)
    ),
    "bicubic x4": bicubic,
  }
  pairs = {
    label: [(target, way(target)) for target in targets.values()]
    for label, way in ways.items()
    if way is not None
  }
  moved = [(target, photograph(n, side, 4)) for n, target in targets.items()]
  pairs = {"identical": pairs.pop("identical"), "moved by 4 pixels": moved, **pairs}
  pairs["another photograph"] = [
    (a, b) for m, a in targets.items() for n, b in targets.items() if m != n
  ]
  return pairs


def photograph(name, side, offset=0):
  """Return the middle of a photograph, float32 `(side, side, 3)` in [0, 1]."""
  image = getattr(skimage.data, name)()
  top, left = ((length - side) // 2 + offset for length in image.shape[:2])
  return np.float32(image[top : top + side, left : left + side] / 255)


def jpeg(image, quality):
  """Return the image as JPEG gives it back."""
  file = io.BytesIO()
  _picture(image).save(file, "JPEG", quality=quality)
  return np.float32(np.asarray(PIL.Image.open(file)) / 255)


def noisy(image):
  """Return the image with white noise, clipped."""
  noise = np.random.default_rng(0).normal(scale=10 / 255, size=image.shape)
  return np.float32(np.clip(image + noise, 0, 1))


def bicubic(image):
  """Return the image reduced and enlarged four times, in 8 bits."""
  side = image.shape[0]
  large = _reduced(image).resize((side, side), PIL.Image.BICUBIC)
  return np.float32(np.asarray(large) / 255)


def enlarged(image, network):
  """Return the image reduced, and enlarged by a network of [-1, 1], in 8 bits."""
  small = np.float32(np.asarray(_reduced(image))) / 127.5 - 1
  large = network.predict(small[None], verbose=0)[0]
  return np.float32(np.clip(np.round(127.5 * (large + 1)), 0, 255) / 255)


def losses(features, pairs, bandwidths=(0.1,)):
  """Return the loss of each pair at each bandwidth, float `(pairs, bandwidths)`."""
  values = []
  for pair in pairs:
    a, b = (features(image[None])[0][1] for image in pair)
    values.append([float(cxloss.contextual_loss(a, b, h)[0]) for h in bandwidths])
  return np.array(values)


def markdown(corner, columns, rows):
  """Return a table: `columns` are headings, `rows` a dict of lists of text."""
  lines = [[corner, *columns], ["---"] * (len(columns) + 1)]
  lines += [[label, *cells] for label, cells in rows.items()]
  return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _networks(features):
  """Return the losses of what the project's networks make of small copies."""
  targets = [photograph(name, _SIDE) for name in PHOTOGRAPHS]
  rows = {}
  for name in ("mse", "cx"):
    network = keras.models.load_model(PRETRAINED / f"{name}.keras", compile=False)
    pairs = [(target, enlarged(target, network)) for target in targets]
    rows[f"`pretrained-{name}`"] = [_text(losses(f, pairs)) for f in features.values()]
  return markdown("x4, h = 0.1", features, rows)


def _bandwidths(name, features):
  pairs = damaged(_SIDE)
  rows = {
    label: [f"{mean:.2f}" for mean in losses(features, some, BANDWIDTHS).mean(axis=0)]
    for label, some in pairs.items()
  }
  return markdown(name, [f"h = {h}" for h in BANDWIDTHS], rows)


def _sizes(name, features):
  columns = {f"{side} x {side}": damaged(side) for side in _SIDES}
  labels = ("identical", "bicubic x4", "another photograph")
  rows = {
    label: [f"{losses(features, p[label]).mean():.2f}" for p in columns.values()]
    for label in labels
  }
  return markdown(f"{name}, h = 0.1", columns, rows)


def _gradients(features):
  """Return how strongly each loss pulls at a bicubic picture's pixels."""
  functions = {
    "mean squared error": lambda a, b: tf.reduce_mean((a - b) ** 2),
    "mean absolute error": lambda a, b: tf.reduce_mean(tf.abs(a - b)),
    "LowFrequencyLoss": cxloss.LowFrequencyLoss(),
    **{name: cxloss.ContextualLoss(f) for name, f in features.items()},
  }
  pairs = damaged(_SIDE)["bicubic x4"]
  rows = {}
  for name, function in functions.items():
    pulls = np.log([_pulls(function, *pair) for pair in pairs])
    rows[name] = [f"{pull:.2g}" for pull in np.exp(pulls.mean(axis=0))]
  return markdown("loss", ["gradient", "its low frequencies"], rows)


def _pulls(function, target, generated):
  """Return the sums of magnitudes of a gradient and of the blurred gradient."""
  target, generated = (tf.constant(image[None]) for image in (target, generated))
  with tf.GradientTape() as tape:
    tape.watch(generated)
    loss = function(target, generated)
  gradient = tape.gradient(loss, generated)
  return [np.abs(g).sum() for g in (gradient, cxloss.gaussian_blur(gradient))]


def _text(values):
  return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def _reduced(image):
  return _picture(image).resize((image.shape[0] // _SCALE,) * 2, PIL.Image.BICUBIC)


def _picture(image):
  return PIL.Image.fromarray(np.uint8(np.round(image * 255)))


if __name__ == "__main__":
  main()
