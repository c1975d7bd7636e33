// Package ext stands in for the module of this name, which Traefik keeps in its own tree and replaces by path, so that
// no module proxy serves it. Traefik embeds its two types where extensions of it would add fields; there are none.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// Router adds nothing to a router.
type Router struct{}
