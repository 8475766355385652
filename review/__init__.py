"""A preview as a report that a reviewer can trust: what stops, what it costs, what opens.

`events` reads what the engine says, `build` makes a `report.Report` of it with the small modules
beside it, and `markdown`, `html` and `terminal` render that report. Only `run` starts anything.
"""
