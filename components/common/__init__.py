"""Shared by all components: arguments, contracts, pods, network, certificates, secrets."""
