# SPDX-License-Identifier: Apache-2.0
"""Components whose outputs may be anything: what holds with those holds with the real ones."""
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import Component, In, Out


def empty(component: Component) -> None:
    """Leave out what is inside a component; its outputs are the harness's to drive."""
    component.elaborate = lambda platform: Module()
    _forget(component)


def outputs_of(component: Component, prefix: str) -> dict:
    """Members of a harness, one for each output of a component that it takes the place of."""
    return {f"{prefix}_{name}": In(member.shape).array(*member.dimensions)
            for name, member in component.signature.members.items() if member.flow == Out and member.is_port}


def set_free(m: Module, harness: Component, component: Component, prefix: str) -> None:
    """Empty a component, and take its outputs from the members of the harness."""
    empty(component)
    for name in outputs_of(component, prefix):
        output, free = getattr(component, name.removeprefix(f"{prefix}_")), getattr(harness, name)
        pairs = zip(output, free, strict=True) if isinstance(output, list | tuple) else [(output, free)]
        m.d.comb += [each.eq(value) for each, value in pairs]


def _forget(component) -> None:
    """Amaranth warns of what is made and not used; here that is meant."""
    for value in vars(component).values():
        for part in value if isinstance(value, list | tuple) else [value]:
            if isinstance(part, Elaboratable):
                part._MustUse__used = True
                _forget(part)
