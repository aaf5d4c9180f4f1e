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

// Login lets only those in who know a name and its password.
func Login(user, password string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if u, p, _ := r.BasicAuth(); u == user && p == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		Answer(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return true
	}
}

// Answer answers with a status, and an error code of the Distribution Specification where there is one.
func Answer(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	if code != "" {
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"injected"}]}`, code)
	}
}
