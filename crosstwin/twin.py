# SPDX-License-Identifier: Apache-2.0
"""The twin: real matrices and vectors on one tile, whatever computes it."""
import numpy as np

from crosstwin import checkpoint, energy
from crosstwin.technology import load as load_technology
from golden import validate
from golden.config import VECTOR, Plane
from golden.management import Management, learning_ratio

CHIP_CLOCK_HZ = 1e9
"""Clock of the chip whose time is reported: 1 GHz, so that one cycle is the 1 ns slot of the RPU literature
(Gokmen and Vlasov 2016 take 1 ns pulses)."""


class Twin:
    """One tile of analog devices, used with real numbers.

    The weight of row r and column c is between -2 and 2, and never beyond the bounds of its own device. Real
    vectors are rounded to VECTOR fixed point (24 bits, 16 of them fractional; saturating at +-128), scaled to
    the DAC's codes by noise management, and measured again with halved inputs where an ADC saturates (bound
    management): all by the tile itself. Take one from `crosstwin.open`; it is a context manager.

    Parameters: `tile`, a `golden.tile.Tile` or a `crosstwin.driver.LinkedTile`; `seed` in 0..2**32 - 1, from
    which device and converter spread are drawn and with which all noise is addressed; `management`, the
    settings that are written to the tile's registers.
    """

    def __init__(self, tile, seed: int = 0, management: Management | None = None):
        self.tile = tile
        self.config = config = tile.config
        tile.reset()
        for name, value in ({"seed": seed} | (management or Management()).registers()).items():
            if value != tile.registers[name].reset:
                tile.set(name, value)
        self._ratio = 0
        planes = config.populate(seed)
        for plane, values in planes.items():
            if plane in config.loadable:
                tile.write_plane(plane, values)
        self._w_min, self._w_max = planes[Plane.W_MIN], planes[Plane.W_MAX]
        self._write_weights(np.zeros((config.rows, config.cols), dtype=np.int64))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Release what the twin runs on."""
        if hasattr(self.tile, "close"):
            self.tile.close()

    def load(self, weights) -> None:
        """Set all weights, real (R, C), each with -2 < w < 2.

        A device cannot hold more than its own bounds: weights beyond them are clipped to them, silently, as
        each device has other ones; `read` shows what was kept. ValueError on a wrong shape, NaN or |w| >= 2,
        and where the array is behind pins.
        """
        config = self.config
        weights = _real(weights, "Weights")
        if weights.shape != (config.rows, config.cols):
            raise ValueError(f"Weights must have shape ({config.rows}, {config.cols}), not {weights.shape}")
        if (np.abs(weights) >= 2).any():
            raise ValueError(f"Weights must be above -2 and below 2, not {_largest(weights):g}")
        validate.plane_row(config, Plane.WEIGHT, 0)
        codes = config.weight.quantize(weights)
        self._write_weights(np.clip(codes, self._w_min, self._w_max))

    def read(self) -> np.ndarray:
        """All weights, real (R, C): what multiplies, so with the write noise of each device's last pulse."""
        return self.config.weight.real(self.tile.read_plane(Plane.WEIGHT))

    def forward(self, x) -> np.ndarray:
        """y = x W: real (C,) or (B, C) of real x (R,) or (B, R).

        Errors: ValueError on a wrong shape, NaN or infinity. A batch gives the bits of its vectors one at a time.
        """
        return self._multiply(x, self.config.rows, "x", self.tile.forward_vector)

    def backward(self, d) -> np.ndarray:
        """z = W d: real (R,) or (B, R) of real d (C,) or (B, C); as in aihwkit without bound management, unless the
        settings have `bm_backward`.
        """
        return self._multiply(d, self.config.cols, "d", self.tile.backward_vector)

    def update(self, x, d, learning_rate: float) -> None:
        """W -= learning_rate * outer(x, d) in the mean, by stochastic pulses; vectors or batches of them.

        A batch makes its updates one after the other, in one exchange. ValueError on wrong shapes, NaN, infinity, or a
        learning rate that is negative, not finite, or 2**16 steps of the device and more.
        """
        config = self.config
        x, d = validate.vector_pairs(config, _vectors(x, config.rows, "x"), _vectors(d, config.cols, "d"))
        ratio = learning_ratio(learning_rate, config.device.dw_min)
        if ratio != self._ratio:
            self.tile.set("ratio", ratio)
            self._ratio = ratio
        self.tile.update_vector(x, d)

    def counters(self) -> dict[str, int]:
        """Operations, pulses, conversions and cycles since the twin was opened."""
        return self.tile.counters()

    def ledger(self, technology: str = "rpu") -> energy.Statement:
        """Counters, chip time, energy, TOPS and TOPS/W in a technology, in total and of the last operation.

        Energy takes the times in the tile's registers as they stand. ValueError where the technology is unknown.
        """
        return energy.statement(load_technology(technology), self.tile)

    @property
    def chip_time_s(self) -> float:
        """Time that the chip would have taken, in seconds: its cycles at CHIP_CLOCK_HZ."""
        return self.counters()["chip_cycles"] / CHIP_CLOCK_HZ

    def save(self, path) -> None:
        """Write everything that the next results depend on to one file, all or nothing."""
        checkpoint.save(path, self.tile)

    def restore(self, path) -> None:
        """Return to a saved state: what follows gives the same bits again. Counters go on counting.

        CheckpointError, with nothing changed, if the file is damaged or of another configuration. The lane
        count may differ, as it never changes a bit.
        """
        planes = checkpoint.restore(path, self.tile)
        self._w_min, self._w_max = planes.get(Plane.W_MIN, self._w_min), planes.get(Plane.W_MAX, self._w_max)
        self._ratio = self.tile.get("ratio")

    def _write_weights(self, codes) -> None:
        """Load weights without write noise."""
        for plane in (Plane.WEIGHT, Plane.HIDDEN):
            if plane in self.config.loadable:
                self.tile.write_plane(plane, codes)

    def _multiply(self, vectors, n: int, name: str, multiply) -> np.ndarray:
        outputs = VECTOR.real(multiply(_vectors(vectors, n, name)))
        return outputs if np.ndim(vectors) == 2 else outputs[0]


def _real(values, name: str) -> np.ndarray:
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of real numbers, not {type(values).__name__}") from None
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite numbers, not {values[~np.isfinite(values)].flat[0]}")
    return values


def _vectors(values, n: int, name: str) -> np.ndarray:
    """VECTOR codes (B, n) of real (n,) or (B, n)."""
    return VECTOR.quantize(validate.batch(_real(values, name), n, name))


def _largest(values: np.ndarray) -> float:
    return float(values.flat[np.abs(values).argmax()])
