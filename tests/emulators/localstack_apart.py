"""
LocalStack that keeps S3's objects in a folder of its own, run by LocalStack's own interpreter.

By itself 4.14.0 keeps those of every LocalStack of a machine in one folder of `/tmp`, and the first that stops removes
it. Arguments: the folder, and a launcher to run in place of `localstack.runtime.main`, if any.
"""

import runpy
import sys

from localstack.services.s3 import provider

if __name__ == "__main__":
    provider.DEFAULT_S3_TMP_DIR = sys.argv[1]
    if len(sys.argv) > 2:
        runpy.run_path(sys.argv[2], run_name="__main__")
    else:
        runpy.run_module("localstack.runtime.main", run_name="__main__")
