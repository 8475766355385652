"""Started by Pulumi: serves the pack until the engine ends it."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program from wherever the deployed program lies, so the package
# `policies` is not yet importable.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.server import serve
from policies.waivers import load

serve(load())
