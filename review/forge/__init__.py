"""Reports on a forge: one comment per pull request and stack, one issue per stack that drifted.

`client` speaks HTTP and waits where a forge says so, `github`, `gitlab` and `forgejo` know each
API, `keep` brings what is there to what should be there, `access` finds out where and as whom.
"""
