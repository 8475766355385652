"""What a stack needs of its cluster, compared with what is there; reads, and changes nothing."""
