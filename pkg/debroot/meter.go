package debroot

import (
	"fmt"
	"sync"

	"kubedist/pkg/progress"
)

// meter reports how far the work is, in tenths.
type meter struct {
	task *progress.Task
	sync.Mutex
	done, total, told int64 // bytes of packages
}

func newMeter(o Options) *meter {
	var total int64
	for _, p := range o.Packages {
		total += p.Size
	}
	progress.Plan(o.Reporter, 1, "%s: %d packages", o.What, len(o.Packages))
	return &meter{task: progress.Start(o.Reporter, o.Task, "fetch", fmt.Sprintf("%d packages, %d MB", len(o.Packages), total/1e6)), total: total}
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
