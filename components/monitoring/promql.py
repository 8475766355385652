"""PromQL expressions that rules and dashboards share."""


def total(metric: str, *by: str) -> str:
    """The sum of *metric*, grouped by the labels *by*."""
    return _sum(metric, by)


def rate(counter: str, *by: str, where: str = "", window: str = "5m") -> str:
    """Per-second rate of *counter*, of the series that *where* selects, grouped by *by*."""
    selector = f"{{{where}}}" if where else ""
    return _sum(f"rate({counter}{selector}[{window}])", by)


def increase(counter: str, *by: str, where: str = "", window: str) -> str:
    """How much *counter* grew, of the series that *where* selects, grouped by *by*."""
    return _sum(f"increase({counter}{{{where}}}[{window}])", by)


def quantile(share: float, histogram: str, *by: str) -> str:
    """The *share* quantile of *histogram* over the last five minutes, grouped by *by*."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *by, 'le')})"


def _sum(expression: str, by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"
