// Command genman writes the manual pages of one program: genman OUTDIR PROGRAM.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
)

func main() {
	if len(os.Args) != 3 {
		println("usage: genman [output directory] [module]")
		os.Exit(1)
	}
	if info, err := os.Stat(os.Args[1]); err != nil || !info.IsDir() {
		println("output directory", os.Args[1], "is not a directory")
		os.Exit(1)
	}
	var program cli.Program
	switch os.Args[2] {
	case "kubeadm":
		program = kubeadm.New()
	case "kubectl":
		program = kubectl.New()
	case "kubelet":
		program = cli.Program{Name: "kubelet", Short: "The kubelet is the primary node agent"}
	default:
		println("Module", os.Args[2], "is not supported")
		os.Exit(1)
	}
	write(program.Name, program.Short)
	for _, c := range program.Commands {
		write(program.Name+"-"+c.Name, c.Short)
	}
}

// write makes one page, with the date and authors in the title line that the real pages have.
func write(name, short string) {
	page := `.nh
.TH "KUBERNETES" "1" "Jan 2015" "Auto generated" "kubernetes User Manuals"
.SH NAME
` + name + ` \- ` + short + "\n"
	if err := os.WriteFile(os.Args[1]+"/"+name+".1", []byte(page), 0o644); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
