# SPDX-License-Identifier: Apache-2.0
"""What a design is made of before synthesis: bits of registers, of operators, memories and multipliers."""
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from amaranth.hdl import Const, Elaboratable, Fragment, Shape, Value
from amaranth.hdl._ast import Assign, Concat, Operator, Part, Slice, Switch, SwitchValue
from amaranth.lib.memory import Memory

from boards.family import Family


@dataclass(kw_only=True)
class Contents:
    """Counts in the elaborated design, of which a family's tools make its cells in some proportion.

    `registers` bits; `sums`: bits of sums, differences and comparisons by order, which have a carry chain; `choices`:
    bits that are one of two, a choice of n counting n - 1 times; `logic`: bits of all other operators; `products`: bits
    of partial products of multipliers in logic. `small_rams` are cells of memories in logic, 16 x 4 bits each;
    `block_rams` and `multipliers` are blocks of the family.
    """

    registers: int = 0
    sums: int = 0
    choices: int = 0
    logic: int = 0
    products: int = 0
    small_rams: int = 0
    block_rams: int = 0
    multipliers: int = 0
    _seen: set[int] = field(default_factory=set, repr=False, compare=False)

    @classmethod
    def of(cls, component: Elaboratable, family: Family) -> "Contents":
        """Elaborate a component, and count; the family says what its blocks are."""
        counted, waiting = cls(), [Fragment.get(component, None)]
        while waiting:
            fragment = waiting.pop()
            waiting += [inner for inner, *_ in fragment.subfragments]
            memory = next((each for each in fragment.origins or () if isinstance(each, Memory)), None)
            if memory is not None:
                counted._memory(memory, family)
            for domain, statements in fragment.statements.items():
                counted._statements(statements, family, is_chosen=False)
                if domain != "comb":
                    counted.registers += sum(len(signal) for signal in statements._lhs_signals())
        return counted

    def counts(self) -> dict[str, int]:
        """By name."""
        return {name: getattr(self, name) for name in NAMES}

    def _memory(self, memory: Memory, family: Family) -> None:
        """To blocks or cells, as the tools choose: what costs less."""
        depth, width, is_rom = memory.depth, Shape.cast(memory.shape).width, not memory.write_ports
        blocks = family.memory.blocks(depth, width)
        is_block = all(port.domain != "comb" for port in memory.read_ports)
        if is_block and family.memory.prefers_blocks(depth, width, blocks, len(memory.read_ports), is_rom):
            self.block_rams += blocks
        elif is_rom:
            self.logic += depth * width // 16
        elif family.memory.has_cells:
            self.small_rams += family.memory.cells(depth, width) * len(memory.read_ports)
            self.registers += width * len(memory.read_ports)
        else:
            self.registers += depth * width
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

    def _value(self, value: Value, family: Family) -> None:
        """Values that several others share are made once."""
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        inner: Iterable[Value] = ()
        match value:
            case Operator():
                inner = value.operands
                self._operator(value, family)
            case SwitchValue():
                inner = (value.test, *(each for _, each in value.cases))
                self.choices += len(value) * (len(value.cases) - 1)
            case Part():
                inner = (value.value, value.offset)
                self.choices += value.width * min(len(value.value), (1 << len(value.offset)) - 1)
            case Slice():
                inner = (value.value,)
            case Concat():
                inner = value.parts
        for each in inner:
            self._value(each, family)

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
            case "<" | "<=" | ">" | ">=":
                self.sums += max(map(len, operands))
            case "<<" | ">>" if not constants:
                self.choices += len(value) * len(operands[1])
            case "&" | "|" | "^":
                self.logic += len(value)
            case "==" | "!=":
                self.logic += max(map(len, operands))
            case "b" | "r|" | "r&" | "r^":
                self.logic += len(operands[0]) - 1


NAMES = tuple(each.name for each in fields(Contents) if not each.name.startswith("_"))
"""Of the counts."""
