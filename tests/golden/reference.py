# SPDX-License-Identifier: Apache-2.0
"""The contract once more, from the text of `docs/contract.md` alone: Python integers, one number at a time.

It shares no code with `golden/`, except for the configuration objects that it is asked about.
"""
from fractions import Fraction
from statistics import NormalDist

MASK = 0xFFFFFFFF


def divide(numerator: int, denominator: int) -> int:
    """Nearest integer, ties to even."""
    return round(Fraction(numerator, denominator))


def shift_right(value: int, shift: int) -> int:
    return round(Fraction(value) / Fraction(2) ** shift)


def saturate(value: int, bits: int, symmetric: bool = False) -> int:
    top = 2 ** (bits - 1) - 1
    return max(-top - (not symmetric), min(top, value))


def threefry(counter, key, rounds: int):
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = (counter[0] + keys[0]) & MASK, (counter[1] + keys[1]) & MASK
    for r in range(rounds):
        a = (a + b) & MASK
        rotation = (13, 15, 26, 6, 17, 29, 16, 24)[r % 8]
        b = ((b << rotation | b >> (32 - rotation)) & MASK) ^ a
        if r % 4 == 3:
            n = (r + 1) // 4
            a, b = (a + keys[n % 3]) & MASK, (b + keys[(n + 1) % 3] + n) & MASK
    return a, b


