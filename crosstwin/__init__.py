# SPDX-License-Identifier: Apache-2.0
"""CrossTwin: a digital twin of an analog in-memory-computing accelerator.

    import crosstwin
    with crosstwin.open("golden", "default", seed=1) as twin:
        twin.load(weights)
        y = twin.forward(x)
"""
from crosstwin.opening import open
from crosstwin.twin import Twin
from golden.config import TileConfig
from golden.management import Management
from golden.presets import DEVICES, TILES

__version__ = "0.1.0"
__all__ = ["DEVICES", "TILES", "Management", "TileConfig", "Twin", "open"]
