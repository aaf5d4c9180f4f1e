package buildroot

import (
	"fmt"
	"sync"

	"kubedist/pkg/progress"
	"kubedist/pkg/spec"
)

// meter reports how far the work is, in tenths.
type meter struct {
	task *progress.Task
	sync.Mutex
	done, total, told int64 // bytes of packages
}

func newMeter(r progress.Reporter, t spec.Toolchain) *meter {
	progress.Plan(r, 1, "tool chain %s: %d packages", t.Suite, len(t.Locked))
	return &meter{task: progress.Start(r, t.Suite, "fetch", fmt.Sprintf("%d packages, %d MB", len(t.Locked), t.Size()/1e6)), total: t.Size()}
}

// add counts a package that is unpacked.
func (m *meter) add(size int64) {
	m.Lock()
	defer m.Unlock()
	m.done += size
	if tenths := 10 * m.done / m.total; tenths > m.told {
		m.told = tenths
		m.task.Step("fetch", fmt.Sprintf("%d of %d MB", m.done/1e6, m.total/1e6))
	}
}
