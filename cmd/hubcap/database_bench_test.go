package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"hubcap/internal/store/postgres/postgrestest"
)

// startDatabase starts a server that is set up as one would for use: every commit is on disk before it is acknowledged. Rows that need
// it are left out where PostgreSQL is not installed.
func startDatabase(b *testing.B) *postgrestest.Server {
	b.Helper()
	return postgrestest.Start(b, "full_page_writes=on", "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "wal_compression=lz4",
		"effective_cache_size=8GB", "random_page_cost=1.1", "work_mem=32MB", "maintenance_work_mem=256MB", "autovacuum_naptime=15s")
}

// BenchmarkServePostgres is BenchmarkServe on PostgreSQL: server, hub and clients share the processors. cpu-us/finding and allocations are
// those of hub and clients.
func BenchmarkServePostgres(b *testing.B) {
	for _, what := range []string{"new", "update"} {
		for _, clients := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/clients=%d", what, clients), func(b *testing.B) {
				benchServe(b, what == "update", clients, []string{"--store", startDatabase(b).Database(b)})
			})
		}
	}
}

// BenchmarkQuestionsPostgres asks what BenchmarkQuestions asks.
func BenchmarkQuestionsPostgres(b *testing.B) {
	n := questionsSize()
	h := &hubProcess{store: startDatabase(b).Database(b)}
	h.start(b)
	defer func() { h.stop(b, os.Interrupt) }()
	h.organise(b)
	h.fill(b, n)
	questions := questionsAbout(n)
	for i := range questions {
		q := &questions[i]
		q.goal = 15 * float64(q.pages)
		if q.name == "group-by-resource" {
			q.goal = 150
		}
	}
	size := "n=" + strconv.Itoa(n) + "/"
	h.questions(b, size, questions)
	b.Run(size+"disk", func(b *testing.B) {
		b.ReportMetric(float64(postgrestest.Size(b, h.store))/(1<<20), "MB")
		b.ReportMetric(0, "ns/op")
	})
}
