"""Warnings about pods that the scheduler cannot place, while `up` waits for them.

Pulumi awaits a workload silently until its timeout, ten minutes or, for a large model, much more.
An autoscaled cluster may still place the pod, so this only warns.
"""

import contextvars
import threading

import pulumi


def watch(context: str) -> None:
    """Warn about unplaced pods until the program ends, from a background thread."""
    if pulumi.runtime.is_dry_run():
        return
    settings = contextvars.copy_context()  # holds the address of the Pulumi engine
    threading.Thread(target=settings.run, args=(_warn, context), daemon=True).start()


def _warn(context: str) -> None:
    from components.pending_pods import report  # noqa: PLC0415 - while the program goes on

    report(context, pulumi.log.warn)
