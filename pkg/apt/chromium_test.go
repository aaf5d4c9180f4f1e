package apt_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

var screenshots = flag.String("screenshots", "", "directory that gets pictures of the landing page")

// browser is a headless Chromium, spoken to over a pipe (the DevTools protocol, messages that end in a zero byte).
type browser struct {
	t       *testing.T
	out     *os.File
	in      *bufio.Reader
	id      int
	session string // of the one page
}

// newBrowser starts Chromium with a profile of its own and an empty page.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	need(t, "chromium")
	theirIn, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+profile, "--no-first-run", "--no-proxy-server", "--hide-scrollbars", "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, out: out, in: bufio.NewReader(in)}
	t.Cleanup(func() {
		fmt.Fprint(out, `{"id": 0, "method": "Browser.close"}`, "\x00")
		_ = cmd.Wait()
		out.Close()
		in.Close()
		for range 100 { // its other processes end a little later, and write into the profile until then
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	b.call("Runtime.enable", nil, nil)
	return b
}

// call calls a method and decodes its result. Events that come before it are passed over, except errors on the page.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.id++
	request := map[string]any{"id": b.id, "method": method}
	if params != nil {
		request["params"] = params
	}
	if b.session != "" {
		request["sessionId"] = b.session
	}
	data, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.out.Write(append(data, 0)); err != nil {
		b.t.Fatal(err)
	}
	b.read(func(m *message) bool { return m.ID == b.id }, method, result)
}

// event waits for an event.
func (b *browser) event(method string) {
	b.t.Helper()
	b.read(func(m *message) bool { return m.Method == method }, method, nil)
}

// message is what the browser says: an answer or an event.
type message struct {
	ID     int
	Method string
	Result json.RawMessage
	Params json.RawMessage
	Error  *struct{ Message string }
}

func (b *browser) read(wanted func(*message) bool, what string, result any) {
	b.t.Helper()
	for {
		data, err := b.in.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("chromium: %s: %v", what, err)
		}
		var m message
		if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
			b.t.Fatal(err)
		}
		if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" {
			b.t.Errorf("the page complains: %s", m.Params)
		}
		if !wanted(&m) {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("chromium: %s: %s", what, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// screen sets the width of the window and the colors that the user prefers.
func (b *browser) screen(width int, scheme string) {
	b.t.Helper()
	phone := width < 600
	scale := 1
	if phone {
		scale = 2
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": scale, "mobile": phone}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// open loads a page.
func (b *browser) open(url string) {
	b.t.Helper()
	// By way of an empty page, for to another place on the same page there is nothing to load.
	for _, u := range []string{"about:blank", url} {
		b.call("Page.navigate", map[string]any{"url": u}, nil)
		b.event("Page.loadEventFired")
	}
}

// eval evaluates JavaScript, or what its promise comes to, as if the user had just clicked.
func (b *browser) eval(script string, result any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, r.ExceptionDetails)
	}
	if err := json.Unmarshal(r.Result.Value, result); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// picture writes what the page looks like, all of it, if pictures are wanted.
func (b *browser) picture(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// fullArchive has what a release brings, and an older one, in several suites.
func fullArchive(t *testing.T) *archive {
	t.Helper()
	a := newArchive(t)
	a.def = definition(t)
	for minor := 34; minor <= 36; minor++ {
		for patch := 2; patch <= 3; patch++ {
			var ours, others []string
			for _, arch := range a.def.Architectures {
				for _, name := range []string{"kubeadm", "kubectl", "kubelet"} {
					if arch != "i386" && arch != "loong64" || name == "kubectl" {
						ours = append(ours, newDeb(t, name, fmt.Sprintf("1.%d.%d-1.1", minor, patch), arch))
					}
				}
				if arch != "i386" && arch != "loong64" && patch == 2 {
					others = append(others, newDeb(t, "cri-tools", fmt.Sprintf("1.%d.0-1.1", minor), arch), newDeb(t, "kubernetes-cni", fmt.Sprintf("1.%d.1-1.1", minor-28), arch))
				}
			}
			a.publish([]string{fmt.Sprintf("v1.%d", minor), "stable"}, append(ours, others...)...)
			a.now = a.now.AddDate(0, 0, 9)
		}
	}
	a.override = []apt.Refusal{apt.RefuseArchitecture}
	a.publish([]string{"unstable"}, newDeb(t, "kubeadm", "1.37.0~alpha.1-1.1", "amd64"), newDeb(t, "kubectl", "1.37.0~alpha.1-1.1", "amd64"))
	return a
}

// TestLandingInChromium looks at the landing page and at a directory's on a phone and on a desk, in light and dark: nothing
// is wider than the screen, and a click on a copy button copies.
func TestLandingInChromium(t *testing.T) {
	t.Parallel()
	a := fullArchive(t)
	url := a.serve()
	b := newBrowser(t)
	for _, width := range []int{360, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			name := fmt.Sprintf("%s-%d", scheme, width)
			b.screen(width, scheme)
			for page, address := range map[string]string{"landing": "/", "directory": "/pool/main/k/kubeadm/"} {
				b.open(url + address)
				var wide int
				b.eval("document.documentElement.scrollWidth", &wide)
				if wide > width {
					t.Errorf("%s: the %s page is %d wide", name, page, wide)
				}
				b.picture(page + "-" + name)
			}
		}
	}
	b.open(url + "/")
	b.call("Browser.grantPermissions", map[string]any{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}}, nil)
	for i, want := range []string{
		"apt-get update\napt-get install --yes ca-certificates curl gpg\ninstall -d -m 755 /etc/apt/keyrings\n" +
			"curl -fsSLo /etc/apt/keyrings/kubernetes-archive-keyring.gpg \\\nhttps://apt.example.org/kubernetes/kubernetes-archive-keyring.gpg",
		"gpg --show-keys --with-fingerprint /etc/apt/keyrings/kubernetes-archive-keyring.gpg",
		"curl -fsSLo /etc/apt/sources.list.d/kubernetes.sources \\\nhttps://apt.example.org/kubernetes/dists/v1.36/kubernetes.sources\n" +
			"apt-get update\napt-get install --yes kubeadm kubectl kubelet",
	} {
		var got struct{ Copied, Label string }
		b.eval(fmt.Sprintf(`(async () => {
			const button = document.querySelectorAll(".panel.debian .cmd button")[%d];
			button.click();
			while (button.textContent === "Copy") await new Promise(requestAnimationFrame);
			return {Copied: await navigator.clipboard.readText(), Label: button.textContent};
		})()`, i), &got)
		if got.Copied != want || got.Label != "Copied" {
			t.Errorf("button %d copies %q and says %q", i, got.Copied, got.Label)
		}
	}
	// A link to a suite opens it; the other tab shows the same for sudo.
	b.open(url + "/#suite-v1.34")
	var shown struct{ Open, Ubuntu, Debian bool }
	b.eval(`document.getElementById("tab-ubuntu").click(), {
		Open: document.getElementById("suite-v1.34").open,
		Ubuntu: document.querySelector(".panel.ubuntu").checkVisibility(), Debian: document.querySelector(".panel.debian").checkVisibility()}`, &shown)
	if !shown.Open || !shown.Ubuntu || shown.Debian {
		t.Errorf("got %+v", shown)
	}
	b.picture("ubuntu-v1.34")
}

// TestLandingWithoutJavaScript reads the page with scripts turned off.
func TestLandingWithoutJavaScript(t *testing.T) {
	t.Parallel()
	a := fullArchive(t)
	b := newBrowser(t)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.screen(1280, "light")
	b.open(a.serve() + "/")
	var doc struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", nil, &doc)
	for selector, want := range map[string]int{"button": 0, ".cmd code": 15, "details.suite": 5, ".fingerprint": 1} {
		var found struct{ NodeIDs []int }
		b.call("DOM.querySelectorAll", map[string]any{"nodeId": doc.Root.NodeID, "selector": selector}, &found)
		if len(found.NodeIDs) != want {
			t.Errorf("%s: %d of them, want %d", selector, len(found.NodeIDs), want)
		}
	}
	b.picture("without-javascript")
}
