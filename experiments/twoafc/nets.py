"""The networks that `experiments.twoafc` compares, and their weights files."""

import dataclasses
import hashlib
import pathlib

from experiments.common.run.errors import UserError


@dataclasses.dataclass(frozen=True)
class _WeightsFile:
  """A weights file: the preprocessing to assume, and a remark for the output."""

  name: str
  preprocessing: str | None = None
  remark: str | None = None


@dataclasses.dataclass(frozen=True)
class _Net:
  """A network: its label in tables and its key in `lpips.LAYERS`.

  Its weights are the first of `files` that exists; without files, the bundled ones.
  """

  label: str
  architecture: str
  files: tuple = ()


NETS = {
  "squeeze": _Net(
    "Squeeze",
    "squeezenet",
    (
      _WeightsFile("squeezenet_imagenet.npz"),
      _WeightsFile(
        "squeezenet_v1.1_caffe_bgr_notop.npz",
        "caffe",
        "trained with Caffe, not torchvision's weights of the paper",
      ),
    ),
  ),
  "alex": _Net("Alex", "alexnet", (_WeightsFile("alexnet_imagenet.npz"),)),
  "vgg": _Net("VGG", "vgg16", (_WeightsFile("vgg16_imagenet.npz"),)),
  "vgg_front": _Net("VGG front", "vgg16"),
}


def heads_path(name, weights_dir):
  """Returns the place of LPIPS' learned weights; `None` if there can be none."""
  if name == "vgg_front" or weights_dir is None:
    return None
  return pathlib.Path(weights_dir) / f"lpips_lin_{NETS[name].architecture}.npz"


def digest(path):
  """Returns a short text that tells a file's contents from others'."""
  return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:16]


def find(name, weights_dir):
  """Finds a net's weights.

  Args:
    name: a key of `NETS` that has files.
    weights_dir: folder of the weights files, or `None`.

  Returns:
    `(path, preprocessing, remark)`.

  Raises:
    UserError: if there are none.
  """
  files = NETS[name].files
  if weights_dir is None:
    raise UserError(
      f"--weights_dir must name the folder of {files[0].name} for --nets={name}. "
      "Received: none. --nets=vgg_front needs no files"
    )
  for file in files:
    path = pathlib.Path(weights_dir) / file.name
    if path.is_file():
      remark = f"{file.name}, {file.remark}" if file.remark else file.name
      return path, file.preprocessing, remark
  raise UserError(
    f"--weights_dir must hold {' or '.join(file.name for file in files)} for "
    f"--nets={name}; python -m cxloss.convert writes it. "
    f"Received: {weights_dir}, which does not"
  )
