package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/store/embedded"
	"hubcap/internal/store/postgres"
)

// storeMetrics tells on /metrics what the store tells about itself, read once a scrape.
type storeMetrics struct{ stats func() embedded.Stats }

var (
	metricFindings = prometheus.NewDesc("hubcap_store_findings", "Findings in the store.", nil, nil)
	metricTerms    = prometheus.NewDesc("hubcap_store_terms", "Distinct values that the index knows.", nil, nil)
	metricIndex    = prometheus.NewDesc("hubcap_store_index_bytes", "Memory that those values take, an estimate (--index-memory).", nil, nil)
	metricDisk     = prometheus.NewDesc("hubcap_store_disk_bytes", "Size of the database on disk.", nil, nil)
	metricFree     = prometheus.NewDesc("hubcap_store_free_bytes", "Free space of the disk, as last looked at.", nil, nil)
	metricFull     = prometheus.NewDesc("hubcap_store_nearly_full", "1 while writes are refused because the disk is nearly full (--min-free).", nil, nil)
)

// Describe implements prometheus.Collector.
func (storeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{metricFindings, metricTerms, metricIndex, metricDisk, metricFree, metricFull} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m storeMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.stats()
	full := 0.0
	if s.NearlyFull {
		full = 1
	}
	for d, v := range map[*prometheus.Desc]float64{
		metricFindings: float64(s.Findings), metricTerms: float64(s.Terms), metricIndex: float64(s.IndexBytes),
		metricDisk: float64(s.DiskBytes), metricFree: float64(s.FreeBytes), metricFull: full,
	} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
}

// databaseMetrics tells what a store in PostgreSQL tells about itself. The database has metrics of its own.
type databaseMetrics struct{ s *postgres.Store }

var (
	metricEstimate = prometheus.NewDesc("hubcap_store_findings", "Findings in the store, as the database estimates.", nil, nil)
	metricBusy     = prometheus.NewDesc("hubcap_store_connections_busy", "Connections to the database that are in use.", nil, nil)
	metricIdle     = prometheus.NewDesc("hubcap_store_connections_idle", "Connections to the database that are open and not in use.", nil, nil)
	metricMost     = prometheus.NewDesc("hubcap_store_connections_most", "Connections to the database that there may be (pool_max_conns).", nil, nil)
	metricWaited   = prometheus.NewDesc("hubcap_store_connections_waited_total", "How often somebody had to wait for a connection.", nil, nil)
)

// estimateTime is how long a scrape waits for the database.
const estimateTime = 2 * time.Second

// Describe implements prometheus.Collector.
func (databaseMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{metricEstimate, metricBusy, metricIdle, metricMost, metricWaited} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Where the database does not answer, the number of findings is left out.
func (m databaseMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), estimateTime)
	defer cancel()
	if n, err := m.s.Estimate(ctx); err == nil {
		ch <- prometheus.MustNewConstMetric(metricEstimate, prometheus.GaugeValue, float64(n))
	}
	c := m.s.Connections()
	ch <- prometheus.MustNewConstMetric(metricBusy, prometheus.GaugeValue, float64(c.Busy))
	ch <- prometheus.MustNewConstMetric(metricIdle, prometheus.GaugeValue, float64(c.Idle))
	ch <- prometheus.MustNewConstMetric(metricMost, prometheus.GaugeValue, float64(c.Most))
	ch <- prometheus.MustNewConstMetric(metricWaited, prometheus.CounterValue, float64(c.Waited))
}
