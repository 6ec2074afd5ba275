// Package archtest holds the plan of the house (docs/architecture.md) against the sources: which package may import which, who may
// speak HTTP or touch files, how long a file may be. It has tests only.
package archtest
