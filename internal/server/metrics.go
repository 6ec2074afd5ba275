package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters count requests. Their labels are operations and status codes, of which there are few: no account, product or id (D53).
type meters struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	handler  http.Handler

	unknown  *meter // paths that are nobody's, and what the browser's guard refused
	page     *meter // /healthz, /metrics, preflights
	identity *meter // POST /
}

// meter counts the requests of one operation, from the first one on: what is never called has no lines.
type meter struct {
	all     *meters
	name    string
	first   sync.Once
	seconds prometheus.Observer
	codes   sync.Map // status -> prometheus.Counter, so that counting makes no strings
}

func newMeters(reg *prometheus.Registry, b *budget) (*meters, error) {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hubcap_requests_total", Help: "Requests answered, by operation and HTTP status.",
		}, []string{"operation", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hubcap_request_seconds", Help: "Time from a request's headers to its answer's end, by operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		handler: promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4}),
	}
	inflight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hubcap_inflight_bytes", Help: "Memory that requests under way hold (--max-inflight).",
	}, func() float64 { return float64(b.used.Load()) })
	for _, c := range []prometheus.Collector{m.requests, m.seconds, inflight} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	m.unknown, m.page, m.identity = m.of("unknown"), m.of("page"), m.of("GetCallerIdentity")
	return m, nil
}

func (m *meters) of(name string) *meter {
	return &meter{all: m, name: name}
}

func (m *meter) count(status int, took time.Duration) {
	c, ok := m.codes.Load(status)
	if !ok {
		c, _ = m.codes.LoadOrStore(status, m.all.requests.WithLabelValues(m.name, strconv.Itoa(status)))
	}
	c.(prometheus.Counter).Inc()
	m.first.Do(func() { m.seconds = m.all.seconds.WithLabelValues(m.name) })
	m.seconds.Observe(took.Seconds())
}
