# SPDX-License-Identifier: Apache-2.0
from hypothesis import settings

settings.register_profile("crosstwin", deadline=None, derandomize=True, database=None)
settings.load_profile("crosstwin")
