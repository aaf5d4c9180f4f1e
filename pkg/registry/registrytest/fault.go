package registrytest

import (
	"fmt"
	"io"
	"net/http"
)

// Cut ends the connection after n bytes of the request were read.
func Cut(w http.ResponseWriter, r *http.Request, n int64) {
	_, _ = io.CopyN(io.Discard, r.Body, n)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	conn.Close()
}

// Answer answers with a status, and an error code of the Distribution Specification where there is one.
func Answer(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	if code != "" {
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"injected"}]}`, code)
	}
}
