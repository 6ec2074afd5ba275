package query

import (
	"bytes"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"hubcap/internal/asff"
)

// Options say what a place that takes filters allows.
type Options struct {
	// AllowContains admits CONTAINS and NOT_CONTAINS: in rules, and in every place under profile open (D19).
	AllowContains bool
	// MaxAttributes and MaxValues bound how many attributes the filters have and how many conditions one attribute; 0 means 10
	// and 20 (spec 4.1).
	MaxAttributes, MaxValues int
	// MinValues is how many conditions an attribute has that is there at all; 0 for no such bound (spec 8.4 has one, 4 none).
	MinValues int
	// Name is the parameter that holds the filters; "" means Filters.
	Name string
	// Attribute, when set, says which attributes are allowed here and how many conditions each may have (0: MaxValues).
	Attribute func(asff.Field) (maxValues int, ok bool)
}

const (
	defaultAttributes = 10
	defaultValues     = 20
	day               = 24 * time.Hour
	maxRangeDays      = 3650
)

// filterDate is the pattern of dates in filters, stricter than that of findings (spec 1.10.3).
var filterDate = regexp.MustCompile(`^(\d\d\d\d)-([0][1-9]|[1][0-2])-([0][1-9]|[1-2](\d)|[3][0-1])[T](?:([0-1](\d)|[2][0-3]):[0-5](\d):[0-5](\d)|23:59:60)(?:\.(\d)+)?([Z]|[+-](\d\d)(:?(\d\d))?)$`)

// Compile reads AwsSecurityFindingFilters: a JSON object of attributes, each a list of conditions. Nothing, null, {} and
// attributes with empty lists, where the options allow them, ask for everything. Relative dates are resolved at now. The error is a *ParamError that names the
// place and the rule.
//
// The result joins the attributes by AND, and within an attribute (spec 4.2) the positive comparisons by OR, the negative ones by
// AND, numbers, dates, addresses, booleans and keywords by OR (D31). A finding that lacks VerificationState counts as UNKNOWN
// (D4), one that lacks Sample as false (D31): this is spelled out in the result, so that engines need not know it.
func Compile(filters []byte, now time.Time, o Options) (Expr, error) {
	if o.Name == "" {
		o.Name = "Filters"
	}
	if o.MaxAttributes == 0 {
		o.MaxAttributes = defaultAttributes
	}
	if o.MaxValues == 0 {
		o.MaxValues = defaultValues
	}
	if len(bytes.TrimSpace(filters)) == 0 {
		return Expr{}, nil
	}
	c := compiler{decoder: newDecoder(filters, o.Name), now: now, o: o}
	all, err := c.filters()
	if err != nil {
		return Expr{}, err
	}
	return all, nil
}

// compiler turns one set of filters into an Expr.
type compiler struct {
	*decoder
	now time.Time
	o   Options
}

func (c *compiler) filters() (Expr, error) {
	isNull, err := c.null()
	if err != nil {
		return Expr{}, err
	}
	var all []Expr
	if !isNull {
		attributes := 0
		err = c.members(c.o.Name, func(name, path string) error {
			f, ok := asff.FieldByName(name)
			limit := c.o.MaxValues
			if ok && c.o.Attribute != nil {
				var most int
				if most, ok = c.o.Attribute(f); most > 0 {
					limit = most
				}
			}
			if !ok {
				return unknown(path)
			}
			parts, err := c.attribute(f, path, limit)
			if err != nil || len(parts) == 0 {
				return err
			}
			if attributes++; attributes > c.o.MaxAttributes {
				return wrong(c.o.Name, "should NOT have more than "+strconv.Itoa(c.o.MaxAttributes)+" properties")
			}
			all = append(all, parts...)
			return nil
		})
		if err != nil {
			return Expr{}, err
		}
	}
	if err := c.end(); err != nil {
		return Expr{}, err
	}
	return Every(all...), nil
}

