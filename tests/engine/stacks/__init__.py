"""Every stack on a cluster of its own, deployed once for all the modules of this folder."""
