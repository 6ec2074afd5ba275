package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/store/embedded"
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
