# SPDX-License-Identifier: Apache-2.0
"""All formal jobs."""
from sim.formal import Job
from tests.formal import (
    adc,
    cobs,
    controller,
    engine,
    frame,
    position,
    pulses,
    registers,
    scan,
    sequencer,
    stream,
    updater,
)

JOBS: dict[str, Job] = {
    job.name: job
    for module in (stream, position, scan, pulses, adc, updater, registers, sequencer, cobs, frame, controller, engine)
    for job in module.JOBS
}
