// Web is what scripts/e2e-cluster runs in its cluster: a server that says where it runs and can be made busy, and the
// client that asks it, in one static program.
//
//	web                         serve port 8080: /, /burn?for=30s
//	web get [-dns SERVER] URL   print what a URL answers, resolving names by the given server alone
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "get" {
		return get(ctx, args[1:])
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", where)
	mux.Handle("/burn", new(burner))
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	// Whoever asks next may get another replica: connections are not kept, so that a Service is asked each time.
	server.SetKeepAlivesEnabled(false)
	return server.ListenAndServe()
}

// where answers with the host's name, the machine as uname -m names it, the architecture of the program, and the node.
func where(w http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	fmt.Fprintf(w, "%s %s linux/%s %s\n", host, machine(), runtime.GOARCH, os.Getenv("NODE"))
}

// machine is what uname -m prints.
func machine() string {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return "unknown"
	}
	var out []byte
	for _, c := range name.Machine {
		if c == 0 {
			break
		}
		out = append(out, byte(c))
	}
	return string(out)
}

// burner keeps a processor busy up to a time that may be moved, in Unix nanoseconds.
type burner struct{ until atomic.Int64 }

// ServeHTTP sets how long from now on, two minutes at most, and answers at once. 0s ends it.
func (b *burner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.FormValue("for"))
	if err != nil || d < 0 || d > 2*time.Minute {
		http.Error(w, "for: a duration of two minutes at most", http.StatusBadRequest)
		return
	}
	now := time.Now().UnixNano()
	if before := b.until.Swap(now + int64(d)); before < now {
		go func() {
			//nolint:revive // keeping a processor busy is all it is for
			for time.Now().UnixNano() < b.until.Load() {
			}
		}()
	}
	fmt.Fprintln(w, "busy for", d)
}

// get prints what a URL answers. Anything but 200 is an error.
func get(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	dns := flags.String("dns", "", "the name server to ask")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("get wants one URL")
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if *dns != "" {
		dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(*dns, "53"))
		}}
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, flags.Arg(0), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", flags.Arg(0), response.Status)
	}
	_, err = io.Copy(os.Stdout, io.LimitReader(response.Body, 1<<20))
	return err
}
