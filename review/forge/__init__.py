"""Reports on a forge: one comment per pull request and stack, one issue per stack with drift.

`client` is the HTTP client, with retries; `github`, `gitlab` and `forgejo` implement each API;
`upsert` creates or updates the comment or issue; `access` reads repository, address and token.
"""
