"""The names that Kubernetes accepts, as patterns; each field states its own greatest length."""

from typing import Final

DNS_LABEL: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""A label of RFC 1123: lower-case letters, digits and hyphens."""

DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
"""Labels of RFC 1123 joined by dots."""
