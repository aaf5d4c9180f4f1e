// Package cli is the little that the programs of this tree need of a command line library.
package cli

import "os"

// Command is one subcommand.
type Command struct {
	Name, Short string
	Run         func(args []string) int
}

// Program is a program with its subcommands.
type Program struct {
	Name, Short string
	Commands    []Command
}

// Run runs the subcommand that args name first and returns the exit status.
func (p Program) Run(args []string) int {
	if len(args) > 0 {
		for _, c := range p.Commands {
			if c.Name == args[0] {
				return c.Run(args[1:])
			}
		}
	}
	Print(p.Short)
	for _, c := range p.Commands {
		Print("  " + c.Name + "\t" + c.Short)
	}
	if len(args) > 0 && args[0] != "--help" && args[0] != "-h" {
		return 1
	}
	return 0
}

// Completion is the subcommand that writes a completion script for a shell.
func Completion(program string) Command {
	return Command{Name: "completion", Short: "Output shell completion code for the specified shell", Run: func(args []string) int {
		if len(args) != 1 {
			return 1
		}
		switch args[0] {
		case "bash":
			Print("# bash completion for " + program)
			Print("complete -o default -F __start_" + program + " " + program)
		case "zsh":
			Print("#compdef " + program)
			Print("compdef _" + program + " " + program)
		case "fish":
			if program == "kubeadm" { // as the real one
				return 1
			}
			Print("# fish completion for " + program)
			Print("complete -c " + program + " -n '__" + program + "_perform_completion'")
		default:
			return 1
		}
		return 0
	}}
}

// Print writes one line to the standard output.
func Print(line string) { os.Stdout.WriteString(line + "\n") }

// Has tells whether one of args is want.
func Has(args []string, want ...string) bool {
	for _, arg := range args {
		for _, w := range want {
			if arg == w {
				return true
			}
		}
	}
	return false
}
