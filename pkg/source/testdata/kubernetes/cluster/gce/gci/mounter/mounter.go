// Command mounter would mount inside a chroot.
package main

func main() { println("mounter") }
