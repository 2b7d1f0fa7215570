# SPDX-License-Identifier: Apache-2.0
"""The demo's data: scikit-learn's bundled 1797 handwritten digits of 8 x 8 pixels, in a fixed split."""
from dataclasses import dataclass

import numpy as np

N_PIXELS, N_CLASSES = 64, 10
_SPLIT_SEED = 2027
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Images (n, 64) in 0..1 and labels (n,) in 0..9, to learn from and to be judged by."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load() -> Split:
    """1438 images for training and 359 for the test, every digit alike in both."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return _split(images / 16.0, labels, _TEST_SHARE)


def validation(split: Split) -> Split:
    """The training part alone, cut again: what parameters are chosen on, so that the test stays unseen."""
    return _split(split.train_x, split.train_y, _TEST_SHARE)


def _split(images: np.ndarray, labels: np.ndarray, test_share: float) -> Split:
    """Stratified: the same share of every digit, at random from a fixed seed."""
    rng = np.random.default_rng(_SPLIT_SEED)
    test = np.zeros(len(labels), dtype=bool)
    for digit in range(N_CLASSES):
        places = rng.permutation(np.nonzero(labels == digit)[0])
        test[places[:round(test_share * len(places))]] = True
    return Split(images[~test], labels[~test], images[test], labels[test])
