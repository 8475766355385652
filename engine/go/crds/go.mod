module private-ai/engine/crds

go 1.26.0

// Modules of which only data files are used: custom resource definitions with their true schemas.
require github.com/cloudnative-pg/cloudnative-pg v1.27.0
