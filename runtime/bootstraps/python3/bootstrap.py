"""Runs a Python handler behind the Lambda Runtime API: bootstrap.py HANDLER."""

import os
import sys

from millrace_bootstrap import loop

# What follows is the function's world: this file's folder is not a part of it.
root = os.environ.get("LAMBDA_TASK_ROOT", os.getcwd())
version = "python%d.%d" % sys.version_info[:2]
sys.path[:1] = [root, "/opt/python/lib/%s/site-packages" % version, "/opt/python"]
loop.run(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("_HANDLER", ""))
