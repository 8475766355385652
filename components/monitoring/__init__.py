"""Tier monitoring: metrics, alerts, dashboards."""
