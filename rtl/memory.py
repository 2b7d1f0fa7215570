# SPDX-License-Identifier: Apache-2.0
"""What memories promise."""

ANY_ON_COLLISION = {"no_rw_check": 1}
"""Attribute of a memory of which nobody looks at a word that was read in the cycle of its write.

Simulation gives the old word; block RAM may give any, and keeps its output register (see `boards.memories`)."""
