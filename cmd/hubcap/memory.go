package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryLimit is what --memory asks for, else 60 % of what the container or the machine has, in bytes.
func memoryLimit(flag string) (int64, error) {
	if flag != "" {
		n, err := parseSize(flag)
		if err != nil {
			return 0, fmt.Errorf("--memory: %w", err)
		}
		if n < 64<<20 {
			return 0, fmt.Errorf("--memory %s: must be 64MB or more", flag)
		}
		return n, nil
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return debug.SetMemoryLimit(-1), nil // what its owner told Go itself
	}
	if total := totalMemory(os.ReadFile); total > 0 {
		return total / 10 * 6, nil
	}
	return math.MaxInt64, nil // unknown: no limit, as Go has it
}

// totalMemory is the smallest of the machine's memory and the limits of the control group, 0 when nobody tells.
func totalMemory(read func(string) ([]byte, error)) int64 {
	var least int64
	consider := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := read(name); err == nil {
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
			if err == nil {
				consider(n)
			}
		}
	}
	if text, err := read("/proc/meminfo"); err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			var kb int64
			if _, err := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kb); err == nil {
				consider(kb << 10)
			}
		}
	}
	return least
}

var errSize = errors.New("must be a number of bytes or end in KB, MB or GB (powers of 1024), such as 256MB")

// parseSize reads 1024, 64KB, 256MB, 1.5GB; KiB and its relatives mean the same.
func parseSize(s string) (int64, error) {
	number, unit := strings.ToUpper(strings.TrimSpace(s)), int64(1)
	number = strings.TrimSuffix(number, "B")
	number = strings.TrimSuffix(number, "I")
	for i, letter := range []string{"K", "M", "G", "T"} {
		if n, ok := strings.CutSuffix(number, letter); ok {
			number, unit = strings.TrimSpace(n), 1<<(10*(i+1))
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v > 0) || v*float64(unit) >= math.MaxInt64 {
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	return int64(v * float64(unit)), nil
}
