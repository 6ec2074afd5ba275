package hub

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed insights.tsv
var builtinInsights string

// managedInsight is an insight that every account has and nobody can change.
type managedInsight struct {
	name, groupBy string
	filters       []byte // as GetInsights tells them
}

// managedInsights are the built-in ones, by number.
var managedInsights = sync.OnceValues(func() (map[string]managedInsight, error) { return parseInsights(builtinInsights) })

// parseInsights reads the table whose form insights.tsv explains in its head.
func parseInsights(table string) (map[string]managedInsight, error) {
	all := map[string]managedInsight{}
	last := uint64(0)
	n := 0
	for line := range strings.Lines(table) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		number, m, err := parseInsight(line)
		if err == nil && number <= last {
			err = fmt.Errorf("number %d stands after %d", number, last)
		}
		if err != nil {
			return nil, fmt.Errorf("insights.tsv:%d: %w", n, err)
		}
		last = number
		all[strconv.FormatUint(number, 10)] = m
	}
	return all, nil
}

// openState is what a row's "open" stands for.
var openState = []string{"RecordState=ACTIVE", "WorkflowStatus=NEW", "WorkflowStatus=NOTIFIED"}

func parseInsight(line string) (number uint64, m managedInsight, err error) {
	cols := strings.Split(line, "\t")
	if len(cols) < 5 {
		return 0, m, fmt.Errorf("%d columns, not 5 or more", len(cols))
	}
	if number, err = strconv.ParseUint(cols[0], 10, 16); err != nil {
		return 0, m, err
	}
	m.groupBy, m.name = cols[1], cols[4]
	if m.name == "" || cols[3] == "" {
		return 0, m, errors.New("name and source may not be empty")
	}
	if _, err := groupingAttribute(m.groupBy); err != nil {
		return 0, m, err
	}
	conditions := slices.Clone(cols[5:])
	switch cols[2] {
	case "open":
		conditions = append(conditions, openState...)
	case "any":
	default:
		return 0, m, fmt.Errorf("state %q", cols[2])
	}
	filters := map[string][]any{}
	for _, c := range conditions {
		at := strings.IndexAny(c, "=^<")
		if at < 0 {
			return 0, m, fmt.Errorf("filter %q", c)
		}
		name, value := c[:at], c[at+1:]
		switch c[at] {
		case '=':
			filters[name] = append(filters[name], map[string]string{"Comparison": "EQUALS", "Value": value})
		case '^':
			filters[name] = append(filters[name], map[string]string{"Comparison": "PREFIX", "Value": value})
		default:
			days, err := strconv.Atoi(value)
			if err != nil {
				return 0, m, err
			}
			filters[name] = append(filters[name], map[string]any{"DateRange": map[string]any{"Unit": "DAYS", "Value": days}})
		}
	}
	m.filters, err = json.Marshal(filters)
	return number, m, err
}
