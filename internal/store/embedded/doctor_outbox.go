package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/store"
)

// outbox examines the events, and what waits for them.
func (d *doctor) outbox() error {
	var buf []byte
	err := d.eachOf(eventPrefix, func(key, value []byte) error {
		var e store.Event
		err := errDamaged
		if len(key) == 1+8 {
			d.highest = max(d.highest, binary.BigEndian.Uint64(key[1:]))
			buf, err = decodeEvent(&e, buf, value)
		}
		if err == nil {
			d.highest = max(d.highest, e.Version)
			return nil
		}
		d.report(ProblemEvent, fmt.Sprintf("event %x", key[1:]), "%v", err)
		return d.remove(key, value, ProblemEvent)
	})
	for _, prefix := range [...]byte{waitingPrefix, deadPrefix} {
		if err == nil {
			err = d.eachOf(prefix, d.waits)
		}
	}
	return err
}

// waits examines one row of a sink: the event that it names must be there.
func (d *doctor) waits(key, value []byte) error {
	var number []byte
	err := errDamaged
	if key[0] == waitingPrefix {
		if _, err = splitWaiting(key); err == nil {
			number = value
		}
	} else if len(key) > 2+8 && len(key) == 2+int(key[1])+8 {
		_, err = decodeDead(value)
		number = key[len(key)-8:]
	}
	if err == nil && len(number) != 8 {
		err = errDamaged
	}
	if err == nil {
		_, closer, missing := d.s.db.Get(eventKey(nil, binary.BigEndian.Uint64(number)))
		if missing == nil {
			return closer.Close()
		}
		if !errors.Is(missing, pebble.ErrNotFound) {
			return missing
		}
		err = errors.New("its event is not there")
	}
	d.report(ProblemEvent, fmt.Sprintf("record %x", key), "%v", err)
	return d.remove(key, value, ProblemEvent)
}