def draw(seed, stream, event, row, column, slot, rounds: int) -> int:
    words = threefry((stream << 24 | slot, row << 16 | column // 4), (seed, event), rounds)
    return words[column % 4 // 2] >> 16 * (column % 2) & 0xFFFF


def table_node(octave: int, eighths: int) -> int:
    """-z of the tail probability eighths/8 * 2**(-2 - octave), in 2**-10."""
    return round(-NormalDist().inv_cdf(eighths * 2.0 ** (-5 - octave)) * 1024)


def xi(d: int) -> int:
    n = 2 * (d % 32768) + 1
    octave = 0
    while n < 32768:
        n, octave = 2 * n, octave + 1
    eighths, fraction = n // 4096, n // 64 % 64
    start, end = table_node(octave, eighths), table_node(octave, eighths + 1)
    magnitude = start - shift_right((start - end) * fraction, 6)
    return -magnitude if d >= 32768 else magnitude


def train(seed, stream, event, levels, bl, rounds):
    return [[draw(seed, stream, event, 0, line, slot, rounds) < abs(level) for slot in range(bl)]
            for line, level in enumerate(levels)]


def pulse(config, w, up, step, slope, w_max, w_min, xi_value):
    engine, frac = config.engine, config.weight_bits - 2
    mean = step
    if engine.table is not None:
        nodes, segment_bits = engine.table[0 if up else 1], config.weight_bits - 4
        segment, fraction = divmod(w + 2 ** (config.weight_bits - 1), 2 ** segment_bits)
        factor = nodes[segment] + shift_right((nodes[segment + 1] - nodes[segment]) * fraction, segment_bits)
        mean = shift_right(mean * factor, 14)
    mean = saturate(mean + shift_right(slope * w, frac - engine.slope_unit), 18)
    gain = 4096 + shift_right(engine.sigma * xi_value, 10)
    delta = shift_right(mean * gain, 12 + engine.step_frac)
    w = w + delta if up else w - delta
    bound = 2 ** (config.weight_bits - min(config.parameter_bits or 18, config.weight_bits))
    return min(max(w, w_min * bound), w_max * bound)


def apparent(config, w, xi_value):
    deviation = config.device.write_noise_std * config.device.dw_min
    sigma = min(round(deviation * 2 ** (config.weight_bits - 2) * 4), 131071)
    return saturate(w + shift_right(sigma * xi_value, 12), config.weight_bits)


def update(config, planes, seed, event, row_levels, col_levels, bl):
    """One update on planes (name to nested lists), in place; gives row and column pulses, coincidences."""
    rows = train(seed, 2, event, row_levels, bl, config.rounds)
    cols = train(seed, 3, event, col_levels, bl, config.rounds)
    coincidences = 0
    for r, row in enumerate(rows):
        for c, col in enumerate(cols):
            up = (row_levels[r] < 0) != (col_levels[c] < 0)
            side = "UP" if up else "DOWN"
            for slot in range(bl):
                if row[slot] and col[slot]:
                    coincidences += 1
                    noise = xi(draw(seed, 1, event, r, c, slot, config.rounds)) if config.engine.sigma else 0
                    slope = planes[f"SLOPE_{side}"][r][c] if config.device.has_slope else 0
                    persistent = planes["HIDDEN" if "HIDDEN" in planes else "WEIGHT"]
                    persistent[r][c] = pulse(
                        config, persistent[r][c], up, planes[f"STEP_{side}"][r][c], slope,
                        planes["W_MAX"][r][c], planes["W_MIN"][r][c], noise)
                    if "HIDDEN" in planes:
                        noise = xi(draw(seed, 7, event, r, c, slot, config.rounds))
                        planes["WEIGHT"][r][c] = apparent(config, persistent[r][c], noise)
    return sum(map(sum, rows)), sum(map(sum, cols)), coincidences


def charge(codes, weights) -> list[int]:
    """Charges of the columns of `weights` (nested lists)."""
    return [sum(x * w for x, w in zip(codes, column, strict=True)) for column in zip(*weights, strict=True)]


def convert(config, charges, planes, seed, event, attempt=0) -> list[int]:
    """ADC codes of one vector's charges."""
    adc, out = config.adc, []
    for n, q in enumerate(charges):
        noise = shift_right(adc.sigma * xi(draw(seed, 4, event, attempt, n, 0, config.rounds)), 10)
        gain, offset = planes["ADC_GAIN"][0][n], planes["ADC_OFFSET"][0][n]
        held = saturate(shift_right(q * gain, config.converter.shift) + offset + noise, max(adc.bits, 8) + 10)
        draws = [draw(seed, 8, event, attempt, n, trial, config.rounds) for trial in range(adc.bits)]
        dac = [row[n] for row in planes["ADC_DAC"]] if adc.capacitor_spread else [0] * adc.bits
        out.append(find(adc, held, planes["COMPARATOR"][0][n] if adc.comparator_offset else 0, dac, draws))
    return out


def find(adc, held, comparator, dac, draws) -> int:
    """The code of one held charge; `draws` of stream COMPARATOR by slot."""
    noises = [shift_right(min(round(256 * adc.comparator_noise), 4095) * xi(d), 10) for d in draws]
    top = 2 ** (adc.bits - 1) - 1

    def level(k):
        return 256 * k - 128 + k % 2

    if adc.kind == "sar":
        found, e = -top - 1, 0
        for trial, noise in enumerate(noises):
            i = adc.bits - 1 - trial
            if held + comparator + noise >= level(found + 2 ** i) + e + dac[i]:
                found, e = found + 2 ** i, e + dac[i]
        return max(found, -top)
    if adc.kind == "ramp":
        factor, k = round(Fraction(adc.bow) * 2 ** 32 / top ** 2), -top
        while k < top and held + comparator + noises[0] >= level(k + 1) + shift_right(
                factor * (top ** 2 - (k + 1) ** 2), 24):
            k += 1
        return k
    if adc.kind == "cco":
        magnitude = min(top, (abs(held) + (draws[0] >> 8 if adc.phase_noise else 0)) // 256)
        return magnitude if held > 0 else -magnitude
    return saturate(shift_right(held, 8), adc.bits, symmetric=True)


def gain(numerator: int, denominator: int) -> tuple[int, int]:
    """Mantissa and shift."""
    shift = 18 - numerator.bit_length() + denominator.bit_length()
    ratio = Fraction(numerator, denominator) * Fraction(2) ** shift
    return round(ratio), shift


def scaled(value: int, by: tuple[int, int], limit: int) -> int:
    return max(-limit, min(limit, shift_right(value * by[0], by[1])))


def scale(vector, nm: int) -> int:
    largest = max(1, *map(abs, vector))
    return (65536, largest, 2 ** (largest - 1).bit_length())[nm]


def encode(config, vector, scale_: int) -> list[int]:
    largest = 2 ** (config.code_bits - 1) - 1
    return [scaled(v, gain(largest, scale_), largest) for v in vector]


def decode(config, outputs, scale_: int) -> list[int]:
    """Values of outputs; the inverse of the LSB is brought to 24 bits."""
    per_unit = (2 ** (config.adc.bits - 1) - 1) / config.adc.bound
    shift = 0
    while per_unit * 2.0 ** shift < 2 ** 23:
        shift += 1
    mantissa, right = gain(scale_, round(per_unit * 2.0 ** shift))
    return [scaled(v, (mantissa, right - shift), 2 ** 23 - 1) for v in outputs]


def isqrt(value: int) -> int:
    """The largest integer whose square is at most `value`, by bisection."""
    low, high = 0, value + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle * middle <= value else (low, middle)
    return low


def update_levels(x, d, ratio: int, um: int, bl: int):
    """Row levels, column levels and BL of one update."""
    x_max, d_max = (max(map(abs, v)) for v in (x, d))
    k = Fraction(ratio * x_max * d_max, 2 ** 48)
    if k == 0:
        return [0] * len(x), [0] * len(d), 0
    if um == 2:
        bl = min(-(-k.numerator // k.denominator), bl)
    if um == 0:
        root = isqrt(int(Fraction(ratio * 65536, bl)))
        by = [gain(root, 65536)] * 2
    elif k <= bl:
        root = isqrt(int(k * 2 ** 32 / bl))
        by = [gain(root, x_max), gain(root, d_max)]
    else:
        by = [gain(65536, x_max), gain(min(int(k * 2 ** 16 / bl), 2 ** 30), d_max)]
    rows, cols = ([scaled(v, by_, 65536) for v in line] for line, by_ in zip((x, d), by, strict=True))
    return rows, cols, bl


def managed(config, vector, planes, seed, event, nm: int, passes: int, transposed: bool = False):
    """Values of one vector, the codes of each pass and the saturated outputs of all."""
    weights = list(zip(*planes["WEIGHT"], strict=True)) if transposed else planes["WEIGHT"]
    scale_, asked, saturations = scale(vector, nm), [], 0
    for attempt in range(passes):
        asked.append(encode(config, vector, scale_ << attempt))
        outputs = convert(config, charge(asked[-1], weights), planes, seed, event, attempt)
        saturated = sum(abs(code) == 2 ** (config.adc.bits - 1) - 1 for code in outputs)
        saturations += saturated
        if not saturated:
            break
    return decode(config, outputs, scale_ << attempt), asked, saturations
