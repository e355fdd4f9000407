"""
Starts AWS's runtime client for Python, with the function's folders first on the import path, as Lambda has them.

The client is imported before that, so that no module of the function takes the place of one of its own.
"""

import os
import sys

from awslambdaric.__main__ import main  # type: ignore[import-untyped]  # an extra, and without types

sys.path[:1] = os.environ["REPLAY_IMPORT_ROOTS"].split(os.pathsep)
main([sys.argv[0], os.environ["_HANDLER"]])
