package event

import (
	"context"
	"sync"
)

// link is a connection that is made when it is first needed, and anew when it has ended. Many ask for it at once; one makes it, and all
// get what became of that, so that a broker that is away costs one attempt and not one for each event under way.
type link[T any] struct {
	dial  func(context.Context) (T, error)
	alive func(T) bool

	mu     sync.Mutex
	conn   T
	have   bool
	making *making[T]
	closed bool
}

type making[T any] struct {
	done chan struct{}
	conn T
	err  error
}

// get answers a living connection. An attempt goes on when the first one who waited for it does so no more: dial has its own limits.
func (l *link[T]) get(ctx context.Context) (conn T, err error) {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return conn, context.Canceled
	case l.have && l.alive(l.conn):
		defer l.mu.Unlock()
		return l.conn, nil
	}
	m := l.making
	if m == nil {
		m = &making[T]{done: make(chan struct{})}
		l.making, l.have = m, false
		go l.make(context.WithoutCancel(ctx), m)
	}
	l.mu.Unlock()
	select {
	case <-m.done:
		return m.conn, m.err
	case <-ctx.Done():
		return conn, ctx.Err()
	}
}

func (l *link[T]) make(ctx context.Context, m *making[T]) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	m.conn, m.err = l.dial(ctx)
	l.mu.Lock()
	l.making = nil
	l.conn, l.have = m.conn, m.err == nil
	l.mu.Unlock()
	close(m.done)
}

// end gives the connection to who closes it, after an attempt under way; false: there is none. None is made any more.
func (l *link[T]) end() (conn T, ok bool) {
	l.mu.Lock()
	l.closed = true
	m := l.making
	l.mu.Unlock()
	if m != nil {
		<-m.done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ok, l.have = l.have, false
	return l.conn, ok
}
