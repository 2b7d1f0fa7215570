# SPDX-License-Identifier: Apache-2.0
"""SystemRDL as the third-party compiler understands it, against the map."""
import pytest
from systemrdl import RDLCompiler
from systemrdl.rdltypes import AccessType, OnWriteType

from crosstwin.products.systemrdl import systemrdl
from golden.registers import Access, register_map
from tests.support import CONFIGS

ACCESS = {
    Access.READ: (AccessType.r, None, False),
    Access.WRITE: (AccessType.rw, None, False),
    Access.CLEAR: (AccessType.rw, OnWriteType.woclr, False),
    Access.COMMAND: (AccessType.w, None, True),
}


def compiled(text: str, folder):
    path = folder / "registers.rdl"
    path.write_text(text)
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return compiler.elaborate().top


@pytest.mark.parametrize("name", CONFIGS)
def test_compiler_reads_the_map(name, tmp_path):
    """Every offset, width, reset value, access, range and named value, and nothing more."""
    registers = register_map(CONFIGS[name])
    top = compiled(systemrdl(CONFIGS[name], "crosstwin_axi_tile"), tmp_path)
    assert top.inst_name == "crosstwin_axi_tile"
    nodes = {node.inst_name: node for node in top.registers()}
    assert list(nodes) == list(registers)
    for register in registers.values():
        node = nodes[register.name]
        assert (node.absolute_address, node.size, node.get_property("desc")) == (4 * register.index, 4, register.doc)
        fields = list(node.fields())
        assert [(f.inst_name, f.lsb, f.width) for f in fields] == [(f.name, f.lsb, f.bits) for f in register.fields]
        assert sum(field.get_property("reset") << field.lsb for field in fields) == register.reset
        for field in fields:
            found = tuple(field.get_property(each) for each in ("sw", "onwrite", "singlepulse"))
            assert found == ACCESS[register.access], register.name
            if register.writable and not register.parts:
                assert field.get_property("minimum") == register.minimum
                assert field.get_property("maximum") == register.maximum
            encode = field.get_property("encode")
            assert register.values == (tuple(entry.name for entry in encode) if encode else ())
            assert not encode or [entry.value for entry in encode] == list(range(len(register.values)))
