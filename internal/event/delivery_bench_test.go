package event

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hubcap/internal/asff/asfftest"
	"hubcap/internal/hub"
	"hubcap/internal/store/embedded"
)

// BenchmarkDeliver is the delivery of events alone: 20,000 wait when it begins, and a receiver in the same process, as cheap as one can be,
// answers 204. cpu-us/event is of both.
func BenchmarkDeliver(b *testing.B) {
	const events, batch = 20_000, 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var taken atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerQuickly(conn, &taken)
		}
	}()
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		taken.Store(0)
		s, err := embedded.Open("store", embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true})
		if err != nil {
			b.Fatal(err)
		}
		hook, err := NewWebhook(WebhookOptions{URL: "http://" + l.Addr().String(), Secrets: []string{testSecret}, AllowPrivate: true, Clock: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		sinks := []Sink{{Name: "hook", Target: hook}}
		h, err := hub.New(b.Context(), hub.Config{Store: s, Clock: time.Now, Sinks: ForHub(sinks)})
		if err != nil {
			b.Fatal(err)
		}
		service, err := New(Config{Hub: h, Sinks: sinks, Clock: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		for from := 0; from < events; from += batch {
			body := []byte(`{"Findings":[`)
			for k := range batch {
				if k > 0 {
					body = append(body, ',')
				}
				body = asfftest.Append(body, anyone.Account, anyone.Region, from+k, 0)
			}
			if _, err := h.BatchImportFindings(b.Context(), anyone, append(body, "]}"...)); err != nil {
				b.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		before := cpuTime()
		b.StartTimer()
		go func() { service.Run(ctx); close(ended) }()
		for taken.Load() < events {
			time.Sleep(time.Millisecond) // a benchmark that spins would measure itself
		}
		b.StopTimer()
		used += cpuTime() - before
		cancel()
		<-ended
		_ = s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(used.Microseconds())/float64(b.N)/events, "cpu-us/event")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/events, "us/event")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func answerQuickly(conn net.Conn, taken *atomic.Int64) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
			}
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
			return
		}
		taken.Add(1)
	}
}
