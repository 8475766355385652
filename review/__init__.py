"""Reports on previews, for reviewers: downtime, data at risk, cost, new access, every change.

`events` reads the engine's events, `build` and the other modules turn them into a `report.Report`,
and `markdown`, `html` and `terminal` render it. Only `run` starts processes.
"""
