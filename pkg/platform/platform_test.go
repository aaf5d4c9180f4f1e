package platform

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		env []string
		dir string
	}{
		"linux/amd64":      {[]string{"GOARCH=amd64", "GOOS=linux"}, "linux/amd64"},
		"linux/arm/v7":     {[]string{"GOARCH=arm", "GOOS=linux", "GOARM=7"}, "linux/armv7"},
		"linux/amd64/v3":   {[]string{"GOARCH=amd64", "GOOS=linux", "GOAMD64=v3"}, "linux/amd64v3"},
		"linux/ppc64le/v9": {[]string{"GOARCH=ppc64le", "GOOS=linux", "GOPPC64=power9"}, "linux/ppc64lev9"},
	} {
		id, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if id.String() != in || id.Dir() != want.dir || !slices.Equal(id.Env(), want.env) {
			t.Errorf("%s: String %s, Dir %s, Env %v; want Dir %s, Env %v", in, id, id.Dir(), id.Env(), want.dir, want.env)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "Linux/amd64", "linux/../etc", "linux/s390x/v2"} {
		if id, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", in, id)
		}
	}
}

func TestCheckBinary(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the test's own binary is a linux/amd64 one only there")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	amd64 := Platform{ID: ID{OS: "linux", Arch: "amd64"}, ELF: &ELF{Class: 64, Order: "little", Machine: "EM_X86_64"}}
	if err := amd64.CheckBinary(self); err != nil {
		t.Error(err)
	}
	s390x := Platform{ID: ID{OS: "linux", Arch: "s390x"}, ELF: &ELF{Class: 64, Order: "big", Machine: "EM_S390"}}
	if err := s390x.CheckBinary(self); err == nil || !strings.Contains(err.Error(), "linux/s390x needs EM_S390") {
		t.Errorf("error %v, want one that names the machine needed", err)
	}
	for _, os := range []string{"darwin", "windows"} {
		if err := (Platform{ID: ID{OS: os, Arch: "amd64"}}).CheckBinary(self); err == nil {
			t.Errorf("an ELF file passed for %s", os)
		}
	}
}
