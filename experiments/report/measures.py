"""How measures are called and written on the page."""

# Key in a run's JSON to title, explanation and format. Others appear under their key.
_KNOWN = {
  "psnr_y": ("PSNR, dB", "on Y; more is better", ".2f"),
  "ssim_y": ("SSIM", "on Y; more is better", ".4f"),
  "lpips": ("LPIPS", "on RGB; less is better", ".3f"),
  "niqe": ("NIQE", "on Y; less is better", ".2f"),
  "spectrum_db": ("spectrum, dB", "distance of the log power spectra", ".2f"),
  "high_db": (
    "high, dB",
    "mean difference beyond the small image's frequencies; 0 is best",
    "+.2f",
  ),
  "kl_reference": ("KL to", "divergence of details, original to result, nats", ".3f"),
  "kl_image": ("KL from", "divergence of details, result to original, nats", ".3f"),
  "sliced_wasserstein": ("sliced W", "distance of patches in grey levels", ".2f"),
  "overlap": ("overlap", "of projected patches with the target's; 1 is best", ".3f"),
  "kl": ("KL", "of projected patches, nats; 0 is best", ".3f"),
  "contrast": ("contrast", "over the target's; 1 is best", ".3f"),
  "mean": ("mean, °", "of angular errors, as are median and RMSE", ".2f"),
  "median": ("median, °", None, ".2f"),
  "rmse": ("RMSE, °", None, ".2f"),
  "within_11.25": ("<11.25°", "share of pixels in %, as the next two", ".2f"),
  "within_22.5": ("<22.5°", None, ".2f"),
  "within_30": ("<30°", None, ".2f"),
  "mean_near_edges": ("at edges, °", "mean error within 5 pixels of edges", ".2f"),
  "gradient": ("gradient", "mean difference of neighbouring normals", ".4f"),
  "true_gradient": ("true gradient", "the same of the true maps", ".4f"),
  "gradient_distance": (
    "gradients",
    "distance between the distributions of gradients; 0 is best",
    ".4f",
  ),
}


def title(key):
  """Heading of a column."""
  return _KNOWN[key][0] if key in _KNOWN else key


def explanation(key):
  """What the heading means, or `None`."""
  return _KNOWN[key][1] if key in _KNOWN else None


def text(key, value):
  """A value as the page shows it."""
  if value is None:
    return "-"
  return format(value, _KNOWN[key][2] if key in _KNOWN else ".4g")
