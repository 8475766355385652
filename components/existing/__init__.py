"""What the cluster has already and the stack did not create: found before anything changes.

The provider creates with server-side apply, which takes over what has the same name
(pulumi-kubernetes 4.24, pkg/await/await.go:210-212: "we currently always upsert the object").
An automatic name ends in eight random digits, so what is compared is each fixed name.
"""
