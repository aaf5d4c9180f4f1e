// Package templates holds the files that go into packages and pages. They are text/template texts; which package takes
// which is said under specs/packages.
package templates

import "embed"

// FS holds the directories beside this file, one per package or page.
//
//go:embed */*
var FS embed.FS