// attribute reads the conditions of one attribute. All that it returns must hold.
func (c *compiler) attribute(f asff.Field, path string, limit int) ([]Expr, error) {
	var (
		positive, negative []Expr
		used               comparisons
		n                  int
	)
	if isNull, err := c.null(); isNull || err != nil {
		return nil, err
	}
	err := c.list(path, func(i int) error {
		if n++; i >= limit {
			return wrong(path, "should NOT have more than "+strconv.Itoa(limit)+" items")
		}
		e, isNegative, err := c.condition(f, at(path, i), &used)
		switch {
		case err != nil:
			return err
		case isNegative:
			negative = append(negative, Negate(e))
		default:
			positive = append(positive, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n < c.o.MinValues {
		return nil, wrong(path, "should NOT have fewer than "+strconv.Itoa(c.o.MinValues)+" items")
	}
	if err := used.check(path); err != nil {
		return nil, err
	}
	if len(positive) == 0 {
		return negative, nil
	}
	return append([]Expr{Any(positive...)}, negative...), nil
}

func (c *compiler) condition(f asff.Field, path string, used *comparisons) (e Expr, isNegative bool, err error) {
	switch f.Kind() {
	case asff.KindNumber:
		e, err = c.numberFilter(f, path)
	case asff.KindDate:
		e, err = c.dateFilter(f, path)
	case asff.KindIP:
		e, err = c.ipFilter(f, path)
	case asff.KindBool:
		e, err = c.booleanFilter(f, path)
	case asff.KindKeyword:
		e, err = c.keywordFilter(f, path)
	default:
		return c.textFilter(f, path, used)
	}
	return e, false, err
}

// comparison is how a StringFilter or MapFilter compares.
type comparison uint8

const (
	equals comparison = iota
	notEquals
	prefix
	prefixNotEquals
	isIn
	isNotIn
)

var comparisonNames = [...]string{
	equals: "EQUALS", notEquals: "NOT_EQUALS", prefix: "PREFIX", prefixNotEquals: "PREFIX_NOT_EQUALS",
	isIn: "CONTAINS", isNotIn: "NOT_CONTAINS",
}

// textFilter reads a StringFilter {Value, Comparison} or a MapFilter {Key, Value, Comparison}.
func (c *compiler) textFilter(f asff.Field, path string, used *comparisons) (e Expr, isNegative bool, err error) {
	var (
		cond        = Cond{Field: f}
		how         comparison
		value, comp bool
		key         bool
		isMap       = f.Kind() == asff.KindMap
		known       = []string{"Comparison", "Value"}
	)
	if isMap {
		known = []string{"Comparison", "Key", "Value"}
	}
	err = c.object(path, func(member, path string) error {
		text, present, err := c.text(path)
		if err != nil || !present {
			return err
		}
		switch member {
		case "Value":
			cond.Text, value = text, true
		case "Key":
			cond.Key, key = text, true
		default:
			comp = true
			how, err = c.comparison(text, path, isMap)
		}
		return err
	}, known...)
	switch {
	case err != nil:
		return Expr{}, false, err
	case isMap && !key:
		return Expr{}, false, missing(path, "Key")
	case !value:
		return Expr{}, false, missing(path, "Value")
	case !comp:
		return Expr{}, false, missing(path, "Comparison")
	}
	used[how] = true
	switch how {
	case prefix, prefixNotEquals:
		cond.Cmp = Prefix
	case isIn, isNotIn:
		cond.Cmp = Contains
	default:
		cond.Cmp = Equals
	}
	return Where(cond), how == notEquals || how == prefixNotEquals || how == isNotIn, nil
}

func (c *compiler) comparison(text, path string, isMap bool) (comparison, error) {
	var allowed []string
	for how, name := range comparisonNames {
		how := comparison(how)
		if isMap && (how == prefix || how == prefixNotEquals) || !c.o.AllowContains && (how == isIn || how == isNotIn) {
			continue
		}
		if name == text {
			return how, nil
		}
		allowed = append(allowed, name)
	}
	return 0, wrong(path, oneOf(allowed...))
}

// comparisons are those that the conditions of one attribute use.
type comparisons [len(comparisonNames)]bool

// check refuses the mixes that are an error on one attribute (spec 4.3).
func (used *comparisons) check(path string) error {
	refuse := func(a, b comparison) error {
		return wrong(path, "should NOT have both "+comparisonNames[a]+" and "+comparisonNames[b])
	}
	for _, alone := range [...]comparison{isIn, isNotIn} {
		for other := range used {
			if other := comparison(other); used[alone] && used[other] && other != alone {
				return refuse(alone, other)
			}
		}
	}
	for _, other := range [...]comparison{notEquals, prefixNotEquals} {
		if used[equals] && used[other] {
			return refuse(equals, other)
		}
	}
	return nil
}

// numberFilter reads Eq, or bounds among Gte, Gt, Lte, Lt, which must all hold (spec 4.6).
func (c *compiler) numberFilter(f asff.Field, path string) (Expr, error) {
	cond := Cond{Field: f, Cmp: Range, Lo: math.Inf(-1), Hi: math.Inf(1)}
	var eq, bounds bool
	err := c.object(path, func(member, path string) error {
		x, present, err := c.number(path, "number")
		if err != nil || !present {
			return err
		}
		if member == "Eq" {
			eq = true
		} else {
			bounds = true
		}
		switch member {
		case "Eq":
			cond.Lo, cond.Hi = x, x
		case "Gte":
			cond.atLeast(x, false)
		case "Gt":
			cond.atLeast(x, true)
		case "Lte":
			cond.atMost(x, false)
		case "Lt":
			cond.atMost(x, true)
		}
		return nil
	}, "Eq", "Gte", "Gt", "Lte", "Lt")
	switch {
	case err != nil:
		return Expr{}, err
	case eq && bounds:
		return Expr{}, wrong(path, "should NOT have 'Eq' together with 'Gte', 'Gt', 'Lte' or 'Lt'")
	case !eq && !bounds:
		return Expr{}, wrong(path, "should have one of the properties 'Eq', 'Gte', 'Gt', 'Lte', 'Lt'")
	}
	return whereRange(cond), nil
}

// atLeast and atMost narrow a Range.
func (c *Cond) atLeast(x float64, open bool) {
	if x > c.Lo || x == c.Lo && open {
		c.Lo, c.LoOpen = x, open
	}
}

func (c *Cond) atMost(x float64, open bool) {
	if x < c.Hi || x == c.Hi && open {
		c.Hi, c.HiOpen = x, open
	}
}

// dateFilter reads DateRange, or Start and End, both inclusive (spec 4.6).
func (c *compiler) dateFilter(f asff.Field, path string) (Expr, error) {
	var (
		start, end int64
		has        = map[string]bool{}
		within     Cond
	)
	err := c.object(path, func(member, path string) (err error) {
		var present bool
		switch member {
		case "Start":
			start, present, err = c.instant(path)
		case "End":
			end, present, err = c.instant(path)
		default:
			within, present, err = c.dateRange(f, path)
		}
		has[member] = present
		return err
	}, "DateRange", "End", "Start")
	switch {
	case err != nil:
		return Expr{}, err
	case has["DateRange"] && (has["Start"] || has["End"]):
		return Expr{}, wrong(path, "should NOT have 'DateRange' together with 'Start' or 'End'")
	case has["DateRange"]:
		return Where(within), nil
	case !has["Start"] && !has["End"]:
		return Expr{}, wrong(path, "should have the property 'DateRange', or 'Start' and 'End'")
	case !has["Start"]:
		return Expr{}, missing(path, "Start")
	case !has["End"]:
		return Expr{}, missing(path, "End")
	}
	return whereRange(Cond{Field: f, Cmp: Range, Lo: float64(start), Hi: float64(end)}), nil
}

func (c *compiler) instant(path string) (ms int64, present bool, err error) {
	text, present, err := c.text(path)
	if err != nil || !present {
		return 0, false, err
	}
	if !filterDate.MatchString(text) {
		return 0, false, wrong(path, `should match pattern "`+filterDate.String()+`"`)
	}
	ms, ok := asff.ParseTime([]byte(text))
	if !ok {
		return 0, false, wrong(path, `should match format "date-time"`)
	}
	return ms, true, nil
}

// dateRange reads {Value, Unit, Comparison}: the last Value days, or what is older. WITHIN has no upper end, so that a finding
// dated ahead of our clock is not lost: every instant is either within or older.
func (c *compiler) dateRange(f asff.Field, path string) (cond Cond, present bool, err error) {
	isNull, err := c.null()
	if isNull || err != nil {
		return cond, false, err
	}
	var (
		days      float64
		unit, old bool
	)
	err = c.object(path, func(member, path string) error {
		if member == "Value" {
			// AWS's word for what is no number at all (spec 7.5).
			x, present, err := c.number(path, "number")
			switch {
			case err != nil || !present:
				return err
			case x != math.Trunc(x):
				return wrong(path, "should be integer")
			case x < 1:
				return wrong(path, "should be >= 1")
			case x > maxRangeDays:
				return wrong(path, "should be <= "+strconv.Itoa(maxRangeDays))
			}
			days = x
			return nil
		}
		text, present, err := c.text(path)
		switch {
		case err != nil || !present:
			return err
		case member == "Unit" && text != "DAYS":
			return wrong(path, oneOf("DAYS"))
		case member == "Unit":
			unit = true
		case text == "OLDER_THAN":
			old = true
		case text != "WITHIN":
			return wrong(path, oneOf("WITHIN", "OLDER_THAN"))
		}
		return nil
	}, "Comparison", "Unit", "Value")
	switch {
	case err != nil:
		return cond, false, err
	case days == 0:
		return cond, false, missing(path, "Value")
	case !unit:
		return cond, false, missing(path, "Unit")
	}
	since := float64(c.now.Add(-time.Duration(days) * day).UnixMilli())
	cond = Cond{Field: f, Cmp: Range, Lo: since, Hi: math.Inf(1)}
	if old {
		cond.Lo, cond.Hi, cond.HiOpen = math.Inf(-1), since, true
	}
	return cond, true, nil
}

// ipFilter reads {Cidr}. A bare address is a network of one; host bits are masked (D10).
func (c *compiler) ipFilter(f asff.Field, path string) (Expr, error) {
	var net netip.Prefix
	err := c.object(path, func(_, path string) error {
		text, present, err := c.text(path)
		if err != nil || !present {
			return err
		}
		var ok bool
		if net, ok = network(text); !ok {
			return wrong(path, `should match format "cidr"`)
		}
		return nil
	}, "Cidr")
	switch {
	case err != nil:
		return Expr{}, err
	case !net.IsValid():
		return Expr{}, missing(path, "Cidr")
	}
	return Where(Cond{Field: f, Cmp: InCIDR, Text: net.String()}), nil
}

// network reads a CIDR or a bare address, and masks it.
func network(text string) (netip.Prefix, bool) {
	if net, err := netip.ParsePrefix(text); err == nil {
		return net.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func (c *compiler) booleanFilter(f asff.Field, path string) (Expr, error) {
	var value, has bool
	err := c.object(path, func(_, path string) (err error) {
		value, has, err = c.boolean(path)
		return err
	}, "Value")
	switch {
	case err != nil:
		return Expr{}, err
	case !has:
		return Expr{}, missing(path, "Value")
	}
	return Where(Cond{Field: f, Cmp: Equals, Text: strconv.FormatBool(value)}), nil
}

func (c *compiler) keywordFilter(f asff.Field, path string) (Expr, error) {
	var word string
	err := c.object(path, func(_, path string) (err error) {
		word, _, err = c.text(path)
		return err
	}, "Value")
	switch {
	case err != nil:
		return Expr{}, err
	case word == "":
		return Expr{}, missing(path, "Value")
	}
	return Where(Cond{Field: f, Cmp: Keyword, Text: word}), nil
}
