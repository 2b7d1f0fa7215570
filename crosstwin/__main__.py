# SPDX-License-Identifier: Apache-2.0
"""`python -m crosstwin`."""
import sys

from crosstwin.cli import main

sys.exit(main())
