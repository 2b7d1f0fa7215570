# SPDX-License-Identifier: Apache-2.0
"""One file a command; each has `add(subparsers)`, and a `run(arguments)` that returns the exit status."""
