"""What a machine of the cluster offers to the pods of the stack."""

from typing import Final

from base.units import GIB
from catalog.machines import MOST_PODS, Machine
from sizing.seating import NOTHING, Needs

OTHERS: Final = Needs(cpu=500, memory=GIB, disk=GIB, pods=10)
"""What pods that are not the stack's request on each node: DNS, network, storage and log agents,
operators. An assumption: nothing is refused for it, there is only advice."""


def offers(machine: Machine, spare: Needs = NOTHING) -> Needs:
    """What pods may request on *machine*, less *spare*."""
    return Needs(
        machine.cpu_for_pods * 1000,
        machine.memory_gib_for_pods * GIB,
        machine.disk_gib_for_pods * GIB,
        MOST_PODS,
    ).minus(spare)
