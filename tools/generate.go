// Package tools keeps what builds hubcap but is no part of it: the generators that read the AWS SDK, and the tests that hold
// hubcap's tables against it. It is a module of its own so that the SDK's securityhub package never enters hubcap's go.mod.
package tools

//go:generate go run ./genschema -o ../internal/asff/schema.txt
//go:generate go run ./genapi -dir ../internal/api
//go:generate go run ./genoperations -root ..
