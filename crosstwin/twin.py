# SPDX-License-Identifier: Apache-2.0
"""The twin: real matrices and vectors on one tile, whatever computes it."""
import numpy as np

from crosstwin import checkpoint, energy, programming
from crosstwin.technology import load as load_technology
from golden import validate
from golden.config import ALL, VECTOR, Plane
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
        settings = (management or Management()).registers()
        if management is None:  # the default settings of what the tile has
            settings = {name: value for name, value in settings.items() if name in tile.registers}
        for name, value in ({"seed": seed} | settings).items():
            if value != validate.register(tile.registers, name).reset:
                tile.set(name, value)
        self._ratio = 0
        planes = config.populate(seed)
        for plane, values in planes.items():
            if plane in config.loadable:
                tile.write_plane(plane, values)
        self._w_min, self._w_max = config.bounds(planes)
        self._lines = programming.Lines.ideal(config)
        self._reference = np.zeros((config.rows, config.cols), dtype=np.int64)
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
        codes = self.config.weight.quantize(self._weights(weights, "Weights"))
        validate.plane_row(self.config, Plane.WEIGHT, 0)
        self._write_weights(np.clip(codes + self._reference, self._w_min, self._w_max))

    def read(self) -> np.ndarray:
        """All weights, real (R, C): what multiplies, so with the write noise of each device's last pulse."""
        return self.config.weight.real(self.tile.read_plane(Plane.WEIGHT) - self._reference)

    def forward(self, x) -> np.ndarray:
        """y = x W: real (C,) or (B, C) of real x (R,) or (B, R).

        Errors: ValueError on a wrong shape, NaN or infinity. A batch gives the bits of its vectors one at a time.
        """
        return self._multiply(x, self.config.rows, "x", self.tile.forward_vector, self._reference)

    def backward(self, d) -> np.ndarray:
        """z = W d: real (R,) or (B, R) of real d (C,) or (B, C); as in aihwkit without bound management, unless the
        settings have `bm_backward`.
        """
        return self._multiply(d, self.config.cols, "d", self.tile.backward_vector, self._reference.T)

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

    def program_verify(self, targets, tolerance: float = 0.02, *, reads_log2: int = 4, limit: int = 64,
                       gain: float = 1.0, patience: int = 8) -> programming.Verified:
        """Bring all weights to real targets (R, C) by pulses, as a chip would: each row by rounds of reads and pulses.

        A cross-point has converged when the mean of 2**reads_log2 reads is within `tolerance` of its target. In each
        of at most `limit` (1..255) windows it gets the pulses of mean step that take `gain` of its error away;
        after `patience` windows in one direction without progress it is stuck. Calibrate first: converters' gains and
        offsets are errors of the weights. The ADC's bound should be near the largest weight, about 2.
        """
        targets = self._weights(targets, "Targets") + self.config.weight.real(self._reference)
        return programming.verify(self.tile, self._lines, targets, tolerance, reads_log2, limit, gain, patience)

    def sense(self, reads_log2: int = 4) -> np.ndarray:
        """All weights, real (R, C), through the array: each the mean of 2**reads_log2 reads."""
        return programming.sense(self.tile, self._lines, reads_log2) - self.config.weight.real(self._reference)

    def symmetrize(self, pairs: int = 200) -> None:
        """Take all devices to their symmetry point by alternating up and down pulses."""
        self.tile.symmetrize(ALL, ALL, pairs)

    def zero_shift(self, pairs: int = 200, reads_log2: int = 6) -> np.ndarray:
        """Make the devices' symmetry points the zero of the weights, and return them, real (R, C).

        All devices go to their symmetry points, which are read through the array and from then on subtracted: from
        outputs (y - x W_ref, in integers, on the host), from `read` and `sense`; `load` and targets are relative
        to them. The weights are zero afterwards, but for the error of the reads.
        """
        self._reference = np.zeros_like(self._reference)
        self.symmetrize(pairs)
        self._reference = self.config.weight.quantize(self.sense(reads_log2))
        return self.config.weight.real(self._reference)

    def calibrate(self, reads_log2: int = 8) -> programming.Calibration:
        """Measure gain and offset of all converters, and have the tile correct its outputs from now on."""
        calibration = programming.calibrate(self.tile, reads_log2)
        self._lines = calibration.lines
        return calibration

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
        checkpoint.save(path, self.tile, self._reference)

    def restore(self, path) -> None:
        """Return to a saved state: what follows gives the same bits again. Counters go on counting.

        CheckpointError, with nothing changed, if the file is damaged or of another configuration. The lane
        count may differ, as it never changes a bit.
        """
        planes, self._reference = checkpoint.restore(path, self.tile)
        if Plane.W_MIN in planes:
            self._w_min, self._w_max = self.config.bounds(planes)
        self._ratio = self.tile.get("ratio") if "managed" in self.config.engines else 0
        is_calibrated = "correction" in self.config.engines and self.tile.get("correct")
        self._lines = programming.Lines.of(planes) if is_calibrated else programming.Lines.ideal(self.config)

    def _weights(self, values, name: str) -> np.ndarray:
        """Real weights (R, C), each with -2 < w < 2."""
        values, shape = _real(values, name), (self.config.rows, self.config.cols)
        if values.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, not {values.shape}")
        if (np.abs(values) >= 2).any():
            raise ValueError(f"{name} must be above -2 and below 2, not {_largest(values):g}")
        return values

    def _write_weights(self, codes) -> None:
        """Load weights without write noise."""
        for plane in (Plane.WEIGHT, Plane.HIDDEN):
            if plane in self.config.loadable:
                self.tile.write_plane(plane, codes)

    def _multiply(self, vectors, n: int, name: str, multiply, reference) -> np.ndarray:
        codes = _vectors(vectors, n, name)
        outputs = VECTOR.real(programming.subtract(self.config, multiply(codes), codes, reference))
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
