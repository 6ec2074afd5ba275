package web

import "embed"

// built is what `make build` leaves in dist, where Node is there to make it. The pattern also matches the page that says how, which is part
// of the sources, so that a checkout without a build compiles and serves that page.
//
//go:embed all:dist*
var built embed.FS
