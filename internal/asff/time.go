package asff

// ParseTime reads a timestamp of the format as an instant in Unix milliseconds (D17, D24).
func ParseTime(b []byte) (ms int64, ok bool) { _ = b; return 0, false }
