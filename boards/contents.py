# SPDX-License-Identifier: Apache-2.0
"""What a design is made of before synthesis: bits of registers, of operators, memories and multipliers."""
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from amaranth.hdl import Const, Elaboratable, Fragment, Shape, Signal, Value
from amaranth.hdl._ast import Assign, Concat, Operator, Part, Slice, Switch, SwitchValue
from amaranth.lib.memory import Memory

from boards.family import Family
from boards.memories import SMALL
from rtl.registers import RegisterBank


@dataclass(kw_only=True)
class Contents:
    """Counts in the elaborated design, of which a family's tools make its cells in some proportion.

    `registers` bits, of which `computed` do not just take over another signal or a product; `sums`: bits of sums and
    differences, and of comparisons by order but with a constant, which have a carry chain; `choices`: bits that are one
    of two, a choice of n counting n - 1 times; `logic`: bits of all other operators; `products`: bits of partial
    products of multipliers in logic; `settings`: bits of registers that can be written, as what is asked for nowhere is
    left out by synthesis. `small_rams` are cells of memories in logic, 16 x 4 bits each; `block_rams` and
    `multipliers` are blocks of the family.
    """

    registers: int = 0
    computed: int = 0
    sums: int = 0
    choices: int = 0
    logic: int = 0
    products: int = 0
    settings: int = 0
    small_rams: int = 0
    block_rams: int = 0
    multipliers: int = 0
    _numbers: dict = field(default_factory=dict, repr=False, compare=False)
    """Of expressions: the same operator of the same operands is made once, as synthesis does."""

    @classmethod
    def of(cls, component: Elaboratable, family: Family) -> "Contents":
        """Elaborate a component, and count; the family says what its blocks are."""
        counted, design = cls(), Fragment.get(component, None)
        waiting = [design]  # which stays whole until the end, as expressions are known by where they are
        while waiting:
            fragment = waiting.pop()
            waiting += [inner for inner, *_ in fragment.subfragments]
            memory = next((each for each in fragment.origins or () if isinstance(each, Memory)), None)
            if memory is not None:
                counted._memory(memory, family)
            bank = next((each for each in fragment.origins or () if isinstance(each, RegisterBank)), None)
            if bank is not None:
                counted.settings += sum(register.bits for register in bank.stored)
            for domain, statements in fragment.statements.items():
                counted._statements(statements, family, is_chosen=False)
                if domain != "comb":
                    n_bits = sum(len(signal) for signal in statements._lhs_signals())
                    n_taken = sum(len(each.lhs) for each in statements
                                  if isinstance(each, Assign) and _is_given(each.rhs))
                    counted.registers += n_bits
                    counted.computed += n_bits - n_taken
        return counted

    def counts(self) -> dict[str, int]:
        """By name."""
        return {name: getattr(self, name) for name in NAMES}

    def _memory(self, memory: Memory, family: Family) -> None:
        """To blocks or cells, as the tools choose: what costs less."""
        depth, width, is_rom = memory.depth, Shape.cast(memory.shape).width, not memory.write_ports
        is_small = family.memory.has_cells and depth <= SMALL and not is_rom
        is_kept_out = is_small or memory.attrs.get("rom_style") == "logic"
        is_block = not is_kept_out and all(port.domain != "comb" for port in memory.read_ports)
        if is_block and family.memory.prefers_blocks(depth, width, readers=len(memory.read_ports), is_rom=is_rom):
            self.block_rams += family.memory.blocks(depth, width)
        elif is_rom:
            self.logic += depth * width // 16
        elif family.memory.has_cells:
            self.small_rams += family.memory.cells(depth, width) * len(memory.read_ports)
            self.registers += width * -(-depth // 16) * len(memory.read_ports)  # behind each cell, before their choice
        else:
            self.registers += depth * width
            self.computed += depth * width
            self.choices += depth * width

    def _statements(self, statements: Iterable, family: Family, is_chosen: bool) -> None:
        for statement in statements:
            if isinstance(statement, Assign):
                if is_chosen and isinstance(statement.rhs, Const):
                    self.logic += len(statement.lhs)
                elif is_chosen:
                    self.choices += len(statement.lhs)
                self._value(statement.lhs, family)
                self._value(statement.rhs, family)
            elif isinstance(statement, Switch):
                self._value(statement.test, family)
                self.logic += (len(statement.test) - 1) * len(statement.cases)
                for _, inner, _ in statement.cases:
                    self._statements(inner, family, is_chosen=True)

    def _value(self, value: Value, family: Family) -> int:
        """The number of an expression, which is counted when it comes first."""
        known = self._numbers.get(id(value))
        if known is not None:
            return known
        inner: tuple[Value, ...] = ()
        kind: tuple = (id(value),)
        match value:
            case Operator():
                inner, kind = tuple(value.operands), (value.operator,)
            case SwitchValue():
                inner = (value.test, *(each for _, each in value.cases))
                kind = ("switch", *(patterns for patterns, _ in value.cases))
            case Part():
                inner, kind = (value.value, value.offset), ("part", value.width, value.stride)
            case Slice():
                inner, kind = (value.value,), ("slice", value.start, value.stop)
            case Concat():
                inner, kind = value.parts, ("cat",)
            case Const():
                kind = ("const", value.value, value.shape().width)
        key = (*kind, *(self._value(each, family) for each in inner))
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._count(value, family)
        self._numbers[id(value)] = self._numbers[key]
        return self._numbers[key]

    def _count(self, value: Value, family: Family) -> None:
        match value:
            case Operator():
                self._operator(value, family)
            case SwitchValue():
                self.choices += len(value) * (len(value.cases) - 1)
            case Part():
                self.choices += value.width * min(len(value.value), (1 << len(value.offset)) - 1)

    def _operator(self, value: Operator, family: Family) -> None:
        operands = value.operands
        constants = [each.value for each in operands if isinstance(each, Const)]
        match value.operator:
            case "*" if constants:
                self.sums += len(value) * max(constants[0].bit_count() - 1, 0)
            case "*":
                a, b = map(len, operands)
                blocks, bits = family.multiplier.split(a, b) if family.multiplier else (0, a * b)
                self.multipliers += blocks
                self.products += bits
            case "+" | "-" if len(operands) == 2 or value.operator == "-":
                self.sums += len(value)
            case "<" | "<=" | ">" | ">=" if not constants:
                self.sums += max(map(len, operands))
            case "<<" | ">>" if not constants:
                self.choices += len(value) * len(operands[1])
            case "&" | "|" | "^":
                self.logic += len(value)
            case "==" | "!=" | "<" | "<=" | ">" | ">=":
                self.logic += max(map(len, operands))
            case "b" | "r|" | "r&" | "r^":
                self.logic += len(operands[0]) - 1


def _is_given(value: Value) -> bool:
    """Whether there is nothing to compute, but perhaps in a multiplier."""
    match value:
        case Operator():
            return value.operator in "*us" and all(map(_is_given, value.operands))
        case Slice():
            return _is_given(value.value)
        case Concat():
            return all(map(_is_given, value.parts))
    return isinstance(value, Signal | Const)


NAMES = tuple(each.name for each in fields(Contents) if not each.name.startswith("_"))
"""Of the counts."""
