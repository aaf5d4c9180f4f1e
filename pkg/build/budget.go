package build

import (
	"runtime"
	"strconv"
)

// Memory that processes of the Go tool chain take, measured on Kubernetes v1.36 (scripts/bench/README.md).
const (
	// linkMemory is the peak of the linker of kubelet, the largest program, in bytes.
	linkMemory = 1600 << 20
	// heapTarget is up to where the garbage collector of a compiler process stays off. Most processes end before.
	heapTarget = 1500 << 20
	// restMemory is what the go command itself and the rest of kubedist take beside the compilers, in bytes.
	restMemory = 1 << 30
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

// Lanes is how many jobs compile at a time. A job keeps all cores busy while it compiles and one or two while it links,
// so a second one fills the gaps; a third brings nothing more but its memory.
func (b Budget) Lanes() int {
	lanes := 2
	if b.Memory < restMemory+uint64(lanes*b.processes())*linkMemory {
		lanes = 1
	}
	return lanes
}

// processes is how many compiler processes one job runs at a time: its cores, or fewer where memory is short.
func (b Budget) processes() int {
	fit := 1
	if b.Memory > restMemory {
		fit = max(1, int((b.Memory-restMemory)/linkMemory))
	}
	return max(1, min(b.Cores, fit))
}

// environment tunes the garbage collector of the compiler processes: they are many and short, so with memory to spare
// collecting is wasted work. The go command's environment does not change what it builds.
func (b Budget) environment() []string {
	if b.Memory < restMemory+uint64(b.Lanes()*b.processes())*heapTarget {
		return nil
	}
	return []string{"GOGC=off", "GOMEMLIMIT=" + strconv.Itoa(heapTarget)}
}
