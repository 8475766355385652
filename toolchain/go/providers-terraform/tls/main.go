// The tls provider.
package main

import (
	"github.com/hashicorp/terraform-provider-tls/export"

	"private-ai/engine/providers-terraform/bridge"
)

var version string // stamped at build time

func main() {
	bridge.Serve(bridge.Package{
		Name:     "tls",
		Version:  version,
		Provider: export.New(),
		Resources: map[string]string{
			"tls_cert_request":        "CertRequest",
			"tls_locally_signed_cert": "LocallySignedCert",
			"tls_private_key":         "PrivateKey",
			"tls_self_signed_cert":    "SelfSignedCert",
		},
		Functions: map[string]string{
			"tls_certificate": "getCertificate",
			"tls_public_key":  "getPublicKey",
		},
	})
}
