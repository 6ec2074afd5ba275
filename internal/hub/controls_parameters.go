package hub

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/standards"
)

// The values of ParameterConfiguration.ValueType.
const (
	valueDefault = "DEFAULT"
	valueCustom  = "CUSTOM"
)

// maxParameterText bounds the text of a parameter, and maxParameterItems the values of a list where the catalogue knows no number.
const (
	maxParameterText  = 1024
	maxParameterItems = 100
)

// checkParameters holds parameters of a control to what the catalogue knows of them: names, types, bounds. Of several mistakes the
// first by name is told.
func checkParameters(path string, ctl *standards.Control, sent map[string]api.ParameterConfiguration) error {
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		at := path + "." + name
		i := slices.IndexFunc(ctl.Parameters, func(p *standards.Parameter) bool { return p.Name == name })
		if i < 0 {
			return api.InvalidParameter(at, "is not a parameter of security control "+ctl.ID)
		}
		switch c := sent[name]; {
		case c.ValueType != valueDefault && c.ValueType != valueCustom:
			return api.InvalidParameter(at+".ValueType", "should be equal to one of the allowed values: "+valueDefault+", "+valueCustom)
		case c.ValueType == valueCustom && c.Value == nil:
			return api.InvalidParameter(at+".Value", "should be there with ValueType "+valueCustom)
		case c.ValueType == valueCustom:
			if reason := wrongValue(ctl.Parameters[i], c.Value); reason != "" {
				return api.InvalidParameter(at+".Value", reason)
			}
		}
	}
	return nil
}

// wrongValue tells why a parameter does not take a value; "" when it does.
func wrongValue(p *standards.Parameter, v *api.ParameterValue) string {
	kind, texts, numbers := taken(v)
	if kind != p.Type {
		return "should be of type " + p.Type
	}
	if strings.HasSuffix(kind, "List") {
		most := p.MaxItems
		if most == 0 {
			most = maxParameterItems
		}
		switch n := len(texts) + len(numbers); {
		case n == 0:
			return "should NOT have fewer than 1 items"
		case n > most:
			return "should NOT have more than " + strconv.Itoa(most) + " items"
		}
	}
	for _, s := range texts {
		switch {
		case strings.TrimSpace(s) == "":
			return `should match pattern ".*\S.*"`
		case len(s) > maxParameterText:
			return "should NOT be longer than " + strconv.Itoa(maxParameterText) + " characters"
		case len(p.Allowed) > 0 && !slices.Contains(p.Allowed, s):
			return "should be equal to one of the allowed values: " + strings.Join(p.Allowed, ", ")
		}
	}
	for _, n := range numbers {
		switch {
		case p.Min != nil && n < *p.Min:
			return "'" + number(n) + "' is less than minimum value: " + number(*p.Min)
		case p.Max != nil && n > *p.Max:
			return "'" + number(n) + "' is greater than maximum value: " + number(*p.Max)
		}
	}
	return ""
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// taken is which member of the union a value has, and what is in it.
func taken(v *api.ParameterValue) (kind string, texts []string, numbers []float64) {
	switch {
	case v.Boolean != nil:
		return "Boolean", nil, nil
	case v.Double != nil:
		return "Double", nil, []float64{*v.Double}
	case v.Enum != nil:
		return "Enum", []string{*v.Enum}, nil
	case v.Integer != nil:
		return "Integer", nil, []float64{float64(*v.Integer)}
	case v.String != nil:
		return "String", []string{*v.String}, nil
	case v.EnumList != nil:
		return "EnumList", v.EnumList, nil
	case v.IntegerList != nil:
		for _, n := range v.IntegerList {
			numbers = append(numbers, float64(n))
		}
		return "IntegerList", nil, numbers
	}
	return "StringList", v.StringList, nil
}

// defaultValue is what a parameter has while nobody customised it; nil: nothing.
func defaultValue(p *standards.Parameter) *api.ParameterValue {
	if len(p.Default) == 0 {
		return nil
	}
	o := configurationOptions(p)
	switch {
	case o.Boolean != nil:
		return &api.ParameterValue{Boolean: o.Boolean.DefaultValue}
	case o.Double != nil:
		return &api.ParameterValue{Double: o.Double.DefaultValue}
	case o.Enum != nil:
		return &api.ParameterValue{Enum: o.Enum.DefaultValue}
	case o.EnumList != nil:
		return &api.ParameterValue{EnumList: o.EnumList.DefaultValue}
	case o.Integer != nil:
		return &api.ParameterValue{Integer: o.Integer.DefaultValue}
	case o.IntegerList != nil:
		return &api.ParameterValue{IntegerList: o.IntegerList.DefaultValue}
	case o.String != nil:
		return &api.ParameterValue{String: o.String.DefaultValue}
	}
	return &api.ParameterValue{StringList: p.Default}
}

// configurationOptions is what the catalogue knows of a parameter, as the API tells it.
func configurationOptions(p *standards.Parameter) api.ConfigurationOptions {
	var text *string
	if len(p.Default) == 1 {
		text = &p.Default[0]
	}
	switch p.Type {
	case "Boolean":
		o := &api.BooleanConfigurationOptions{}
		if text != nil {
			b := *text == "true"
			o.DefaultValue = &b
		}
		return api.ConfigurationOptions{Boolean: o}
	case "Double":
		o := &api.DoubleConfigurationOptions{Min: p.Min, Max: p.Max}
		if text != nil {
			n, _ := strconv.ParseFloat(*text, 64) // the table's test has read it
			o.DefaultValue = &n
		}
		return api.ConfigurationOptions{Double: o}
	case "Enum":
		return api.ConfigurationOptions{Enum: &api.EnumConfigurationOptions{AllowedValues: p.Allowed, DefaultValue: text}}
	case "EnumList":
		return api.ConfigurationOptions{EnumList: &api.EnumListConfigurationOptions{
			AllowedValues: p.Allowed, DefaultValue: p.Default, MaxItems: maxItems(p),
		}}
	case "Integer":
		o := &api.IntegerConfigurationOptions{Min: whole(p.Min), Max: whole(p.Max)}
		if text != nil {
			o.DefaultValue = &integers(p.Default)[0]
		}
		return api.ConfigurationOptions{Integer: o}
	case "IntegerList":
		return api.ConfigurationOptions{IntegerList: &api.IntegerListConfigurationOptions{
			DefaultValue: integers(p.Default), Min: whole(p.Min), Max: whole(p.Max), MaxItems: maxItems(p),
		}}
	case "String":
		return api.ConfigurationOptions{String: &api.StringConfigurationOptions{DefaultValue: text}}
	}
	return api.ConfigurationOptions{StringList: &api.StringListConfigurationOptions{DefaultValue: p.Default, MaxItems: maxItems(p)}}
}

func maxItems(p *standards.Parameter) *int32 {
	if p.MaxItems == 0 {
		return nil
	}
	n := int32(p.MaxItems) //nolint:gosec // a row of the table
	return &n
}

func whole(f *float64) *int32 {
	if f == nil {
		return nil
	}
	n := int32(*f)
	return &n
}

// integers reads a table's whole numbers, which its test has read before.
func integers(texts []string) []int32 {
	var list []int32
	for _, s := range texts {
		n, _ := strconv.ParseInt(s, 10, 32)
		list = append(list, int32(n))
	}
	return list
}
