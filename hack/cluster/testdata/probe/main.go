// Command probe answers, from inside a pod, which addresses the pod can reach.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/secret", answer(func(*http.Request) (string, error) {
		content, err := os.ReadFile("/secret/word")
		return string(content), err
	}))
	http.HandleFunc("/write", answer(func(*http.Request) (string, error) {
		if err := os.WriteFile("/data/note", []byte("written"), 0o600); err != nil {
			return "", err
		}
		content, err := os.ReadFile("/data/note")
		return string(content), err
	}))
	http.HandleFunc("/lookup", answer(func(r *http.Request) (string, error) {
		addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("host"))
		return fmt.Sprint(addresses), err
	}))
	http.HandleFunc("/fetch", answer(func(r *http.Request) (string, error) {
		response, err := http.Get(r.FormValue("url"))
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}))
	fmt.Println("probe is listening")
	fmt.Println(http.ListenAndServe(":8080", nil))
	os.Exit(1)
}

func answer(ask func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said, err := ask(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, said)
	}
}
