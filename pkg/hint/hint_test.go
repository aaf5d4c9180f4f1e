package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"kubedist/pkg/hint"
)

func ExampleErrorf() {
	err := hint.Errorf("make one with kubedist key new", "key %s: %w", "release.asc", fs.ErrNotExist)
	err = fmt.Errorf("signing: %w", err)
	fmt.Println(err)
	fmt.Println("hint:", hint.Of(err))
	// Output:
	// signing: key release.asc: file does not exist
	// hint: make one with kubedist key new
}

func TestOf(t *testing.T) {
	t.Parallel()
	inner := hint.Errorf("inner", "a: %w", fs.ErrExist)
	outer := hint.With(fmt.Errorf("b: %w", inner), "outer")
	if got := hint.Of(outer); got != "outer" {
		t.Errorf("Of gives %q, want the outermost step", got)
	}
	if got := hint.Of(errors.Join(errors.New("x"), inner)); got != "inner" {
		t.Errorf("Of a joined error gives %q", got)
	}
	if !errors.Is(outer, fs.ErrExist) || hint.Of(fs.ErrExist) != "" || hint.Of(nil) != "" || hint.With(nil, "x") != nil {
		t.Error("hints change what errors are")
	}
}
