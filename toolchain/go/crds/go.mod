module private-ai/engine/crds

go 1.26.0

// Modules of which only data files are used: custom resource definitions with their true schemas.
require (
	github.com/cloudnative-pg/cloudnative-pg v1.27.0
	sigs.k8s.io/cluster-api v1.12.0
	sigs.k8s.io/gateway-api-inference-extension v1.2.0
	sigs.k8s.io/karpenter v1.8.0
)
