"""Tier data: PostgreSQL, Redis and the vector store."""
