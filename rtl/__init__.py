# SPDX-License-Identifier: Apache-2.0
"""The tile in Amaranth HDL: every width, table and constant comes from `golden/`, whose bits it gives."""
