"""Changes that a program may ask for and that a part, its operator or the API server will not do.

Two tables with the source of each line, `kinds.yaml` (fields that cannot change) and `parts.yaml`
(steps between versions), and what reads them: the program, before it updates an object
(`components.upgrades`), `pai review` (`review.upgrades`) and `docs/reference/upgrades.md`.
"""

REPORTED = "PRIVATE_AI_UPGRADES_REPORTED"
"""Environment variable that `pai review` sets: what is refused is reported, the rest previewed."""
