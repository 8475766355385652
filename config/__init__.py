"""The one typed, documented, validated model of a stack's YAML; no Pulumi in here."""
