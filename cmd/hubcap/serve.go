package main

import (
	"context"
	"errors"
)

// serveCmd is `hubcap serve`.
type serveCmd struct {
	Addr        string   `default:"127.0.0.1:4510" help:"Address to listen on." placeholder:"HOST:PORT"`
	Store       string   `help:"Directory of the store, or memory. [$${XDG_DATA_HOME:-~/.local/share}/hubcap]" placeholder:"DIR|memory"`
	Profile     string   `default:"open" enum:"open,aws" help:"How strict: open for running a hub, aws to fail where AWS fails."`
	Auth        string   `default:"none" enum:"none,sigv4" help:"Whether signatures are checked against the keys of the config file."`
	Config      string   `help:"Configuration file (TOML): keys, products, and any of these flags." placeholder:"FILE"`
	Insecure    bool     `help:"Serve a public address with --auth none: whoever reaches it may read and write everything."`
	AllowHost   []string `help:"Host names that requests may name with --auth none, beside loopback and --addr." placeholder:"HOST"`
	CORSOrigin  []string `name:"cors-origin" help:"Origins of web pages that may call this hub." placeholder:"ORIGIN"`
	TLSCert     string   `name:"tls-cert" help:"Certificate chain (PEM); read again when it changes." placeholder:"FILE"`
	TLSKey      string   `name:"tls-key" help:"Private key (PEM)." placeholder:"FILE"`
	Memory      string   `help:"Soft limit of the process's memory. [60 % of the machine's or the container's]" placeholder:"SIZE"`
	MaxInflight string   `default:"256MB" help:"Memory for requests under way; beyond it new ones are answered 503." placeholder:"SIZE"`
	MetricsAddr string   `help:"Serve /metrics here and not on --addr." placeholder:"HOST:PORT"`
	LogFormat   string   `default:"text" enum:"text,json" help:"Format of the log on standard error."`
	HistoryDays int      `default:"90" help:"Days that a finding's history is kept."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, std *streams) error {
	return errors.New("serve: being built")
}
