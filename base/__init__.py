"""Building blocks of every package: the closed model, problems, names, quantities, units, CIDRs."""
