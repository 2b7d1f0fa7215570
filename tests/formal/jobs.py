# SPDX-License-Identifier: Apache-2.0
"""All formal jobs."""
from sim.formal import Job
from tests.formal import (
    adc,
    axi,
    cobs,
    controller,
    dispatcher,
    engine,
    frame,
    link,
    position,
    pulses,
    registers,
    scan,
    sequencer,
    stream,
    uart,
    updater,
)

JOBS: dict[str, Job] = {
    job.name: job
    for module in (stream, position, scan, pulses, adc, updater, registers, sequencer, controller, engine, cobs, frame,
                   link, dispatcher, uart, axi)
    for job in module.JOBS
}
