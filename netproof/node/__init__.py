"""What makes a node: namespaces, links, cgroups."""
