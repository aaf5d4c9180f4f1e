package build

import (
	"runtime"
	"strconv"
)

// Memory that processes of the Go tool chain take, in bytes, measured on Kubernetes v1.36 (scripts/bench/README.md).
const (
	linkMemory    = 1600 << 20 // peak of the linker of kubelet, the largest program
	heapTarget    = 1500 << 20 // up to where the garbage collector of a tuned compiler process stays off
	compileMemory = 500 << 20  // what an untuned compiler process takes at most
	restMemory    = 1 << 30    // the go commands themselves and kubedist
)

// Budget is what the machine may spend on a release.
type Budget struct {
	Cores  int    // compiler processes, and package writers, that run at a time; at least 1
	Memory uint64 // bytes
}

// MachineBudget returns the cores that this process may use and the memory that is free for it now.
func MachineBudget() Budget {
	return Budget{Cores: runtime.GOMAXPROCS(0), Memory: availableMemory()}
}

// Lanes is how many jobs compile at a time. A job keeps all its cores busy while it compiles and one while it links, so a
// second one fills the gaps; a third brings nothing more but its memory.
func (b Budget) Lanes() int { return b.layout().lanes }

// processes is how many compiler processes a job gets. Jobs that share the machine leave each other one core, for what
// the other does alone: linking. All of them for both is slower, since they then get into each other's way.
func (b Budget) processes(shared bool) int {
	l := b.layout()
	if shared && l.lanes > 1 {
		return max(1, l.processes-1)
	}
	return l.processes
}

// layout is how a budget is spent.
type layout struct {
	lanes     int  // jobs at a time
	processes int  // compiler processes of each, where it does not share the machine
	tuned     bool // the garbage collector of the processes is off until heapTarget
}

// layout chooses the fastest way to work that fits into the memory, and the smallest where none does.
func (b Budget) layout() layout {
	cores := max(1, b.Cores)
	for _, l := range []layout{{2, cores, true}, {1, cores, true}, {2, cores, false}, {1, cores, false}} {
		if l.memory() <= b.Memory {
			return l
		}
	}
	processes := 1
	if least := uint64(restMemory + linkMemory); b.Memory > least {
		processes = max(1, min(cores, int((b.Memory-least)/compileMemory)))
	}
	return layout{lanes: 1, processes: processes}
}

// memory is what a layout takes when all its processes are at their worst at the same time.
func (l layout) memory() uint64 {
	each := uint64(compileMemory)
	if l.tuned {
		each = heapTarget
	}
	return restMemory + uint64(l.lanes)*(linkMemory+uint64(l.processes)*each)
}

// environment tunes the garbage collector of the compiler processes: they are many and short, so with memory to spare
// collecting is wasted work. The go command's environment does not change what it builds.
func (l layout) environment() []string {
	if !l.tuned {
		return nil
	}
	return []string{"GOGC=off", "GOMEMLIMIT=" + strconv.Itoa(heapTarget)}
}
