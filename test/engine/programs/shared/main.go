// Says who it runs as, and keeps a note in the directory for temporary files, which it makes if need be.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/user"
)

func main() {
	http.HandleFunc("/uid", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "uid %d", os.Getuid())
	})
	http.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		if who, err := user.Current(); err != nil {
			http.Error(w, err.Error(), 500)
		} else {
			fmt.Fprintf(w, "uid %s has a name", who.Uid)
		}
	})
	http.HandleFunc("/note", func(w http.ResponseWriter, r *http.Request) {
		if err := keepNote(); err != nil {
			http.Error(w, err.Error(), 500)
		} else {
			fmt.Fprint(w, "noted")
		}
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func keepNote() error {
	if err := os.MkdirAll(os.TempDir(), 0777); err != nil {
		return err
	}
	file, err := os.CreateTemp("", "note")
	if err != nil {
		return err
	}
	return file.Close()
}
