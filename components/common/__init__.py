"""The vocabulary of every component: arguments, contracts, pods, network, certificates, secrets."""
