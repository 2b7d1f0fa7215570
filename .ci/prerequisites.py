# SPDX-License-Identifier: Apache-2.0
"""Say in one sentence what is missing before anything is installed; runs on any Python 3."""

import os
import shlex
import shutil
import sys


def missing():
    """The first thing that is missing, as a sentence, or None."""
    if sys.version_info < (3, 11):
        return "Python 3.11 or newer is needed, but this is %d.%d: install it." % sys.version_info[:2]
    try:
        import ensurepip  # noqa: F401  Debian splits it from venv's own code
        import venv  # noqa: F401
    except ImportError:
        return "Python's venv module is needed, but is not installed: install your system's python3-venv."
    wanted = os.environ.get("CXX")
    for command in [wanted] if wanted else ["g++", "clang++"]:
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return None
    return "A C++ compiler is needed, but %s was not found: install g++." % (wanted or "g++ or clang++")


if __name__ == "__main__":
    sys.exit(missing())
