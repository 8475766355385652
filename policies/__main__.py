"""Started by Pulumi; serves the pack until the engine stops it."""

import sys
from pathlib import Path

# Pulumi runs this folder with the deployed program as the working directory, so the packages
# `policies` and `base` are not importable yet.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.server import serve
from policies.waivers import FILE, WaiversError, load

try:
    waivers = load()
except (OSError, WaiversError) as error:
    sys.exit(f"{FILE}: {error}")
serve(waivers)
