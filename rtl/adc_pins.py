# SPDX-License-Identifier: Apache-2.0
"""The lines between the digital and the analog side of the converters, and the ports of what sits at their ends."""
from collections.abc import Mapping, Sequence

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Member, Out

from golden.adc import AdcKind
from golden.config import TileConfig
from rtl.formats import shape_of


def kind_pins(config: TileConfig) -> dict[str, Member]:
    """The lines that converters of the tile's kind have, as their digital side sees them."""
    n, code = config.n_adcs, shape_of(config.adc.code)
    match config.adc.kind:
        case AdcKind.SAR:
            return {"adc_trial": Out(code).array(n), "adc_compare": In(n)}
        case AdcKind.RAMP:
            return {"adc_count": Out(code), "adc_compare": In(n)}
        case AdcKind.CCO:
            return {"adc_cycle": In(n), "adc_negative": In(n)}
        case AdcKind.SPI:
            return {"adc_cnv": Out(1), "adc_sck": Out(1), "adc_sdo": In(n)}


def adc_pins(config: TileConfig) -> dict[str, Member]:
    """All lines of the converters, as their digital side sees them."""
    return {"adc_select": Out(range(max(2, config.adc.columns_per_adc))), "adc_start": Out(1), "adc_step": Out(1),
            **kind_pins(config)}


def logic_members(config: TileConfig) -> dict[str, Member]:
    """Ports of the digital logic of one kind.

    `begin` strobes before the first step of a round, `end` in the last cycle of each step, when what the converters
    answer is read; `index` numbers the steps of a round, `first` stands in the first one. `results`, a converter each,
    stand from the cycle behind a round's last `end` until the first `end` of the next one.
    """
    return {"begin": In(1), "end": In(1), "first": In(1), "index": In(range(config.adc.steps)),
            "results": Out(shape_of(config.adc.code)).array(config.n_adcs), **kind_pins(config)}


def cell_members(config: TileConfig, shape) -> dict[str, Member]:
    """Ports of the analog side of one kind: `values` are what is stored of the lines' charges."""
    return {"values": In(shape).array(config.n_converters),
            **{name: member.flip() for name, member in adc_pins(config).items()}}


def join(m: Module, pins: Mapping[str, Member], near, far) -> None:
    """Wire lines of the same names: what goes out from `near` to `far`, what comes in the other way."""
    for name, member in pins.items():
        pairs = zip(*(port if member.dimensions else [port] for port in (getattr(near, name), getattr(far, name))),
                    strict=True)
        m.d.comb += [outer.eq(inner) if member.flow == Out else inner.eq(outer) for inner, outer in pairs]


def chosen(m: Module, config: TileConfig, values: Sequence[Signal], select: Signal) -> list[Signal]:
    """Of a value a line, those of the lines that the converters' multiplexers select, one a converter."""
    share = config.adc.columns_per_adc
    found = [Signal.like(values[0], name=f"chosen_{n}") for n in range(config.n_adcs)]
    with m.Switch(select):
        for number in range(share):
            with m.Case(number):
                m.d.comb += [each.eq(value) for each, value in zip(found, values[number::share], strict=False)]
    return found
