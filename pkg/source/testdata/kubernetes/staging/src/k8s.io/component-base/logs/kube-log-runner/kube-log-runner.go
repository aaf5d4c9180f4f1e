// Command kube-log-runner would run another command with its output in a file.
package main

func main() { println("kube-log-runner") }
