"""Started by Pulumi: builds the pack, which then serves until the engine ends it."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program from wherever the deployed program lies, so the package
# `policies` is not yet importable.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.adapter import policies

PolicyPack("private-ai", policies(), EnforcementLevel.MANDATORY)
