package source_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"kubedist/pkg/source"
)

func ExampleOpen() {
	tree, err := source.Open(context.Background(), source.Options{
		Module:    "k8s.io/kubernetes",
		Version:   "v1.36.3",
		Directory: "testdata/kubernetes",
		BuildDate: time.Date(2026, 7, 22, 18, 7, 38, 0, time.UTC),
		Environ:   os.Environ(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tree.Stamp.Version, tree.Stamp.Minor(), tree.Stamp.TreeState, tree.GoVersion, tree.Toolchain)
	// Output: v1.36.3 36 archive 1.26.5 go1.26.5
}
