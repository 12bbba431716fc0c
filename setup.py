"""Packages the library `cxloss`; the experiments run from the checkout."""

import pathlib
import re

import setuptools

_ROOT = pathlib.Path(__file__).parent
_URL = "https://github.com/cxloss/cxloss"
_VERSION = re.search(
  r'__version__ = "(.+)"', (_ROOT / "cxloss" / "version.py").read_text()
).group(1)


def _description():
  """The README, with links that hold outside the checkout, too."""

  def absolute(match):
    kind = "raw" if match[1].endswith(".png") else "blob"
    return f"]({_URL}/{kind}/v{_VERSION}/{match[1]})"

  text = (_ROOT / "README.md").read_text()
  return re.sub(r"\]\(((?!https?:|#)[^)]+)\)", absolute, text)


# What the commands of `experiments/` need beside the library.
_EXPERIMENTS = [
  "absl-py>=2.0",
  "filelock>=3.12",
  "importlib_resources",  # which tensorflow-datasets needs for div2k but omits
  "jinja2>=3.1",
  "matplotlib>=3.8",
  "scikit-image>=0.22",
  "tensorboard>=2.18",
  "tensorflow-datasets>=4.9.4",
  "tqdm>=4.66",
]
# What --mode=export of super-resolution needs for ONNX.
_EXPORT = ["onnx>=1.17", "tf2onnx>=1.17"]
# What the test suite, the linter and the type checker need, too.
_TEST = [
  *_EXPERIMENTS,
  *_EXPORT,
  "ai-edge-litert>=2.0",
  "html5lib>=1.1",
  "hypothesis>=6.100",
  "mypy==2.4.1",
  "onnxruntime>=1.20",
  "pytest>=8.0",
  "pytest-xdist>=3.5",
  "ruff==0.17.6",
  "selenium>=4.20",
]
# Keras' other backends. TensorFlow stays a requirement of the package, since extras can
# only add; docs/guide/backends.md says how to install without it.
_JAX = ["jax>=0.4.35"]
_TORCH = ["torch>=2.4"]
# What a release is built and checked with.
_RELEASE = ["build>=1.2", "twine>=6.1"]

# What the documentation's site is built with, and what runs its tutorial.
_DOCS = [
  "mkdocs-jupyter>=0.25",
  "mkdocs-material>=9.5",
  "mkdocstrings[python]>=0.26",
  "ruff>=0.17",  # which breaks long signatures into lines
]
_NOTEBOOK = [
  "ipykernel>=6.29",
  "matplotlib>=3.8",
  "nbclient>=0.10",
  "scikit-image>=0.22",
]

setuptools.setup(
  name="cxloss",
  version=_VERSION,
  description="The contextual loss for Keras 3: TensorFlow, JAX, PyTorch; and metrics",
  long_description=_description(),
  long_description_content_type="text/markdown",
  author="the cxloss authors",
  url=_URL,
  project_urls={
    "Source": _URL,
    "Changelog": f"{_URL}/blob/main/CHANGELOG.md",
    "Issues": f"{_URL}/issues",
    "Paper": "https://arxiv.org/abs/1803.04626",
  },
  keywords=[
    "contextual loss",
    "perceptual loss",
    "image metrics",
    "LPIPS",
    "NIQE",
    "super-resolution",
    "JAX",
    "Keras",
    "PyTorch",
    "TensorFlow",
  ],
  classifiers=[
    "Development Status :: 4 - Beta",
    "Intended Audience :: Developers",
    "Intended Audience :: Science/Research",
    "Operating System :: OS Independent",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3 :: Only",
    "Programming Language :: Python :: 3.10",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Topic :: Scientific/Engineering :: Image Processing",
    "Typing :: Typed",
  ],
  license="MIT AND BSD-3-Clause AND BSD-2-Clause",
  license_files=["LICENSE", "cxloss/weights/LICENSE*"],
  python_requires=">=3.10",
  # With it, an editable installation finds `models` and `experiments` from any folder.
  package_dir={"": "."},
  packages=setuptools.find_packages(include=["cxloss", "cxloss.*"]),
  package_data={"cxloss": ["py.typed", "weights/*"], "cxloss.metrics": ["niqe.npz"]},
  install_requires=[
    "tensorflow>=2.18",
    "keras>=3.12",
    "numpy>=1.26",
    "pillow>=10.1",
    "scipy>=1.11",
  ],
  extras_require={
    "experiments": _EXPERIMENTS,
    "jax": _JAX,
    "torch": _TORCH,
    "test": _TEST,
    "export": _EXPORT,
    "release": _RELEASE,
    "docs": _DOCS,
    "notebook": _NOTEBOOK,
  },
)
