# SPDX-License-Identifier: Apache-2.0
"""What is written from the register map and a configuration for others to use: one file a product."""
