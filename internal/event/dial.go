package event

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	dialTime  = 5 * time.Second
	maxAnswer = 64 << 10 // that is read of an answer over HTTP
	// writeBuffer takes most events with their headers, so that they go out in one piece.
	writeBuffer = 16 << 10
)

// errForbiddenAddress refuses to dial.
var errForbiddenAddress = errors.New("the address is of this machine, a private network or otherwise special: it is not dialled (allow_private lets it)")

// Dialer dials what receivers may be at. It judges the address that a name was resolved to, at the moment of dialling, so that no name
// leads into one's own network.
func Dialer(allowPrivate bool) *net.Dialer {
	return &net.Dialer{
		Timeout: dialTime,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !mayDial(at.Addr(), allowPrivate) {
				return errForbiddenAddress
			}
			return nil
		},
	}
}

// dialTLS dials as Dialer does and shakes hands: for clients that leave TLS to who dials. conf nil: no TLS.
func dialTLS(ctx context.Context, allowPrivate bool, conf *tls.Config, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := Dialer(allowPrivate).DialContext(ctx, network, address)
	if err != nil || conf == nil {
		return conn, err
	}
	if conf.ServerName == "" {
		conf = conf.Clone()
		if conf.ServerName, _, err = net.SplitHostPort(address); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// httpClient speaks HTTP to what Dialer dials. Redirects are answers like others, and no proxy of the environment stands in between:
// what is judged is what is dialled.
func httpClient(allowPrivate bool, conf *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            Dialer(allowPrivate).DialContext,
			TLSClientConfig:        conf,
			TLSHandshakeTimeout:    dialTime,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    atOnce,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxAnswer,
			WriteBufferSize:        writeBuffer,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// briefly reads no more than 64 KB of an answer, for clients that would read all of it.
type briefly struct{ *http.Client }

// Do answers a request.
func (b briefly) Do(r *http.Request) (*http.Response, error) {
	resp, err := b.Client.Do(r) //nolint:gosec // its dialer judges the address
	if resp != nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// metadata are addresses at which clouds tell machines their secrets.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"),
}

// special are blocks of IPv4 that are nobody's on the Internet (the IANA registry of special-purpose addresses).
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// global is what IPv6 has of the Internet, and carriers what of it carries an address of IPv4 or is special.
var (
	global   = netip.MustParsePrefix("2000::/3")
	carriers = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64    = prefixes("64:ff9b::/96", "64:ff9b:1::/48")

	compatible, sixToFour = prefixes("::/96"), prefixes("2002::/16")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// carried are the addresses of IPv4 that one of IPv6 may lead to: mapped, compatible, by NAT64 (RFC 6052, 8215) or 6to4.
func carried(ip netip.Addr) []netip.Addr {
	b := ip.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case ip.Is4():
		return nil
	case ip.Is4In6(), within(compatible, ip):
		return []netip.Addr{last}
	case within(nat64, ip):
		return []netip.Addr{last, netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]})}
	case within(sixToFour, ip):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	}
	return nil
}

// mayDial judges an address.
func mayDial(ip netip.Addr, allowPrivate bool) bool {
	ip = ip.WithZone("")
	for _, meant := range append(carried(ip), ip) {
		if slices.Contains(metadata, meant) || meant.IsMulticast() || meant.IsUnspecified() && meant == ip {
			return false
		}
	}
	switch {
	case ip.Is4In6() && ip.Unmap().IsUnspecified():
		return false
	case allowPrivate:
		return true
	case ip.Is4():
		return !within(special, ip)
	}
	return global.Contains(ip) && !within(carriers, ip) // mapped and NAT64 forms are not global
}
