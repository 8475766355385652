"""What every package may use: the closed model, problems, names, quantities, CIDRs."""
