// Package export hands out the provider whose constructor its module keeps internal. Go opens an
// internal package to import paths below its parent, hence the name of this module.
package export

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	internal "github.com/hashicorp/terraform-provider-tls/internal/provider"
)

// New is the Terraform provider "tls".
func New() provider.Provider { return internal.New() }
