# SPDX-License-Identifier: Apache-2.0
"""The numeric contract of CrossTwin and its numpy model: what `rtl/` must compute, bit for bit."""
